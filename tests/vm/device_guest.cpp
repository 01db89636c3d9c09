// SPDX-License-Identifier: Apache-2.0
// The first process of a virtual machine: proves TpmDevice on the kernel's own TPM driver, then ends
// the machine. What it writes to the console is read by run.sh.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>

#include <cstdio>
#include <filesystem>
#include <optional>
#include <thread>

#include "tests/transports/conformance.hpp"
#include "transports/device.hpp"

namespace snpnv {
namespace {

using namespace conformance;
using namespace testing;

TpmDevice opened(const char* path) {
  auto device = TpmDevice::open(path, in_time());
  REQUIRE_MESSAGE(device.has_value(), path);
  return std::move(*device);
}

TEST_CASE("1 Device_ResourceManager_Converses") {
  TpmDevice device = opened("/dev/tpmrm0");
  check_conversation(device);
}

TEST_CASE("2 Device_ResourceManagerTwice_BothConverse") {
  TpmDevice one = opened("/dev/tpmrm0");
  TpmDevice other = opened("/dev/tpmrm0");
  check_conversation(one);
  check_conversation(other);
}

TEST_CASE("3 Device_WithoutResourceManager_Converses") {
  TpmDevice device = opened("/dev/tpm0");
  check_conversation(device);
}

TEST_CASE("4 DeviceOpen_HeldByAnother_WaitsUntilTheDeadline") {
  {
    const TpmDevice holder = opened("/dev/tpm0");
    check_deadline([&](Instant deadline) { return TpmDevice::open("/dev/tpm0", deadline); });
  }
  TpmDevice device = opened("/dev/tpm0");
  CHECK(is_random(get(device, kGetRandom8), 8));
}

TEST_CASE("5 Device_EarlierResponseUnread_WaitsUntilTheDeadline") {
  // The driver says EBUSY to a command before the response to the one before it was read.
  Descriptor fd(::open("/dev/tpmrm0", O_RDWR | O_NONBLOCK));
  REQUIRE(::write(fd.get(), kGetRandom8.data(), kGetRandom8.size()) > 0);
  REQUIRE(await(fd.get(), POLLIN, in_time()).has_value());
  TpmDevice device(std::move(fd), in_time());
  check_silence(device);
}

// TPM2_CreatePrimary of an RSA-2048 storage key: the command that takes a TPM the longest.
// TPM 2.0 Library Part 3, "TPM2_CreatePrimary".
const Message kCreatePrimary = octets(
    "800200000043000001314000000100000009400000090000000000"
    "000400000000001a0001000b00030072000000060080004300100800000000000000000000000000");

TEST_CASE("6 Device_CommandOutlastsTheDeadline_IsLeftBehind") {
  for (const char* const path : {"/dev/tpmrm0", "/dev/tpm0"}) {
    TpmDevice device = opened(path);
    CHECK(is_random(get(device, kGetRandom8), 8));
    device.set_deadline(in(0));
    const Result<Message> late = ask(device, kCreatePrimary);
    REQUIRE_FALSE(late.has_value());
    CHECK(name(late.error().code) == name(Code::io_deadline));
    const Result<Message> closed = ask(device, kReadPublicOfNoIndex);
    REQUIRE_FALSE(closed.has_value());
    CHECK(name(closed.error().code) == name(Code::io_closed));
    TpmDevice next = opened(path);
    check_conversation(next);
  }
}

TEST_CASE("7 Device_CommandWithTimeEnough_IsAnswered") {
  TpmDevice device = opened("/dev/tpmrm0");
  CHECK(get(device, kCreatePrimary).size() > 256);
}

TEST_CASE("8 DeviceOpen_HeldForAWhile_WaitsForIt") {
  std::optional<TpmDevice> holder = opened("/dev/tpm0");
  std::thread release([&] {
    MonotonicClock clock;
    clock.sleep(100);
    holder.reset();
  });
  TpmDevice device = opened("/dev/tpm0");
  release.join();
  CHECK(is_random(get(device, kGetRandom8), 8));
}

// Takes the TPM away from its driver, as when the device is unplugged. False: no driver has one.
bool unplug() {
  for (const char* const driver : {"/sys/bus/acpi/drivers/tpm_crb", "/sys/bus/pnp/drivers/tpm_tis",
                                   "/sys/bus/platform/drivers/tpm_tis"}) {
    std::error_code none;
    for (const auto& entry : std::filesystem::directory_iterator(driver, none)) {
      const std::string name = entry.path().filename().string();
      if (!entry.is_symlink() || name == "module") continue;
      const Descriptor unbind(::open((std::string(driver) + "/unbind").c_str(), O_WRONLY));
      if (::write(unbind.get(), name.data(), name.size()) == static_cast<ssize_t>(name.size())) return true;
    }
  }
  return false;
}

TEST_CASE("9 Device_Vanishes_FailsAtOnceWithErrno") {
  TpmDevice device = opened("/dev/tpmrm0");
  CHECK(is_random(get(device, kGetRandom8), 8));
  REQUIRE(unplug());
  Result<Message> answer;
  CHECK(asleep([&] { answer = ask(device, kGetRandom8); }) < 10000);
  REQUIRE_FALSE(answer.has_value());
  CHECK(name(answer.error().code) == name(Code::io_failed));
  MESSAGE("errno of a device that vanished: " << answer.error().detail);
  check_closed(device);
  const auto again = TpmDevice::open("/dev/tpmrm0", in_time());
  REQUIRE_FALSE(again.has_value());
  CHECK(again.error() == Error{Code::io_failed, 0, ENOENT});
}

}  // namespace
}  // namespace snpnv

int main() {
  ::mkdir("/dev", 0755);
  ::mount("dev", "/dev", "devtmpfs", 0, nullptr);
  ::mkdir("/sys", 0755);
  ::mount("sys", "/sys", "sysfs", 0, nullptr);
  ::mkdir("/proc", 0755);
  ::mount("proc", "/proc", "proc", 0, nullptr);
  for (const int standard : {0, 1, 2}) {
    const int fd = ::open("/dev/console", O_RDWR | O_NOCTTY);
    if (fd != standard) ::dup2(fd, standard);
  }
  doctest::Context context;
  context.setOption("no-colors", true);
  context.setOption("order-by", "name");
  const int failed = context.run();
  std::printf("GUEST %s\n", failed == 0 ? "PASSED" : "FAILED");
  std::fflush(stdout);
  ::reboot(RB_AUTOBOOT);
}
