// SPDX-License-Identifier: Apache-2.0
// Octets as text and back, and what ASCII text is asked for everywhere.
#pragma once

#include <optional>

#include "snpnv/core/bytes.hpp"

namespace snpnv {

/// The same octets, as text.
[[nodiscard]] inline std::string_view text_of(ByteView octets) {
  return {static_cast<const char*>(static_cast<const void*>(octets.data())), octets.size()};
}
[[nodiscard]] inline ByteView octets_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}

[[nodiscard]] constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
[[nodiscard]] constexpr char ascii_lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}
/// True if both are the same in either case.
[[nodiscard]] constexpr bool same_word(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) { return ascii_lower(x) == ascii_lower(y); });
}

/// A decimal number without sign; nothing if the text is none, or more than `most`, or has more than 19 digits.
[[nodiscard]] constexpr std::optional<std::uint64_t> decimal(std::string_view text, std::uint64_t most) {
  constexpr std::size_t kMostDigits = 19;  // as many as always fit
  if (text.empty() || text.size() > kMostDigits || !std::ranges::all_of(text, is_digit)) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) value = value * 10 + static_cast<std::uint64_t>(c - '0');
  return value <= most ? std::optional(value) : std::nullopt;
}

}  // namespace snpnv
