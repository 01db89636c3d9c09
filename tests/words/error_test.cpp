// SPDX-License-Identifier: Apache-2.0
#include "snpnv/words/error.hpp"

#include "tests/test.hpp"

using namespace snpnv;

namespace {

struct Told {
  explicit Told(std::string_view what, const Error& error, std::string_view system = {})
      : words(words_of(what, error, room, system)) {}
  [[nodiscard]] std::string line() const {
    std::array<std::byte, 1024> out;
    ByteWriter writer(out);
    write_error(writer, words);
    REQUIRE(writer.ok());
    return std::string(test::text(writer.written()));
  }
  std::array<std::byte, kErrorRoom> room;
  ErrorWords words;
};

Error about(Error error, TPM_CC command, TPM_HANDLE object) {
  error.command = static_cast<std::uint32_t>(command);
  error.object = static_cast<std::uint32_t>(object);
  return error;
}

}  // namespace

TEST_CASE("ErrorWords_OfTheWire_SayWhatAndWhere") {
  const Told told("report.bin", Error{Code::wire_short, 16, 1184});
  CHECK(told.line() == "report.bin: input ends before the field: 1184, at offset 16 (wire_short)");
  CHECK(told.words.hint.empty());
}

// 0x18B: TCG TPM 2.0 Library Part 2, "TPM_RC": RC_FMT1 + 0x00B of handle 1.
TEST_CASE("ErrorWords_OfTheTpm_SayCommandHandleAndHint") {
  const Told told("device", about(Error{Code::tpm_rc, 0, 0x18B}, TPM_CC::NV_Read, vtpm::kReportIndex));
  CHECK(told.words.what == "NV index 0x01400001 (attestation report)");
  CHECK(told.words.why.starts_with(std::string(name(TPM_CC::NV_Read)) + ": "));
  CHECK(told.words.why.ends_with(": TPM_RC_HANDLE, handle 1, 0x18b"));
  CHECK(told.words.code == "tpm_rc");
  CHECK(told.words.hint.starts_with("no paravisor offers a report here"));
}

TEST_CASE("ErrorWords_OfAnEnvelope_SayThatTheClaimsAreMeant") {
  Error error{Code::text_hex, 1300, 0};
  error.object = static_cast<std::uint32_t>(vtpm::kReportIndex);
  CHECK(Told("", error).words.why.starts_with("claims: "));
  error.object = 0;
  CHECK_FALSE(Told("", error).words.why.starts_with("claims: "));
}

TEST_CASE("ErrorWords_OfASystem_TakeItsWordsForTheNumber") {
  CHECK(Told("/dev/tpm0", Error{Code::io_failed, 0, 13}).words.why == "the operating system reported an error: 13");
  CHECK(Told("/dev/tpm0", Error{Code::io_failed, 0, 13}, "Permission denied").words.why ==
        "the operating system reported an error: Permission denied");
}

TEST_CASE("ErrorWords_AnyCode_FitTheirRoom") {
  std::array<std::byte, kErrorRoom> room;
  for (const Code code : detail::kCodes)
    for (const std::uint32_t detail : {0U, 1U, 0x18BU, UINT32_MAX}) {
      ByteWriter writer(room);
      Error error{code, UINT32_MAX, detail, static_cast<std::uint32_t>(TPM_CC::NV_DefineSpace), UINT32_MAX};
      write_handle(writer, TPM_HANDLE{error.object});
      write_why(writer, error);
      CHECK(writer.ok());
    }
}

TEST_CASE("ErrorWords_FromOutside_AreEscapedInTextAndJson") {
  const Told told("a\x1b\\\"b", Error{Code::wire_short, 1, 2});
  CHECK(told.line().starts_with(R"(a\u001b\\"b: )"));
  std::array<std::byte, 1024> out;
  ByteWriter writer(out);
  JsonWriter json(writer);
  json.begin_object();
  write_unjudged(json, told.words);
  json.end_object();
  CHECK(test::text(writer.written()) ==
        R"({"verified":false,"rejected_by":null,"error":{"what":"a\u001b\\\"b",)"
        R"("why":"input ends before the field: 2, at offset 1","code":"wire_short","hint":""}})");
}
