// SPDX-License-Identifier: Apache-2.0
// Memory that held a secret.
#pragma once

#include <array>

#include "snpnv/core/bytes.hpp"

namespace snpnv {

/// Overwrites octets with zeros, also where the compiler sees that nobody reads them any more.
inline void wipe(MutBytes octets) noexcept {
  for (volatile std::byte& octet : octets) octet = std::byte{0};
}

/// Octets that are overwritten when their time is over, on whatever way.
template <std::size_t Size>
class SecretOctets {
 public:
  SecretOctets() = default;
  SecretOctets(const SecretOctets&) = default;
  SecretOctets& operator=(const SecretOctets&) = default;
  ~SecretOctets() { wipe(octets_); }
  [[nodiscard]] std::span<std::byte, Size> octets() { return octets_; }

 private:
  std::array<std::byte, Size> octets_{};
};

/// Overwrites, at its end, what functions that were called meanwhile have left on the stack below the caller's frame:
/// copies of keys that compilers and libraries make, and overwrite nowhere.
class StackWipe {
 public:
  ~StackWipe() { wipe_below(); }

 private:
  [[gnu::noinline]] static void wipe_below() noexcept {
    constexpr std::size_t kDepth = 16384;  // octets: more than a library's curves and ciphers take
    std::array<std::byte, kDepth> below;
    wipe(below);
  }
};

}  // namespace snpnv
