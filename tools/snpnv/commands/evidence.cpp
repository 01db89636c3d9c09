// snpnv evidence: a fresh report and a quote for one nonce.
#include <memory>

#include "commands.hpp"
#include "describe.hpp"
#include "fields.hpp"
#include "files.hpp"
#include "lock.hpp"
#include "output.hpp"
#include "provider.hpp"
#include "quote_files.hpp"
#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/collect/quote.hpp"
#include "snpnv/wire/evidence.hpp"
#include "step.hpp"
#include "transports/monotonic_clock.hpp"
#include "transports/open.hpp"
#include "vcek.hpp"
#include "verdict.hpp"
#include "verify_options.hpp"
#include "waiting.hpp"
#ifdef SNPNV_FETCH
#include "fetch_certificates.hpp"
#endif

namespace snpnv::tool {
namespace {

// NV indices are 4096 octets at most on such machines.
constexpr std::size_t kMaxAkCertificate = 4096;

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

// The files of a folder with evidence, besides those of its quote.
constexpr std::string_view kReportFile = "report.bin";
constexpr std::string_view kClaimsFile = "claims.json";
constexpr std::string_view kEnvelopeFile = "hcl_report.bin";
constexpr std::string_view kAkCertificateFile = "ak_cert.der";
constexpr std::string_view kVcekFile = "vcek.der";
constexpr std::array kEvidenceFiles{kReportFile, kClaimsFile, kEnvelopeFile, kAkCertificateFile, kVcekFile};

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

}  // namespace snpnv::tool
