// SPDX-License-Identifier: Apache-2.0
// Text for people: what the programs print, and what is from outside in it.
#pragma once

#include <string>

#include "snpnv/core/escape.hpp"

namespace snpnv {

/// Text from outside, escaped for a line of text.
[[nodiscard]] inline std::string printable(std::string_view text) {
  std::string out(6 * text.size(), '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  escape(writer, text, Escape::plain);
  out.resize(writer.size());
  return out;
}

/// `text`, which begins in column `indent`, in lines that end before column `width`; the further ones are indented
/// as much. A break stands at a blank, or in a longer word between two octets of hexadecimal digits.
[[nodiscard]] inline std::string wrapped(std::string_view text, std::size_t indent, std::size_t width) {
  constexpr std::size_t kLeast = 8;  // columns that are used on the narrowest terminal
  const std::size_t room = width < indent + kLeast ? kLeast : width - indent;
  std::string out;
  while (text.size() > room) {
    const std::size_t blank = text.rfind(' ', room);
    std::size_t end = room;
    if (blank == std::string_view::npos || blank == 0) {
      std::size_t digits = 0;
      while (digits < end && hex_digit(text[end - digits - 1]) >= 0) ++digits;
      end -= digits % 2;
    } else {
      end = blank;
    }
    out += text.substr(0, end);
    out += '\n';
    out.append(indent, ' ');
    text.remove_prefix(end + (end == blank ? 1 : 0));
  }
  out += text;
  return out;
}

/// A line with `what` and, behind column `column`, `text`; wrapped where `width` is not 0.
[[nodiscard]] inline std::string two_columns(std::string_view what, std::size_t column, std::string_view text, std::size_t width) {
  std::string out(what);
  if (out.size() < column) out.resize(column, ' ');
  out += ' ';
  out += width == 0 ? std::string(text) : wrapped(text, out.size(), width);
  out += '\n';
  return out;
}

}  // namespace snpnv
