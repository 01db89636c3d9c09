// The first process of a virtual machine: proves Device on the kernel's own TPM driver, then ends
// the machine. What it writes to the console is read by run.sh.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>

#include <cstdio>

#include "tests/transports/conformance.hpp"
#include "transports/device.hpp"

namespace snpnv {
namespace {

using namespace conformance;

Instant in(Millis ms) {
  MonotonicClock clock;
  return clock.now() + ms;
}

Device opened(const char* path) {
  auto device = Device::open(path, in(30000));
  REQUIRE_MESSAGE(device.has_value(), path);
  return std::move(*device);
}

TEST_CASE("1 Device_ResourceManager_Converses") {
  Device device = opened("/dev/tpmrm0");
  check_conversation(device);
}

TEST_CASE("2 Device_ResourceManagerTwice_BothConverse") {
  Device one = opened("/dev/tpmrm0");
  Device other = opened("/dev/tpmrm0");
  check_conversation(one);
  check_conversation(other);
}

TEST_CASE("3 Device_WithoutResourceManager_Converses") {
  Device device = opened("/dev/tpm0");
  check_conversation(device);
}

TEST_CASE("4 DeviceOpen_HeldByAnother_WaitsUntilTheDeadline") {
  {
    const Device holder = opened("/dev/tpm0");
    check_deadline([&](Instant deadline) { return Device::open("/dev/tpm0", deadline); });
  }
  Device device = opened("/dev/tpm0");
  CHECK(is_random(get(device, kGetRandom8), 8));
}

TEST_CASE("5 Device_EarlierResponseUnread_WaitsUntilTheDeadline") {
  // The driver says EBUSY to a command before the response to the one before it was read.
  Descriptor fd(::open("/dev/tpmrm0", O_RDWR | O_NONBLOCK));
  REQUIRE(::write(fd.get(), kGetRandom8.data(), kGetRandom8.size()) > 0);
  REQUIRE(await(fd.get(), POLLIN, in(30000)).has_value());
  Device device(std::move(fd), in(30000));
  check_silence(device);
}

// TPM2_CreatePrimary of an RSA-2048 storage key: the command that takes a TPM the longest.
// TPM 2.0 Library Part 3, "TPM2_CreatePrimary".
const Message kCreatePrimary = octets(
    "800200000043000001314000000100000009400000090000000000"
    "000400000000001a0001000b00030072000000060080004300100800000000000000000000000000");

TEST_CASE("6 Device_CommandOutlastsTheDeadline_IsLeftBehind") {
  for (const char* const path : {"/dev/tpmrm0", "/dev/tpm0"}) {
    Device device = opened(path);
    CHECK(is_random(get(device, kGetRandom8), 8));
    device.set_deadline(in(0));
    const Result<Message> late = ask(device, kCreatePrimary);
    REQUIRE_FALSE(late.has_value());
    CHECK(name(late.error().code) == name(Code::io_deadline));
    const Result<Message> closed = ask(device, kReadPublicOfNoIndex);
    REQUIRE_FALSE(closed.has_value());
    CHECK(name(closed.error().code) == name(Code::io_closed));
    Device next = opened(path);
    check_conversation(next);
  }
}

TEST_CASE("7 Device_CommandWithTimeEnough_IsAnswered") {
  Device device = opened("/dev/tpmrm0");
  CHECK(get(device, kCreatePrimary).size() > 256);
}

}  // namespace
}  // namespace snpnv

int main() {
  ::mkdir("/dev", 0755);
  ::mount("dev", "/dev", "devtmpfs", 0, nullptr);
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
