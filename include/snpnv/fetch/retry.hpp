// SPDX-License-Identifier: Apache-2.0
// Asking a server that may be busy, until a deadline.
#pragma once

#include "snpnv/fetch/url.hpp"

namespace snpnv {

/// Makes one exchange with a server: connects, sends the message to url.target, disconnects. The response
/// borrows the room.
template <class H>
concept HttpClient = requires(H& http, const Url& url, const HttpMessage& message, Instant deadline,
                              std::span<std::byte, kHttpRoom> room) {
  { http.exchange(url, message, deadline, room) } noexcept -> std::same_as<Result<HttpResponse>>;
};

/// A pause that is about to begin.
struct HttpPause {
  std::uint16_t status = 0;  // that the server answered; 0: there was no connection
  Millis length = 0;
  Millis left = 0;  // until the deadline
};

/// How long to wait for a busy server that does not say: twice as long each time, and half of it by
/// chance, so that many clients do not come back at once.
class Backoff {
 public:
  static constexpr Millis kFirst = 1000;
  static constexpr Millis kLongest = 16000;

  constexpr explicit Backoff(std::uint64_t seed) : random_(seed) {}

  [[nodiscard]] constexpr Millis next() {
    const Millis most = longest_;
    longest_ = std::min(2 * longest_, kLongest);
    // SplitMix64: jitter needs no more.
    random_ += 0x9E3779B97F4A7C15U;
    std::uint64_t z = random_;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9U;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBU;
    return most / 2 + (z ^ (z >> 31)) % (most / 2 + 1);
  }

 private:
  std::uint64_t random_;
  Millis longest_ = kFirst;
};

/// A server's answer that it is busy.
struct HttpBusy {
  std::uint16_t status = 0;
  std::optional<Millis> retry_after = {};
};

namespace detail {

/// How long a server that is busy is left alone: as long as it says, or a backoff that leaves time for one
/// more answer. Nothing if none could come before the deadline.
[[nodiscard]] constexpr std::optional<Millis> pause_for(const HttpBusy& busy, Backoff& backoff, Millis left) {
  constexpr Millis kAnswer = 500;  // what the last try is given
  const Millis wanted = busy.retry_after.value_or(0);
  if (left < 2 * kAnswer || wanted >= left) return std::nullopt;
  return wanted != 0 ? wanted : std::min(backoff.next(), left - kAnswer);
}

}  // namespace detail

/// How a server is asked.
template <class T>
struct HttpAsking {
  bool metadata = false;  // as in HttpMessage; such a service answers 410 while it cannot say
  bool patient = true;    // wait and ask again where it is busy
  Instant deadline = 0;
  T& told;                // told(HttpPause) before each pause
  std::optional<HttpBusy>* busy = nullptr;  // set where a busy server's answer is what is returned
  bool connects_again = false;          // where there is no connection, or it ends early, too
};

namespace detail {

/// Whether an exchange failed for want of a connection, which another one may have.
[[nodiscard]] constexpr bool is_no_connection(const Error& error) {
  return error.code == Code::io_failed || error.code == Code::io_name || error.code == Code::io_closed;
}

inline constexpr std::size_t kMostRedirections = 3;

}  // namespace detail

/// Sends a message to a server. One that answers 429 or 5xx is asked again, after Retry-After or a backoff, as
/// long as an answer can still come before the deadline. Redirections of a GET on the same server are followed; a
/// POST goes nowhere else.
/// @returns the last response, of any status, which borrows the room | http_redirect - detail: the status
///   | what the client returns.
/// Source: RFC 6585, "429 Too Many Requests"; RFC 9110, "Retry-After", "Redirection 3xx"; Microsoft, "Azure
/// Instance Metadata Service", "Errors and debugging".
template <HttpClient H, Clock C, class T>
[[nodiscard]] Result<HttpResponse> http_ask_patiently(H& http, C& clock, const Url& url, const HttpMessage& message,
                                                      HttpAsking<T> asking, Backoff backoff,
                                                      std::span<std::byte, kHttpRoom> room) noexcept {
  std::array<char, Url::kMaxSize> target{};
  Url at = url;
  std::size_t redirections = 0;
  while (true) {
    const Result<HttpResponse> response = http.exchange(at, message, asking.deadline, room);
    if (!response && !(asking.connects_again && detail::is_no_connection(response.error()))) return response;
    const std::uint16_t status = response ? response->head.status : std::uint16_t{0};
    if (status >= 300 && status < 400 && !response->head.location.empty()) {
      const auto to = redirected(url, response->head.location);
      if (message.json || !to || ++redirections > detail::kMostRedirections)
        return fail(Code::http_redirect, 0, status);
      std::ranges::copy(to->target, target.begin());
      at.target = std::string_view(target.data(), to->target.size());
      continue;
    }
    if (response && status != 429 && status < 500 && !(message.metadata && status == 410)) return response;
    const HttpBusy busy{status, response ? response->head.retry_after : std::nullopt};
    const Instant now = clock.now();
    const Millis left = asking.deadline > now ? asking.deadline - now : 0;
    const auto wait = asking.patient ? detail::pause_for(busy, backoff, left) : std::nullopt;
    if (!wait) {
      if (response && asking.busy != nullptr) *asking.busy = busy;
      return response;
    }
    asking.told(HttpPause{status, *wait, left});
    clock.sleep(*wait);
  }
}

/// Gets what stands at `url`, with the same patience.
/// @returns the body, which borrows the room | http_status - detail: the status
///   | what http_ask_patiently() returns.
template <HttpClient H, Clock C, class T>
[[nodiscard]] Result<ByteView> http_get_patiently(H& http, C& clock, const Url& url, HttpAsking<T> asking,
                                                  Backoff backoff,
                                                  std::span<std::byte, kHttpRoom> room) noexcept {
  const HttpMessage message{asking.metadata};
  SNPNV_TRY(const HttpResponse& response, http_ask_patiently(http, clock, url, message, asking, backoff, room));
  if (response.head.status != kHttpOk) return fail(Code::http_status, 0, response.head.status);
  return response.body;
}

}  // namespace snpnv
