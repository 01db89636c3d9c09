// SPDX-License-Identifier: Apache-2.0
#include "snpnv/collect/user_data.hpp"

#include "tests/tpm/nv_bench.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

// As tpm2-tss marshals it; see tests/data.
constexpr std::string_view kDefine =
    "80020000002d0000012a40000001000000094000000900000000000000000e01400002000b0006000600000040";
constexpr std::string_view kUndefine = "80020000001f00000122400000010140000200000009400000090000000000";

// What index 0x01400001 holds: the front of an envelope without claims, of this kind of report.
test::Octets envelope(std::uint32_t report_type, std::string_view signature = "HCLA") {
  test::Octets out(2600);
  std::ranges::transform(signature, out.begin(), [](char c) { return static_cast<std::byte>(c); });
  out[4] = std::byte{2};
  out[8] = std::byte{0xD4};  // 1236
  out[9] = std::byte{0x04};
  out[1216] = std::byte{20};
  out[1224] = static_cast<std::byte>(report_type);
  return out;
}
const test::Octets kSnp = envelope(2);

// Answers the two reads that look for a paravisor.
void look(Bench& b, const test::Octets& content = kSnp) {
  for (int i = 0; i < 2; ++i)
    b.transport.then([content](ByteView command, MutBytes response) { return read_from(content, 1024)(command, response); });
}

}  // namespace

TEST_CASE("WriteUserData_SteadyState_IsOneCommand") {
  Bench b;
  b.transport.done();
  const test::Octets data = numbered(64);
  CHECK(write_user_data(b.tpm, data).has_value());
  CHECK(b.transport.sent ==
        std::vector<std::string>{"8002000000630000013740000001014000020000000940000009" "0000000000" "0040" +
                                 test::digits(data) + "0000"});
}

TEST_CASE("WriteUserData_NoIndex_IsDefinedAndWritten") {
  Bench b;
  b.transport.error(kNoIndex2).error(kNoIndex);
  look(b);
  b.transport.done().done();
  CHECK(write_user_data(b.tpm, numbered(64)).has_value());
  CHECK(b.commands() == "0137 0169 014e 014e 012a 0137 ");
  CHECK(b.transport.sent[4] == kDefine);
  CHECK(b.transport.sent[5] == b.transport.sent[0]);
  // No read at offset 0, which would ask for a refresh.
  CHECK(b.transport.sent[2].ends_with("04000001"));
  CHECK(b.transport.sent[3].ends_with("00d30401"));
}

TEST_CASE("WriteUserData_EachWrongShape_IsDefinedAnew") {
  for (const auto& wrong : {area(48, kRight),                // shorter
                            area(63, kRight),                //
                            area(64, kRight & ~0x00020000U),  // no OWNERREAD
                            area(64, kRight & ~0x00000002U),  // no OWNERWRITE
                            area(64, kRight | 0x00004000U),   // WRITE_STCLEAR
                            area(64, kRight | 0x00000800U),   // WRITELOCKED
                            area(64, kRight | 0x00002000U),   // WRITEDEFINE
                            area(64, kRight | 0x00008000U),   // GLOBALLOCK
                            area(64, kRight | 0x10000000U),   // READLOCKED
                            area(64, kRight | 0x80000000U),   // READ_STCLEAR
                            area(64, kRight | 0x00000010U),   // a counter
                            area(64, kRight, TPM_ALG_ID::SHA384)}) {
    CAPTURE(wrong.nvPublic.value.attributes.value);
    Bench b;
    b.transport.error(kNvRange).answer(wrong, TPM_ST::NO_SESSIONS);
    look(b);
    b.transport.done().done().done();
    CHECK(write_user_data(b.tpm, numbered(64)).has_value());
    CHECK(b.commands() == "0137 0169 014e 014e 0122 012a 0137 ");
    CHECK(b.transport.sent[4] == kUndefine);
    CHECK(b.transport.sent[5] == kDefine);
  }
}

TEST_CASE("RepairUserDataIndex_OwnersToReadAndWrite_IsLeftAlone") {
  for (const std::uint32_t attributes : {0x20020002U,    // OWNERREAD, OWNERWRITE alone
                                         0x20020006U,    // no AUTHREAD
                                         0x20060002U,    // no AUTHWRITE
                                         0x22060006U,    // NO_DA
                                         0x600F000FU}) {  // the platform's, with policies
    CAPTURE(attributes);
    Bench b;
    b.transport.answer(area(64, attributes), TPM_ST::NO_SESSIONS);
    CHECK(repair_user_data_index(b.tpm, 64) == false);
    CHECK(b.commands() == "0169 ");
  }
}

TEST_CASE("WriteUserData_WithoutAParavisor_ChangesNothing") {
  for (const bool defined : {false, true}) {
    const auto begin = [&](Bench& b) {
      b.transport.error(defined ? kNvRange : kNoIndex2);
      defined ? b.transport.answer(area(48, kRight), TPM_ST::NO_SESSIONS) : b.transport.error(kNoIndex);
    };
    const auto refused = [&](Bench& b, Code code) {
      const auto out = write_user_data(b.tpm, numbered(64));
      REQUIRE(!out);
      CHECK(out.error().code == code);
      CHECK(out.error().object == 0x01400001);
      CHECK(b.commands().find("012") == std::string::npos);  // neither NV_DefineSpace nor NV_UndefineSpace
      CHECK(b.transport.exhausted());
      return out.error();
    };
    for (const std::uint32_t rc : {kNoIndex2, 0x14AU, 0x9A2U}) {
      Bench b;
      begin(b);
      b.transport.error(rc);
      CHECK(refused(b, Code::tpm_rc).detail == rc);
    }
    Bench other;
    begin(other);
    look(other, envelope(2, "HXLA"));
    refused(other, Code::hcl_signature);
    Bench tdx;
    begin(tdx);
    look(tdx, envelope(4));
    CHECK(refused(tdx, Code::hcl_report_type).detail == 4);
    Bench newer;
    begin(newer);
    auto content = kSnp;
    content[4] = std::byte{3};
    look(newer, content);
    refused(newer, Code::hcl_version);
    Bench sizes;
    begin(sizes);
    content = kSnp;
    content[1216] = std::byte{21};
    look(sizes, content);
    refused(sizes, Code::hcl_sizes);
  }
}

TEST_CASE("WriteUserData_RightShape_IsNotTouchedAndTheErrorStands") {
  for (const std::uint32_t rc : {0x148U, 0x149U, 0x9A2U, 0x98EU}) {
    for (const std::uint32_t attributes : {kRight, kRight & ~0x20000000U}) {  // written or not yet
      Bench b;
      b.transport.error(rc).answer(area(64, attributes), TPM_ST::NO_SESSIONS);
      const auto out = write_user_data(b.tpm, numbered(64));
      CHECK(out.error().detail == rc);
      CHECK(out.error().command == 0x137);
      CHECK(b.commands() == "0137 0169 ");
    }
  }
}

TEST_CASE("WriteUserData_TransportError_LeavesTheIndexAlone") {
  Bench b;
  b.transport.then([](ByteView, MutBytes) -> Result<ByteView> { return fail(Code::io_failed, 0, 5); });
  CHECK(write_user_data(b.tpm, numbered(64)).error().code == Code::io_failed);
  CHECK(b.transport.sent.size() == 1);
}

TEST_CASE("WriteUserData_EachStepOfTheRepair_CanFail") {
  const test::Octets data = numbered(64);
  const auto outcome = [&](Bench& b) {
    const auto out = write_user_data(b.tpm, data);
    REQUIRE(!out);
    CHECK(b.transport.exhausted());
    return out.error();
  };
  Bench read;
  read.transport.error(kNvRange).error(0x101);
  CHECK(outcome(read).command == 0x169);
  Bench undefine;
  undefine.transport.error(kNvRange).answer(area(48, kRight), TPM_ST::NO_SESSIONS);
  look(undefine);
  undefine.transport.error(0x9A2);
  CHECK(outcome(undefine).command == 0x122);
  Bench define;
  define.transport.error(kNoIndex2).error(kNoIndex);
  look(define);
  define.transport.error(0x14B);
  CHECK(outcome(define).command == 0x12A);
  Bench write;
  write.transport.error(kNoIndex2).error(kNoIndex);
  look(write);
  write.transport.done().error(0x149);
  CHECK(outcome(write).command == 0x137);
}

TEST_CASE("WriteUserData_DefinedByAnotherInTheMeantime_IsWritten") {
  Bench b;
  b.transport.error(kNoIndex2).error(kNoIndex);
  look(b);
  b.transport.error(0x14C).done();
  CHECK(write_user_data(b.tpm, numbered(64)).has_value());
  CHECK(b.commands() == "0137 0169 014e 014e 012a 0137 ");
}
