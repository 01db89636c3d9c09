// SPDX-License-Identifier: Apache-2.0
// What every transport owes to the layers above it, as one test that each of them runs.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "snpnv/core/encoding.hpp"
#include "snpnv/tpm/transport.hpp"
#include "tests/transports/patience.hpp"

namespace snpnv::conformance {

using Message = std::vector<std::byte>;

inline Message octets(std::string_view hex) {
  Message out(hex.size() / 2);
  if (!decode_hex(hex, out)) std::abort();  // no test is running yet
  return out;
}

// Written out by hand from TPM 2.0 Library Part 3, "TPM2_GetRandom", "TPM2_GetCapability",
// "TPM2_NV_ReadPublic"; Part 1, "Command/Response Structure".
inline const Message kGetRandom8 = octets("80010000000c0000017b0008");
inline const Message kGetRandom32 = octets("80010000000c0000017b0020");
inline const Message kGetCommands = octets("8001000000160000017a000000020000011f000000fe");
inline const Message kReadPublicOfNoIndex = octets("80010000000e0000016901fffff0");
// TPM_RC_HANDLE for handle 1: TPM 2.0 Library Part 2, "TPM_RC Values".
inline const Message kNoSuchHandle = octets("80010000000a0000018b");

inline Message copy(ByteView in) { return {in.begin(), in.end()}; }

/// The response to `command`, in a buffer of `size` octets of which no octet behind it may change.
template <Transport T>
Result<Message> ask(T& tpm, ByteView command, std::size_t size = 4096) {
  constexpr std::byte kUntouched{0xA5};
  constexpr std::size_t kGuard = 16;
  Message buffer(size + kGuard, kUntouched);
  const Result<ByteView> answer = tpm.transact(command, MutBytes(buffer).first(size));
  const auto guarded = [&](std::size_t from) {
    return std::all_of(buffer.begin() + static_cast<std::ptrdiff_t>(from), buffer.end(),
                       [](std::byte b) { return b == kUntouched; });
  };
  if (!answer) {
    CHECK(guarded(size));
    return fail(answer.error());
  }
  CHECK(answer->data() == buffer.data());
  CHECK(guarded(answer->size()));
  return copy(*answer);
}

/// The same where anything but a response that is as long as it says fails the test.
template <Transport T>
Message get(T& tpm, ByteView command, std::size_t size = 4096) {
  const Result<Message> answer = ask(tpm, command, size);
  REQUIRE_MESSAGE(answer.has_value(), (answer ? std::string_view() : name(answer.error().code)));
  REQUIRE(answer->size() >= 10);
  CHECK(load<std::uint32_t, Endian::big>(ByteView(*answer).subspan<2, 4>()) == answer->size());
  return *answer;
}

inline bool is_random(const Message& response, std::size_t size) {
  return response.size() == 12 + size &&
         equal(ByteView(response).subspan(6, 4), octets("00000000")) &&
         load<std::uint16_t, Endian::big>(ByteView(response).subspan<10, 2>()) == size;
}

/// A transport to a TPM that has been started. Sends the same commands whatever comes back.
template <Transport T>
void check_conversation(T& tpm) {
  {
    INFO("round trip");
    CHECK(is_random(get(tpm, kGetRandom8), 8));
  }
  {
    INFO("back to back: each response answers its own command");
    for (int i = 0; i < 20; ++i) {
      CHECK(is_random(get(tpm, kGetRandom8), 8));
      CHECK(get(tpm, kReadPublicOfNoIndex) == kNoSuchHandle);
      CHECK(is_random(get(tpm, kGetRandom32), 32));
    }
  }
  {
    INFO("a refusal by the TPM is a response");
    CHECK(get(tpm, kReadPublicOfNoIndex) == kNoSuchHandle);
  }
  const Message commands = get(tpm, kGetCommands);
  CHECK(commands.size() > 200);
  {
    INFO("a response that exactly fills its buffer");
    CHECK(get(tpm, kGetCommands, commands.size()) == commands);
    CHECK(get(tpm, kReadPublicOfNoIndex, kNoSuchHandle.size()) == kNoSuchHandle);
  }
  {
    INFO("a response too large for its buffer is an error, not a cut");
    for (const std::size_t size : {commands.size() - 1, std::size_t{12}, std::size_t{0}}) {
      const Result<Message> cut = ask(tpm, kGetCommands, size);
      REQUIRE_FALSE(cut.has_value());
      CHECK(cut.error().code == Code::wire_overflow);
      CHECK(cut.error().detail == commands.size());
    }
  }
  {
    INFO("and leaves nothing behind for the next command");
    CHECK(get(tpm, kReadPublicOfNoIndex) == kNoSuchHandle);
    CHECK(is_random(get(tpm, kGetRandom8), 8));
  }
}

/// How much longer than its deadline a transport may sleep.
inline constexpr Millis kSlack = 2000;

/// `work(deadline)` is done, with io_deadline, when the deadline has passed; nothing sleeps much longer.
template <class Work>
void check_deadline(Work&& work) {
  constexpr Millis kLimit = 150;
  const Instant deadline = testing::in(kLimit);
  Code seen{};
  const Millis slept = testing::asleep([&] {
    const auto result = work(deadline);
    if (!result) seen = result.error().code;
  });
  CHECK(name(seen) == name(Code::io_deadline));
  CHECK(testing::in(0) >= deadline);
  CHECK(slept < kLimit + kSlack);
}

/// A transport whose peer takes the command and stays silent, or says only part of a response.
/// Afterwards no command may be answered, least of all with an earlier command's response.
template <Transport T>
void check_silence(T& tpm) {
  check_deadline([&](Instant deadline) {
    tpm.set_deadline(deadline);
    return ask(tpm, kGetRandom8);
  });
  tpm.set_deadline(testing::in_time());
  CHECK(testing::asleep([&] { CHECK_FALSE(ask(tpm, kReadPublicOfNoIndex).has_value()); }) < kSlack);
}

/// A transport whose peer has gone away: an error at once, now and later.
template <Transport T>
void check_closed(T& tpm) {
  for (int i = 0; i < 2; ++i) {
    Result<Message> answer;
    CHECK(testing::asleep([&] { answer = ask(tpm, kGetRandom8); }) < kSlack);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error().code != Code::io_deadline);
  }
}

}  // namespace snpnv::conformance
