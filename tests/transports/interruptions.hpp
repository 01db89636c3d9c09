// SPDX-License-Identifier: Apache-2.0
// Signals that interrupt system calls, a thousand a second.
#pragma once

#include <doctest/doctest.h>
#include <pthread.h>
#include <signal.h>
#include <sys/time.h>

#include <atomic>

namespace snpnv::testing {

/// For threads that play the peer: the signals are meant for the transport.
inline void take_no_signals() {
  sigset_t all;
  ::sigfillset(&all);
  ::pthread_sigmask(SIG_SETMASK, &all, nullptr);
}

/// While this object lives, system calls of threads that take signals end with EINTR.
class Interruptions {
 public:
  Interruptions() {
    count_ = 0;
    struct sigaction action{};
    action.sa_handler = [](int) { ++count_; };
    ::sigaction(SIGALRM, &action, &before_);
    const itimerval timer{{0, 1000}, {0, 1000}};
    ::setitimer(ITIMER_REAL, &timer, nullptr);
  }
  Interruptions(const Interruptions&) = delete;
  Interruptions& operator=(const Interruptions&) = delete;
  ~Interruptions() {
    const itimerval none{};
    ::setitimer(ITIMER_REAL, &none, nullptr);
    ::sigaction(SIGALRM, &before_, nullptr);
  }
  [[nodiscard]] static int count() { return count_; }

 private:
  static inline std::atomic<int> count_ = 0;
  struct sigaction before_{};
};

}  // namespace snpnv::testing
