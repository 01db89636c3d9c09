// SPDX-License-Identifier: Apache-2.0
#include "snpnv/tpm/tpm.hpp"

#include "tests/tpm/scripted.hpp"

using namespace snpnv;
using test::ManualClock;
using test::ScriptedTpm;

namespace {
constexpr std::string_view kRandom4 = "80010000001000000000" "0004" "0a0b0c0d";
constexpr std::uint32_t kRetry = 0x922;
}  // namespace

TEST_CASE("Execute_Success_ReturnsTheResponse") {
  ScriptedTpm tpm;
  tpm.raw(kRandom4);
  TpmScratch scratch;
  const auto random = execute(tpm, GetRandom{4}, scratch);
  REQUIRE(random.has_value());
  CHECK(test::digits(random->randomBytes.data) == "0a0b0c0d");
  CHECK(tpm.sent == std::vector<std::string>{"80010000000c0000017b0004"});
}

TEST_CASE("Execute_EachFailure_NamesCommandAndObject") {
  const NV_Read command{TPM_RH::OWNER, vtpm::kReportIndex, 4, 0};
  const auto outcome = [&](ScriptedTpm& tpm) {
    TpmScratch scratch;
    const auto out = execute(tpm, command, scratch);
    REQUIRE(!out);
    CHECK(out.error().command == 0x14E);
    CHECK(out.error().object == 0x01400001);
    return out.error();
  };
  ScriptedTpm closed;
  closed.then([](ByteView, MutBytes) -> Result<ByteView> { return fail(Code::io_failed, 0, 5); });
  CHECK(outcome(closed).code == Code::io_failed);
  ScriptedTpm refused;
  CHECK(outcome(refused.error(0x14A)).detail == 0x14A);
  ScriptedTpm empty;
  CHECK(outcome(empty.raw("")).code == Code::wire_short);
  ScriptedTpm other;
  CHECK(outcome(other.raw("800200000017" "00000000" "00000004" "00020a0b" "0000010000")).code ==
        Code::tpm_answer);
}

TEST_CASE("Execute_CommandThatDoesNotMarshal_IsNotSent") {
  ScriptedTpm tpm;
  TpmScratch scratch;
  const test::Octets large(TPM2B_MAX_NV_BUFFER::kMax + 1);
  const auto out = execute(tpm, NV_Write{TPM_RH::OWNER, vtpm::kUserDataIndex, {large}, 0}, scratch);
  CHECK(out.error().code == Code::wire_overflow);
  CHECK(out.error().command == 0x137);
  CHECK(out.error().object == 0x01400002);
  CHECK(tpm.sent.empty());
}

// Whatever a response leaves behind in the buffer, the next one is read by its own size alone.
TEST_CASE("Execute_ShorterResponse_DoesNotSeeTheOneBefore") {
  ScriptedTpm tpm;
  tpm.raw(kRandom4).raw("80010000001000000000");
  TpmScratch scratch;
  CHECK(execute(tpm, GetRandom{4}, scratch).has_value());
  CHECK(execute(tpm, GetRandom{4}, scratch).error().code == Code::tpm_header);
}

TEST_CASE("Tpm_EachRetryWarning_SendsTheSameCommandAgain") {
  for (const std::uint32_t rc : {0x922U, 0x908U, 0x90AU, 0x920U, 0x923U, 0x921U}) {
    CAPTURE(rc);
    ScriptedTpm transport;
    transport.error(rc).raw(kRandom4);
    ManualClock clock;
    Tpm tpm(transport, clock, clock.time + 1000);
    CHECK(tpm.execute(GetRandom{4}).has_value());
    CHECK(transport.sent.size() == 2);
    CHECK(transport.sent[0] == transport.sent[1]);
    CHECK(clock.slept == std::vector<Millis>{5});
  }
}

TEST_CASE("Tpm_OtherErrors_AreReturnedAtOnce") {
  for (const std::uint32_t rc : {0x18BU, 0x101U, 0x901U, 0xB0922U}) {
    CAPTURE(rc);
    ScriptedTpm transport;
    transport.error(rc);
    ManualClock clock;
    Tpm tpm(transport, clock, clock.time + 1000);
    const auto out = tpm.execute(GetRandom{4});
    CHECK(out.error().code == Code::tpm_rc);
    CHECK(out.error().detail == rc);
    CHECK(clock.slept.empty());
  }
  ScriptedTpm transport;
  transport.then([](ByteView, MutBytes) -> Result<ByteView> { return fail(Code::io_deadline, 0, kRetry); });
  ManualClock clock;
  Tpm tpm(transport, clock, clock.time + 1000);
  CHECK(tpm.execute(GetRandom{4}).error().code == Code::io_deadline);
}

TEST_CASE("Tpm_Waits_GrowToTheLongestAndEndAtTheDeadline") {
  ScriptedTpm transport;
  for (int i = 0; i < 9; ++i) transport.error(i == 8 ? 0x908 : kRetry);
  ManualClock clock;
  Tpm tpm(transport, clock, clock.time + 400);
  const auto out = tpm.execute(NV_ReadPublic{vtpm::kUserDataIndex});
  REQUIRE(!out);
  CHECK(out.error().code == Code::tpm_retry);
  CHECK(out.error().detail == 0x908);  // the last one
  CHECK(out.error().command == 0x169);
  CHECK(out.error().object == 0x01400002);
  CHECK(clock.slept == std::vector<Millis>{5, 10, 20, 40, 80, 100, 100, 45});
  CHECK(clock.time == tpm.deadline());
  CHECK(transport.exhausted());
}

TEST_CASE("Tpm_RetryWithoutAnswer_IsNamedAsTheWarningBefore") {
  ScriptedTpm transport;
  transport.error(kRetry);
  transport.then([](ByteView, MutBytes) -> Result<ByteView> { return fail(Code::io_deadline); });
  ManualClock clock;
  Tpm tpm(transport, clock, clock.time + 3);
  const auto out = tpm.execute(NV_ReadPublic{vtpm::kUserDataIndex});
  REQUIRE(!out);
  CHECK(out.error() == Error{Code::tpm_retry, 6, kRetry, 0x169, 0x01400002});
  CHECK(transport.exhausted());
}

TEST_CASE("Tpm_DeadlinePassed_StillTriesOnce") {
  ScriptedTpm transport;
  transport.error(kRetry);
  ManualClock clock;
  Tpm tpm(transport, clock, clock.time);
  CHECK(tpm.execute(GetRandom{4}).error().code == Code::tpm_retry);
  CHECK(clock.slept.empty());
  CHECK_FALSE(tpm.sleep(1));
}

TEST_CASE("Tpm_Sleep_NotBeyondTheDeadline") {
  ScriptedTpm transport;
  ManualClock clock;
  Tpm tpm(transport, clock, clock.time + 30);
  CHECK(tpm.sleep(10));
  CHECK(tpm.sleep(50));
  CHECK_FALSE(tpm.sleep(50));
  CHECK(clock.slept == std::vector<Millis>{10, 20});
  CHECK(tpm.now() == tpm.deadline());
}
