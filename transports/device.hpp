// The kernel's TPM device: /dev/tpmrm0, or /dev/tpm0 without a resource manager.
#pragma once

#include <fcntl.h>
#include <pthread.h>

#include <array>
#include <cstdint>

#include "snpnv/tpm/transport.hpp"
#include "snpnv/wire/tpm2_commands.hpp"
#include "transports/descriptor.hpp"

namespace snpnv {

/// One write per command and one read per response, as the driver wants it. The descriptor does not
/// block, so the driver works on its own and every wait ends at the deadline. After any error but
/// wire_overflow the device is closed: a late response would answer the next command. (Linux before
/// 5.0 knows no such descriptors: there write() lasts as long as the command.)
class Device {
 public:
  /// Opens `path`. A device that another process holds (EBUSY) is waited for.
  /// @returns the device | io_failed - detail: errno | io_deadline.
  [[nodiscard]] static Result<Device> open(const char* path, Instant deadline) noexcept {
    while (true) {
      Descriptor fd(::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK));
      if (fd.get() >= 0) return Device(std::move(fd), deadline);
      const int error = errno;
      if (error != EBUSY && error != EINTR && error != EAGAIN) return io_failure(error);
      SNPNV_CHECK(pause(deadline));
    }
  }
  /// Takes over a descriptor that behaves like the device's.
  Device(Descriptor fd, Instant deadline) noexcept : fd_(std::move(fd)), deadline_(deadline) {}

  /// @returns the response | io_failed - detail: errno | io_deadline | io_closed
  ///   | wire_overflow - the response is larger than `response`; detail: its size.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    if (fd_.get() < 0) return fail(Code::io_closed);
    auto answer = exchange(command, response);
    if (!answer && answer.error().code != Code::wire_overflow) close_aside();
    return answer;
  }
  void set_deadline(Instant deadline) noexcept { deadline_ = deadline; }

 private:
  Result<ByteView> exchange(ByteView command, MutBytes response) noexcept {
    while (true) {
      const ssize_t n = ::write(fd_.get(), command.data(), command.size());
      if (n == static_cast<ssize_t>(command.size())) break;
      if (n >= 0) return io_failure(EIO);  // the driver takes a command whole or not at all
      if (errno != EAGAIN && errno != EBUSY && errno != EINTR) return io_failure(errno);
      SNPNV_CHECK(pause(deadline_));
    }
    // Read into a buffer of our own, so that a response that does not fit is seen as such.
    std::array<std::byte, 2 * kMaxTpmMessage> whole;
    while (true) {
      SNPNV_TRY(const short events, await(fd_.get(), POLLIN, deadline_));
      const ssize_t n = ::read(fd_.get(), whole.data(), whole.size());
      if (n == 0) {
        // Linux 5.0 polls as readable while the command is queued, and then reads nothing.
        if ((events & POLLHUP) != 0) return fail(Code::io_closed);
        SNPNV_CHECK(pause(deadline_));
        continue;
      }
      if (n > 0) {
        const ByteView answer = ByteView(whole).first(static_cast<std::size_t>(n));
        if (answer.size() > response.size())
          return fail(Code::wire_overflow, response.size(),
                      static_cast<std::uint32_t>(answer.size()));
        return copy_to(response, answer);
      }
      if (errno != EAGAIN && errno != EBUSY && errno != EINTR) return io_failure(errno);
      if (errno != EINTR) SNPNV_CHECK(pause(deadline_));
    }
  }

  // The driver gives no event for "no longer busy", so it is asked again after a moment.
  static Result<void> pause(Instant deadline) noexcept {
    constexpr Millis kBusyWait = 5;
    MonotonicClock clock;
    const Instant now = clock.now();
    if (now >= deadline) return fail(Code::io_deadline);
    clock.sleep(std::min(kBusyWait, deadline - now));
    return {};
  }

  // close() waits for a command under way, however long the TPM takes: not in our time.
  void close_aside() noexcept {
    const auto close_it = [](void* fd) -> void* {
      ::close(static_cast<int>(std::bit_cast<std::intptr_t>(fd)));
      return nullptr;
    };
    const std::intptr_t fd = fd_.release();
    pthread_t thread{};
    if (::pthread_create(&thread, nullptr, close_it, std::bit_cast<void*>(fd)) == 0)
      ::pthread_detach(thread);
    else
      ::close(static_cast<int>(fd));
  }

  Descriptor fd_;
  Instant deadline_;
};
static_assert(Transport<Device>);

}  // namespace snpnv
