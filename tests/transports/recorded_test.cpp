// SPDX-License-Identifier: Apache-2.0
#include "transports/recorded.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <fstream>
#include <iterator>
#include <thread>

#include "tests/transports/conformance.hpp"
#include "tests/transports/tcp_swtpm.hpp"
#include "transports/open.hpp"

namespace snpnv {
namespace {

using namespace conformance;
using namespace testing;

std::string read(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

Instant soon() { return MonotonicClock().now() + 30000; }

// Fails in the ways it is told to.
struct Scripted {
  std::vector<Result<Message>> answers;
  std::size_t next = 0;
  Instant deadline = 0;

  Result<ByteView> transact(ByteView, MutBytes response) noexcept {
    const Result<Message>& answer = answers[next++];
    if (!answer) return fail(answer.error());
    return copy_to(response, *answer);
  }
  void set_deadline(Instant at) noexcept { deadline = at; }
};

Replay replay_of(std::string_view text, ReplayMode mode = ReplayMode::strict) {
  auto exchanges = parse_recording(text);
  REQUIRE(exchanges.has_value());
  return Replay(std::move(*exchanges), mode);
}

constexpr std::string_view kTwo =
    "snpnv-recording 1\n"
    "# a comment\n"
    "> 80010000000c0000017b0008\n"
    "< 80010000000a0000018b\n"
    "\n"
    "> 80010000000E0000016901FFFFF0\n"
    "! io_failed 5\n";

TEST_CASE("Recorder_Exchanges_AreWrittenAsTheyHappen") {
  const Folder folder;
  const std::string path = folder / "recording";
  auto recorder =
      Recorder<Scripted>::open(path, Scripted{{kNoSuchHandle, fail(Code::io_failed, 0, 5)}}, soon());
  REQUIRE(recorder.has_value());
  CHECK(read(path) == "snpnv-recording 1\n");
  CHECK(get(*recorder, kReadPublicOfNoIndex) == kNoSuchHandle);
  CHECK(read(path) ==
        "snpnv-recording 1\n> 80010000000e0000016901fffff0\n< 80010000000a0000018b\n");
  const Result<Message> failed = ask(*recorder, kGetRandom8);
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error() == Error{Code::io_failed, 0, 5});
  CHECK(read(path) ==
        "snpnv-recording 1\n> 80010000000e0000016901fffff0\n< 80010000000a0000018b\n"
        "> 80010000000c0000017b0008\n! io_failed 5\n");
}

TEST_CASE("RecorderAndReplay_RealSwtpm_BothConverse") {
  const Folder folder;
  const std::string path = folder / "recording";
  {
    const TcpSwtpm swtpm;
    auto recorder = open_transport("record:" + path + "=" + swtpm.tcti(), in_time());
    REQUIRE(recorder.has_value());
    check_conversation(*recorder);
  }
  for (const ReplayMode mode : {ReplayMode::strict, ReplayMode::loop}) {
    auto replay = Replay::open(path, soon(), mode);
    REQUIRE(replay.has_value());
    check_conversation(*replay);
    if (mode == ReplayMode::loop) {
      check_conversation(*replay);
    } else {
      const Result<Message> more = ask(*replay, kGetRandom8);
      REQUIRE_FALSE(more.has_value());
      CHECK(name(more.error().code) == name(Code::record_exhausted));
    }
  }
}

TEST_CASE("Recorder_SilentTpm_EndsAtTheDeadline") {
  const Folder folder;
  const TcpSwtpm swtpm;
  auto recorder = open_transport("record:" + folder / "recording" + "=" + swtpm.tcti(), in_time());
  REQUIRE(recorder.has_value());
  swtpm.stop();
  check_silence(*recorder);
  CHECK(read(folder / "recording").find("! io_deadline 0\n") != std::string::npos);
}

TEST_CASE("Recorder_SetDeadline_ReachesTheInnerTransport") {
  struct Watch {
    Instant* seen;
    Result<ByteView> transact(ByteView, MutBytes) noexcept { return fail(Code::io_closed); }
    void set_deadline(Instant at) noexcept { *seen = at; }
  };
  const Folder folder;
  Instant seen = 0;
  auto recorder = Recorder<Watch>::open(folder / "recording", Watch{&seen}, soon());
  REQUIRE(recorder.has_value());
  AnyTransport any(std::move(*recorder));
  any.set_deadline(1234);
  CHECK(seen == 1234);
}

TEST_CASE("Recorder_FullDisk_IsAnError") {
  const auto recorder = Recorder<Scripted>::open("/dev/full", Scripted{}, soon());
  REQUIRE_FALSE(recorder.has_value());
  CHECK(recorder.error() == Error{Code::io_failed, 0, ENOSPC});
}

TEST_CASE("Recorder_NoSuchFolder_IsAnError") {
  const auto recorder = Recorder<Scripted>::open("/no/such/folder/file", Scripted{}, soon());
  REQUIRE_FALSE(recorder.has_value());
  CHECK(recorder.error() == Error{Code::io_failed, 0, ENOENT});
}

// A FIFO whose other end is opened once `fifo` is waited for.
TEST_CASE("Fifo_OtherEndComesLate_IsWaitedFor") {
  const Folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  std::thread writer([&] { write(fifo, kTwo); });  // blocks until the FIFO is read
  const auto replay = Replay::open(fifo, soon());
  writer.join();
  CHECK(replay.has_value());

  std::string recorded;
  std::thread reader([&] { recorded = read(fifo); });
  {
    auto recorder = Recorder<Scripted>::open(fifo, Scripted{{kNoSuchHandle}}, soon());
    REQUIRE(recorder.has_value());
    CHECK(get(*recorder, kReadPublicOfNoIndex) == kNoSuchHandle);
  }
  reader.join();
  CHECK(recorded == "snpnv-recording 1\n> 80010000000e0000016901fffff0\n< 80010000000a0000018b\n");
}

TEST_CASE("Fifo_OtherEndNeverComes_EndsAtTheDeadline") {
  const Folder folder;
  const std::string fifo = folder / "fifo";
  REQUIRE(::mkfifo(fifo.c_str(), 0600) == 0);
  const auto in_a_moment = [] { return MonotonicClock().now() + 20; };
  CHECK(Replay::open(fifo, in_a_moment()).error().code == Code::record_deadline);
  CHECK(Recorder<Scripted>::open(fifo, Scripted{}, in_a_moment()).error().code == Code::record_deadline);
  // Open, and then nobody reads: a pipe holds a part of the recording only.
  const Descriptor other(::open(fifo.c_str(), O_RDONLY | O_NONBLOCK));
  auto recorder = Recorder<Scripted>::open(fifo, Scripted{std::vector<Result<Message>>(100, kNoSuchHandle)}, soon());
  REQUIRE(recorder.has_value());
  recorder->set_deadline(MonotonicClock().now() + 500);
  Result<Message> answer = kNoSuchHandle;
  for (int i = 0; i < 100 && answer; ++i) answer = ask(*recorder, Message(2000));
  REQUIRE_FALSE(answer.has_value());
  CHECK(name(answer.error().code) == name(Code::record_deadline));
}

TEST_CASE("Replay_Strict_AnswersInOrderThenIsExhausted") {
  Replay replay = replay_of(kTwo);
  CHECK(get(replay, kGetRandom8) == kNoSuchHandle);
  const Result<Message> second = ask(replay, kReadPublicOfNoIndex);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error() == Error{Code::io_failed, 0, 5});
  const Result<Message> third = ask(replay, kGetRandom8);
  REQUIRE_FALSE(third.has_value());
  CHECK(third.error() == Error{Code::record_exhausted, 0, 2});
}

TEST_CASE("Replay_Loop_BeginsAgainBehindTheLastExchange") {
  Replay replay = replay_of(kTwo, ReplayMode::loop);
  for (int i = 0; i < 3; ++i) {
    CHECK(get(replay, kGetRandom8) == kNoSuchHandle);
    CHECK_FALSE(ask(replay, kReadPublicOfNoIndex).has_value());
  }
}

TEST_CASE("Replay_AnotherCommand_NamesTheExchangeAndKeepsIt") {
  for (const ReplayMode mode : {ReplayMode::strict, ReplayMode::loop}) {
    Replay replay = replay_of(kTwo, mode);
    const Result<Message> answer = ask(replay, kReadPublicOfNoIndex);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error() == Error{Code::record_mismatch, 0, 1});
    CHECK(get(replay, kGetRandom8) == kNoSuchHandle);
  }
}

TEST_CASE("Replay_NoExchanges_IsExhaustedAtOnce") {
  for (const ReplayMode mode : {ReplayMode::strict, ReplayMode::loop}) {
    Replay replay = replay_of("snpnv-recording 1\n", mode);
    const Result<Message> answer = ask(replay, kGetRandom8);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error() == Error{Code::record_exhausted, 0, 0});
  }
}

TEST_CASE("Replay_SmallBuffer_IsAnErrorNotACut") {
  Replay replay = replay_of(kTwo);
  const Result<Message> answer = ask(replay, kGetRandom8, 9);
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error() == Error{Code::wire_overflow, 9, 10});
}

TEST_CASE("ParseRecording_DamagedLine_IsNamed") {
  struct Damage {
    const char* what;
    std::string text;
    std::uint32_t line;
  };
  const std::string header = "snpnv-recording 1\n";
  const Damage damages[] = {
      {"nothing", "", 0},
      {"another file",
       "\x7f"
       "ELF\n",
       1},
      {"another version", "snpnv-recording 2\n", 1},
      {"a comment before the header", "# x\nsnpnv-recording 1\n", 1},
      {"space behind the header", "snpnv-recording 1 \n", 1},
      {"carriage returns", "snpnv-recording 1\r\n> 80\r\n< 80\r\n", 1},
      {"header cut", "snpnv-recording 1", 1},
      {"odd digit", header + "> 800\n< 80\n", 2},
      {"not a digit", header + "> 8g\n< 80\n", 2},
      {"space inside", header + "> 80 01\n< 80\n", 2},
      {"two spaces", header + ">  80\n< 80\n", 2},
      {"no space", header + ">8001\n< 80\n", 2},
      {"empty command", header + "> \n< 80\n", 2},
      {"bare mark", header + ">\n< 80\n", 2},
      {"empty response", header + "> 80\n< \n", 3},
      {"unknown mark", header + "? 80\n", 2},
      {"unknown mark for a response", header + "> 80\n= 80\n", 3},
      {"response without a command", header + "< 80\n", 2},
      {"error without a command", header + "! io_closed\n", 2},
      {"two commands", header + "> 80\n> 80\n< 80\n", 3},
      {"two responses", header + "> 80\n< 80\n< 80\n", 4},
      {"command without a response", header + "> 80\n", 2},
      {"the same behind comments", header + "> 80\n# x\n\n", 4},
      {"last line cut", header + "> 80\n< 80", 3},
      {"unknown error", header + "> 80\n! io_nothing\n", 3},
      {"empty error", header + "> 80\n! \n", 3},
      {"error without its name", header + "> 80\n! 5\n", 3},
      {"detail not a number", header + "> 80\n! io_failed five\n", 3},
      {"detail empty", header + "> 80\n! io_failed \n", 3},
      {"detail negative", header + "> 80\n! io_failed -1\n", 3},
      {"detail above 32 bits", header + "> 80\n! io_failed 4294967296\n", 3},
      {"octets behind the detail", header + "> 80\n! io_failed 5 \n", 3},
      {"NUL", header + std::string("> 80\0\n< 80\n", 11), 2},
  };
  for (const Damage& damage : damages) {
    CAPTURE(damage.what);
    const auto parsed = parse_recording(damage.text);
    REQUIRE_FALSE(parsed.has_value());
    CHECK(parsed.error() == Error{Code::record_syntax, 0, damage.line});
  }
}

TEST_CASE("ParseRecording_ErrorWithoutDetail_IsRead") {
  const auto parsed = parse_recording("snpnv-recording 1\n> 80\n! io_deadline\n");
  REQUIRE(parsed.has_value());
  REQUIRE(parsed->size() == 1);
  CHECK((*parsed)[0].response.error() == Error{Code::io_deadline});
}

TEST_CASE("ReplayOpen_FileErrors_AreNamed") {
  const Folder folder;
  const auto absent = Replay::open(folder / "absent", soon());
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error() == Error{Code::io_failed, 0, ENOENT});
  const auto directory = Replay::open(folder / "", soon());
  REQUIRE_FALSE(directory.has_value());
  CHECK(directory.error() == Error{Code::io_failed, 0, EISDIR});
  write(folder / "damaged", "snpnv-recording 1\n> 80\n");
  const auto damaged = Replay::open(folder / "damaged", soon());
  REQUIRE_FALSE(damaged.has_value());
  CHECK(damaged.error() == Error{Code::record_syntax, 0, 2});
}

TEST_CASE("ReplayOpen_EndlessFile_IsBounded") {
  const auto endless = Replay::open("/dev/zero", soon());
  REQUIRE_FALSE(endless.has_value());
  CHECK(name(endless.error().code) == name(Code::wire_too_large));
}

}  // namespace
}  // namespace snpnv
