// SPDX-License-Identifier: Apache-2.0
// The report flow as octets that someone wrote down once: what any client sends at least.
#pragma once

#include <array>

#include "snpnv/wire/hcl_claims.hpp"

namespace bench {

inline void put16(std::byte* to, std::size_t value) {
  to[0] = static_cast<std::byte>(value >> 8);
  to[1] = static_cast<std::byte>(value & 0xFF);
}

/// Writes user data to 0x01400002 and reads 0x01400001 up to the size that the envelope announces. `port`
/// exchanges a command for a response of exactly the size wanted.
/// @returns the octets read; 0: something failed.
template <class Port>
std::size_t hand_marshalled(Port&& port, const snpnv::UserData& user_data, snpnv::MutBytes envelope) {
  constexpr std::byte kOk{0};
  const auto octets = [](auto... values) { return std::array{static_cast<std::byte>(values)...}; };
  constexpr std::size_t kFront = 31;  // header, two handles, password session
  constexpr std::size_t kAnswer = 19;  // header, parameterSize, session

  auto write_front = octets(0x80, 0x02, 0, 0, 0, 99, 0, 0, 1, 0x37, 0x40, 0, 0, 1, 1, 0x40, 0, 2,  //
                            0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0, 0, 64);
  static_assert(write_front.size() == kFront + 2);
  std::array<std::byte, kFront + 2 + 64 + 2> write{};
  std::ranges::copy(write_front, write.begin());
  std::ranges::copy(user_data, write.begin() + kFront + 2);
  std::array<std::byte, kAnswer> written;
  if (!port.exchange(write, written) || written[9] != kOk) return 0;

  auto read = octets(0x80, 0x02, 0, 0, 0, 35, 0, 0, 1, 0x4E, 0x40, 0, 0, 1, 1, 0x40, 0, 1,  //
                     0, 0, 0, 9, 0x40, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0);
  static_assert(read.size() == kFront + 4);
  std::array<std::byte, 1024 + 2 + kAnswer> response;
  std::size_t total = 1024;
  for (std::size_t at = 0; at < total;) {
    const std::size_t size = std::min<std::size_t>(1024, total - at);
    put16(read.data() + kFront, size);
    put16(read.data() + kFront + 2, at);
    if (!port.exchange(read, snpnv::MutBytes(response).first(size + 2 + kAnswer)) || response[9] != kOk)
      return 0;
    std::ranges::copy_n(response.begin() + 16, static_cast<std::ptrdiff_t>(size),
                        envelope.begin() + static_cast<std::ptrdiff_t>(at));
    at += size;
    if (at == 1024) {  // report_size stands at 8, little-endian
      total = std::to_integer<std::size_t>(envelope[8]) | std::to_integer<std::size_t>(envelope[9]) << 8;
      if (total < at || total > envelope.size()) return 0;
    }
  }
  return total;
}

}  // namespace bench
