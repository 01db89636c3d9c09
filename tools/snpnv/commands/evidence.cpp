// SPDX-License-Identifier: Apache-2.0
// snpnv evidence: a fresh report and a quote for one nonce.
#include "collected.hpp"
#include "commands.hpp"
#include "describe.hpp"
#include "event_log_file.hpp"
#include "fields.hpp"
#include "files.hpp"
#include "output.hpp"
#include "tools/nearest.hpp"
#include "verdict.hpp"
#include "verify_options.hpp"
#ifdef SNPNV_FETCH
#include "fetch_certificates.hpp"
#endif

namespace snpnv::tool {
namespace {

// --event-log, or the file that it names.
Outcome<std::optional<std::string_view>> log_file_of(const Arguments& arguments, std::string_view form) {
  if (arguments.has("event-log") && form == "maa") return usage("--event-log", "a request for MAA has no place for it");
  return event_log_file(arguments);
}

// --systemd-log, or the file that it names.
Outcome<std::optional<std::string_view>> systemd_log_of(const Arguments& arguments, std::string_view form) {
  auto file = arguments.value("systemd-log");
  if (file && form != "dir") return usage("--systemd-log", "has its place in a folder alone: --format dir");
  if (file == "-") return usage("--systemd-log", "is locked, which standard input cannot be");
  if (file && file->empty()) file = kSystemdLogFile;
  return file;
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
  if (!path && (source != kVcekSources.end() || form == "dir")) return VekFile();
  if (!path)
    return usage("--vcek", "missing: this format carries the certificate",
                 "the platform's certificate endpoint and AMD's key distribution service have it; --source gets it");
  return read_vek_for(form, *path);
}

// The VCEK that goes with the report: judged if it is there, got if that is asked for.
Outcome<VekFile> vek_for(const Arguments& arguments, const VekFile& file, const ATTESTATION_REPORT& report,
                         const TrustFiles& trust, [[maybe_unused]] Instant deadline) {
#ifdef SNPNV_FETCH
  if (!file.vek.empty() ||
      std::ranges::any_of(kVcekSources, [&](const OptionSpec& option) { return arguments.has(option.name); }))
    return vek_of(arguments, file, report, trust, deadline, true);
#else
  if (!file.vek.empty()) SNPNV_CHECK(check_vek(arguments, *arguments.value("vcek"), file, report, trust));
#endif
  return file;
}

// The files of a folder with evidence, besides those of its quote.
constexpr std::string_view kReportFile = "report.bin";
constexpr std::string_view kClaimsFile = "claims.json";
constexpr std::string_view kEnvelopeFile = "hcl_report.bin";
constexpr std::string_view kAkCertificateFile = "ak_cert.der";
constexpr std::string_view kVcekFile = "vcek.der";
constexpr std::string_view kEventLog = "event_log.bin";
constexpr std::string_view kSystemdLog = "systemd_log.json-seq";
constexpr auto kEvidenceFiles = std::to_array(
    {kReportFile, kClaimsFile, kEnvelopeFile, kAkCertificateFile, kVcekFile, kEventLog, kSystemdLog});

// Whether all that is to be written can be, and is none of what is read; true: to standard output.
Outcome<bool> check_places(const Arguments& arguments, const std::string& tcti, std::string_view form,
                           std::optional<std::string_view> log_file, std::optional<std::string_view> systemd_log) {
  const std::string_view path = arguments.operand(0);
  std::vector<std::string> outputs;
  std::vector<InputFile> inputs;
  if (form == "dir") {
    add_paths(outputs, path, kQuoteFiles);
    add_paths(outputs, path, kEvidenceFiles);
  } else {
    outputs.emplace_back(path);
    if (const auto vcek = arguments.value("vcek")) inputs.push_back({"--vcek", *vcek});
  }
  if (log_file) inputs.push_back({"--event-log", *log_file});
  if (systemd_log) inputs.push_back({"--systemd-log", *systemd_log});
  return check_outputs_of(arguments, tcti, outputs, std::move(inputs));
}

// All of it as files of a folder.
Outcome<void> stage_folder(OutputFiles& files, std::string_view path, const Collected& parts, const VekFile& vek) {
  SNPNV_CHECK(files.make_directories(path));
  SNPNV_CHECK(stage_quote(files, path, parts.quote));
  SNPNV_CHECK(files.stage(join(path, kReportFile), parts.bound.report.raw));
  SNPNV_CHECK(files.stage(join(path, kClaimsFile), parts.bound.envelope.claims));
  SNPNV_CHECK(files.stage(join(path, kEnvelopeFile), parts.hcl_report()));
  if (!parts.ak_certificate.empty()) SNPNV_CHECK(files.stage(join(path, kAkCertificateFile), parts.ak_certificate));
  if (!vek.vek.empty()) SNPNV_CHECK(files.stage(join(path, kVcekFile), vek.vek));
  if (!parts.event_log.empty()) SNPNV_CHECK(files.stage(join(path, kEventLog), parts.event_log));
  if (!parts.systemd_log.empty()) SNPNV_CHECK(files.stage(join(path, kSystemdLog), parts.systemd_log));
  return {};
}

// Or as one document, with a line feed behind it, so that files behind each other are a stream.
Outcome<void> stage_document(OutputFiles& files, std::string_view path, std::string_view form, const Collected& parts,
                             const VekFile& vek) {
  std::vector<std::byte> room((std::size_t{1} << 18) + 2 * parts.event_log.size());
  ByteWriter writer(room);
  if (form == "trustee") {
    write_trustee_evidence(writer, parts, vek.vek);
  } else {
    SNPNV_CHECK(write_maa_request(writer, parts, vek));
  }
  writer.text("\n");
  const auto text = writer.finish();
  if (!text) return library_failure(path, text.error());
  return files.stage(path, *text);
}

// What is said of it.
Outcome<std::string> said(const Arguments& arguments, ByteView nonce, std::string_view form) {
  if (!arguments.json()) return "evidence: fresh report and quote for nonce " + hex(nonce) + "\n";
  JsonText out;
  out.json().begin_object();
  out.json().key("nonce");
  out.json().hex(nonce);
  out.json().key("format");
  out.json().string(form);
  out.json().end_object();
  return out.finish();
}

Outcome<Exit> run_evidence(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  const std::string_view form = arguments.value("format").value_or("trustee");
  if (form != "trustee" && form != "maa" && form != "dir")
    return usage("--format", "is trustee, maa or dir", nearest_of(form, {"trustee", "maa", "dir"}));
  if (form == "dir") SNPNV_CHECK(is_directory_name("--format dir", path));
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 10));
  SNPNV_TRY(const auto nonce, nonce_of(arguments));
  SNPNV_TRY(const auto log_file, log_file_of(arguments, form));
  SNPNV_TRY(const auto systemd_log, systemd_log_of(arguments, form));
  SNPNV_TRY(const VekFile file, vek_file_of(arguments, form));
  SNPNV_TRY(const TrustFiles trust, TrustFiles::read(arguments));
#ifdef SNPNV_FETCH
  SNPNV_CHECK(FetchSettings::read(arguments, deadline));  // what is wrong with them is said before anything is asked
#endif
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  SNPNV_TRY(const bool standard_output, check_places(arguments, tcti, form, log_file, systemd_log));

  SNPNV_TRY(const Collected parts,
            collect(arguments, tcti, nonce, deadline, form == "dir", log_file, systemd_log));
  SNPNV_TRY(const VekFile vek, vek_for(arguments, file, parts.bound.report, trust, deadline));

  OutputFiles files;
  if (form == "dir") {
    SNPNV_CHECK(stage_folder(files, path, parts, vek));
  } else {
    SNPNV_CHECK(stage_document(files, path, form, parts, vek));
  }
  if (!standard_output && (!arguments.quiet() || arguments.json())) {
    SNPNV_TRY(const std::string text, said(arguments, nonce, form));
    SNPNV_CHECK(files.stage("-", octets_of(text)));
  }
  SNPNV_CHECK(files.commit());
  return Exit::done;
}

constexpr auto kOwnEvidenceOptions = std::to_array({
    OptionSpec{0, "nonce", "HEX", "what report and quote carry, up to 50 octets"},
    OptionSpec{0, "random", "", "take a nonce of 48 random octets"},
    OptionSpec{0, "format", "FORM", "trustee, maa or dir; default trustee"},
    kEventLogOption,
    OptionSpec{0, "systemd-log", "[=FILE]", "with what systemd measured since, into a folder; default: systemd's own"},
    OptionSpec{0, "vcek", "FILE", "the VCEK; for maa with ASK and ARK behind it, PEM"},
});
constexpr auto kEvidenceTimeAndRoot = std::to_array({
    OptionSpec{0, "timeout", "SECONDS", "give up then; default 10"},
    kRootOption,
});
constexpr auto kEvidenceOptions = joined(kOwnEvidenceOptions, kVcekSources, kEvidenceTimeAndRoot);

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
