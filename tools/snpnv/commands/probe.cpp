// SPDX-License-Identifier: Apache-2.0
// snpnv probe: what this machine offers, and what usually is the cause where something is missing.
#include <unistd.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include "commands.hpp"
#include "describe.hpp"
#include "fields.hpp"
#include "output.hpp"
#include "output_files.hpp"
#include "provider.hpp"
#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/collect/quote.hpp"
#include "step.hpp"
#include "waiting.hpp"

namespace snpnv::tool {
namespace {

constexpr OptionSpec kProbeOptions[] = {
    {0, "timeout", "SECONDS", "give up then; default 10"},
};

// Four characters of a property, without what fills them up.
std::string characters(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(value >> shift & 0xFFU);
  while (!out.empty() && (out.back() == '\0' || out.back() == ' ')) out.pop_back();
  return out;
}

// What the processor says of the hypervisor below. It can be hidden or made up, so it explains and decides nothing.
#if defined(__x86_64__)
struct Hypervisor {
  std::array<unsigned, 3> vendor{};  // twelve characters
  bool present = false;
  unsigned isolation = 0;

  static Hypervisor look() {
    constexpr unsigned kPresent = 1U << 31, kIsolated = 1U << 22;
    Hypervisor out;
    unsigned a = 0, b = 0, c = 0, d = 0;
    __cpuid(1, a, b, c, d);
    out.present = (c & kPresent) != 0;
    if (!out.present) return out;
    __cpuid(0x40000000, a, out.vendor[0], out.vendor[1], out.vendor[2]);
    if (out.name() != "Microsoft Hv") return out;
    __cpuid(0x40000003, a, b, c, d);
    if ((b & kIsolated) == 0) return out;
    __cpuid(0x4000000C, a, b, c, d);
    out.isolation = b & 0xFU;
    return out;
  }
  [[nodiscard]] std::string_view name() const {
    const std::string_view all = text_of(std::as_bytes(std::span(vendor)));
    return all.substr(0, all.find('\0'));
  }
};
#endif

std::string driver_of_tpm() {
  std::array<char, 256> target{};
  const ssize_t size = ::readlink("/sys/class/tpm/tpm0/device/driver", target.data(), target.size());
  const std::string_view path(target.data(), size > 0 ? static_cast<std::size_t>(size) : 0);
  return std::string(path.substr(path.rfind('/') + 1));
}

class Probe {
 public:
  // What there is without a TPM.
  void machine() {
#if defined(__x86_64__)
    const Hypervisor hypervisor = Hypervisor::look();
    found("hypervisor", "hypervisor", hypervisor.present ? hypervisor.name() : "none");
    found("isolation", "isolation", hypervisor.isolation == 2   ? "SNP, behind a paravisor"
                                    : hypervisor.isolation == 3 ? "TDX, behind a paravisor"
                                                                : "none that the hypervisor tells of");
#endif
    out_.boolean("sev_guest", "/dev/sev-guest", ::access("/dev/sev-guest", F_OK) == 0);
    const std::string driver = driver_of_tpm();
    if (driver.empty()) {
      missing("tpm_driver", "TPM driver", "the kernel knows of no TPM",
              "a machine without vTPM, or its driver, tpm_crb or tpm_tis, is not loaded");
    } else {
      found("tpm_driver", "TPM driver", driver);
    }
  }

  void no_tpm(const Failure& failure) {
    missing("tpm", "TPM", failure.why, failure.hint);
    exit_ = failure.exit;
  }

  void tpm(ToolTpm& tpm, std::string_view tcti) {
    const auto maker = property(tpm, TPM_PT::MANUFACTURER);
    if (!maker && maker.error().code != Code::tpm_rc) return no_tpm(describe(tcti, maker.error()));
    found("tpm", "TPM", tcti);
    vendor(tpm, maker);
    const bool report = index(tpm, vtpm::kReportIndex, "report_index", "report index");
    // A guest defines this one itself, so its absence is no defect.
    (void)index(tpm, vtpm::kUserDataIndex, "user_data_index", "user-data index");
    const bool ak = key(tpm);
    certificate(tpm);
    complete_ = envelope(tpm, report) && ak && named(tpm);
  }

  Outcome<Exit> tell(const Arguments& arguments) {
    out_.boolean("complete", "complete", complete_);
    SNPNV_TRY(const std::string text, out_.finish(arguments.json()));
    SNPNV_CHECK(print(text));
    return complete_ ? Exit::done : exit_;
  }

 private:
  void found(std::string_view key, std::string_view label, std::string_view value) { out_.text(key, label, value); }
  void missing(std::string_view key, std::string_view label, std::string_view why, std::string_view cause) {
    out_.absent(key, label, why, "missing: ");
    if (!cause.empty()) out_.hint(key, cause);
  }
  void missing(std::string_view key, std::string_view label, const Error& error) {
    const Failure failure = describe("", error);
    missing(key, label, error.code == Code::tpm_rc ? describe_rc(error.detail) : failure.why, failure.hint);
    if (failure.exit == Exit::not_fresh) exit_ = failure.exit;
  }

  static Result<std::uint32_t> property(ToolTpm& tpm, TPM_PT which) {
    SNPNV_TRY(const auto answer,
              tpm.execute(GetCapability{TPM_CAP::TPM_PROPERTIES, static_cast<std::uint32_t>(which), 1}));
    for (const TPMS_TAGGED_PROPERTY& p : answer.capabilityData.tpmProperties.view())
      if (p.property == which) return p.value;
    return fail(Code::tpm_answer);
  }

  void vendor(ToolTpm& tpm, const Result<std::uint32_t>& maker) {
    const auto firmware = maker ? property(tpm, TPM_PT::FIRMWARE_VERSION_1) : maker;
    if (!firmware) return missing("vendor", "vendor", firmware.error());
    found("vendor", "vendor",
          concat({characters(*maker), format(", firmware %u.%u", *firmware >> 16, *firmware & 0xFFFFU)}));
  }

  bool index(ToolTpm& tpm, TPM_HANDLE handle, std::string_view key, std::string_view label) {
    const auto area = nv_public(tpm, handle);
    if (!area) return missing(key, label, area.error()), false;
    found(key, label, format("0x%08x, %u octets, %s", static_cast<unsigned>(handle), area->dataSize,
                             attribute_names(area->attributes).c_str()));
    return true;
  }

  bool key(ToolTpm& tpm) {
    constexpr std::string_view kKey = "attestation_key", kLabel = "attestation key";
    const auto read = tpm.execute(ReadPublic{vtpm::kAttestationKey});
    if (!read && read.error().code == Code::wire_value)
      return missing(kKey, kLabel, "0x81000003 is not an RSA key", "another program put its own key there"), false;
    if (!read) return missing(kKey, kLabel, read.error()), false;
    const TPMT_PUBLIC& area = read->outPublic.value;
    key_ = key_of(area);
    found(kKey, kLabel,
          concat({"0x81000003, rsa ", std::to_string(std::uint64_t{area.keyBits}), ", ", name(area.scheme.scheme), "/",
                  name(area.scheme.hashAlg), ", ", attribute_names(area.objectAttributes)}));
    return true;
  }

  // The first octets of the AK certificate index tell a certificate from an empty index.
  void certificate(ToolTpm& tpm) {
    constexpr std::string_view kKey = "ak_certificate", kLabel = "AK certificate";
    std::array<std::byte, 4> front{};
    const auto read = NvReader(tpm, vtpm::kAkCertificateIndex).read(0, front);
    if (!read) {
      missing(kKey, kLabel, read.error());
    } else if (front[0] != std::byte{0x30}) {
      missing(kKey, kLabel, "0x01c101d0 holds no certificate", "the platform has not issued one yet; not needed");
    } else {
      found(kKey, kLabel, "0x01c101d0, X.509 DER");
    }
  }

  // The front of the envelope: enough for its header, and for version and product of the report.
  bool envelope(ToolTpm& tpm, bool index) {
    constexpr std::string_view kKey = "envelope", kReport = "report";
    std::array<std::byte, HclReport::kSize> front{};
    if (!index) return missing(kKey, kKey, "no report index", ""), false;
    const auto of_index = [](Error error) {
      error.object = static_cast<std::uint32_t>(vtpm::kReportIndex);
      return error;
    };
    const auto read = NvReader(tpm, vtpm::kReportIndex).read(0, front);
    if (!read) return missing(kKey, kKey, read.error()), false;
    const auto size = HclReport::announced_size(front);
    if (!size) return missing(kKey, kKey, of_index(size.error())), false;
    const HclReport envelope{front, {}, {}, {}};
    found(kKey, kKey,
          format("HCLA version %u, %zu octets, report type %u (%s)", envelope[HclReport::version], *size,
                 static_cast<unsigned>(envelope.type()), std::string(name(envelope.type())).c_str()));
    const auto octets = envelope.snp_report();
    if (!octets) return missing(kReport, kReport, octets.error()), false;
    const auto report = ATTESTATION_REPORT::parse(*octets, HclReport::hardware_report.offset);
    if (!report) return missing(kReport, kReport, report.error()), false;
    found(kReport, kReport,
          format("ATTESTATION_REPORT version %u, ", (*report)[report->VERSION]) + product_text(*report));
    return true;
  }

  // Only the claims vouch for a key: the one at 0x81000003 must be theirs, or no quote by it is worth anything.
  bool named(ToolTpm& tpm) {
    constexpr std::string_view kKey = "claimed_key", kLabel = "key in the claims";
    Provider crypto;
    std::vector<std::byte> buffer(kEnvelopeBuffer);
    const auto bound = ReportCollector(tpm, crypto, buffer).boot_report();
    if (!bound) return missing(kKey, kLabel, bound.error()), false;
    if (key_ != bound->claims.attestation_key)
      return missing(kKey, kLabel, "HCLAkPub is not that key",
                     "the key at 0x81000003 was replaced by another program, or made anew after the report"), false;
    found(kKey, kLabel, "HCLAkPub is that key");
    return true;
  }

  Listing out_;
  ClaimsKey key_;  // at 0x81000003
  bool complete_ = false;
  Exit exit_ = Exit::failed;  // if it is not complete
};

// So that what keeps the TPM away is told among the rest.
Outcome<SteppedTransport> open_for_probe(const Arguments& arguments, std::string& tcti, Instant deadline) {
  SNPNV_TRY(tcti, tcti_name(arguments));
  SNPNV_CHECK(check_outputs(tcti, {"-"}));
  return open_tpm(tcti, deadline);
}

Outcome<Exit> run_probe(const Arguments& arguments) {
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 10));
  MonotonicClock clock;
  const Waiting waiting("the TPM");
  std::string tcti;
  auto transport = open_for_probe(arguments, tcti, deadline);
  if (!transport && transport.error().exit == Exit::usage) return std::unexpected(transport.error());
  Probe probe;
  probe.machine();
  if (transport) {
    ToolTpm tpm(*transport, clock, deadline);
    probe.tpm(tpm, tcti);
  } else {
    probe.no_tpm(transport.error());
  }
  return probe.tell(arguments);
}

}  // namespace

const CommandSpec kProbe{
    "probe",
    "[options]",
    "say what this machine offers",
    "Looks at the host and the TPM, both NV indices, the attestation key and its certificate, the envelope and "
    "the report, and says of what is missing what that usually means. Ends with 0 if a fresh report can be asked "
    "for, else with 3, or with 4 where the TPM did not answer in time.",
    0,
    0,
    kProbeOptions,
    run_probe,
    true};

}  // namespace snpnv::tool
