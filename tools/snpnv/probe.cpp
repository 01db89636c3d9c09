// snpnv probe: what this machine offers, and what usually is the cause where something is missing.
#include "commands.hpp"
#include "describe.hpp"
#include "fields.hpp"
#include "step.hpp"
#include "snpnv/tpm/nv.hpp"
#include "transports/monotonic_clock.hpp"

namespace snpnv::tool {
namespace {

constexpr OptionSpec kOptions[] = {
    {0, "timeout", "SECONDS", "give up then; default 10"},
};

using ProbeTpm = Tpm<SteppedTransport, MonotonicClock>;

// Findings, collected as text and as JSON members at once.
class Findings {
 public:
  Findings() { json_.json().begin_object(); }
  void add(std::string_view key, std::string_view label, std::string_view value) {
    text_ += text_line(label, value);
    json_.json().key(key);
    json_.json().string(value);
  }
  // Something that is not there: null in JSON, and a line on the usual cause.
  void missing(std::string_view key, std::string_view label, std::string_view why,
               std::string_view cause) {
    text_ += text_line(label, "missing: " + std::string(why));
    if (!cause.empty()) text_ += text_line("", "usually: " + std::string(cause));
    json_.json().key(key);
    json_.json().null();
  }
  void complete(bool yes) {
    json_.json().key("complete");
    json_.json().boolean(yes);
    json_.json().end_object();
  }
  [[nodiscard]] Outcome<std::string> finish(bool json) const {
    if (json) return json_.finish();
    return text_;
  }

 private:
  std::string text_;
  JsonText json_;
};

Result<std::uint32_t> property(ProbeTpm& tpm, TPM_PT which) {
  SNPNV_TRY(const auto answer,
            tpm.execute(GetCapability{TPM_CAP::TPM_PROPERTIES, static_cast<std::uint32_t>(which), 1}));
  for (const TPMS_TAGGED_PROPERTY& p : answer.capabilityData.tpmProperties.view())
    if (p.property == which) return p.value;
  return fail(Code::tpm_answer);
}

// Four characters of a property; others than printable ones are left out.
std::string characters(std::uint32_t value) {
  std::string out;
  for (int shift = 24; shift >= 0; shift -= 8) {
    const char c = static_cast<char>(value >> shift & 0xFFU);
    if (c > ' ' && c < 0x7F) out += c;
  }
  return out;
}

// Why the TPM refused, if it is the TPM that did; transport errors end the probe.
Outcome<std::string> refusal(std::string_view tcti, const Error& error) {
  if (error.code != Code::tpm_rc) return library_failure(tcti, error);
  return describe_rc(error.detail);
}

Outcome<bool> probe_index(Findings& out, ProbeTpm& tpm, std::string_view tcti, TPM_HANDLE index,
                          std::string_view key, std::string_view label, std::string_view cause) {
  const auto area = nv_public(tpm, index);
  if (area) {
    out.add(key, label, format("0x%08x, %u octets, %s", static_cast<unsigned>(index), area->dataSize,
                               attribute_names(area->attributes).c_str()));
    return true;
  }
  SNPNV_TRY(const std::string why, refusal(tcti, area.error()));
  out.missing(key, label, why, cause);
  return false;
}

Outcome<bool> probe_key(Findings& out, ProbeTpm& tpm, std::string_view tcti) {
  constexpr std::string_view kLabel = "attestation key";
  const auto key = tpm.execute(ReadPublic{vtpm::kAttestationKey});
  if (!key && key.error().code == Code::wire_value) {
    out.missing("attestation_key", kLabel, "0x81000003 is not an RSA key",
                "another program put its own key there");
    return false;
  }
  if (!key) {
    SNPNV_TRY(const std::string why, refusal(tcti, key.error()));
    out.missing("attestation_key", kLabel, why, "the paravisor did not provision its key at boot");
    return false;
  }
  const TPMT_PUBLIC& area = key->outPublic.value;
  out.add("attestation_key", kLabel,
          format("0x81000003, rsa %u, %s/%s, %s", area.keyBits,
                 std::string(name(area.scheme.scheme)).c_str(),
                 std::string(name(area.scheme.hashAlg)).c_str(),
                 attribute_names(area.objectAttributes).c_str()));
  return true;
}

// The first octets of the AK certificate index tell a certificate from an empty index.
Outcome<void> probe_certificate(Findings& out, ProbeTpm& tpm, std::string_view tcti) {
  constexpr std::string_view kLabel = "AK certificate";
  std::array<std::byte, 4> front{};
  const auto read = NvReader(tpm, vtpm::kAkCertificateIndex).read(0, front);
  if (!read) {
    SNPNV_TRY(const std::string why, refusal(tcti, read.error()));
    out.missing("ak_certificate", kLabel, why, "not needed: the AK is vouched for by the claims");
  } else if (front[0] != std::byte{0x30}) {
    out.missing("ak_certificate", kLabel, "0x01c101d0 holds no certificate",
                "the platform has not issued one yet; not needed");
  } else {
    out.add("ak_certificate", kLabel, "0x01c101d0, X.509 DER");
  }
  return {};
}

// The front of the envelope: enough for its header, and for version and product of the report.
Outcome<bool> probe_envelope(Findings& out, ProbeTpm& tpm, std::string_view tcti) {
  std::array<std::byte, HclReport::kSize> front{};
  const auto read = NvReader(tpm, vtpm::kReportIndex).read(0, front);
  if (!read) {
    SNPNV_TRY(const std::string why, refusal(tcti, read.error()));
    out.missing("envelope", "envelope", why, "the index cannot be read with the owner's empty password");
    return false;
  }
  const auto size = HclReport::announced_size(front);
  if (!size) {
    out.missing("envelope", "envelope", describe(tcti, size.error()).why, "not a paravisor's index");
    return false;
  }
  const HclReport envelope{front, {}, {}, {}};
  out.add("envelope", "envelope",
          format("HCLA version %u, %zu octets, report type %u (%s)", envelope[HclReport::version], *size,
                 static_cast<unsigned>(envelope.type()), std::string(name(envelope.type())).c_str()));
  const auto octets = envelope.snp_report();
  if (!octets) {
    out.missing("report", "report", "not an SNP report", "another kind of confidential VM");
    return false;
  }
  const auto report = ATTESTATION_REPORT::parse(*octets, HclReport::hardware_report.offset);
  if (!report) {
    out.missing("report", "report", describe(tcti, report.error()).why, "");
    return false;
  }
  out.add("report", "report", format("ATTESTATION_REPORT version %u, %s", (*report)[report->VERSION],
                                     product_text(*report).c_str()));
  return true;
}

Outcome<Exit> run(const Arguments& arguments) {
  std::uint64_t seconds = 10;
  if (const auto text = arguments.value("timeout")) {
    SNPNV_TRY(seconds, number("--timeout", *text, 1, 86400));
  }
  MonotonicClock clock;
  const Instant deadline = clock.now() + seconds * 1000;
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  auto transport = open_transport(tcti, deadline);
  if (!transport) return library_failure(tcti, transport.error());
  SteppedTransport stepped(*transport);
  ProbeTpm tpm(stepped, clock, deadline);

  Findings out;
  const auto maker = property(tpm, TPM_PT::MANUFACTURER);
  if (!maker) return library_failure(tcti, maker.error());
  const auto firmware = property(tpm, TPM_PT::FIRMWARE_VERSION_1);
  if (!firmware) return library_failure(tcti, firmware.error());
  out.add("tpm", "TPM", tcti);
  out.add("vendor", "vendor", format("%s, firmware %u.%u", characters(*maker).c_str(), *firmware >> 16,
                                     *firmware & 0xFFFFU));
  SNPNV_TRY(const bool report_index,
            probe_index(out, tpm, tcti, vtpm::kReportIndex, "report_index", "report index",
                        "not a confidential VM with a paravisor; with /dev/sev-guest ask there"));
  // A guest defines this one itself, so its absence is no defect.
  SNPNV_CHECK(probe_index(out, tpm, tcti, vtpm::kUserDataIndex, "user_data_index", "user-data index",
                          "no report asked for yet: snpnv report defines it"));
  SNPNV_TRY(const bool key, probe_key(out, tpm, tcti));
  SNPNV_CHECK(probe_certificate(out, tpm, tcti));
  bool envelope = false;
  if (report_index) {
    SNPNV_TRY(envelope, probe_envelope(out, tpm, tcti));
  } else {
    out.missing("envelope", "envelope", "no report index", "");
  }
  const bool complete = report_index && key && envelope;
  out.complete(complete);
  SNPNV_TRY(const std::string text, out.finish(arguments.json()));
  SNPNV_CHECK(print(text));
  return complete ? Exit::done : Exit::failed;
}

}  // namespace

const CommandSpec kProbe{
    "probe",
    "[options]",
    "say what this machine offers",
    "Looks at the TPM, both NV indices, the attestation key and its certificate, the envelope and the\n"
    "report. Ends with 0 if a fresh report can be asked for, else with 3.",
    0,
    0,
    kOptions,
    run};

}  // namespace snpnv::tool
