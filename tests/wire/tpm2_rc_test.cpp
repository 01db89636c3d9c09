// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/tpm2_rc.hpp"

#include <charconv>
#include <set>
#include <sstream>

#include "tests/test.hpp"

using namespace snpnv;

namespace {
struct Row {
  std::uint32_t code = 0;
  std::string name, decoded;
};
std::vector<Row> table() {
  const auto octets = test::read_file(SNPNV_SOURCE_DIR "/tests/data/tpm2_rc.tsv");
  REQUIRE(octets.has_value());
  std::istringstream lines{std::string(test::text(*octets))};
  std::vector<Row> rows;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream words(line);
    Row row;
    REQUIRE((words >> std::hex >> row.code >> row.name >> row.decoded));
    rows.push_back(row);
  }
  return rows;
}

// What tpm2_rc_decode would say of `code`, from our own decoding of it.
std::string as_the_tool(std::uint32_t code) {
  const ResponseCode rc = decode(code);
  if (code == 0) return "tpm:success";
  if (rc.subject != ResponseCode::Subject::none)
    return "tpm:" + std::string(name(rc.subject)) + "(" + std::to_string(rc.number) + ")";
  const auto plain = static_cast<std::uint32_t>(rc.rc);
  if ((plain & 0x80U) != 0) return "tpm:handle(unk)";  // its words for a number that is not told
  if ((plain & 0x100U) == 0) return "tpm:error(1.2)";
  return (plain & 0x800U) != 0 ? "tpm:warn(2.0)" : "tpm:error(2.0)";
}
}  // namespace

TEST_CASE("ResponseCode_EachOne_DecodesAsTpm2ToolsDo") {
  std::set<std::uint32_t> plain;
  for (const Row& row : table()) {
    CAPTURE(row.code);
    const ResponseCode rc = decode(row.code);
    CHECK(name(rc.rc) == "TPM_RC_" + row.name);
    CHECK(as_the_tool(row.code) == row.decoded);
    CHECK(rc.layer == 0);
    plain.insert(static_cast<std::uint32_t>(rc.rc));
  }
  // Nothing is declared that tpm2-tss does not have.
#define SNPNV_X(name, code) CHECK(plain.contains(code));
  SNPNV_TPM_RC(SNPNV_X)
#undef SNPNV_X
}

// Part 2, "TPM_RC": the number of a parameter has four bits. The tool shows three of them.
TEST_CASE("ResponseCode_ParameterAbove7_HasFourBits") {
  CHECK(decode(0xFC4).number == 15);
  CHECK(decode(0x8C4).number == 8);
  CHECK(decode(0x8C4).subject == ResponseCode::Subject::parameter);
}

TEST_CASE("ResponseCode_Layer_IsTheUpperHalf") {
  CHECK(decode(0xB0143).layer == 11);
  CHECK(name(decode(0xB0143).rc) == "TPM_RC_COMMAND_CODE");
}

TEST_CASE("ResponseCode_Unknown_HasNoName") {
  CHECK(name(decode(0x7FF).rc) == "unknown TPM_RC");
  CHECK(name(decode(0x500).rc) == "unknown TPM_RC");  // a vendor's
  CHECK(name(decode(0x0BF).rc) == "unknown TPM_RC");
}

// Part 2, "TPM_RC", the warnings whose action is to send the command again.
TEST_CASE("ResponseCode_RetryWarnings_AreTheseSix") {
  const std::set<std::uint32_t> retried{0x922, 0x908, 0x90A, 0x920, 0x923, 0x921};
  for (std::uint32_t code = 0; code < 0x10000; ++code) CHECK(asks_for_retry(code) == retried.contains(code));
}

TEST_CASE("IsRc_Error_OfAnyHandleParameterOrSession") {
  for (const std::uint32_t code : {0x08BU, 0x18BU, 0x28BU, 0x1CBU, 0x98BU})
    CHECK(is_rc({Code::tpm_rc, 6, code}, TPM_RC::HANDLE));
  CHECK_FALSE(is_rc({Code::tpm_rc, 6, 0x184}, TPM_RC::HANDLE));
  CHECK_FALSE(is_rc({Code::tpm_retry, 6, 0x18B}, TPM_RC::HANDLE));
}

TEST_CASE("Subject_Name_OfEachValue") {
  CHECK(name(ResponseCode::Subject::none) == "");
  CHECK(name(ResponseCode::Subject::handle) == "handle");
  CHECK(name(ResponseCode::Subject::parameter) == "parameter");
  CHECK(name(ResponseCode::Subject::session) == "session");
}
