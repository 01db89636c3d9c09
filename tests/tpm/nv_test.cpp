// SPDX-License-Identifier: Apache-2.0
#include "snpnv/tpm/nv.hpp"

#include "tests/tpm/nv_bench.hpp"

using namespace snpnv;
using namespace snpnv::test;

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
