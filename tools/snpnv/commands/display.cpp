// SPDX-License-Identifier: Apache-2.0
// snpnv display: what a file says, field by field. Showing is not verifying.
#include "commands.hpp"
#include "describe.hpp"
#include "fields.hpp"
#include "files.hpp"
#include "output.hpp"
#include "provider.hpp"

namespace snpnv::tool {
namespace {

// What begins like a report need not be one: a TDX report's first octet is 129.
void warn_of_version(const Arguments& arguments, const ATTESTATION_REPORT& report) {
  constexpr std::uint32_t kTdx = 129;
  const std::uint32_t version = report[report.VERSION];
  if (report.known_version()) return;
  warn(arguments, format("VERSION %u is not known: %s", version,
                         (version & 0xFFU) == kTdx ? "probably a TDX report, not an SEV-SNP report"
                                                   : "not an SEV-SNP report, or one newer than this program"));
}

Outcome<Exit> display_report(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  const auto report = ATTESTATION_REPORT::parse(content);
  if (!report) return std::unexpected(not_a_report(path, content, report.error()));
  warn_of_version(arguments, *report);
  std::string text;
  if (arguments.json()) {
    JsonText out;
    report_json(out.json(), *report);
    SNPNV_TRY(text, out.finish());
  } else {
    text = report_text(*report);
  }
  SNPNV_CHECK(print(text));
  return Exit::done;
}

Result<ATTESTATION_REPORT> report_in(const HclReport& envelope) {
  SNPNV_TRY(const auto octets, envelope.snp_report());
  return ATTESTATION_REPORT::parse(octets, HclReport::hardware_report.offset);
}
Result<Digest> digest_of_claims(const HclReport& envelope) {
  SNPNV_TRY(const Hash hash, envelope.hash());
  Provider crypto;
  return crypto.digest(hash, envelope.claims);
}

// Each part is shown that can be read, whatever becomes of the others; the first fault is the command's.
Outcome<Exit> display_envelope(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  const auto envelope = HclReport::parse(content);
  if (!envelope) return library_failure(path, envelope.error());
  const auto report = report_in(*envelope);
  const auto claims = RuntimeClaims::parse(envelope->claims, envelope->size() - envelope->claims.size());
  const auto digest = digest_of_claims(*envelope);
  const bool bound = report && digest && report->report_data_is(*digest);
  const Error* const error = !report ? &report.error() : !claims ? &claims.error() : !digest ? &digest.error() : nullptr;
  std::optional<Failure> failure;
  if (error != nullptr) {
    const std::string what = concat({path, report && !claims ? ": claims" : ""});
    failure = describe_json(what, content, *error);
    if (error->code == Code::report_version) failure->hint.clear();  // which names this command
  }
  if (report) warn_of_version(arguments, *report);

  std::string text;
  if (arguments.json()) {
    JsonText out;
    JsonWriter& json = out.json();
    json.begin_object();
    json.key("envelope");
    envelope_json(json, *envelope);
    json.key("report");
    report ? report_json(json, *report) : json.null();
    json.key("claims");
    claims ? claims_json(json, *claims) : json.null();
    json.key("claims_digest");
    digest ? json.hex(digest->view()) : json.null();
    json.key("claims_bound");
    report && digest ? json.boolean(bound) : json.null();
    if (failure) write_error(json, failure->words());
    json.end_object();
    SNPNV_TRY(text, out.finish());
  } else {
    text = "envelope\n" + envelope_text(*envelope);
    if (report) text += "\nreport (not verified)\n" + report_text(*report);
    text += "\nclaims\n";
    if (claims) text += claims_text(*claims);
    if (digest)
      text += text_line("digest", hex(digest->view()) + (!report ? "" : bound ? ", is REPORT_DATA" : ", is NOT REPORT_DATA"));
  }
  SNPNV_CHECK(print(text));
  if (!failure) return Exit::done;
  print_failure(*failure);
  return failure->exit;
}

Outcome<Exit> display_claims(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  const auto claims = RuntimeClaims::parse(content);
  if (!claims) {
    Failure failure = describe_json(concat({path, ": claims"}), content, claims.error());
    if (end_in_zeros(content)) failure.hint = kPaddedClaims;
    return std::unexpected(failure);
  }
  std::string text;
  if (arguments.json()) {
    JsonText out;
    claims_json(out.json(), *claims);
    SNPNV_TRY(text, out.finish());
  } else {
    text = claims_text(*claims);
  }
  SNPNV_CHECK(print(text));
  return Exit::done;
}

}  // namespace

const CommandSpec kDisplayReport{
    "display report",
    "FILE",
    "show the fields of an attestation report",
    "Shows every field of the 1184 octets in FILE with its meaning. Verifies nothing.",
    1,
    1,
    {},
    display_report};

const CommandSpec kDisplayEnvelope{
    "display envelope",
    "FILE",
    "show an HCLA envelope: header, report, claims",
    "Shows the content of NV index 0x01400001 in FILE, padded or not. Verifies nothing, but says "
    "whether REPORT_DATA is the claims' digest.",
    1,
    1,
    {},
    display_envelope};

const CommandSpec kDisplayClaims{
    "display claims",
    "FILE",
    "show runtime claims",
    "Shows keys, VM configuration and user data of the JSON in FILE. Verifies nothing.",
    1,
    1,
    {},
    display_claims};

}  // namespace snpnv::tool
