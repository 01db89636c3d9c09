// SPDX-License-Identifier: Apache-2.0
// A clock that moves only when slept on, or set.
#pragma once

#include <vector>

#include "snpnv/core/clock.hpp"

namespace snpnv::test {

struct ManualClock {
  Instant time = 1000;
  std::vector<Millis> slept;

  Instant now() noexcept { return time; }
  void sleep(Millis ms) noexcept {
    slept.push_back(ms);
    time += ms;
  }
};
static_assert(Clock<ManualClock>);

}  // namespace snpnv::test
