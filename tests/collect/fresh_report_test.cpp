// SPDX-License-Identifier: Apache-2.0
#include "snpnv/collect/fresh_report.hpp"

#include "tests/paravisor/paravisor_fixture.hpp"

using namespace snpnv;
using test::filled;
using test::Machine;
using paravisor::Options;
using paravisor::Refresh;

namespace {

// One run of the flow on a machine, with everything that was sent.
struct Run {
  explicit Run(Machine& machine, Millis timeout = 10000)
      : watched(machine.device()), tpm(watched, machine.clock, machine.clock.now() + timeout),
        collector(tpm, crypto, buffer) {}

  test::Watched<Machine::Device> watched;
  Tpm<test::Watched<Machine::Device>, test::ManualClock> tpm;
  MbedCrypto crypto;
  test::Octets buffer = test::Octets(kEnvelopeBuffer);
  ReportCollector<decltype(tpm), MbedCrypto> collector;
};

Options with(void (*change)(paravisor::Faults&)) {
  Options options;
  change(options.faults);
  return options;
}

}  // namespace

TEST_CASE("FreshReport_SteadyState_OneWriteAndThreeReads") {
  Machine machine({.interval = 0});
  machine.write(filled(1));
  Run run(machine);
  const auto bound = run.collector.fresh_report(filled(2));
  REQUIRE(bound.has_value());
  CHECK(bound->claims.carries(filled(2)));
  CHECK(run.watched.commands ==
        std::vector{TPM_CC::NV_Write, TPM_CC::NV_Read, TPM_CC::NV_Read, TPM_CC::NV_Read});
  CHECK(run.collector.trace().last == FreshTrace::Seen::fresh);
}

TEST_CASE("FreshReport_SmallEnvelope_OneWriteAndTwoReads") {
  Machine machine({.envelope_version = 1, .nv_size = 2048, .interval = 0});
  machine.write(filled(1));
  Run run(machine);
  REQUIRE(run.collector.fresh_report(filled(2)).has_value());
  CHECK(run.watched.commands == std::vector{TPM_CC::NV_Write, TPM_CC::NV_Read, TPM_CC::NV_Read});
}

TEST_CASE("FreshReport_NoIndexYet_IsDefined") {
  Machine machine({.interval = 0});
  Run run(machine);
  REQUIRE(run.collector.fresh_report(filled(2)).has_value());
  CHECK(run.watched.commands == std::vector{TPM_CC::NV_Write, TPM_CC::NV_ReadPublic, TPM_CC::NV_Read,
                                            TPM_CC::NV_Read, TPM_CC::NV_DefineSpace, TPM_CC::NV_Write,
                                            TPM_CC::NV_Read, TPM_CC::NV_Read, TPM_CC::NV_Read});
  Tpm tpm(machine.device(), machine.clock, machine.clock.now());
  CHECK(nv_public(tpm, vtpm::kUserDataIndex)->attributes.has(TPMA_NV::OWNERREAD));
}

TEST_CASE("FreshReport_IndexOfWrongShape_IsDefinedAnew") {
  for (const TPMS_NV_PUBLIC& shape :
       {TPMS_NV_PUBLIC{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x00060006}, {}, 48},
        TPMS_NV_PUBLIC{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x00060006}, {}, 128},
        TPMS_NV_PUBLIC{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x00040006}, {}, 64},
        TPMS_NV_PUBLIC{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x00060004}, {}, 64}}) {
    CAPTURE(shape.dataSize);
    CAPTURE(shape.attributes.value);
    Machine machine;
    Tpm tpm(machine.device(), machine.clock, machine.clock.now());
    REQUIRE(tpm.execute(NV_DefineSpace{TPM_RH::OWNER, {}, {shape}}).has_value());
    Run run(machine);
    REQUIRE(run.collector.fresh_report(filled(2)).has_value());
    const auto area = nv_public(tpm, vtpm::kUserDataIndex);
    CHECK(area->dataSize == 64);
    CHECK(area->attributes.value == 0x20060006);
  }
}

TEST_CASE("FreshReport_NoIndexYet_LookingForTheReportDoesNotRefreshIt") {
  Machine machine;
  machine.clock.time += 3000;  // the next read at offset 0 refreshes
  Run run(machine);
  const Instant start = machine.clock.time;
  REQUIRE(run.collector.fresh_report(filled(2)).has_value());
  CHECK(machine.clock.time == start);
}

TEST_CASE("FreshReport_NoReportIndex_LeavesTheTpmAsItWas") {
  Machine machine(with([](paravisor::Faults& f) { f.no_index = true; }));
  Run run(machine);
  const auto bound = run.collector.fresh_report(filled(2));
  REQUIRE(!bound);
  CHECK(is_rc(bound.error(), TPM_RC::HANDLE));
  CHECK(bound.error().object == 0x01400001);
  Tpm tpm(machine.device(), machine.clock, machine.clock.now());
  CHECK(is_rc(nv_public(tpm, vtpm::kUserDataIndex).error(), TPM_RC::HANDLE));
}

TEST_CASE("FreshReport_IndexWithoutAuthReadAndAuthWrite_IsUsedAsItIs") {
  for (const Millis waited : {0U, 3000U}) {  // with a stale report first, and without
    const TPMS_NV_PUBLIC shape{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x00020002}, {}, 64};
    Machine machine;
    Tpm tpm(machine.device(), machine.clock, machine.clock.now());
    REQUIRE(tpm.execute(NV_DefineSpace{TPM_RH::OWNER, {}, {shape}}).has_value());
    machine.clock.time += waited;
    Run run(machine);
    REQUIRE(run.collector.fresh_report(filled(2)).has_value());
    CHECK(nv_public(tpm, vtpm::kUserDataIndex)->attributes.value == 0x20020002);
  }
}

TEST_CASE("FreshReport_ReadableIndexOfThePlatform_IsUsedAsItIs") {
  const TPMS_NV_PUBLIC shape{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x40030003}, {}, 64};
  Machine machine;
  Tpm tpm(machine.device(), machine.clock, machine.clock.now());
  TpmScratch scratch;
  REQUIRE(execute(machine.behind(), NV_DefineSpace{TPM_RH::PLATFORM, {}, {shape}}, scratch).has_value());
  Run run(machine);
  REQUIRE(run.collector.fresh_report(filled(2)).has_value());
  CHECK(nv_public(tpm, vtpm::kUserDataIndex)->attributes.value == 0x60030003);
}

TEST_CASE("FreshReport_UnreadableIndexOfThePlatform_IsAnErrorAtOnce") {
  const TPMS_NV_PUBLIC shape{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x40010003}, {}, 64};
  Machine machine;
  Tpm tpm(machine.device(), machine.clock, machine.clock.now());
  TpmScratch scratch;
  REQUIRE(execute(machine.behind(), NV_DefineSpace{TPM_RH::PLATFORM, {}, {shape}}, scratch).has_value());
  Run run(machine);
  const Instant start = machine.clock.now();
  const auto bound = run.collector.fresh_report(filled(2));
  REQUIRE(!bound.has_value());
  CHECK(is_rc(bound.error(), TPM_RC::NV_AUTHORIZATION));
  CHECK(bound.error().command == static_cast<std::uint32_t>(TPM_CC::NV_UndefineSpace));
  CHECK(machine.clock.now() == start);
}

TEST_CASE("FreshReport_Stale_FollowsTheRefreshWithin250Ms") {
  for (const Millis waited : {0U, 1U, 700U, 1950U, 1999U}) {
    CAPTURE(waited);
    Machine machine;
    machine.write(filled(1));
    const Instant possible = machine.clock.time + 2000;
    machine.clock.time += waited;
    Run run(machine);
    REQUIRE(run.collector.fresh_report(filled(2)).has_value());
    CHECK(machine.clock.time >= possible);
    CHECK(machine.clock.time <= possible + 250);
  }
}

TEST_CASE("FreshReport_OnWrite_FollowsTheRefreshWithin250Ms") {
  Machine machine({.refresh = Refresh::on_write, .latency = 1234});
  Run run(machine);
  const Instant possible = machine.clock.time + 1234;
  REQUIRE(run.collector.fresh_report(filled(2)).has_value());
  CHECK(machine.clock.time >= possible);
  CHECK(machine.clock.time <= possible + 250);
}

TEST_CASE("FreshReport_StalePoll_CostsTwoSmallCommands") {
  Machine machine;
  machine.write(filled(1));
  Run run(machine);
  REQUIRE(run.collector.fresh_report(filled(2)).has_value());
  std::size_t public_reads = 0;
  std::size_t reads = 0;
  for (const TPM_CC code : run.watched.commands) {
    public_reads += code == TPM_CC::NV_ReadPublic;
    reads += code == TPM_CC::NV_Read;
  }
  CHECK(public_reads == 1);
  // The first look and the last take 3 reads each; between them each of the 20 polls takes 2.
  CHECK(reads <= 3 + 1 + 2 * 20 + 3);
}

// Reads of the report index at offset 0, each of which can be a request to the host.
struct Looks {
  Machine& machine;
  Instant start = machine.clock.time;
  std::vector<Instant> at{};

  Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    const auto read = unmarshal_command<NV_Read>(command);
    if (read && read->nvIndex == vtpm::kReportIndex && read->offset == 0) at.push_back(machine.clock.time - start);
    return machine.device().transact(command, response);
  }
};

TEST_CASE("FreshReport_NothingChanges_LooksBecomeRare") {
  struct Case {
    void (*fault)(paravisor::Faults&);
    std::size_t at_once;  // a torn report is read three times in a row
  };
  for (const Case& c : {Case{[](paravisor::Faults& f) { f.stale_forever = true; }, 1},
                        Case{[](paravisor::Faults& f) { f.wrong_digest = true; }, 3}}) {
    Machine machine(with(c.fault));
    Looks looks{machine};
    Tpm tpm(looks, machine.clock, machine.clock.now() + 60'000);
    MbedCrypto crypto;
    test::Octets buffer(kEnvelopeBuffer);
    REQUIRE(!ReportCollector(tpm, crypto, buffer).fresh_report(filled(2)));
    const auto before = [&](Instant time) {
      return static_cast<std::size_t>(std::ranges::count_if(looks.at, [&](Instant at) { return at < time; }));
    };
    CHECK(before(2250) <= c.at_once * 23);
    CHECK(before(10'000) - before(2250) <= c.at_once * 8);
    CHECK(looks.at.size() - before(10'000) <= c.at_once * 26);  // one in 2 s, and the last
    CHECK(looks.at.back() == 60'000);
  }
}

TEST_CASE("FreshReport_SlowRefresh_IsFoundWithinAQuarterOfItsTime") {
  for (const std::uint32_t latency : {3000U, 5000U, 9000U}) {
    Machine machine({.refresh = Refresh::on_write, .latency = latency});
    Run run(machine, 20'000);
    const Instant start = machine.clock.time;
    REQUIRE(run.collector.fresh_report(filled(2)).has_value());
    CHECK(machine.clock.time - start >= latency);
    CHECK(machine.clock.time - start <= latency + latency / 4 + 100);
  }
}

TEST_CASE("FreshReport_AnothersReportAfterALongWait_BeginsTheWindowAnew") {
  // Refreshes fail for 8 s; the first that works is another process's, with its data.
  struct Failing {
    Machine& machine;
    Instant until = machine.clock.time + 8000;
    Instant theirs = 0;
    test::Octets front{};

    Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
      const auto read = unmarshal_command<NV_Read>(command);
      const bool look = read && read->nvIndex == vtpm::kReportIndex && read->offset == 0;
      if (look && machine.clock.time < until && !front.empty()) return copy_to(response, front);
      if (look && machine.clock.time >= until && theirs == 0) {
        machine.write(filled(9));
        (void)machine.content();
        theirs = machine.clock.time;
      }
      const auto answer = machine.device().transact(command, response);
      if (look && front.empty()) front.assign(answer->begin(), answer->end());
      return answer;
    }
  };
  Machine machine;
  Failing failing{machine};
  Tpm tpm(failing, machine.clock, machine.clock.now() + 60'000);
  MbedCrypto crypto;
  test::Octets buffer(kEnvelopeBuffer);
  REQUIRE(ReportCollector(tpm, crypto, buffer).fresh_report(filled(2)).has_value());
  CHECK(failing.theirs != 0);
  CHECK(machine.clock.time <= failing.theirs + 2000 + 250);
}

TEST_CASE("FreshReport_EachFault_IsNamed") {
  struct Case {
    void (*fault)(paravisor::Faults&);
    Code code;
  };
  for (const Case& c : {Case{[](paravisor::Faults& f) { f.stale_forever = true; }, Code::fresh_stale},
                        Case{[](paravisor::Faults& f) { f.wrong_digest = true; }, Code::fresh_torn},
                        Case{[](paravisor::Faults& f) { f.wrong_user_data = true; }, Code::fresh_stale},
                        Case{[](paravisor::Faults& f) { f.truncated = true; }, Code::tpm_rc},
                        Case{[](paravisor::Faults& f) { f.bad_json = true; }, Code::json_syntax},
                        Case{[](paravisor::Faults& f) { f.duplicate_key = true; }, Code::json_duplicate},
                        Case{[](paravisor::Faults& f) { f.short_response = true; }, Code::tpm_answer},
                        Case{[](paravisor::Faults& f) { f.silence = true; }, Code::io_deadline},
                        Case{[](paravisor::Faults& f) { f.no_index = true; }, Code::tpm_rc}}) {
    CAPTURE(name(c.code));
    Options options = with(c.fault);
    const bool silent = options.faults.silence;
    options.faults.silence = false;
    Machine machine(options);
    const Instant start = machine.clock.time;
    if (silent) {
      struct Silent {
        Result<ByteView> transact(ByteView, MutBytes) noexcept { return fail(Code::io_deadline); }
      } none;
      Tpm tpm(none, machine.clock, start);
      MbedCrypto crypto;
      test::Octets buffer(kEnvelopeBuffer);
      CHECK(ReportCollector(tpm, crypto, buffer).fresh_report(filled(2)).error().code == c.code);
      continue;
    }
    Run run(machine);
    const auto bound = run.collector.fresh_report(filled(2));
    REQUIRE(!bound);
    CHECK(bound.error().code == c.code);
    CHECK(machine.clock.time <= start + 10000);
    if (c.code == Code::fresh_stale || c.code == Code::fresh_torn) CHECK(machine.clock.time == start + 10000);
  }
}

TEST_CASE("FreshReport_MalformedContent_IsOfTheIndex") {
  struct Case {
    std::size_t at;  // offset in the envelope
    unsigned value;
    Code code;
  };
  for (const Case& c : {Case{0, 0, Code::hcl_signature}, Case{4, 3, Code::hcl_version}, Case{32, 1, Code::report_version},
                        Case{1224, 4, Code::hcl_report_type}, Case{1228, 9, Code::hcl_hash_type}}) {
    CAPTURE(c.at);
    Machine machine;
    struct Altering {
      Machine::Device& inner;
      std::size_t at;
      std::byte value;
      Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
        const auto answer = inner.transact(command, response);
        // NV_Read: its offset ends the command, its data begin behind header, size of parameters and size.
        const bool read = command[9] == std::byte{0x4E} && command.size() > 2;
        const std::size_t from = read ? std::to_integer<std::size_t>(command[command.size() - 2]) << 8 : 0;
        if (answer && read && at >= from && 16 + at - from < answer->size()) response[16 + at - from] = value;
        return answer;
      }
    } altering{machine.device(), c.at, std::byte(c.value)};
    Tpm tpm(altering, machine.clock, machine.clock.now() + 10000);
    MbedCrypto crypto;
    test::Octets buffer(kEnvelopeBuffer);
    const auto bound = ReportCollector(tpm, crypto, buffer).boot_report();
    REQUIRE(!bound);
    CHECK(name(bound.error().code) == name(c.code));
    CHECK(bound.error().object == 0x01400001);
  }
}

TEST_CASE("FreshReport_PassingFaults_EndInAFreshReport") {
  for (const auto fault : {+[](paravisor::Faults& f) { f.stale_once = true; }, +[](paravisor::Faults& f) { f.torn = true; },
                           +[](paravisor::Faults& f) { f.bad_signature = true; }}) {
    Machine machine(with(fault));
    Run run(machine);
    const auto bound = run.collector.fresh_report(filled(2));
    REQUIRE(bound.has_value());
    CHECK(bound->claims.carries(filled(2)));
  }
}

TEST_CASE("FreshReport_RetryWarnings_ArePatientlyAnswered") {
  Machine machine({.interval = 0});
  machine.write(filled(1));
  for (const std::uint32_t rc : {0x922U, 0x908U, 0x90AU, 0x920U, 0x923U, 0x921U}) {
    CAPTURE(rc);
    struct Reluctant {
      Machine::Device& inner;
      std::uint32_t rc;
      int left = 5;
      Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
        if (left-- > 0) return marshal_error(rc, response);
        left = 5;
        return inner.transact(command, response);
      }
    } reluctant{machine.device(), rc};
    Tpm tpm(reluctant, machine.clock, machine.clock.now() + 10000);
    MbedCrypto crypto;
    test::Octets buffer(kEnvelopeBuffer);
    CHECK(ReportCollector(tpm, crypto, buffer).fresh_report(filled(rc & 0xFF)).has_value());
    reluctant.left = 1 << 30;
    const Instant start = machine.clock.time;
    Tpm impatient(reluctant, machine.clock, start + 1000);
    const auto bound = ReportCollector(impatient, crypto, buffer).fresh_report(filled(2));
    CHECK(bound.error().code == Code::tpm_retry);
    CHECK(bound.error().detail == rc);
    CHECK(machine.clock.time == start + 1000);
  }
}

TEST_CASE("FreshReport_Overwritten_IsWrittenAgain") {
  Machine machine;
  Run run(machine);
  // Another process writes between our write and our read, and its data are refreshed first.
  run.watched.before = [&](std::size_t number, TPM_CC) {
    if (number == 7) {  // behind the defining and writing of the index
      machine.write(filled(9));
      machine.clock.time += 2000;
    }
  };
  const auto bound = run.collector.fresh_report(filled(2));
  REQUIRE(bound.has_value());
  CHECK(bound->claims.carries(filled(2)));
  CHECK(run.collector.trace().writes == 2);
}

TEST_CASE("FreshReport_AlwaysOverwritten_IsNamed") {
  Machine machine;
  Run run(machine);
  run.watched.before = [&](std::size_t, TPM_CC code) {
    if (code == TPM_CC::NV_Read) machine.write(filled(9));
  };
  const auto bound = run.collector.fresh_report(filled(2));
  REQUIRE(!bound);
  CHECK(bound.error().code == Code::fresh_overwritten);
  CHECK(run.collector.trace().last_user_data == filled(9));
  CHECK(run.collector.trace().writes > 2);
}

TEST_CASE("FreshReport_TornBetweenChunks_IsReadAgainAtOnce") {
  Machine machine({.interval = 0});
  machine.write(filled(1));
  Run run(machine);
  // A refresh for another process after our first chunk; our data are back before we look again.
  run.watched.before = [&](std::size_t number, TPM_CC) {
    if (number != 3) return;
    machine.write(filled(9));
    (void)machine.content();
    machine.write(filled(2));
  };
  const Instant start = machine.clock.time;
  const auto bound = run.collector.fresh_report(filled(2));
  REQUIRE(bound.has_value());
  CHECK(bound->claims.carries(filled(2)));
  CHECK(run.collector.trace().reads == 2);
  CHECK(machine.clock.time == start);
}

TEST_CASE("FreshReport_FirmwareWithoutUserData_IsNamed") {
  const auto content = test::vector_file("azure-milan-2023/nv-01400001.bin");
  if (!content) return;
  // A TPM that takes the user data and ever returns the content of that machine.
  struct Old {
    const test::Octets& content;
    UserData user_data{};
    Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
      if (const auto write = unmarshal_command<NV_Write>(command)) {
        copy_to(user_data, write->data.data);
        return marshal_response(NV_Write::Response{}, TPM_ST::SESSIONS, 1, response);
      }
      if (unmarshal_command<NV_ReadPublic>(command))
        return marshal_response(NV_ReadPublic::Response{{user_data_public(64)}, {}}, TPM_ST::NO_SESSIONS, 0, response);
      const auto read = unmarshal_command<NV_Read>(command);
      REQUIRE(read.has_value());
      const ByteView all = read->nvIndex == vtpm::kReportIndex ? ByteView(content) : ByteView(user_data);
      return marshal_response(NV_Read::Response{{all.subspan(read->offset, read->size)}}, TPM_ST::SESSIONS, 1, response);
    }
  } old{*content};
  test::ManualClock clock;
  Tpm tpm(old, clock, clock.now() + 3000);
  MbedCrypto crypto;
  test::Octets buffer(kEnvelopeBuffer);
  ReportCollector collector(tpm, crypto, buffer);
  CHECK(collector.fresh_report(filled(2)).error().code == Code::fresh_no_user_data);
  CHECK(collector.boot_report().has_value());
}

TEST_CASE("BootReport_WritesNothing") {
  Machine machine;
  Run run(machine);
  const auto bound = run.collector.boot_report();
  REQUIRE(bound.has_value());
  CHECK(bound->claims.carries(filled(0)));
  CHECK(run.watched.commands == std::vector{TPM_CC::NV_Read, TPM_CC::NV_Read, TPM_CC::NV_Read});
}

TEST_CASE("BootReport_Torn_IsNamedAtTheDeadline") {
  Machine machine(with([](paravisor::Faults& f) { f.wrong_digest = true; }));
  Run run(machine, 1000);
  CHECK(run.collector.boot_report().error().code == Code::fresh_torn);
}
