// SPDX-License-Identifier: Apache-2.0
// The kernel's TPM device: /dev/tpmrm0, or /dev/tpm0 without a resource manager.
#pragma once

#include <fcntl.h>

#include <array>
#include <memory>

#include "snpnv/tpm/transport.hpp"
#include "snpnv/wire/tpm2_messages.hpp"
#include "transports/bounded_call.hpp"
#include "transports/descriptor.hpp"

namespace snpnv {

/// One write per command and one read per response, as the driver wants it.
///
/// The descriptor does not block and yet the driver does: while the TPM works on a command, poll(),
/// read() and close() all wait for a lock that the command holds. So each command runs in a thread
/// of its own; at the deadline that is left behind with the descriptor. After any error but
/// wire_overflow the device is closed: a late response would answer the next command. The driver
/// gives no event for "no longer busy", so it is asked again after a moment.
class TpmDevice {
 public:
  /// Opens `path`. A device that another process holds (EBUSY) is waited for.
  /// @returns the device | io_failed - detail: errno | io_deadline.
  [[nodiscard]] static Result<TpmDevice> open(const char* path, Instant deadline) noexcept {
    while (true) {
      Descriptor fd(::open(path, O_RDWR | O_CLOEXEC | O_NONBLOCK));
      if (fd.get() >= 0) return TpmDevice(std::move(fd), deadline);
      const int error = errno;
      if (error != EBUSY && error != EINTR && error != EAGAIN) return io_failure(error);
      SNPNV_CHECK(pause(deadline));
    }
  }
  /// Takes over a descriptor that behaves like the device's.
  TpmDevice(Descriptor fd, Instant deadline) noexcept : fd_(std::move(fd)), deadline_(deadline) {}

  /// @returns the response | io_failed - detail: errno | io_deadline | io_closed
  ///   | wire_overflow - the response is larger than `response`; detail: its size.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    if (fd_.get() < 0) return fail(Code::io_closed);
    if (command.size() > kMaxTpmMessage)
      return fail(Code::wire_overflow, 0, static_cast<std::uint32_t>(command.size()));
    auto call = std::make_shared<Exchange>();
    call->fd = std::move(fd_);
    call->deadline = deadline_;
    call->size = copy_to(call->message, command).size();
    SNPNV_CHECK(BoundedCall::run(call, deadline_));
    SNPNV_CHECK(call->outcome);
    fd_ = std::move(call->fd);
    if (call->size > response.size())
      return fail(Code::wire_overflow, response.size(), static_cast<std::uint32_t>(call->size));
    return copy_to(response, ByteView(call->message).first(call->size));
  }
  void set_deadline(Instant deadline) noexcept { deadline_ = deadline; }

 private:
  struct Exchange final : BoundedCall {
    Descriptor fd;
    Instant deadline = 0;
    // The command, then the response, with room to see one that is too long.
    std::array<std::byte, 2 * kMaxTpmMessage> message{};
    std::size_t size = 0;
    Result<void> outcome;

    void work() noexcept override {
      outcome = send();
      if (outcome) outcome = receive();
      if (!outcome) fd.reset();  // here, since close() may block too
    }
    Result<void> send() noexcept {
      while (true) {
        const ssize_t n = ::write(fd.get(), message.data(), size);
        if (n == static_cast<ssize_t>(size)) return {};
        if (n >= 0) return io_failure(EIO);  // the driver takes a command whole or not at all
        if (errno != EAGAIN && errno != EBUSY && errno != EINTR) return io_failure(errno);
        SNPNV_CHECK(pause(deadline));
      }
    }
    Result<void> receive() noexcept {
      while (true) {
        SNPNV_TRY(const short events, await(fd.get(), POLLIN, deadline));
        const ssize_t n = ::read(fd.get(), message.data(), message.size());
        if (n > 0) {
          size = static_cast<std::size_t>(n);
          return {};
        }
        // Linux 5.0 polls as readable while the command is queued, and then reads nothing.
        if (n == 0 && (events & POLLHUP) != 0) return fail(Code::io_closed);
        if (n < 0 && errno != EAGAIN && errno != EBUSY && errno != EINTR) return io_failure(errno);
        SNPNV_CHECK(pause(deadline));
      }
    }
  };

  Descriptor fd_;
  Instant deadline_;
};
static_assert(Transport<TpmDevice>);

}  // namespace snpnv
