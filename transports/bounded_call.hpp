// A blocking call that its caller stops waiting for at a deadline.
#pragma once

#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>

#include "snpnv/core/error.hpp"
#include "transports/monotonic_clock.hpp"

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
      return fail(Code::io_failed, 0, static_cast<std::uint32_t>(error));
    }
    ::pthread_detach(id);
    MonotonicClock clock;
    std::unique_lock lock(call->mutex_);
    while (!call->done_) {
      const Instant now = clock.now();
      if (now >= deadline) return fail(Code::io_deadline);
      constexpr Millis kHour = 3600000;  // a far deadline would overflow in wait_for()
      call->changed_.wait_for(lock, std::chrono::milliseconds(std::min(deadline - now, kHour)));
    }
    return {};
  }

 private:
  virtual void work() noexcept = 0;

  static void* thread(void* argument) noexcept {
    const std::shared_ptr<BoundedCall> call = std::move(static_cast<BoundedCall*>(argument)->self_);
    call->work();
    const std::lock_guard lock(call->mutex_);
    call->done_ = true;
    call->changed_.notify_one();
    return nullptr;
  }

  std::mutex mutex_;
  std::condition_variable changed_;
  bool done_ = false;
  std::shared_ptr<BoundedCall> self_;  // held for the thread until it begins
};

}  // namespace snpnv
