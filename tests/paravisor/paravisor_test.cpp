// SPDX-License-Identifier: Apache-2.0
#include "tests/paravisor/paravisor_fixture.hpp"

using namespace snpnv;
using test::claimed;
using test::filled;
using test::Machine;

TEST_CASE("Paravisor_Refresh_AtMostOnceAnIntervalAndOnlyAtOffsetZero") {
  Machine machine;
  CHECK(claimed(machine.content()) == filled(0));  // the boot's report
  machine.write(filled(1));
  CHECK(claimed(machine.content()) == filled(0));
  machine.clock.time += 1999;
  CHECK(claimed(machine.content()) == filled(0));  // a limited read does not start the window anew
  machine.clock.time += 1;
  const auto before = machine.content(1);  // another offset never refreshes
  CHECK(claimed([&] {
          auto whole = test::Octets{std::byte{'H'}};
          whole.insert(whole.end(), before.begin(), before.end());
          return whole;
        }()) == filled(0));
  CHECK(claimed(machine.content()) == filled(1));
  machine.write(filled(2));
  machine.clock.time += 1999;
  CHECK(claimed(machine.content()) == filled(1));
  machine.clock.time += 1;
  CHECK(claimed(machine.content()) == filled(2));
}

TEST_CASE("Paravisor_OnWrite_RefreshesWhenTheLatencyHasPassed") {
  Machine machine({.refresh = paravisor::Refresh::on_write, .latency = 300});
  machine.write(filled(1));
  machine.clock.time += 299;
  CHECK(claimed(machine.content()) == filled(0));
  machine.clock.time += 1;
  CHECK(claimed(machine.content()) == filled(1));
  machine.clock.time += 100000;
  CHECK(claimed(machine.content()) == filled(1));
}

TEST_CASE("Paravisor_UserData_PersistsAndUndefinedIsZero") {
  Machine machine({.interval = 0});
  CHECK(claimed(machine.content()) == filled(0));
  machine.write(filled(3));
  CHECK(claimed(machine.content()) == filled(3));
  Tpm tpm(machine.device(), machine.clock, machine.clock.now());
  REQUIRE(tpm.execute(NV_UndefineSpace{TPM_RH::OWNER, vtpm::kUserDataIndex}).has_value());
  CHECK(claimed(machine.content()) == filled(0));
}

TEST_CASE("Paravisor_Boot_ReportCarriesWhatWasWrittenBeforeIt") {
  Machine machine;
  machine.write(filled(1));
  const test::Octets before = machine.content();
  CHECK(claimed(before) == filled(0));  // the interval of the first boot is not over
  machine.boot();
  const test::Octets after = machine.content();
  CHECK(claimed(after) == filled(1));
}

TEST_CASE("Paravisor_Boot_ForgetsTheFaultsOfTheLastOne") {
  paravisor::Options options;
  options.faults.stale_once = true;
  Machine machine(options);
  for (int i = 0; i < 2; ++i) {
    machine.write(filled(static_cast<unsigned>(10 + i)));
    machine.clock.sleep(options.interval);
    CHECK(claimed(machine.content()) != filled(static_cast<unsigned>(10 + i)));
    machine.clock.sleep(options.interval);
    CHECK(claimed(machine.content()) == filled(static_cast<unsigned>(10 + i)));
    machine.boot();
  }
}

TEST_CASE("Paravisor_Boot_KeysStay") {
  Machine machine;
  const auto key = [&] {
    TpmScratch scratch;
    const auto area = execute(machine.device(), ReadPublic{vtpm::kAttestationKey}, scratch);
    REQUIRE(area.has_value());
    const ByteView modulus = area->outPublic.value.unique.data;
    return test::Octets(modulus.begin(), modulus.end());
  };
  const test::Octets first = key();
  machine.boot();
  CHECK(key() == first);
}

TEST_CASE("Paravisor_Envelope_AsTheOptionsSay") {
  for (const std::uint32_t version : {1U, 2U}) {
    const bool wanted_upper = version == 2;
    Machine machine({.product = Product::turin, .report_version = 5, .envelope_version = version,
                     .upper_case = wanted_upper});
    const auto content = machine.content();
    const auto envelope = HclReport::parse(content);
    REQUIRE(envelope.has_value());
    CHECK((*envelope)[HclReport::version] == version);
    const auto report = ATTESTATION_REPORT::parse(*envelope->snp_report());
    CHECK((*report)[ATTESTATION_REPORT::VERSION] == 5);
    CHECK(products(*report)->only() == Product::turin);
    CHECK(all_zero((*report)[ATTESTATION_REPORT::CHIP_ID].subspan(8)));
    machine.write(filled(0xAB));
    machine.clock.time += 2000;
    const auto text = machine.content();
    const bool upper = test::text(text).find("ABAB") != std::string_view::npos;
    CHECK(upper == wanted_upper);
    CHECK(claimed(text) == filled(0xAB));
  }
}

TEST_CASE("Paravisor_NvIndices_AreListedInOrder") {
  Machine machine;
  machine.write(filled(1));
  Tpm tpm(machine.device(), machine.clock, machine.clock.now());
  const auto list = [&](std::uint32_t from, std::uint32_t count) {
    const auto answer = tpm.execute(GetCapability{TPM_CAP::HANDLES, from, count});
    REQUIRE(answer.has_value());
    std::string out;
    for (const TPM_HANDLE handle : answer->capabilityData.handles.view()) {
      char digits[12];
      std::snprintf(digits, sizeof digits, "%08x ", static_cast<unsigned>(handle));
      out += digits;
    }
    return out + (answer->moreData != 0 ? "more" : "end");
  };
  CHECK(list(0x01000000, 254) == "01400001 01400002 01c101d0 end");
  CHECK(list(0x01400002, 254) == "01400002 01c101d0 end");
  CHECK(list(0x01C101D1, 254) == "end");
  CHECK(list(0x01000000, 2) == "01400001 01400002 more");
  CHECK(list(0x01000000, 1) == "01400001 more");
  CHECK(list(0x81000000, 254) == "81000003 end");
}

TEST_CASE("Paravisor_Reads_OutOfBoundsAreRefusedAsATpmDoes") {
  Machine machine;
  Tpm tpm(machine.device(), machine.clock, machine.clock.now());
  const auto read = [&](TPM_HANDLE auth, std::uint16_t size, std::uint16_t offset) {
    const auto answer = tpm.execute(NV_Read{auth, vtpm::kReportIndex, size, offset});
    return answer ? 0U : answer.error().detail;
  };
  CHECK(read(TPM_RH::OWNER, 1024, 1876) == 0);
  CHECK(read(TPM_RH::OWNER, 1024, 1877) == 0x146);
  CHECK(read(TPM_RH::OWNER, 0, 2900) == 0);
  CHECK(read(TPM_RH::OWNER, 1, 2900) == 0x146);
  CHECK(read(TPM_RH::OWNER, 1025, 0) == 0x1C4);
  CHECK(read(TPM_RH::PLATFORM, 4, 0) == 0x185);
  CHECK(read(vtpm::kReportIndex, 4, 0) == 0x9A2);
}

TEST_CASE("Paravisor_SameSeed_SameReport") {
  const auto report = [](std::uint64_t seed) {
    Machine machine({.seed = seed});
    const auto content = machine.content();
    const auto octets = *HclReport::parse(content)->snp_report();
    const auto r = *ATTESTATION_REPORT::parse(octets);
    return test::digits(r[ATTESTATION_REPORT::MEASUREMENT]) + test::digits(r[ATTESTATION_REPORT::REPORT_ID]);
  };
  CHECK(report(1) == report(1));
  CHECK(report(1) != report(2));
}

TEST_CASE("Paravisor_TooSmallAnIndex_IsRefused") {
  test::Folder folder;
  test::ManualClock clock;
  auto swtpm = Swtpm::start(folder.path());
  REQUIRE(swtpm.has_value());
  paravisor::Platform platform;
  test::load(platform, Product::milan);
  paravisor::Paravisor device(*swtpm, clock, platform, {.nv_size = 1500});
  CHECK(device.start().error().code == Code::wire_overflow);
}

TEST_CASE("Paravisor_RefreshThatFails_LeavesTheWindowOpen") {
  paravisor::Options options;
  options.faults.refresh_fails = {.on = true, .times = 2};
  Machine machine(options);
  machine.write(filled(1));
  machine.clock.time += 2000;
  CHECK(claimed(machine.content()) == filled(0));
  CHECK(claimed(machine.content()) == filled(0));
  CHECK(claimed(machine.content()) == filled(1));  // at the same time
  machine.write(filled(2));
  machine.clock.time += 1999;
  CHECK(claimed(machine.content()) == filled(1));  // the window begins with the refresh that worked
  machine.clock.time += 1;
  CHECK(claimed(machine.content()) == filled(2));
}

TEST_CASE("Paravisor_RefreshThatFailsForATime_WorksAfterIt") {
  paravisor::Options options;
  options.faults.refresh_fails = {.on = true, .span = 3000};
  Machine machine(options);
  machine.write(filled(1));
  machine.clock.time += 2000;
  CHECK(claimed(machine.content()) == filled(0));  // the first failure begins the time
  machine.clock.time += 2999;
  CHECK(claimed(machine.content()) == filled(0));
  machine.clock.time += 1;
  CHECK(claimed(machine.content()) == filled(1));
}

TEST_CASE("Paravisor_UserDataThatTheOwnerCannotRead_StopTheVtpmAtBoot") {
  test::Folder folder;
  test::ManualClock clock;
  auto swtpm = Swtpm::start(folder.path());
  REQUIRE(swtpm.has_value());
  paravisor::Platform platform;
  test::load(platform, Product::milan);
  paravisor::Paravisor device(*swtpm, clock, platform, {});
  REQUIRE(device.start().has_value());
  Tpm tpm(device, clock, clock.now());
  const TPMS_NV_PUBLIC unreadable{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x00040006}, {}, 64};
  REQUIRE(tpm.execute(NV_DefineSpace{TPM_RH::OWNER, {}, {unreadable}}).has_value());
  REQUIRE(swtpm->power_cycle().has_value());
  const auto started = device.start();
  REQUIRE_FALSE(started.has_value());
  CHECK(is_rc(started.error(), TPM_RC::NV_AUTHORIZATION));
  CHECK(started.error().object == static_cast<std::uint32_t>(vtpm::kUserDataIndex));
}

TEST_CASE("Paravisor_AfterClear_TheReportIsRefreshedWithoutUserDataAndKey") {
  Machine machine;
  machine.write(filled(1));
  machine.clock.time += 2000;
  CHECK(claimed(machine.content()) == filled(1));
  // TPM2_Clear by lockout with the empty password. Part 3, "TPM2_Clear".
  const auto clear = test::hex("80020000001b000001264000000a00000009400000090000000000");
  test::Octets room(4096);
  const auto answer = machine.device().transact(clear, room);
  REQUIRE(answer.has_value());
  CHECK(test::digits(answer->subspan(6, 4)) == "00000000");
  machine.clock.time += 2000;
  CHECK(claimed(machine.content()) == filled(0));
  TpmScratch scratch;
  const auto gone = execute(machine.device(), ReadPublic{vtpm::kAttestationKey}, scratch);
  REQUIRE_FALSE(gone.has_value());
  CHECK(is_rc(gone.error(), TPM_RC::HANDLE));
  machine.boot();
  CHECK(execute(machine.device(), ReadPublic{vtpm::kAttestationKey}, scratch).has_value());
}
