// SPDX-License-Identifier: Apache-2.0
// Typed commands on any transport.
#pragma once

#include <algorithm>

#include "snpnv/core/clock.hpp"
#include "snpnv/tpm/transport.hpp"
#include "snpnv/wire/tpm2_messages.hpp"

namespace snpnv {

/// Room for one command and one response. Responses borrow it until the next command.
struct TpmScratch {
  std::array<std::byte, kMaxTpmMessage> command;
  std::array<std::byte, kMaxTpmMessage> response;
};

/// Sends one command and reads its response.
/// @returns the response, which borrows `scratch`
///   | what the transport returns | what unmarshal_response() returns; each names command and object.
template <Transport T, TpmCommand C>
[[nodiscard]] constexpr Result<typename C::Response> execute(T& tpm, const C& command,
                                                             TpmScratch& scratch) {
  const auto message = marshal_command(command, scratch.command);
  return unmarshal_response(command, message ? tpm.transact(*message, scratch.response) : message);
}

/// A TPM with a clock: sends commands again while the TPM asks for it, until the deadline.
template <Transport T, Clock C>
class Tpm {
 public:
  /// Waits between tries grow from the first to the second of these, in milliseconds.
  static constexpr Millis kFirstWait = 5;
  static constexpr Millis kLongestWait = 100;

  constexpr Tpm(T& transport, C& clock, Instant deadline)
      : transport_(transport), clock_(clock), deadline_(deadline) {}

  /// @returns as snpnv::execute(), but a warning that asks for a retry is never returned as tpm_rc:
  ///   | tpm_retry - detail: the last TPM_RC, when the deadline has passed, be it at a retry that got
  ///     no answer any more.
  template <TpmCommand Cmd>
  [[nodiscard]] constexpr Result<typename Cmd::Response> execute(const Cmd& command) {
    return unmarshal_response(command, send(marshal_command(command, scratch_.command)));
  }

  /// Sleeps `ms`, or to the deadline if that is sooner. False if the deadline had passed already.
  [[nodiscard]] constexpr bool sleep(Millis ms) {
    const Instant now = clock_.now();
    if (now >= deadline_) return false;
    clock_.sleep(std::min(ms, deadline_ - now));
    return true;
  }
  [[nodiscard]] constexpr Instant now() { return clock_.now(); }
  [[nodiscard]] constexpr Instant deadline() const { return deadline_; }

 private:
  // No template of the command: it would be in a program once for each that is used.
  constexpr Result<ByteView> send(const Result<ByteView>& message) {
    if (!message) return message;
    Error retry{};
    for (Millis wait = kFirstWait;; wait = std::min(2 * wait, kLongestWait)) {
      const Result<ByteView> answer = transport_.transact(*message, scratch_.response);
      if (!answer) {
        const bool retried = retry.code == Code::tpm_retry;
        return retried && answer.error().code == Code::io_deadline ? fail(retry) : fail(answer.error());
      }
      const auto header = detail::response_header(*answer);
      if (header || header.error().code != Code::tpm_rc || !asks_for_retry(header.error().detail)) return answer;
      retry = header.error();
      retry.code = Code::tpm_retry;
      if (!sleep(wait)) return fail(retry);
    }
  }

  T& transport_;
  C& clock_;
  Instant deadline_;
  TpmScratch scratch_;
};

/// What collectors need: Tpm, or what runs typed commands and tells the time as it does.
template <class T>
concept TpmClient = requires(T& tpm, const NV_Read& command, Millis ms) {
  { tpm.execute(command) } -> std::same_as<Result<NV_Read::Response>>;
  { tpm.sleep(ms) } -> std::same_as<bool>;
  { tpm.now() } -> std::same_as<Instant>;
  { tpm.deadline() } -> std::same_as<Instant>;
};

}  // namespace snpnv
