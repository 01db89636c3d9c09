// SPDX-License-Identifier: Apache-2.0
// A blocking call that its caller stops waiting for at a deadline.
#pragma once

#include <pthread.h>
#include <signal.h>
#include <sys/eventfd.h>

#include <memory>

#include "transports/descriptor.hpp"

namespace snpnv {

/// Work that may block for ever, with all that it uses. It runs in a thread of its own, which takes
/// no signals; at the deadline the thread is left behind and destroys the work if it ever gets to.
class BoundedCall {
 public:
  virtual ~BoundedCall() = default;

  /// Runs `call`. After io_deadline the thread may still use everything in it.
  /// @returns nothing, when it is done | io_deadline | io_failed - detail: errno; it did not begin.
  [[nodiscard]] static Result<void> run(const std::shared_ptr<BoundedCall>& call,
                                        Instant deadline) noexcept {
    call->ended_ = Descriptor(::eventfd(0, EFD_CLOEXEC));
    if (call->ended_.get() < 0) return io_failure(errno);
    call->self_ = call;
    sigset_t all;
    sigset_t before;
    ::sigfillset(&all);
    ::pthread_sigmask(SIG_SETMASK, &all, &before);  // inherited by the thread
    pthread_t id{};
    const int error = ::pthread_create(&id, nullptr, thread, call.get());
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
    if (error != 0) {
      call->self_.reset();
      return io_failure(error);
    }
    ::pthread_detach(id);
    SNPNV_CHECK(await(call->ended_.get(), POLLIN, deadline));
    eventfd_t count = 0;
    ::eventfd_read(call->ended_.get(), &count);  // orders what the thread did before what comes now
    return {};
  }

 private:
  virtual void work() noexcept = 0;

  static void* thread(void* argument) noexcept {
    const std::shared_ptr<BoundedCall> call = std::move(static_cast<BoundedCall*>(argument)->self_);
    call->work();
    ::eventfd_write(call->ended_.get(), 1);
    return nullptr;
  }

  // Not std::condition_variable: that is a library to link where a static program has none.
  Descriptor ended_;  // readable once work() is done
  std::shared_ptr<BoundedCall> self_;  // held for the thread until it begins
};

}  // namespace snpnv
