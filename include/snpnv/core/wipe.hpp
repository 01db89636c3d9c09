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

}  // namespace snpnv
