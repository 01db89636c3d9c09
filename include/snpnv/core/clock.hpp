// SPDX-License-Identifier: Apache-2.0
// Time as the layers below the tool see it: asked for and waited for only through this concept.
#pragma once

#include <concepts>
#include <cstdint>

namespace snpnv {

/// Milliseconds on a monotonic clock whose zero means nothing.
using Instant = std::uint64_t;
/// A span of time in milliseconds.
using Millis = std::uint64_t;

/// now() never goes back; sleep(ms) returns after at least `ms`, or makes now() say so.
template <class C>
concept Clock = requires(C& clock, Millis ms) {
  { clock.now() } noexcept -> std::same_as<Instant>;
  { clock.sleep(ms) } noexcept -> std::same_as<void>;
};

}  // namespace snpnv
