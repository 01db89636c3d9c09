// SPDX-License-Identifier: Apache-2.0
// Files that may be pipes, whose other end may never be there: none is waited for longer than a deadline.
#pragma once

#include <fcntl.h>
#include <sys/stat.h>

#include "snpnv/core/bytes.hpp"
#include "transports/descriptor.hpp"

namespace snpnv {

/// Opens a file that does not block. A FIFO that is to be written and has no reader is waited for.
/// @returns the file | io_deadline | io_failed - detail: errno; EINTR: `stop`.
[[nodiscard]] inline Result<Descriptor> open_file(const char* path, int flags, Instant deadline,
                                                  bool (*stop)() = nullptr) noexcept {
  while (true) {
    Descriptor file(::open(path, flags | O_CLOEXEC | O_NONBLOCK, 0666));
    if (file.get() >= 0) return file;
    const int error = errno;
    struct stat there {};
    const bool no_reader = error == ENXIO && ::stat(path, &there) == 0 && S_ISFIFO(there.st_mode);
    if (!no_reader && error != EINTR) return io_failure(error);
    if (stop != nullptr && stop()) return io_failure(EINTR);
    SNPNV_CHECK(pause(deadline));
  }
}

/// Reads what there is, once there is something.
/// @returns how many octets, 0 at the end | io_deadline | io_failed - detail: errno.
[[nodiscard]] inline Result<std::size_t> read_some(int fd, MutBytes room, Instant deadline) noexcept {
  while (true) {
    SNPNV_CHECK(await(fd, POLLIN, deadline));
    const ssize_t n = ::read(fd, room.data(), room.size());
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR && errno != EAGAIN) return io_failure(errno);
  }
}

/// Writes all of it.
/// @returns nothing | io_deadline | io_failed - detail: errno; EINTR: `stop`.
[[nodiscard]] inline Result<void> write_all(int fd, ByteView octets, Instant deadline,
                                            bool (*stop)() = nullptr) noexcept {
  while (!octets.empty()) {
    SNPNV_CHECK(await(fd, POLLOUT, deadline, stop));
    // A pipe with room takes as much as this, even if the descriptor is another's too and blocks.
    const ssize_t n = ::write(fd, octets.data(), std::min<std::size_t>(octets.size(), PIPE_BUF));
    if (n < 0 && errno != EINTR && errno != EAGAIN) return io_failure(errno);
    if (n > 0) octets = octets.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace snpnv
