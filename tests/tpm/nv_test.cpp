// SPDX-License-Identifier: Apache-2.0
#include "snpnv/tpm/nv.hpp"

#include "tests/tpm/scripted.hpp"

using namespace snpnv;
using test::ManualClock;
using test::ScriptedTpm;

namespace {

struct Bench {
  ScriptedTpm transport;
  ManualClock clock;
  Tpm<ScriptedTpm, ManualClock> tpm{transport, clock, 2000};

  /// The codes of the commands sent so far.
  std::string commands() const {
    std::string out;
    for (const std::string& message : transport.sent) out += message.substr(16, 4) + ' ';
    return out;
  }
};

constexpr std::uint32_t kNoIndex = 0x18B;  // TPM_RC_HANDLE, handle 1
constexpr std::uint32_t kNoIndex2 = 0x28B;  // handle 2, as NV_Write has it
constexpr std::uint32_t kNvRange = 0x146;
constexpr std::uint32_t kValue = 0x1C4;     // TPM_RC_VALUE, parameter 1

// Answers an NV_Read from `content`, as a TPM whose limit for one read is `limit`.
ScriptedTpm::Answer read_from(const test::Octets& content, std::size_t limit) {
  return [&content, limit](ByteView command, MutBytes response) -> Result<ByteView> {
    const auto read = unmarshal_command<NV_Read>(command);
    REQUIRE(read.has_value());
    CHECK(read->authHandle == TPM_RH::OWNER);
    CHECK(read->nvIndex == vtpm::kReportIndex);
    if (read->size > limit) return marshal_error(kValue, response);
    if (std::size_t{read->offset} + read->size > content.size()) return marshal_error(kNvRange, response);
    return marshal_response(NV_Read::Response{{ByteView(content).subspan(read->offset, read->size)}},
                            TPM_ST::SESSIONS, 1, response);
  };
}
ScriptedTpm::Answer buffer_max(std::uint32_t value, TPM_PT property = TPM_PT::NV_BUFFER_MAX) {
  return [=](ByteView command, MutBytes response) {
    CHECK(test::digits(command) == "8001000000160000017a000000060000012c00000001");
    GetCapability::Response out;
    out.capabilityData.capability = TPM_CAP::TPM_PROPERTIES;
    out.capabilityData.tpmProperties.add({property, value});
    return marshal_response(out, TPM_ST::NO_SESSIONS, 0, response);
  };
}
test::Octets numbered(std::size_t size) {
  test::Octets out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 256);
  return out;
}

NV_ReadPublic::Response area(std::uint16_t size, std::uint32_t attributes,
                             TPM_ALG_ID hash = TPM_ALG_ID::SHA256) {
  return {{{vtpm::kUserDataIndex, hash, {attributes}, {}, size}}, {}};
}
// OWNERWRITE, AUTHWRITE, OWNERREAD, AUTHREAD, and WRITTEN.
constexpr std::uint32_t kRight = 0x20060006;

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

TEST_CASE("NvReader_LongIndex_IsReadInAsFewCommandsAsItTakes") {
  const test::Octets content = numbered(2600);
  Bench b;
  for (int i = 0; i < 3; ++i) b.transport.then(read_from(content, 1024));
  test::Octets out(2600);
  NvReader reader(b.tpm, vtpm::kReportIndex);
  REQUIRE(reader.read(0, out).has_value());
  CHECK(out == content);
  CHECK(b.transport.exhausted());
}

TEST_CASE("NvReader_PartFromAnOffset_IsThatPart") {
  const test::Octets content = numbered(100);
  Bench b;
  b.transport.then(read_from(content, 1024));
  test::Octets out(10);
  NvReader reader(b.tpm, vtpm::kReportIndex);
  CHECK(equal(*reader.read(90, out), ByteView(content).subspan(90)));
}

TEST_CASE("NvReader_NothingToRead_SendsNothing") {
  Bench b;
  NvReader reader(b.tpm, vtpm::kReportIndex);
  CHECK(reader.read(5, {})->empty());
  CHECK(b.transport.sent.empty());
}

TEST_CASE("NvReader_BeyondSixteenBits_IsRefused") {
  Bench b;
  test::Octets out(2);
  NvReader reader(b.tpm, vtpm::kReportIndex);
  CHECK(reader.read(0xFFFE, out).error() == Error{Code::wire_too_large, 0xFFFE, 0xFFFF});
  CHECK(b.transport.sent.empty());
  b.transport.error(kNvRange);
  CHECK(reader.read(0xFFFD, out).error().detail == kNvRange);
}

TEST_CASE("NvReader_SmallerTpm_IsAskedForItsLimitOnce") {
  const test::Octets content = numbered(700);
  Bench b;
  b.transport.then(read_from(content, 512)).then(buffer_max(512));
  for (int i = 0; i < 4; ++i) b.transport.then(read_from(content, 512));
  test::Octets out(700);
  NvReader reader(b.tpm, vtpm::kReportIndex);
  REQUIRE(reader.read(0, out).has_value());
  CHECK(out == content);
  REQUIRE(reader.read(0, out).has_value());  // it remembers
  CHECK(b.commands() == "014e 017a 014e 014e 014e 014e ");
}

TEST_CASE("NvReader_LimitThatDoesNotHelp_LeavesTheFirstError") {
  const test::Octets content = numbered(700);
  for (const auto& answer : {buffer_max(1024), buffer_max(0), buffer_max(2048),
                             buffer_max(512, static_cast<TPM_PT>(0x12D))}) {
    Bench b;
    b.transport.then(read_from(content, 1)).then(answer);
    test::Octets out(700);
    NvReader reader(b.tpm, vtpm::kReportIndex);
    const auto read = reader.read(0, out);
    CHECK(read.error().code == Code::tpm_rc);
    CHECK(read.error().detail == kValue);
    CHECK(read.error().command == 0x14E);
    CHECK(b.transport.exhausted());
  }
}

TEST_CASE("NvReader_LimitThatIsNotKept_EndsInTheError") {
  const test::Octets content = numbered(700);
  Bench b;
  b.transport.then(read_from(content, 1)).then(buffer_max(512)).then(read_from(content, 1));
  test::Octets out(700);
  NvReader reader(b.tpm, vtpm::kReportIndex);
  CHECK(reader.read(0, out).error().detail == kValue);
  CHECK(b.transport.exhausted());
}

TEST_CASE("NvReader_OtherErrors_AreReturnedAtOnce") {
  for (const std::uint32_t rc : {kNvRange, 0x14AU, 0x149U, kNoIndex2}) {
    Bench b;
    b.transport.error(rc);
    test::Octets out(8);
    NvReader reader(b.tpm, vtpm::kReportIndex);
    CHECK(reader.read(0, out).error().detail == rc);
    CHECK(b.transport.exhausted());
  }
  Bench b;  // the question for the limit fails
  b.transport.error(kValue).error(0x101);
  test::Octets out(8);
  NvReader reader(b.tpm, vtpm::kReportIndex);
  CHECK(reader.read(0, out).error().detail == 0x101);
}

TEST_CASE("NvPublic_Area_BorrowsNothing") {
  Bench b;
  const auto policy = test::hex("aabb");
  NV_ReadPublic::Response response = area(64, kRight);
  response.nvPublic.value.authPolicy = {policy};
  b.transport.answer(response, TPM_ST::NO_SESSIONS).error(kNoIndex);
  const auto found = nv_public(b.tpm, vtpm::kUserDataIndex);
  REQUIRE(found.has_value());
  CHECK(found->dataSize == 64);
  CHECK(found->attributes.value == kRight);
  CHECK(found->authPolicy.data.empty());
  CHECK(is_rc(nv_public(b.tpm, vtpm::kUserDataIndex).error(), TPM_RC::HANDLE));
}

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
