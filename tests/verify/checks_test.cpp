// SPDX-License-Identifier: Apache-2.0
#include "snpnv/verify/checks.hpp"

#include <fstream>
#include <set>

#include "tests/test.hpp"
#include "tools/snpnv/check_options.hpp"

using namespace snpnv;

namespace {

std::string table(std::span<const CheckRow> checks) {
  std::string out = "| check | holds if | option |\n|---|---|---|\n";
  for (const CheckRow& check : checks) {
    const std::string_view option = tool::option_of(check.id);
    out += "| `" + std::string(check.name) + "` | " + std::string(check.checks) + " | ";
    out += (option.empty() ? "always on" : "`" + std::string(option) + "`") + " |\n";
  }
  return out;
}

// docs/checks.md, from the list.
std::string checks_document() {
  constexpr auto kSignature = static_cast<std::size_t>(Check::report_signature_algorithm);
  constexpr auto kContent = static_cast<std::size_t>(Check::report_version);
  const std::span all(kChecks);
  return "# The checks of `snpnv verify`\n\n"
         "Made from the list in `include/snpnv/verify/checks.hpp`, by which the verifier itself runs.\n\n"
         "Every check ends as PASS, FAIL or SKIP; SKIP says why. Evidence is verified if every check had\n"
         "its turn and none failed.\n\n"
         "## The certificate chain\n\n"
         "The first four stop everything behind them when they fail: what is not signed is not\n"
         "interpreted. The others run all, and stop the report's checks when one fails.\n\n" +
         table(all.first(kSignature)) +
         "\n## The report's signature\n\n"
         "In this order; each stops everything behind it when it fails.\n\n" +
         table(all.subspan(kSignature, kContent - kSignature)) +
         "\n## What the signed report says\n\n"
         "All of these run, whatever the others say, except that one waits for what it rests on, and is\n"
         "skipped until that has passed: what is read in claims for `binding.claims_digest`; TCBs and the\n"
         "chip's ID, whose layout is the product's, for `vek.product`; what a quote says for `quote.key`,\n"
         "`quote.magic` and `quote.signature`; values of PCRs for `quote.pcr_selection` and\n"
         "`quote.pcr_digest` too, and the events that lead to them for `eventlog.format`.\n\n" +
         table(all.subspan(kContent));
}

}  // namespace

TEST_CASE("Checks_Document_IsMadeFromTheList") {
  const std::string path = SNPNV_SOURCE_DIR "/docs/checks.md";
  const std::string made = checks_document();
  if (std::getenv("SNPNV_WRITE_DOCS") != nullptr) std::ofstream(path) << made;
  const auto kept = test::read_file(path);
  REQUIRE(kept.has_value());
  CHECK_MESSAGE(test::text(*kept) == made, "run this test with SNPNV_WRITE_DOCS=1 to make it anew");
}

TEST_CASE("Checks_Names_AreUniqueAndInTheirGroups") {
  std::set<std::string_view> names;
  for (const CheckRow& check : kChecks) {
    CHECK(names.insert(check.name).second);
    CHECK(&row(check.id) == &check);
    const auto group = check.name.substr(0, check.name.find('.'));
    const bool known = group == "chain" || group == "vek" || group == "report" ||
                       group == "binding" || group == "policy" || group == "quote" ||
                       group == "eventlog";
    CHECK_MESSAGE(known, check.name);
    CHECK_FALSE(check.checks.empty());
  }
}

TEST_CASE("Finding_LongValues_AreCut") {
  const test::Octets octets(100, std::byte{1});
  CHECK(Finding::octets(octets).size == Finding::kMax);
  CHECK(Finding::text(std::string_view("name")).size == 4);
}

TEST_CASE("Verdict_NothingRun_IsNotVerified") {
  const Verdict verdict;
  CHECK_FALSE(verdict.verified());
  CHECK_FALSE(verdict.first_failure().has_value());
}

TEST_CASE("Verdict_Reset_LeavesNothingOfAnEarlierUse") {
  Verdict used;
  const Finding finding{Finding::Kind::text, 1, 2, {std::byte{3}}};
  for (CheckResult& result : used.results)
    result = {CheckOutcome::fail, "a subject", "a note", finding, finding, Error{Code::wire_value}};
  used.root = RootSource::pinned;
  used.product = Product::milan;
  used.old_evidence = used.complete = true;
  used.error = Error{Code::wire_value};
  used.reset();

  const Verdict made;
  const auto none = [](const Finding& held) {
    CHECK(held.kind == Finding::Kind::none);
    CHECK(held.size == 0);
    CHECK(held.value == 0);
  };
  for (std::size_t i = 0; i < made.results.size(); ++i) {
    const CheckResult& result = used.results[i];
    CHECK(result.outcome == made.results[i].outcome);
    CHECK(result.subject == made.results[i].subject);
    CHECK(result.note == made.results[i].note);
    CHECK(result.error.has_value() == made.results[i].error.has_value());
    none(result.expected);
    none(result.found);
  }
  CHECK(used.root == made.root);
  CHECK(used.product == made.product);
  CHECK(used.old_evidence == made.old_evidence);
  CHECK(used.complete == made.complete);
  CHECK(used.error.has_value() == made.error.has_value());
}
