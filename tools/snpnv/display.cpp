// snpnv display: what a file says, field by field. Showing is not verifying.
#include "commands.hpp"
#include "fields.hpp"
#include "files.hpp"
#include "provider.hpp"

namespace snpnv::tool {
namespace {

// Files larger than this are none of these formats, in octets.
constexpr std::size_t kMostOctets = std::size_t{1} << 20;

Outcome<Exit> display_report(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  const auto report = ATTESTATION_REPORT::parse(content);
  if (!report) return library_failure(path, report.error());
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

Outcome<Exit> display_envelope(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  const auto envelope = HclReport::parse(content);
  if (!envelope) return library_failure(path, envelope.error());
  const auto octets = envelope->snp_report();
  if (!octets) return library_failure(path, octets.error());
  const auto report = ATTESTATION_REPORT::parse(*octets, HclReport::hardware_report.offset);
  if (!report) return library_failure(path, report.error());
  const std::size_t claims_offset = envelope->size() - envelope->claims.size();
  const auto claims = RuntimeClaims::parse(envelope->claims, claims_offset);
  if (!claims) return library_failure(path, claims.error());
  Provider crypto;
  const auto hash = envelope->hash();
  if (!hash) return library_failure(path, hash.error());
  const auto digest = crypto.digest(*hash, envelope->claims);
  if (!digest) return library_failure(path, digest.error());
  const bool bound = report->report_data_is(*digest);

  std::string text;
  if (arguments.json()) {
    JsonText out;
    JsonWriter& json = out.json();
    json.begin_object();
    json.key("envelope");
    envelope_json(json, *envelope);
    json.key("report");
    report_json(json, *report);
    json.key("claims");
    claims_json(json, *claims);
    json.key("claims_digest");
    json.hex(digest->view());
    json.key("claims_bound");
    json.boolean(bound);
    json.end_object();
    SNPNV_TRY(text, out.finish());
  } else {
    text = "envelope\n" + envelope_text(*envelope) + "\nreport (not verified)\n" + report_text(*report) +
           "\nclaims\n" + claims_text(*claims) +
           text_line("digest", hex(digest->view()) + (bound ? ", is REPORT_DATA" : ", is NOT REPORT_DATA"));
  }
  SNPNV_CHECK(print(text));
  return Exit::done;
}

Outcome<Exit> display_claims(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  const auto claims = RuntimeClaims::parse(content);
  if (!claims) return library_failure(path, claims.error());
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
