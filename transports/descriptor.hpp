// An open file, and waiting for it with a deadline.
#pragma once

#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <utility>

#include "snpnv/core/error.hpp"
#include "transports/monotonic_clock.hpp"

namespace snpnv {

[[nodiscard]] inline std::unexpected<Error> io_failure(int error) {
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

/// Waits until `fd` has one of `events`, an error or a hang-up.
/// @returns the events that there are | io_deadline | io_failed - detail: errno.
[[nodiscard]] inline Result<short> await(int fd, short events, Instant deadline) noexcept {
  MonotonicClock clock;
  while (true) {
    const Instant now = clock.now();
    const Millis left = now < deadline ? deadline - now : 0;
    pollfd entry{fd, events, 0};
    const int ready = ::poll(&entry, 1, static_cast<int>(std::min<Millis>(left, INT_MAX)));
    if (ready > 0) return entry.revents;
    if (ready < 0 && errno != EINTR && errno != EAGAIN) return io_failure(errno);
    if (left == 0) return fail(Code::io_deadline);
  }
}

}  // namespace snpnv
