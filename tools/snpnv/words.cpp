// SPDX-License-Identifier: Apache-2.0
#include "words.hpp"

#include <array>
#include <cstdarg>
#include <cstdlib>

#include "snpnv/core/encoding.hpp"

namespace snpnv::tool {

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

std::string hex(ByteView octets) {
  std::string out(octets.size() * 2, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  encode_hex(writer, octets);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The C library's printf brings floating point, wide characters and locales into a static program.
std::string format(const char* pattern, ...) {
  std::string out;
  va_list arguments;
  va_start(arguments, pattern);
  for (const char* at = pattern; *at != '\0'; ++at) {
    if (*at != '%') {
      out += *at;
      continue;
    }
    bool left = false;
    bool zeros = false;
    for (++at; *at == '-' || *at == '0'; ++at) (*at == '-' ? left : zeros) = true;
    std::size_t width = 0;
    if (*at == '*') {
      width = static_cast<std::size_t>(va_arg(arguments, int));
      ++at;
    }
    for (; *at >= '0' && *at <= '9'; ++at) width = width * 10 + static_cast<std::size_t>(*at - '0');
    const bool size = *at == 'z';
    unsigned longs = 0;
    if (size) ++at;
    for (; *at == 'l'; ++at) ++longs;
    std::array<std::byte, 1 + kNumberRoom> digits;
    ByteWriter shown(digits);
    std::string_view text;
    switch (*at) {
      case 's': text = va_arg(arguments, const char*); break;
      case 'd':
      case 'u':
      case 'x': {
        std::uint64_t value = 0;
        bool negative = false;
        if (*at == 'd') {
          const std::int64_t number = va_arg(arguments, int);
          negative = number < 0;
          value = static_cast<std::uint64_t>(negative ? -number : number);
        } else if (size) {
          value = va_arg(arguments, std::size_t);
        } else {
          value = longs == 0   ? va_arg(arguments, unsigned)
                  : longs == 1 ? va_arg(arguments, unsigned long)
                               : va_arg(arguments, unsigned long long);
        }
        if (negative) shown.text("-");
        encode_number(shown, value, *at == 'x' ? 16 : 10);
        text = text_of(shown.written());
        break;
      }
      default: std::abort();  // the compiler checks arguments, tests/gate/tokens.sh the conversions
    }
    const std::size_t padding = width > text.size() ? width - text.size() : 0;
    if (!left) out.append(padding, zeros ? '0' : ' ');
    out += text;
    if (left) out.append(padding, ' ');
  }
  va_end(arguments);
  return out;
}

}  // namespace snpnv::tool
