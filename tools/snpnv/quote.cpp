// snpnv quote and snpnv evidence: a TPM quote, and one together with a fresh report for one nonce.
#include <sys/random.h>

#include <cerrno>
#include <memory>

#include "certificates.hpp"
#include "commands.hpp"
#include "describe.hpp"
#include "files.hpp"
#include "lock.hpp"
#include "provider.hpp"
#include "step.hpp"
#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/collect/quote.hpp"
#include "snpnv/wire/evidence.hpp"
#include "transports/monotonic_clock.hpp"

namespace snpnv::tool {
namespace {

using ToolTpm = Tpm<SteppedTransport, MonotonicClock>;

// NV indices are 4096 octets at most on such machines.
constexpr std::size_t kMaxAkCertificate = 4096;

constexpr std::string_view kNonceTooLong =
    "the vTPM takes 1 to 50 octets in a quote, and padding would make it another nonce";

Outcome<std::vector<std::byte>> nonce_of(const Arguments& arguments) {
  const auto text = arguments.value("nonce");
  if (arguments.has("random")) {
    if (text) return usage("--random", "not together with --nonce");
    std::vector<std::byte> out(48);
    step("random octets: waiting for the kernel\n");
    for (std::size_t have = 0; have < out.size();) {
      const ssize_t n = ::getrandom(out.data() + have, out.size() - have, 0);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return os_failure("getrandom", errno);
      have += static_cast<std::size_t>(n);
    }
    return out;
  }
  if (!text) return usage("--nonce", "missing: what the evidence is to carry");
  SNPNV_TRY(auto out, hex_value("--nonce", *text, 0));
  if (out.size() > kMaxQuoteNonce) return usage("--nonce", kNonceTooLong);
  return out;
}

// "sha256:0,4,7-9", one bank.
Outcome<PcrSelection> selection_of(std::string_view text) {
  constexpr std::string_view kNeeds = "needs one bank and its PCRs, as sha256:0-23 or sha256:0,4,7";
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return usage("--pcrs", kNeeds);
  PcrSelection out{TPM_ALG_ID::NULL_, 0};
  for (const TPM_ALG_ID bank : {TPM_ALG_ID::SHA1, TPM_ALG_ID::SHA256, TPM_ALG_ID::SHA384, TPM_ALG_ID::SHA512})
    if (name(bank) == text.substr(0, colon)) out.bank = bank;
  if (out.bank == TPM_ALG_ID::NULL_) return usage("--pcrs", kNeeds);
  text.remove_prefix(colon + 1);
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    SNPNV_TRY(const std::uint64_t first, number("--pcrs", part.substr(0, dash), 0, PcrSelection::kPcrs - 1));
    std::uint64_t last = first;
    if (dash != std::string_view::npos) {
      SNPNV_TRY(last, number("--pcrs", part.substr(dash + 1), first, PcrSelection::kPcrs - 1));
    }
    for (std::uint64_t pcr = first; pcr <= last; ++pcr) out.mask |= 1U << pcr;
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

// The signature as TPMT_SIGNATURE, which is how tpm2-tools keep it.
std::vector<std::byte> tpmt_signature(const QuoteEvidence& quote) {
  std::vector<std::byte> out(600);
  const auto octets =
      marshal(TPMT_SIGNATURE{quote.signature_scheme, quote.signature_hash, {quote.signature()}}, out);
  out.resize(octets ? octets->size() : 0);
  return out;
}

// PCR values in the form of tpm2-tools' files: the structures TPML_PCR_SELECTION and TPML_DIGEST as a C
// compiler lays them out, little-endian, with the number of TPML_DIGEST between them.
std::vector<std::byte> pcr_file(const PcrValues& pcrs) {
  constexpr std::size_t kBanks = 16;
  constexpr std::size_t kDigests = 8;
  constexpr std::size_t kDigestSize = 64;
  std::vector<std::byte> out(8192);
  Writer writer(out);
  const auto select = pcrs.selection.octets();
  writer.le(std::uint32_t{1});
  writer.le(static_cast<std::uint16_t>(pcrs.selection.bank));
  writer.be(static_cast<std::uint8_t>(select.size()));
  writer.bytes(select);
  writer.zeros(2 + (kBanks - 1) * 8);
  std::vector<ByteView> values;
  for (std::size_t pcr = 0; pcr < PcrSelection::kPcrs; ++pcr)
    if (pcrs.selection.selects(pcr)) values.push_back(pcrs[pcr]);
  writer.le(static_cast<std::uint32_t>((values.size() + kDigests - 1) / kDigests));
  for (std::size_t at = 0; at < values.size(); at += kDigests) {
    const std::size_t count = std::min(kDigests, values.size() - at);
    writer.le(static_cast<std::uint32_t>(count));
    for (std::size_t i = 0; i < kDigests; ++i) {
      const ByteView value = i < count ? values[at + i] : ByteView();
      writer.le(static_cast<std::uint16_t>(value.size()));
      writer.bytes(value);
      writer.zeros(kDigestSize - value.size());
    }
  }
  out.resize(writer.size());
  return out;
}

Outcome<void> stage_quote(OutputFiles& files, std::string_view directory, const QuoteEvidence& quote) {
  SNPNV_CHECK(files.stage(join(directory, "message"), quote.message()));
  SNPNV_CHECK(files.stage(join(directory, "signature"), tpmt_signature(quote)));
  SNPNV_CHECK(files.stage(join(directory, "pcrs"), pcr_file(quote.pcrs)));
  return {};
}

Outcome<Instant> deadline_of(const Arguments& arguments, MonotonicClock& clock) {
  std::uint64_t seconds = 10;
  if (const auto text = arguments.value("timeout")) {
    SNPNV_TRY(seconds, number("--timeout", *text, 1, 86400));
  }
  return clock.now() + seconds * 1000;
}

Outcome<Exit> run_quote(const Arguments& arguments) {
  const std::string_view directory = arguments.operand(0);
  SNPNV_TRY(const auto nonce, nonce_of(arguments));
  SNPNV_TRY(const PcrSelection selection, selection_of(arguments.value("pcrs").value_or("sha256:0-23")));
  MonotonicClock clock;
  SNPNV_TRY(const Instant deadline, deadline_of(arguments, clock));
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  auto transport = open_transport(tcti, deadline);
  if (!transport) return library_failure(tcti, transport.error());
  SteppedTransport stepped(*transport);
  ToolTpm tpm(stepped, clock, deadline);
  Provider crypto;
  const auto quote = QuoteCollector(tpm, crypto).quote(nonce, selection);
  if (!quote) return library_failure(tcti, quote.error());
  SNPNV_CHECK(make_directories(directory));
  OutputFiles files;
  SNPNV_CHECK(stage_quote(files, directory, *quote));
  if (arguments.json()) {
    JsonText out;
    out.json().begin_object();
    out.json().key("nonce");
    out.json().hex(nonce);
    out.json().key("message");
    out.json().hex(quote->message());
    out.json().end_object();
    SNPNV_TRY(const std::string text, out.finish());
    SNPNV_CHECK(files.stage("-", octets_of(text)));
  } else if (!arguments.quiet()) {
    SNPNV_CHECK(files.stage("-", octets_of("quote: message, signature and pcrs belong together and carry the nonce\n")));
  }
  SNPNV_CHECK(files.commit());
  return Exit::done;
}

// What --vcek names: the certificate in DER, and the whole file.
struct VcekFile {
  std::vector<std::byte> der;
  std::vector<std::byte> content;
};

Outcome<VcekFile> vcek_of(const Arguments& arguments, std::string_view format_name) {
  VcekFile out;
  const auto path = arguments.value("vcek");
  if (!path && format_name == "dir") return out;
  if (!path)
    return usage("--vcek", "missing: this format carries the certificate",
                 "the platform's certificate endpoint and AMD's key distribution service have it");
  SNPNV_TRY(out.der, read_der(*path, kPemCertificate));
  SNPNV_TRY(out.content, read_file(*path, std::size_t{1} << 20));
  return out;
}

Outcome<Exit> run_evidence(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  const std::string_view form = arguments.value("format").value_or("trustee");
  if (form != "trustee" && form != "maa" && form != "dir") return usage("--format", "is trustee, maa or dir");
  SNPNV_TRY(const auto nonce, nonce_of(arguments));
  SNPNV_TRY(const VcekFile vcek, vcek_of(arguments, form));
  MonotonicClock clock;
  SNPNV_TRY(const Instant deadline, deadline_of(arguments, clock));
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  SNPNV_TRY(const Lock lock, Lock::acquire(tcti, deadline));
  auto transport = open_transport(tcti, deadline);
  if (!transport) return library_failure(tcti, transport.error());
  SteppedTransport stepped(*transport);
  ToolTpm tpm(stepped, clock, deadline);
  Provider crypto;

  UserData user_data{};  // the nonce, zero-padded
  copy_to(user_data, nonce);
  std::vector<std::byte> buffer(kEnvelopeBuffer);
  ReportCollector collector(tpm, crypto, buffer);
  const auto bound = collector.fresh_report(user_data);
  if (!bound) return library_failure(tcti, bound.error());
  const auto quote = QuoteCollector(tpm, crypto).quote(nonce, {});
  if (!quote) return library_failure(tcti, quote.error());
  const ByteView envelope = ByteView(buffer).first(bound->envelope.size());

  OutputFiles files;
  std::vector<std::byte> room(std::size_t{1} << 18);
  Writer writer(room);
  if (form == "trustee") {
    std::array<ByteView, PcrSelection::kPcrs> pcrs;
    for (std::size_t i = 0; i < pcrs.size(); ++i) pcrs[i] = quote->pcrs[i];
    write_trustee_evidence(writer, quote->signature(), quote->message(), pcrs, envelope, vcek.der);
  } else if (form == "maa") {
    std::vector<std::byte> scratch(room.size());
    const auto written =
        write_maa_request(writer, bound->report.raw, vcek.content, bound->envelope.claims, scratch);
    if (!written) return library_failure(path, written.error());
  } else {
    SNPNV_CHECK(make_directories(path));
    SNPNV_CHECK(stage_quote(files, path, *quote));
    SNPNV_CHECK(files.stage(join(path, "report.bin"), bound->report.raw));
    SNPNV_CHECK(files.stage(join(path, "claims.json"), bound->envelope.claims));
    SNPNV_CHECK(files.stage(join(path, "hcl_report.bin"), envelope));
    std::vector<std::byte> room_for_certificate(kMaxAkCertificate);
    const auto certificate = attestation_key_certificate(tpm, room_for_certificate);
    if (!certificate)  // nobody needs it
      warn(arguments, "AK certificate: " + describe("", certificate.error()).why);
    else if (*certificate)
      SNPNV_CHECK(files.stage(join(path, "ak_cert.der"), **certificate));
    if (!vcek.der.empty()) SNPNV_CHECK(files.stage(join(path, "vcek.der"), vcek.der));
  }
  if (form != "dir") {
    writer.text("\n");  // so that files behind each other are a stream
    const auto text = writer.finish();
    if (!text) return library_failure(path, text.error());
    SNPNV_CHECK(files.stage(path, *text));
  }
  if (path != "-" && (!arguments.quiet() || arguments.json())) {
    JsonText out;
    out.json().begin_object();
    out.json().key("nonce");
    out.json().hex(nonce);
    out.json().key("format");
    out.json().string(form);
    out.json().end_object();
    SNPNV_TRY(const std::string json, out.finish());
    const std::string text = "evidence: fresh report and quote for nonce " + hex(nonce) + "\n";
    SNPNV_CHECK(files.stage("-", octets_of(arguments.json() ? json : text)));
  }
  SNPNV_CHECK(files.commit());
  return Exit::done;
}

Outcome<Exit> run_display(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto text, read_file(path, std::size_t{1} << 20));
  const auto parsed = std::make_unique<Result<TrusteeEvidence>>(TrusteeEvidence::parse(text));
  if (!*parsed) return library_failure(path, parsed->error());
  const TrusteeEvidence& evidence = **parsed;
  const auto attest = unmarshal<TPMS_ATTEST>(evidence.message.view());
  if (!attest) return library_failure(path, attest.error());
  std::string selections;
  for (const TPMS_PCR_SELECTION& bank : attest->quote.pcrSelect.view())
    selections += (selections.empty() ? "" : " ") + std::string(name(bank.hash)) + ":" + hex(bank.pcrSelect);

  JsonText out;
  JsonWriter& json = out.json();
  std::string lines;
  json.begin_object();
  const auto add = [&](std::string_view key, const std::string& value) {
    json.key(key);
    json.string(value);
    lines += format("%-18s %s\n", std::string(key).c_str(), value.c_str());
  };
  add("version", std::to_string(evidence.version));
  add("type", std::string(attest_name(attest->type)));
  add("qualified_signer", hex(attest->qualifiedSigner.data));
  add("extra_data", hex(attest->extraData.data));
  add("clock", std::to_string(attest->clockInfo.clock));
  add("reset_count", std::to_string(attest->clockInfo.resetCount));
  add("restart_count", std::to_string(attest->clockInfo.restartCount));
  add("firmware_version", format("0x%016llx", static_cast<unsigned long long>(attest->firmwareVersion)));
  add("pcr_select", selections);
  add("pcr_digest", hex(attest->quote.pcrDigest.data));
  add("signature", hex(evidence.signature.view()));
  for (std::size_t i = 0; i < evidence.pcr_count; ++i) add(format("pcr_%zu", i), hex(evidence.pcrs[i]));
  add("hcl_report_size", std::to_string(evidence.hcl_report.size));
  add("vcek_size", std::to_string(evidence.vcek.size));
  json.end_object();
  if (arguments.json()) {
    SNPNV_TRY(lines, out.finish());
  }
  SNPNV_CHECK(print(lines));
  return Exit::done;
}

constexpr OptionSpec kQuoteOptions[] = {
    {0, "nonce", "HEX", "what the quote carries, up to 50 octets"},
    {0, "pcrs", "BANK:LIST", "PCRs to quote; default sha256:0-23"},
    {0, "timeout", "SECONDS", "give up then; default 10"},
};
constexpr OptionSpec kEvidenceOptions[] = {
    {0, "nonce", "HEX", "what report and quote carry, up to 50 octets"},
    {0, "random", "", "take a nonce of 48 random octets"},
    {0, "format", "FORM", "trustee, maa or dir; default trustee"},
    {0, "vcek", "FILE", "the VCEK; for maa with ASK and ARK behind it, PEM"},
    {0, "timeout", "SECONDS", "give up then; default 10"},
};

}  // namespace

const CommandSpec kQuote{
    "quote",
    "DIR --nonce HEX [options]",
    "get a TPM quote by the attestation key",
    "Saves message, signature and pcrs in DIR, in the forms of tpm2-tools. The three belong together: a PCR\n"
    "that moves in between is noticed, and the quote taken again.",
    1,
    1,
    kQuoteOptions,
    run_quote};

const CommandSpec kEvidence{
    "evidence",
    "FILE (--nonce HEX | --random) [options]",
    "get a fresh report and a quote for one nonce",
    "Saves evidence for Trustee (az-snp-vtpm, version 2), a request body for Microsoft Azure Attestation, or\n"
    "the raw parts in a folder. The user data of the report are the nonce, zero-padded to 64 octets.",
    1,
    1,
    kEvidenceOptions,
    run_evidence};

const CommandSpec kDisplayEvidence{
    "display evidence",
    "FILE",
    "show Trustee evidence",
    "Shows quote, PCRs and sizes of the evidence in FILE. Verifies nothing.",
    1,
    1,
    {},
    run_display};

}  // namespace snpnv::tool
