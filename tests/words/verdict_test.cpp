// SPDX-License-Identifier: Apache-2.0
#include "snpnv/words/verdict.hpp"

#include <memory>

#include "tests/test.hpp"

using namespace snpnv;

namespace {

std::string finding(const Finding& finding) {
  std::array<std::byte, kCheckLineRoom> room;
  ByteWriter out(room);
  write_finding(out, finding);
  return std::string(test::text(out.written()));
}

std::string line(Check check, const CheckResult& result, const VerdictTeller& teller = {}) {
  std::array<std::byte, kCheckLineRoom> room;
  ByteWriter out(room);
  write_check(out, check, result, teller);
  REQUIRE(out.ok());
  return std::string(test::text(out.written()));
}

std::string json_of(const Verdict& verdict, const VerdictTeller& teller = {}) {
  std::string room(2 * kVerdictTextRoom, '\0');
  ByteWriter out(std::as_writable_bytes(std::span(room)));
  JsonWriter json(out);
  json.begin_object();
  write_verdict(json, verdict, teller);
  json.end_object();
  REQUIRE(out.ok());
  return std::string(test::text(out.written()));
}

// A program's options.
constexpr VerdictTeller kWithOptions{
    [](Check) { return true; },
    [](Check check) { return std::string_view(check == Check::policy_vmpl ? "--vmpl N" : ""); },
    [](Check, std::string_view note) { return std::string_view(note == CheckResult::kNoClaims ? "--claims" : "--yes"); }};

}  // namespace

TEST_CASE("Finding_EachKind_HasItsWords") {
  CHECK(finding(Finding::number(18446744073709551615U)) == "18446744073709551615");
  CHECK(finding(Finding::mask(0x30000)) == "0x30000");
  CHECK(finding(Finding::mask(0)) == "0x0");
  CHECK(finding(Finding::boolean(false)) == "false");
  CHECK(finding(Finding::time(1700000000)) == "2023-11-14T22:13:20Z");  // date -u -d @1700000000
  CHECK(finding(Finding::version(0x013709)) == "1.55.9");
  CHECK(finding(Finding::octets(test::hex("00ff"))) == "00ff");
  CHECK(finding(Finding::octets({})) == "nothing");
  CHECK(finding(Finding::text("\n")) == "\\u000a");
  CHECK(finding({}).empty());
}

TEST_CASE("CheckLine_EachOutcome_SaysWhatItFound") {
  CHECK(line(Check::vek_product, CheckResult::pass("product", Finding::text("Milan"))) ==
        "PASS vek.product — product Milan\n");
  CHECK(line(Check::vek_product, CheckResult::pass({})) == "PASS vek.product\n");
  CHECK(line(Check::policy_vmpl, CheckResult::fail("VMPL", "differs", Finding::number(0), Finding::number(2))) ==
        "FAIL policy.vmpl — VMPL: differs; expected 0, found 2\n");
  CHECK(line(Check::policy_vmpl, CheckResult::fail("", "differs", {}, Finding::number(2))) ==
        "FAIL policy.vmpl — differs; found 2\n");
  CHECK(line(Check::quote_magic, CheckResult::fail("message", Error{Code::wire_short, 4, 2})) ==
        "FAIL quote.magic — message: input ends before the field: 2, at offset 4 (wire_short)\n");
  CHECK(line(Check::policy_vmpl, CheckResult::not_asked()) == "SKIP policy.vmpl — not asked for\n");
}

TEST_CASE("CheckLine_AProgramsOptions_AreNamedWhereTheyHelp") {
  CHECK(line(Check::policy_vmpl, CheckResult::not_asked(), kWithOptions) ==
        "SKIP policy.vmpl — not asked for; --vmpl N turns it on\n");
  CHECK(line(Check::policy_debug, CheckResult::skip(CheckResult::kAllowed), kWithOptions) ==
        "SKIP policy.debug — allowed by --yes\n");
  CHECK(line(Check::report_version, CheckResult::fail({}, CheckResult::kNewer), kWithOptions) ==
        "FAIL report.version — newer than known; --yes accepts it\n");
  CHECK(line(Check::quote_key, CheckResult::fail({}, CheckResult::kNoClaims), kWithOptions) ==
        "FAIL quote.key — there are none to look it up in; --claims gives them\n");
}

TEST_CASE("CheckLine_TheLongest_FitsItsRoom") {
  const std::string worst(Finding::kMax, '\0');  // each octet is escaped as six
  const VerdictTeller wordy{[](Check) { return true; }, [](Check) { return std::string_view("--an-option-as-long-as-any VALUE"); },
                            [](Check, std::string_view) { return std::string_view("--an-option-as-long-as-any"); }};
  for (const CheckRow& check : kChecks) {
    CheckResult result = CheckResult::fail("a certificate's or field's longest name", CheckResult::kUnbound,
                                           Finding::text(worst), Finding::text(worst));
    CHECK(line(check.id, result, wordy).ends_with("\\u0000\n"));
    result.error = Error{Code::tpm_rc, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    CHECK(line(check.id, result, wordy).ends_with("\\u0000\n"));
  }
}

TEST_CASE("Verdict_InWords_EndsWithTheOutcome") {
  const auto told = [](const Verdict& verdict, const VerdictTeller& teller = {}) {
    std::string room(kVerdictTextRoom, '\0');
    ByteWriter out(std::as_writable_bytes(std::span(room)));
    write_verdict(out, verdict, teller);
    REQUIRE(out.ok());
    return std::string(test::text(out.written()));
  };
  const auto verdict = std::make_unique<Verdict>();
  for (CheckResult& result : verdict->results) result = CheckResult::pass({});
  verdict->complete = true;
  CHECK(told(*verdict).starts_with("PASS chain.root_pinned\nPASS chain.root_signature\n"));
  CHECK(told(*verdict).ends_with("\nVERIFIED\n"));
  CHECK(told(*verdict, {[](Check) { return false; }}) == "VERIFIED\n");
  verdict->old_evidence = true;
  CHECK(told(*verdict).ends_with("VERIFIED\nthe report is not bound to the nonce: the caller let it pass\n"));
  CHECK(told(*verdict, kWithOptions).ends_with("VERIFIED\nthe report is not bound to the nonce: --yes let it pass\n"));
  (*verdict)[Check::policy_vmpl] = CheckResult::fail({}, "differs");
  CHECK(told(*verdict, {[](Check) { return false; }}) == "FAIL policy.vmpl — differs\nREJECTED: policy.vmpl\n");
  verdict->reset();
  verdict->error = Error{Code::wire_short, 1, 2};
  CHECK(told(*verdict) == "evidence: input ends before the field: 2, at offset 1 (wire_short)\nREJECTED: wire_short\n");
}

TEST_CASE("Verdict_InJson_HasEveryCheckThatIsCovered") {
  const auto verdict = std::make_unique<Verdict>();
  verdict->root = RootSource::pinned;
  verdict->product = Product::milan;
  (*verdict)[Check::policy_vmpl] = CheckResult::fail("VMPL", "differs", Finding::octets(test::hex("0a")), Finding::mask(16));
  CHECK(json_of(*verdict, {[](Check) { return false; }, kWithOptions.turns_on}) ==
        R"({"verified":false,"rejected_by":"policy.vmpl","root":"pinned","product":"Milan","old_evidence":false,)"
        R"("checks":[{"name":"policy.vmpl","outcome":"fail","subject":"VMPL","note":"differs","option":"--vmpl N",)"
        R"("expected":"0a","found":"0x10"}]})");
  verdict->reset();
  verdict->error = Error{Code::verify_clock};
  CHECK(json_of(*verdict).starts_with(R"({"verified":false,"rejected_by":null,"error":{"what":"evidence","why":")"));
}
