// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/evidence.hpp"

#include "tests/test.hpp"

using namespace snpnv;

namespace {

std::string repeated(const std::string& one, std::size_t times, const std::string& between = "") {
  std::string out;
  for (std::size_t i = 0; i < times; ++i) out += (i == 0 ? "" : between) + one;
  return out;
}

// What the three versions say here: the same octets, and PEM in version 0.
const std::string kPcr = repeated("07", 32);
const std::string kVersion2 =
    R"({"version":2,"tpm_quote":{"signature":"00aAFf","message":"ff5443","pcrs":[")" + kPcr + R"(",")" + kPcr +
    R"("]},"hcl_report":"SENMQQ==","vcek":"MIIB-_8="})";
const std::string kVersion0 =
    R"({"quote":{"signature":[0,170,255],"message":[255,84,67],"pcrs":[[)" + repeated("7", 32, ",") + "],[" +
    repeated("7", 32, ",") + R"(]]},"report":[72,67,76,65],"vcek":"-----BEGIN\n"})";

std::string changed(std::string document, const std::string& from, const std::string& to) {
  const std::size_t at = document.find(from);
  REQUIRE(at != std::string::npos);
  return document.replace(at, from.size(), to);
}

std::string error_of(const std::string& document) {
  const auto evidence = TrusteeEvidence::parse(test::view(document));
  return evidence ? "none" : std::string(name(evidence.error().code));
}

}  // namespace

TEST_CASE("TrusteeEvidence_EachVersion_IsReadToTheSameOctets") {
  for (const auto& [version, document] :
       {std::pair(2U, kVersion2), {1U, changed(kVersion2, ":2,", ":1,")}, {0U, kVersion0},
        {0U, changed(kVersion0, "{", R"({"version":0,)")}}) {
    CAPTURE(document);
    const auto evidence = TrusteeEvidence::parse(test::view(document));
    REQUIRE(evidence.has_value());
    CHECK(evidence->version == version);
    CHECK(test::digits(evidence->signature.view()) == "00aaff");
    CHECK(test::digits(evidence->message.view()) == "ff5443");
    REQUIRE(evidence->pcr_count == 2);
    for (const auto& pcr : std::span(evidence->pcrs).first(2)) CHECK(test::digits(pcr) == kPcr);
    CHECK(test::text(evidence->hcl_report.view()) == "HCLA");
    if (version == 0) {
      CHECK(test::text(evidence->vcek.view()) == "-----BEGIN\n");
    } else {
      CHECK(test::digits(evidence->vcek.view()) == "308201fbff");
    }
  }
}

TEST_CASE("TrusteeEvidence_OtherSpellings_AreTheSame") {
  std::string late = changed(kVersion2, R"({"version":2,)", R"({"new":{"version":1},)");
  late.back() = ',';
  late += "\r\n\t\"version\" : 2}";
  for (const std::string& document : {changed(changed(kVersion2, "==", ""), "8=\"", "8\""),
                                      changed(kVersion2, R"("message":"ff)", R"("message":"\u0066F)"), late}) {
    CAPTURE(document);
    const auto evidence = TrusteeEvidence::parse(test::view(document));
    REQUIRE(evidence.has_value());
    CHECK(evidence->version == 2);
    CHECK(test::text(evidence->hcl_report.view()) == "HCLA");
    CHECK(test::digits(evidence->message.view()) == "ff5443");
  }
}

TEST_CASE("TrusteeEvidence_Malformed_IsAnErrorByName") {
  CHECK(error_of(kVersion2) == "none");
  CHECK(error_of(kVersion0) == "none");
  for (const auto& [document, code] : {
           std::pair(changed(kVersion2, ":2,", ":3,"), "evidence_version"),
           {changed(kVersion2, ":2,", ":\"2\","), "json_type"},
           {changed(kVersion2, ":2,", ":2.0,"), "json_number"},
           {changed(kVersion2, ":2,", ":0,"), "json_missing"},  // whose members have other names
           {changed(kVersion2, ":2,", R"(:2,"version":2,)"), "json_duplicate"},
           {changed(kVersion2, ":2,", R"(:2,"ver\u0073ion":2,)"), "json_duplicate"},
           {changed(kVersion2, R"("message":"ff5443",)", ""), "json_missing"},
           {changed(kVersion2, R"(,"hcl_report":"SENMQQ==")", ""), "json_missing"},
           {changed(kVersion2, R"(,"vcek":"MIIB-_8=")", ""), "json_missing"},
           {changed(kVersion2, R"("vcek":"MIIB-_8=")", R"("vcek":null)"), "json_type"},
           {changed(kVersion2, "ff5443", "ff544"), "text_hex"},
           {changed(kVersion2, "ff5443", "0xff54"), "text_hex"},
           {changed(kVersion2, "SENMQQ==", "SENMQQ="), "text_base64"},
           {changed(kVersion2, "MIIB-_8=", "MIIB+/8="), "text_base64"},
           {changed(kVersion2, kPcr, kPcr + "07"), "wire_overflow"},
           {changed(kVersion2, kPcr, kPcr.substr(2)), "text_length"},
           {changed(kVersion2, "00aAFf", repeated("00", 513)), "wire_overflow"},
           {changed(kVersion2, "\"" + kPcr, repeated("\"" + kPcr + "\"", 31, ",") + ",\"" + kPcr), "wire_overflow"},
           {changed(kVersion0, "[0,170", "[0,256"), "json_number"},
           {changed(kVersion0, "[0,170", "[0,-1"), "json_number"},
           {changed(kVersion0, "[[7,", "[["), "text_length"},
           {changed(kVersion0, "[[7,", "[[7,7,"), "wire_overflow"},
           {kVersion2 + "{}", "json_syntax"},
           {std::string("[]"), "json_type"},
       }) {
    CAPTURE(document);
    CHECK(error_of(document) == code);
  }
  // More PCRs than a TPM has are for the quote to refuse, by the name of its check.
  CHECK(error_of(changed(kVersion2, "\"" + kPcr, repeated("\"" + kPcr + "\"", 30, ",") + ",\"" + kPcr)) == "none");
}

TEST_CASE("TrusteeEvidence_CutAnywhere_IsAnError") {
  for (const std::string& document : {kVersion2, kVersion0})
    for (std::size_t n = 0; n < document.size(); ++n)
      CHECK_FALSE(TrusteeEvidence::parse(test::view(document).first(n)).has_value());
}

TEST_CASE("TrusteeEvidence_Written_IsReadBack") {
  const auto octets = test::hex("00aaff");
  const auto pcr = test::hex(kPcr);
  const std::array<ByteView, 1> pcrs{pcr};
  test::Octets room(1024);
  ByteWriter out(room);
  write_trustee_evidence(out, octets, octets, pcrs, octets, octets);
  const auto evidence = TrusteeEvidence::parse(*out.finish());
  REQUIRE(evidence.has_value());
  CHECK(evidence->version == 2);
  CHECK(evidence->pcr_count == 1);
  for (const ByteView held : {evidence->signature.view(), evidence->message.view(), evidence->hcl_report.view(),
                              evidence->vcek.view()})
    CHECK(equal(held, octets));
}

TEST_CASE("TrusteeEvidence_EventLog_IsBase64OfItsOwnAlphabet") {
  const auto octets = test::hex("fbff00");
  test::Octets room(1024);
  ByteWriter out(room);
  write_trustee_evidence(out, octets, octets, {}, octets, octets, octets);
  const auto written = out.finish();
  REQUIRE(written.has_value());
  CHECK(test::text(*written).ends_with(R"("cc_eventlog":"+/8A"})"));  // by base64(1)
  const auto evidence = TrusteeEvidence::parse(*written);
  REQUIRE(evidence.has_value());
  REQUIRE(evidence->cc_eventlog.has_value());
  std::array<std::byte, 3> log{};
  const auto decoded = evidence->event_log(log);
  REQUIRE(decoded.has_value());
  CHECK(equal(*decoded, octets));
  CHECK(evidence->event_log(MutBytes(log).first(2)).error().code == Code::wire_overflow);
}

TEST_CASE("TrusteeEvidence_MissingMember_IsNamed") {
  for (const auto& [document, member] : {
           std::pair(changed(kVersion2, R"("message":"ff5443",)", ""), "message"),
           {changed(kVersion2, R"(,"hcl_report":"SENMQQ==")", ""), "hcl_report"},
           {changed(kVersion2, R"(,"vcek":"MIIB-_8=")", ""), "vcek"},
           {changed(kVersion2, "tpm_quote", "quote"), "tpm_quote"},
           {changed(kVersion2, R"("signature")", R"("x")"), "signature"},
           {changed(kVersion2, R"("pcrs")", R"("x")"), "pcrs"},
           {changed(kVersion0, R"("quote")", R"("tpm_quote")"), "quote"},
           {changed(kVersion0, R"("report")", R"("x")"), "report"},
           {std::string("{}"), "quote"},
       }) {
    const auto evidence = TrusteeEvidence::parse(test::view(document));
    REQUIRE_FALSE(evidence.has_value());
    CHECK(name(evidence.error().code) == "json_missing");
    CHECK_MESSAGE(name(static_cast<JsonMember>(evidence.error().detail)) == member, document);
  }
}

// Encoded by Python's base64.
TEST_CASE("MaaEvidence_AsSent_IsRead") {
  const std::string request = R"({"report":"eyJTbnBSZXBvcnQiOiJBUUkiLCJWY2VrQ2VydENoYWluIjoiWTJoaGFXNCJ9","nonce":1,)"
                              R"("runtimeData":{"data":"eyJ1c2VyLWRhdGEiOiIifQ","dataType":"JSON"}})";
  std::array<std::byte, 512> room{};
  const auto evidence = MaaEvidence::parse(test::view(request), room);
  REQUIRE(evidence.has_value());
  CHECK(test::digits(evidence->report) == "0102");
  CHECK(test::text(evidence->chain_pem) == "chain");
  CHECK(test::text(evidence->claims) == R"({"user-data":""})");
  const auto code = [&](const std::string& from, const std::string& to) {
    const auto read = MaaEvidence::parse(test::view(changed(request, from, to)), room);
    REQUIRE_FALSE(read.has_value());
    return read.error().code;
  };
  CHECK(code("report", "reports") == Code::json_missing);
  CHECK(code("\"data\"", "\"dat\"") == Code::json_missing);
  CHECK(code("\"JSON\"", "\"Binary\"") == Code::wire_value);
  CHECK(code("eyJ1c2Vy", "*yJ1c2Vy") == Code::text_base64);
  CHECK(code("eyJTbnBSZXBvcnQiOiJBUUkiLCJWY2VrQ2VydENoYWluIjoiWTJoaGFXNCJ9", "eyJTbnBSZXBvcnQiOiJBUUkifQ") ==
        Code::json_missing);  // no chain
  CHECK(code("eyJTbnBSZXBvcnQiOiJBUUkiLCJWY2VrQ2VydENoYWluIjoiWTJoaGFXNCJ9", "AAAA") == Code::json_syntax);
  CHECK(MaaEvidence::parse(test::view(request), std::span(room).first(50)).error().code == Code::wire_overflow);
}
