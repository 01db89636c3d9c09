// SPDX-License-Identifier: Apache-2.0
#include "transports/monotonic_clock.hpp"

#include <chrono>

#include "tests/transports/interruptions.hpp"

namespace snpnv {
namespace {

Instant steady_ms() {
  const auto since = std::chrono::steady_clock::now().time_since_epoch();
  return static_cast<Instant>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count());
}

TEST_CASE("MonotonicClock_Now_AgreesWithTheStandardLibrary") {
  MonotonicClock clock;
  const Instant before = steady_ms();
  const Instant now = clock.now();
  CHECK(before <= now);
  CHECK(now <= steady_ms());
}

TEST_CASE("MonotonicClock_Sleep_LastsAtLeastAsLong") {
  MonotonicClock clock;
  const Instant before = steady_ms();
  clock.sleep(30);
  CHECK(steady_ms() - before >= 30);
}

TEST_CASE("MonotonicClock_SleepInterruptedBySignals_LastsAtLeastAsLong") {
  MonotonicClock clock;
  const testing::Interruptions signals;
  while (signals.count() <= 10) {
    const Instant before = steady_ms();
    clock.sleep(100);
    CHECK(steady_ms() - before >= 100);
  }
}

}  // namespace
}  // namespace snpnv
