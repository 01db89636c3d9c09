// SPDX-License-Identifier: Apache-2.0
// How long tests wait, and how they tell a transport that waits from a machine that is busy.
#pragma once

#include <chrono>
#include <cstdio>

#include "transports/monotonic_clock.hpp"

namespace snpnv::testing {

/// What is expected has come by then even on a machine that does a hundred other things.
inline constexpr Millis kPatience = 300'000;

inline Instant in(Millis ms) { return MonotonicClock().now() + ms; }
inline Instant in_time() { return in(kPatience); }

/// For how long this thread has run or was kept from running since it began, in milliseconds; 0 where the kernel
/// does not say. Linux, Documentation/scheduler/sched-stats.rst, /proc/PID/schedstat.
inline Millis awake() {
  unsigned long long ran = 0;
  unsigned long long kept_waiting = 0;
  std::FILE* const file = std::fopen("/proc/thread-self/schedstat", "re");
  if (file == nullptr) return 0;
  const int read = std::fscanf(file, "%llu %llu", &ran, &kept_waiting);
  std::fclose(file);
  return read == 2 ? (ran + kept_waiting) / 1'000'000 : 0;
}

/// For how many milliseconds this thread sleeps while it does `work`: what a busy machine costs does not count.
template <class Work>
Millis asleep(Work&& work) {
  const Millis awake_before = awake();
  const auto start = std::chrono::steady_clock::now();
  work();
  const auto spent = std::chrono::steady_clock::now() - start;
  const auto took = static_cast<Millis>(std::chrono::duration_cast<std::chrono::milliseconds>(spent).count());
  const Millis was_awake = awake() - awake_before;
  return took > was_awake ? took - was_awake : 0;
}

}  // namespace snpnv::testing
