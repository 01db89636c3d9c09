// SPDX-License-Identifier: Apache-2.0
// The main program of the tests. A test case that neither checks anything nor says why fails the run.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

namespace {

int empty_cases = 0;

class EmptyCases : public doctest::IReporter {
 public:
  explicit EmptyCases(const doctest::ContextOptions&) {}
  void test_case_start(const doctest::TestCaseData& test) override {
    name_ = test.m_name;
    spoke_ = false;
  }
  void test_case_end(const doctest::CurrentTestCaseStats& stats) override {
    if (stats.numAssertsCurrentTest != 0 || spoke_) return;
    ++empty_cases;
    std::fprintf(stderr, "EMPTY: %s\n", name_);
  }
  void log_message(const doctest::MessageData&) override { spoke_ = true; }

  void report_query(const doctest::QueryData&) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats&) override {}
  void test_case_reenter(const doctest::TestCaseData&) override {}
  void test_case_exception(const doctest::TestCaseException&) override {}
  void subcase_start(const doctest::SubcaseSignature&) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData&) override {}
  void test_case_skipped(const doctest::TestCaseData&) override {}

 private:
  const char* name_ = "";
  bool spoke_ = false;
};
DOCTEST_REGISTER_LISTENER("empty_cases", 1, EmptyCases);

}  // namespace

int main(int argc, char** argv) {
  const int status = doctest::Context(argc, argv).run();
  return status == 0 && empty_cases != 0 ? 2 : status;
}
