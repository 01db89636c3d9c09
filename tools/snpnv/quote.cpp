// snpnv quote and snpnv evidence: a TPM quote, and one together with a fresh report for one nonce.
#include <sys/random.h>

#include <cerrno>
#include <memory>

#include "commands.hpp"
#include "describe.hpp"
#include "fields.hpp"
#include "files.hpp"
#include "lock.hpp"
#include "provider.hpp"
#include "step.hpp"
#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/collect/quote.hpp"
#include "snpnv/wire/evidence.hpp"
#include "transports/monotonic_clock.hpp"
#include "transports/open.hpp"
#include "vcek.hpp"
#include "verdict.hpp"
#include "waiting.hpp"
#ifdef SNPNV_FETCH
#include "fetch_certificates.hpp"
#endif

namespace snpnv::tool {
namespace {

using ToolTpm = Tpm<SteppedTransport, MonotonicClock>;

// NV indices are 4096 octets at most on such machines.
constexpr std::size_t kMaxAkCertificate = 4096;

constexpr std::string_view kNonceTooLong =
    "the vTPM takes no more in a quote, and padding would make it another nonce";

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
  auto out = hex_value("--nonce", *text, 0, kMaxQuoteNonce);
  if (!out && text->size() > 2 * kMaxQuoteNonce) out.error().hint = kNonceTooLong;
  return out;
}

// "sha256:0,4,7-9" or "sha256:all", one bank.
Outcome<PcrSelection> selection_of(std::string_view text) {
  constexpr std::string_view kNeeds = "needs one bank and its PCRs, as sha256:0-23, sha256:0,4,7 or sha256:all";
  if (text.contains('+'))
    return usage("--pcrs", "names several banks", "a quote that a verifier can check against one list of PCRs has one bank");
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return usage("--pcrs", kNeeds);
  PcrSelection out{TPM_ALG_ID::NULL_, 0};
  for (const TPM_ALG_ID bank : {TPM_ALG_ID::SHA1, TPM_ALG_ID::SHA256, TPM_ALG_ID::SHA384, TPM_ALG_ID::SHA512})
    if (name(bank) == text.substr(0, colon)) out.bank = bank;
  if (out.bank == TPM_ALG_ID::NULL_) return usage("--pcrs", kNeeds);
  text.remove_prefix(colon + 1);
  if (text == "all") {
    out.mask = PcrSelection::kAll;
    return out;
  }
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

// The files of a folder with a quote, and those of evidence besides.
constexpr std::string_view kMessage = "message";
constexpr std::string_view kSignature = "signature";
constexpr std::string_view kPcrs = "pcrs";
constexpr std::array kQuoteFiles{kMessage, kSignature, kPcrs};
constexpr std::string_view kReportFile = "report.bin";
constexpr std::string_view kClaimsFile = "claims.json";
constexpr std::string_view kEnvelopeFile = "hcl_report.bin";
constexpr std::string_view kAkCertificateFile = "ak_cert.der";
constexpr std::string_view kVcekFile = "vcek.der";
constexpr std::array kEvidenceFiles{kReportFile, kClaimsFile, kEnvelopeFile, kAkCertificateFile, kVcekFile};

Outcome<void> stage_quote(OutputFiles& files, std::string_view directory, const QuoteEvidence& quote) {
  SNPNV_CHECK(files.stage(join(directory, kMessage), quote.message()));
  SNPNV_CHECK(files.stage(join(directory, kSignature), tpmt_signature(quote)));
  SNPNV_CHECK(files.stage(join(directory, kPcrs), pcr_file(quote.pcrs)));
  return {};
}

void add_paths(std::vector<std::string>& to, std::string_view directory, std::span<const std::string_view> names) {
  for (const std::string_view name : names) to.push_back(join(directory, name));
}

// --nonce too may be read from a file.
Outcome<bool> check_outputs_of(const Arguments& arguments, std::string_view tcti,
                               const std::vector<std::string>& outputs, std::vector<InputFile> inputs = {}) {
  const std::string_view nonce = arguments.value("nonce").value_or("");
  if (nonce.starts_with('@')) inputs.push_back({"--nonce", nonce.substr(1)});
  return check_outputs(tcti, {outputs.begin(), outputs.end()}, inputs);
}

Outcome<Exit> run_quote(const Arguments& arguments) {
  const std::string_view directory = arguments.operand(0);
  SNPNV_CHECK(is_directory_name("DIR", directory));
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 10));
  SNPNV_TRY(const auto nonce, nonce_of(arguments));
  SNPNV_TRY(const PcrSelection selection, selection_of(arguments.value("pcrs").value_or("sha256:0-23")));
  MonotonicClock clock;
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  std::vector<std::string> outputs;
  add_paths(outputs, directory, kQuoteFiles);
  SNPNV_TRY(const bool standard_output, check_outputs_of(arguments, tcti, outputs));
  Waiting waiting("the quote");
  auto transport = open_transport(tcti, deadline);
  if (!transport) return library_failure(tcti, transport.error());
  SteppedTransport stepped(*transport);
  ToolTpm tpm(stepped, clock, deadline);
  Provider crypto;
  const auto key = attestation_key(tpm);  // there are no claims to name it
  if (!key) return library_failure(tcti, key.error());
  const auto quote = QuoteCollector(tpm, crypto).quote(nonce, selection, key->rsa());
  waiting.end();
  if (!quote) return library_failure(tcti, quote.error());
  OutputFiles files;
  SNPNV_CHECK(files.make_directories(directory));
  SNPNV_CHECK(stage_quote(files, directory, *quote));
  if (arguments.json() && !standard_output) {
    JsonText out;
    out.json().begin_object();
    out.json().key("nonce");
    out.json().hex(nonce);
    out.json().key("message");
    out.json().hex(quote->message());
    out.json().end_object();
    SNPNV_TRY(const std::string text, out.finish());
    SNPNV_CHECK(files.stage("-", octets_of(text)));
  } else if (!arguments.quiet() && !standard_output) {
    SNPNV_CHECK(files.stage("-", octets_of("quote: message, signature and pcrs belong together and carry the nonce\n")));
  }
  SNPNV_CHECK(files.commit());
  return Exit::done;
}

// What was collected for one nonce. The report borrows the envelope's octets.
struct Collected {
  std::vector<std::byte> envelope;
  BoundReport bound;
  QuoteEvidence quote;
  std::vector<std::byte> ak_certificate;  // empty: none
};

// The AK certificate, where there is one for this key. Nobody needs it, so what is wrong with it is a warning.
std::vector<std::byte> ak_certificate_of(const Arguments& arguments, ToolTpm& tpm, const ClaimsKey& key) {
  std::vector<std::byte> out(kMaxAkCertificate);
  const auto read = attestation_key_certificate(tpm, out);
  if (!read) warn(arguments, "AK certificate: " + describe("", read.error()).why);
  if (!read || !*read) return {};
  out.resize((*read)->size());
  const auto certificate = Certificate::parse(out);
  if (certificate && equal(certificate->key.rsa.modulus, key.modulus()) &&
      equal(certificate->key.rsa.exponent, key.exponent()))
    return out;
  warn(arguments, "AK certificate: left out, since " +
                      (certificate ? "it is for another key than the claims name"
                                   : "it cannot be read: " + describe("", certificate.error()).why));
  return {};
}

Outcome<Collected> collect(const Arguments& arguments, const std::string& tcti, ByteView nonce, Instant deadline,
                           bool with_certificate) {
  MonotonicClock clock;
  SNPNV_TRY(const Lock lock, Lock::acquire(tcti, deadline));
  const Waiting waiting("the report and the quote");
  auto transport = open_transport(tcti, deadline);
  if (!transport) return library_failure(tcti, transport.error());
  SteppedTransport stepped(*transport);
  ToolTpm tpm(stepped, clock, deadline);
  Provider crypto;
  UserData user_data{};  // the nonce, zero-padded
  copy_to(user_data, nonce);
  std::vector<std::byte> buffer(kEnvelopeBuffer);
  const auto bound = ReportCollector(tpm, crypto, buffer).fresh_report(user_data);
  if (!bound) return library_failure(tcti, bound.error());
  const ClaimsKey& key = bound->claims.attestation_key;
  const auto quote = QuoteCollector(tpm, crypto).quote(nonce, {}, key.rsa());
  if (!quote) return library_failure(tcti, quote.error());
  std::vector<std::byte> certificate;
  if (with_certificate) certificate = ak_certificate_of(arguments, tpm, key);
  return Collected{std::move(buffer), *bound, *quote, std::move(certificate)};
}

#ifdef SNPNV_FETCH
constexpr auto kVcekSources = kSourceOptions;
#else
constexpr std::array<OptionSpec, 0> kVcekSources{};
#endif

// --vcek FILE, read, or the options of fetch; a folder needs neither.
Outcome<VekFile> vek_file_of(const Arguments& arguments, std::string_view form) {
  const auto path = arguments.value("vcek");
  const auto source = std::ranges::find_if(kVcekSources, [&](const OptionSpec& option) { return arguments.has(option.name); });
  if (path && source != kVcekSources.end())
    return usage("--" + std::string(source->name), "not together with --vcek");
  VekFile out;
  if (!path && (source != kVcekSources.end() || form == "dir")) return out;
  if (!path)
    return usage("--vcek", "missing: this format carries the certificate",
                 "the platform's certificate endpoint and AMD's key distribution service have it; --source gets it");
  SNPNV_TRY(out, read_vek(*path));
  for (const auto& [der, name] : {std::pair(&out.ask, "ASK"), {&out.ark, "ARK"}})
    if (form == "maa" && der->empty())
      return std::unexpected(Failure{Exit::failed, *path,
                                     concat({"has no ", name, " behind the VCEK"}), "chain.roles",
                                     "MAA takes a chain: VCEK, ASK and ARK as PEM blocks in this order"});
  return out;
}

// The VCEK that goes with the report: judged if it is there, otherwise got.
Outcome<VekFile> vek_of(const Arguments& arguments, VekFile file, const ATTESTATION_REPORT& report,
                        const TrustFiles& trust, [[maybe_unused]] Instant deadline) {
  if (!file.vek.empty()) {
    SNPNV_CHECK(check_vek(arguments, *arguments.value("vcek"), file, report, trust));
    return file;
  }
#ifdef SNPNV_FETCH
  if (std::ranges::any_of(kVcekSources, [&](const OptionSpec& option) { return arguments.has(option.name); })) {
    SNPNV_TRY(FetchSettings settings, FetchSettings::read(arguments, deadline));
    SNPNV_TRY(const auto requests, vcek_requests("the report", report));
    Fetcher fetcher(std::move(settings), trust);
    SNPNV_TRY(Fetched fetched, fetcher.fetch(requests, report));
    return VekFile{std::move(fetched.vek), std::move(fetched.ask), std::move(fetched.ark)};
  }
#endif
  return file;
}

Outcome<Exit> run_evidence(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  const std::string_view form = arguments.value("format").value_or("trustee");
  if (form != "trustee" && form != "maa" && form != "dir") return usage("--format", "is trustee, maa or dir");
  if (form == "dir") SNPNV_CHECK(is_directory_name("--format dir", path));
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 10));
  SNPNV_TRY(const auto nonce, nonce_of(arguments));
  SNPNV_TRY(VekFile file, vek_file_of(arguments, form));
  SNPNV_TRY(const TrustFiles trust, TrustFiles::read(arguments));
#ifdef SNPNV_FETCH
  SNPNV_CHECK(FetchSettings::read(arguments, deadline));  // what is wrong with them is said before anything is asked
#endif
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  std::vector<std::string> outputs;
  std::vector<InputFile> inputs;
  if (form == "dir") {
    add_paths(outputs, path, kQuoteFiles);
    add_paths(outputs, path, kEvidenceFiles);
  } else {
    outputs.emplace_back(path);
    if (const auto vcek = arguments.value("vcek")) inputs.push_back({"--vcek", *vcek});
  }
  SNPNV_TRY(const bool standard_output, check_outputs_of(arguments, tcti, outputs, std::move(inputs)));

  SNPNV_TRY(const Collected parts, collect(arguments, tcti, nonce, deadline, form == "dir"));
  const BoundReport& bound = parts.bound;
  const QuoteEvidence& quote = parts.quote;
  const ByteView envelope = ByteView(parts.envelope).first(bound.envelope.size());
  SNPNV_TRY(const VekFile vek, vek_of(arguments, std::move(file), bound.report, trust, deadline));

  OutputFiles files;
  std::vector<std::byte> room(std::size_t{1} << 18);
  Writer writer(room);
  if (form == "trustee") {
    std::array<ByteView, PcrSelection::kPcrs> pcrs;
    for (std::size_t i = 0; i < pcrs.size(); ++i) pcrs[i] = quote.pcrs[i];
    write_trustee_evidence(writer, quote.signature(), quote.message(), pcrs, envelope, vek.vek);
  } else if (form == "maa") {
    std::string chain;
    for (const auto* const der : {&vek.vek, &vek.ask, &vek.ark}) chain += pem_of(*der, kPemCertificate);
    std::vector<std::byte> scratch(room.size());
    const auto written =
        write_maa_request(writer, bound.report.raw, octets_of(chain), bound.envelope.claims, scratch);
    if (!written) return library_failure(path, written.error());
  } else {
    SNPNV_CHECK(files.make_directories(path));
    SNPNV_CHECK(stage_quote(files, path, quote));
    SNPNV_CHECK(files.stage(join(path, kReportFile), bound.report.raw));
    SNPNV_CHECK(files.stage(join(path, kClaimsFile), bound.envelope.claims));
    SNPNV_CHECK(files.stage(join(path, kEnvelopeFile), envelope));
    if (!parts.ak_certificate.empty())
      SNPNV_CHECK(files.stage(join(path, kAkCertificateFile), parts.ak_certificate));
    if (!vek.vek.empty()) SNPNV_CHECK(files.stage(join(path, kVcekFile), vek.vek));
  }
  if (form != "dir") {
    writer.text("\n");  // so that files behind each other are a stream
    const auto text = writer.finish();
    if (!text) return library_failure(path, text.error());
    SNPNV_CHECK(files.stage(path, *text));
  }
  if (!standard_output && (!arguments.quiet() || arguments.json())) {
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
  SNPNV_TRY(const auto document, read_file(path, std::size_t{1} << 20));
  const auto parsed = std::make_unique<Result<TrusteeEvidence>>(TrusteeEvidence::parse(document));
  if (!*parsed) return library_failure(path, parsed->error());
  const TrusteeEvidence& evidence = **parsed;
  const auto attest = unmarshal<TPMS_ATTEST>(evidence.message.view());
  if (!attest) return library_failure(path, attest.error());
  std::string selections;
  for (const TPMS_PCR_SELECTION& bank : attest->quote.pcrSelect.view())
    selections += (selections.empty() ? "" : " ") + std::string(name(bank.hash)) + ":" + hex(bank.pcrSelect);

  Listing out;
  const auto text = [&](std::string_view key, const std::string& value) { out.text(key, key, value); };
  const auto number = [&](std::string_view key, std::uint64_t value) { out.number(key, key, value); };
  number("version", evidence.version);
  text("type", std::string(attest_name(attest->type)));
  text("qualified_signer", hex(attest->qualifiedSigner.data));
  text("extra_data", hex(attest->extraData.data));
  number("clock", attest->clockInfo.clock);
  number("reset_count", attest->clockInfo.resetCount);
  number("restart_count", attest->clockInfo.restartCount);
  text("firmware_version", format("0x%016llx", static_cast<unsigned long long>(attest->firmwareVersion)));
  text("pcr_select", selections);
  text("pcr_digest", hex(attest->quote.pcrDigest.data));
  text("signature", hex(evidence.signature.view()));
  for (std::size_t i = 0; i < evidence.pcr_count; ++i) text(format("pcr_%zu", i), hex(evidence.pcrs[i]));
  number("hcl_report_size", evidence.hcl_report.size);
  number("vcek_size", evidence.vcek.size);
  SNPNV_TRY(const std::string shown, out.finish(arguments.json()));
  SNPNV_CHECK(print(shown));
  return Exit::done;
}

constexpr OptionSpec kQuoteOptions[] = {
    {0, "nonce", "HEX", "what the quote carries, up to 50 octets"},
    {0, "pcrs", "BANK:LIST", "PCRs to quote; default sha256:0-23"},
    {0, "timeout", "SECONDS", "give up then; default 10"},
};
constexpr std::array kOwnEvidenceOptions{
    OptionSpec{0, "nonce", "HEX", "what report and quote carry, up to 50 octets"},
    OptionSpec{0, "random", "", "take a nonce of 48 random octets"},
    OptionSpec{0, "format", "FORM", "trustee, maa or dir; default trustee"},
    OptionSpec{0, "vcek", "FILE", "the VCEK; for maa with ASK and ARK behind it, PEM"},
};
constexpr std::array kTimeAndRoot{
    OptionSpec{0, "timeout", "SECONDS", "give up then; default 10"},
    kRootOption,
};
constexpr auto kEvidenceOptions = joined(kOwnEvidenceOptions, kVcekSources, kTimeAndRoot);

}  // namespace

const CommandSpec kQuote{
    "quote",
    "DIR --nonce HEX [options]",
    "get a TPM quote by the attestation key",
    "Saves message, signature and pcrs in DIR, in the forms of tpm2-tools. The three belong together: a PCR "
    "that moves in between is noticed, and the quote taken again.",
    1,
    1,
    kQuoteOptions,
    run_quote,
    true};

const CommandSpec kEvidence{
    "evidence",
    "FILE (--nonce HEX | --random) [options]",
    "get a fresh report and a quote for one nonce",
    "Saves evidence for Trustee (az-snp-vtpm, version 2), a request body for Microsoft Azure Attestation, or "
    "the raw parts in a folder. The user data of the report are the nonce, zero-padded to 64 octets.",
    1,
    1,
    kEvidenceOptions,
    run_evidence,
    true};

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
