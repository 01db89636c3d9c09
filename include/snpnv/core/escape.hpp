// SPDX-License-Identifier: Apache-2.0
// Text from outside, fit for terminals, logs and JSON: printable ASCII, and escapes from which the text can be
// told, octet by octet.
#pragma once

#include "snpnv/core/encoding.hpp"

namespace snpnv {

/// A character of UTF-8 and its size in octets; size 0: the octets are not UTF-8.
struct Utf8 {
  std::uint32_t point = 0;
  std::size_t size = 0;
};

/// The character at the front of `text`, which is octets or characters and not empty.
/// Source: RFC 3629, "Syntax of UTF-8 Byte Sequences".
template <class Text>
[[nodiscard]] constexpr Utf8 utf8_front(const Text& text) {
  const auto at = [&](std::size_t i) -> std::uint32_t {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const std::uint32_t lead = at(0);
  if (lead < 0x80) return {lead, 1};
  const std::size_t size = lead >= 0xC2 && lead <= 0xDF ? 2
                           : lead >= 0xE0 && lead <= 0xEF ? 3
                           : lead >= 0xF0 && lead <= 0xF4 ? 4
                                                          : 0;
  if (size == 0) return {};
  const std::uint32_t low = lead == 0xE0 ? 0xA0 : lead == 0xF0 ? 0x90 : 0x80;
  const std::uint32_t high = lead == 0xED ? 0x9F : lead == 0xF4 ? 0x8F : 0xBF;
  if (at(1) < low || at(1) > high) return {};
  std::uint32_t point = lead & (0x7FU >> size);
  for (std::size_t i = 1; i < size; ++i) {
    if ((at(i) & 0xC0U) != 0x80) return {};
    point = point << 6 | (at(i) & 0x3FU);
  }
  return {point, size};
}

/// Where text is to stand. Escaped, a character that is no printable ASCII is `\uXXXX`, a pair of
/// surrogates above U+FFFF, and a backslash is doubled.
enum class Escape : std::uint8_t {
  plain,  // in a line of text: an octet that is not UTF-8 is \xNN
  json,   // between the quotes of a JSON string, which stands for the text unaltered. JSON has no escape for
          // octets that are not UTF-8: each is the private character U+EF00 + octet, and so are the three
          // octets of such a character (U+EF80 to U+EFFF) itself, so that no two texts are written alike.
  none,   // where it is escaped later: as it is
};

/// Appends `text`, which may be any octets, escaped: at most 6 octets for each.
constexpr void escape(ByteWriter& out, std::string_view text, Escape form) {
  if (form == Escape::none) return out.text(text);
  const auto digits = [&](char kind, std::uint32_t value) {  // \xNN or \uNNNN
    char escaped[6] = {'\\', kind};
    const std::size_t size = kind == 'x' ? 4 : 6;
    for (std::size_t i = size; i-- > 2; value >>= 4) escaped[i] = detail::kHexDigits[value & 15U];
    out.text(std::string_view(escaped, size));
  };
  const auto is_itself = [&](char c) {
    return c >= ' ' && c <= '~' && c != '\\' && (c != '"' || form != Escape::json);
  };
  while (true) {
    const auto same = static_cast<std::size_t>(std::ranges::find_if_not(text, is_itself) - text.begin());
    out.text(text.substr(0, same));
    text.remove_prefix(same);
    if (text.empty()) return;
    Utf8 c = utf8_front(text);
    const auto octet = static_cast<unsigned char>(text[0]);
    char kind = 'u';
    if (form == Escape::json && c.point >= 0xEF80 && c.point <= 0xEFFF) c.size = 0;
    if (c.size == 0) {
      if (form == Escape::plain) kind = 'x';
      c = {0xEF00U | octet, 1};
    }
    text.remove_prefix(c.size);
    if (c.point == '\\' || c.point == '"') {
      out.text(c.point == '"' ? "\\\"" : "\\\\");
      continue;
    }
    if (c.point > 0xFFFF) {
      digits(kind, 0xD7C0U + (c.point >> 10));
      c.point = 0xDC00U | (c.point & 0x3FFU);
    }
    digits(kind, c.point);
  }
}

}  // namespace snpnv
