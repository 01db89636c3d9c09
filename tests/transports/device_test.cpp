// SPDX-License-Identifier: Apache-2.0
#include "transports/device.hpp"

#include <stdlib.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>

#include <fstream>
#include <thread>

#include "tests/transports/conformance.hpp"
#include "tests/transports/interruptions.hpp"
#include "tests/transports/tcp_swtpm.hpp"

namespace snpnv {
namespace {

using namespace conformance;
using namespace testing;

// Two ends that keep the limits of messages, as the kernel's device does.
struct Ends {
  Descriptor device, peer;
  Ends() {
    int pair[2];
    REQUIRE(::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    device = Descriptor(pair[0]);
    peer = Descriptor(pair[1]);
    ::fcntl(device.get(), F_SETFL, O_NONBLOCK);
  }
  void say(ByteView message) const {
    REQUIRE(::send(peer.get(), message.data(), message.size(), MSG_NOSIGNAL) ==
            static_cast<ssize_t>(message.size()));
  }
};

// Carries messages between one end and a real swtpm, until either hangs up.
class Bridge {
 public:
  Bridge(Descriptor peer, std::uint16_t port) : peer_(std::move(peer)), tpm_(connect_to(port)) {
    REQUIRE(tpm_.get() >= 0);
    thread_ = std::thread([this] {
      take_no_signals();
      std::array<char, 4096> message;
      while (true) {
        const ssize_t n = ::recv(peer_.get(), message.data(), message.size(), 0);
        if (n <= 0) break;
        ::send(tpm_.get(), message.data(), static_cast<std::size_t>(n), MSG_NOSIGNAL);
        const ssize_t m = ::recv(tpm_.get(), message.data(), message.size(), 0);
        if (m <= 0) break;
        ::send(peer_.get(), message.data(), static_cast<std::size_t>(m), MSG_NOSIGNAL);
      }
      peer_.reset();
    });
  }
  ~Bridge() {
    ::shutdown(tpm_.get(), SHUT_RDWR);
    thread_.join();
  }

 private:
  Descriptor peer_, tpm_;
  std::thread thread_;
};

struct DeviceOnSwtpm {
  TcpSwtpm swtpm;
  Ends ends;
  TpmDevice device{std::move(ends.device), in_time()};
  Bridge bridge{std::move(ends.peer), swtpm.port()};
  ~DeviceOnSwtpm() { TpmDevice(std::move(device)); }  // hang up first: the bridge waits for that
};

TEST_CASE("Device_RealSwtpm_Converses") {
  DeviceOnSwtpm on;
  check_conversation(on.device);
}

TEST_CASE("Device_SignalsDuringEveryCall_Converses") {
  DeviceOnSwtpm on;
  const Interruptions signals;
  while (signals.count() < 100) check_conversation(on.device);
}

TEST_CASE("Device_SwtpmStopped_EndsAtTheDeadline") {
  DeviceOnSwtpm on;
  CHECK(is_random(get(on.device, kGetRandom8), 8));
  on.swtpm.stop();
  check_silence(on.device);
}

TEST_CASE("Device_SwtpmKilled_IsAnError") {
  ::signal(SIGPIPE, SIG_IGN);  // a socket in the place of a device
  DeviceOnSwtpm on;
  CHECK(is_random(get(on.device, kGetRandom8), 8));
  on.swtpm.die();
  check_closed(on.device);
}

TEST_CASE("Device_PeerHangsUpInsteadOfAnswering_IsClosed") {
  Ends ends;
  TpmDevice device(std::move(ends.device), in_time());
  ::shutdown(ends.peer.get(), SHUT_WR);
  std::thread hang_up([&] {
    std::array<char, 64> command;
    (void)::recv(ends.peer.get(), command.data(), command.size(), 0);
    ends.peer.reset();
  });
  const Result<Message> answer = ask(device, kGetRandom8);
  hang_up.join();
  REQUIRE_FALSE(answer.has_value());
  CHECK(name(answer.error().code) == name(Code::io_closed));
}

TEST_CASE("Device_GoneBeforeTheCommand_FailsWithErrno") {
  ::signal(SIGPIPE, SIG_IGN);  // a socket in the place of a device
  Ends ends;
  TpmDevice device(std::move(ends.device), in_time());
  ends.peer.reset();
  const Result<Message> answer = ask(device, kGetRandom8);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error() == Error{Code::io_failed, 0, EPIPE});
  check_closed(device);
}

TEST_CASE("Device_VanishesDuringTheCommand_FailsAtOnceWithErrno") {
  // A terminal whose other side is closed reads as EIO, as a device does whose driver went away.
  Descriptor device_end(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  REQUIRE((::grantpt(device_end.get()) == 0 && ::unlockpt(device_end.get()) == 0));
  Descriptor peer(::open(::ptsname(device_end.get()), O_RDWR | O_NOCTTY | O_CLOEXEC));
  termios raw{};
  REQUIRE(::tcgetattr(peer.get(), &raw) == 0);
  ::cfmakeraw(&raw);
  REQUIRE(::tcsetattr(peer.get(), TCSANOW, &raw) == 0);
  ::fcntl(device_end.get(), F_SETFL, O_NONBLOCK);
  TpmDevice device(std::move(device_end), in_time());
  Message taken(kGetRandom8.size());
  std::thread vanish([&] {
    for (std::size_t at = 0; at < taken.size();) {
      const ssize_t n = ::read(peer.get(), taken.data() + at, taken.size() - at);
      if (n <= 0) break;
      at += static_cast<std::size_t>(n);
    }
    peer.reset();
  });
  Result<Message> answer;
  CHECK(asleep([&] { answer = ask(device, kGetRandom8); }) < 10000);
  vanish.join();
  CHECK(taken == kGetRandom8);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error() == Error{Code::io_failed, 0, EIO});
  check_closed(device);
}

TEST_CASE("Device_SignalsWhileThePeerIsSilent_EndsAtTheDeadline") {
  const Interruptions signals;
  while (signals.count() <= 10) {
    Ends ends;
    TpmDevice device(std::move(ends.device), in(0));
    check_silence(device);
  }
}

TEST_CASE("Device_AnswerAfterTheDeadline_NeverAnswersAnotherCommand") {
  Ends ends;
  TpmDevice device(std::move(ends.device), in(50));
  CHECK_FALSE(ask(device, kGetRandom8).has_value());
  ::send(ends.peer.get(), kNoSuchHandle.data(), kNoSuchHandle.size(), MSG_NOSIGNAL);
  device.set_deadline(in_time());
  const Result<Message> answer = ask(device, kReadPublicOfNoIndex);
  REQUIRE_FALSE(answer.has_value());
  CHECK(name(answer.error().code) == name(Code::io_closed));
}

TEST_CASE("Device_ReadsNothingAtFirst_WaitsForTheAnswer") {
  // Readable and yet empty, as Linux 5.0 is while the command is still queued.
  Ends ends;
  TpmDevice device(std::move(ends.device), in_time());
  ends.say({});
  ends.say({});
  ends.say(kNoSuchHandle);
  CHECK(get(device, kReadPublicOfNoIndex) == kNoSuchHandle);
}

TEST_CASE("Device_ReadsNothingForEver_EndsAtTheDeadline") {
  Ends ends;
  TpmDevice device(std::move(ends.device), in(30));
  for (int i = 0; i < 100; ++i) ends.say({});
  const Result<Message> answer = ask(device, kGetRandom8);
  REQUIRE_FALSE(answer.has_value());
  CHECK(name(answer.error().code) == name(Code::io_deadline));
}

// Fills the way to the peer, so that write() says EAGAIN.
int fill(const Ends& ends) {
  int filled = 0;
  while (::write(ends.device.get(), kGetRandom8.data(), kGetRandom8.size()) > 0) ++filled;
  REQUIRE(errno == EAGAIN);
  return filled;
}

TEST_CASE("Device_WriteSaysAgain_TriesUntilTheDeadline") {
  Ends ends;
  fill(ends);
  TpmDevice device(std::move(ends.device), in(0));
  check_silence(device);
}

TEST_CASE("Device_WriteSaysAgainForAWhile_Converses") {
  Ends ends;
  const int filled = fill(ends);
  const int peer = ends.peer.get();
  TpmDevice device(std::move(ends.device), in_time());
  std::thread reader([&] {
    take_no_signals();
    std::array<std::byte, 64> message{};
    for (int i = 0; i < filled; ++i) (void)::recv(peer, message.data(), message.size(), 0);
    const ssize_t n = ::recv(peer, message.data(), message.size(), 0);
    const bool right =
        n > 0 && equal(ByteView(message).first(static_cast<std::size_t>(n)), kReadPublicOfNoIndex);
    const Message& answer = right ? kNoSuchHandle : kGetRandom8;
    ::send(peer, answer.data(), answer.size(), MSG_NOSIGNAL);
  });
  CHECK(get(device, kReadPublicOfNoIndex) == kNoSuchHandle);
  reader.join();
}

TEST_CASE("DeviceOpen_NoSuchFile_SaysSo") {
  const auto device = TpmDevice::open("/dev/no-such-tpm", in_time());
  REQUIRE_FALSE(device.has_value());
  CHECK(device.error() == Error{Code::io_failed, 0, ENOENT});
}

TEST_CASE("DeviceOpen_NoDriverBehindTheName_SaysSo") {
  // open() of a socket file is ENXIO, as of a device file whose driver is not there: open(2).
  const Folder folder;
  const std::string path = folder / "socket";
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(path.size() < sizeof address.sun_path);
  std::ranges::copy(path, address.sun_path);
  const Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const void* const generic = &address;
  REQUIRE(::bind(fd.get(), static_cast<const sockaddr*>(generic), sizeof address) == 0);
  const auto device = TpmDevice::open(path.c_str(), in_time());
  REQUIRE_FALSE(device.has_value());
  CHECK(device.error() == Error{Code::io_failed, 0, ENXIO});
}

TEST_CASE("DeviceOpen_Folder_SaysSo") {
  const auto device = TpmDevice::open("/dev", in_time());
  REQUIRE_FALSE(device.has_value());
  CHECK(device.error() == Error{Code::io_failed, 0, EISDIR});
}

TEST_CASE("Device_NotATpm_FailsWithErrno") {
  // /dev/full answers every write() with ENOSPC: full(4).
  auto device = TpmDevice::open("/dev/full", in_time());
  REQUIRE(device.has_value());
  const Result<Message> answer = ask(*device, kGetRandom8);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error() == Error{Code::io_failed, 0, ENOSPC});
}

TEST_CASE("DeviceOpen_File_IsClosedOnExecAndDoesNotBlock") {
  const Folder folder;
  const std::string path = folder / "fifo";
  REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  const auto device = TpmDevice::open(path.c_str(), in_time());
  REQUIRE(device.has_value());
  int found = 0;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(entry, gone) != path) continue;
    std::ifstream info("/proc/self/fdinfo/" + entry.path().filename().string());
    for (std::string word; info >> word;) {
      if (word != "flags:") continue;
      info >> word;
      const unsigned long flags = std::stoul(word, nullptr, 8);
      CHECK((flags & O_CLOEXEC) != 0);
      CHECK((flags & O_NONBLOCK) != 0);
      ++found;
    }
  }
  CHECK(found == 1);
}

}  // namespace
}  // namespace snpnv
