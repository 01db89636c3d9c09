// SPDX-License-Identifier: Apache-2.0
// EXPECT: could not convert|no matching function for call to .load
#include "snpnv/core/bytes.hpp"

using namespace snpnv;
std::uint32_t four(std::span<const std::byte, 8> octets) {
  (void)load<std::uint32_t, Endian::big>(octets);  // WRONG
  return load<std::uint32_t, Endian::big>(octets.first<4>());
}
