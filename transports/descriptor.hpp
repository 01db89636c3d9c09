// SPDX-License-Identifier: Apache-2.0
// An open file, and waiting for it with a deadline.
#pragma once

#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "snpnv/core/bytes.hpp"
#include "transports/monotonic_clock.hpp"

namespace snpnv {

[[nodiscard]] inline detail::Failed io_failure(int error) {
  return fail(Code::io_failed, 0, static_cast<std::uint32_t>(error));
}

/// Owns a file descriptor; -1 is none.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) noexcept : fd_(fd) {}
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~Descriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  [[nodiscard]] int get() const noexcept { return fd_; }
  void reset() noexcept { *this = Descriptor(); }
  /// Gives the descriptor away.
  [[nodiscard]] int release() noexcept { return std::exchange(fd_, -1); }

 private:
  int fd_;
};

/// Waits until `fd` has one of `events`, an error or a hang-up. A signal may have made `stop` true.
/// @returns the events that there are | io_deadline | io_failed - detail: errno; EINTR: `stop`.
[[nodiscard]] inline Result<short> await(int fd, short events, Instant deadline,
                                         bool (*stop)() = nullptr) noexcept {
  // A signal that comes just before poll() does not interrupt it.
  const Millis longest = stop != nullptr ? 100 : INT_MAX;
  MonotonicClock clock;
  while (true) {
    if (stop != nullptr && stop()) return io_failure(EINTR);
    const Instant now = clock.now();
    const Millis left = now < deadline ? deadline - now : 0;
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min(left, longest)));
    if (ready > 0) return entry.revents;
    if (ready < 0 && errno != EINTR && errno != EAGAIN) return io_failure(errno);
    if (left == 0) return fail(Code::io_deadline);
  }
}

/// Sends all of it on a socket that blocks.
/// @returns nothing | io_failed - detail: errno.
[[nodiscard]] inline Result<void> send_all(int fd, ByteView octets) noexcept {
  while (!octets.empty()) {
    const ssize_t n = ::send(fd, octets.data(), octets.size(), MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) return io_failure(errno);
    if (n > 0) octets = octets.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

/// Waits a moment, for what no event tells of.
/// @returns nothing | io_deadline.
[[nodiscard]] inline Result<void> pause(Instant deadline) noexcept {
  constexpr Millis kMoment = 5;
  MonotonicClock clock;
  const Instant now = clock.now();
  if (now >= deadline) return fail(Code::io_deadline);
  clock.sleep(std::min(kMoment, deadline - now));
  return {};
}

}  // namespace snpnv
