// SPDX-License-Identifier: Apache-2.0
// The system's monotonic clock.
#pragma once

#include <cerrno>
#include <ctime>

#include "snpnv/core/clock.hpp"

namespace snpnv {

class MonotonicClock {
 public:
  [[nodiscard]] Instant now() noexcept {
    timespec t{};
    ::clock_gettime(CLOCK_MONOTONIC, &t);
    return static_cast<Instant>(t.tv_sec) * 1000 + static_cast<Instant>(t.tv_nsec) / 1000000;
  }
  void sleep(Millis ms) noexcept {
    timespec left{static_cast<time_t>(ms / 1000), static_cast<long>(ms % 1000 * 1000000)};
    while (::clock_nanosleep(CLOCK_MONOTONIC, 0, &left, &left) == EINTR) {
    }
  }
};
static_assert(Clock<MonotonicClock>);

}  // namespace snpnv
