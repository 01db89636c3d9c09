// SPDX-License-Identifier: Apache-2.0
// Hexadecimal and base64url. Decoders take a source of characters, so that a JSON string with
// escapes decodes without an intermediate buffer.
#pragma once

#include <array>
#include <concepts>
#include <string_view>

#include "snpnv/core/bytes.hpp"

namespace snpnv {

/// Yields characters one by one; next() is false at the end; offset() is where the next one stands.
template <class S>
concept TextSource = requires(S& source, const S& seen, char& c) {
  { source.next(c) } -> std::same_as<bool>;
  { seen.offset() } -> std::same_as<std::size_t>;
};

class PlainText {
 public:
  constexpr explicit PlainText(std::string_view text, std::size_t base = 0) : text_(text), base_(base) {}
  constexpr bool next(char& c) {
    if (at_ == text_.size()) return false;
    c = text_[at_++];
    return true;
  }
  [[nodiscard]] constexpr std::size_t offset() const { return base_ + at_; }

 private:
  std::string_view text_;
  std::size_t base_;
  std::size_t at_ = 0;
};

/// The characters of another source, with ASCII's capital letters as small ones.
template <TextSource S>
class LowerCase {
 public:
  constexpr explicit LowerCase(S source) : source_(source) {}
  constexpr bool next(char& c) {
    if (!source_.next(c)) return false;
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
    return true;
  }
  [[nodiscard]] constexpr std::size_t offset() const { return source_.offset(); }

 private:
  S source_;
};

/// True if both yield the same characters.
template <TextSource A, TextSource B>
[[nodiscard]] constexpr bool same_text(A a, B b) {
  char x = 0;
  char y = 0;
  while (true) {
    const bool more = a.next(x);
    if (more != b.next(y)) return false;
    if (!more) return true;
    if (x != y) return false;
  }
}

namespace detail {

/// The value of each digit of an alphabet, -1 for other characters. A table, since a comparison of ranges is
/// a branch that random digits mispredict.
class DigitValues {
 public:
  consteval explicit DigitValues(std::string_view digits) { add(digits); }
  consteval DigitValues(std::string_view digits, std::string_view other_case) {
    add(digits);
    add(other_case);
  }
  [[nodiscard]] constexpr int operator[](char c) const { return values_[place(c)]; }

 private:
  consteval void add(std::string_view digits) {
    for (std::size_t i = 0; i < digits.size(); ++i) {
      const unsigned at = place(digits[i]);
      values_[at < kOthers ? at : values_.size()] = static_cast<std::int8_t>(i);  // others do not compile
    }
  }
  // From the first character that is a digit to the last; one more place stands for all others.
  static constexpr unsigned kOthers = 'z' - '-' + 1;
  static constexpr unsigned place(char c) { return std::min(static_cast<unsigned char>(c) - unsigned{'-'}, kOthers); }
  std::array<std::int8_t, kOthers + 1> values_ = [] {
    std::array<std::int8_t, kOthers + 1> none{};
    none.fill(-1);
    return none;
  }();
};
inline constexpr std::string_view kHexDigits = "0123456789abcdef";
inline constexpr std::string_view kBase64urlDigits =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
inline constexpr DigitValues kHexValues(kHexDigits, "0123456789ABCDEF");
inline constexpr DigitValues kBase64urlValues(kBase64urlDigits);

}  // namespace detail

/// The value of a hexadecimal digit of either case, or -1.
[[nodiscard]] constexpr int hex_digit(char c) { return detail::kHexValues[c]; }

/// Decodes pairs of hexadecimal digits, either case, nothing between them.
/// @returns the octets written to the front of `out`
///   | text_hex - where: offset behind the offending character
///   | wire_overflow - detail: octets needed up to there.
/// Source: RFC 4648, "Base 16 Encoding".
template <TextSource S>
[[nodiscard]] constexpr Result<ByteView> decode_hex(S source, MutBytes out) {
  std::size_t n = 0;
  char high = 0;
  char low = 0;
  while (source.next(high)) {
    if (hex_digit(high) < 0 || !source.next(low) || hex_digit(low) < 0)
      return fail(Code::text_hex, source.offset());
    if (n == out.size())
      return fail(Code::wire_overflow, source.offset(), static_cast<std::uint32_t>(n + 1));
    out[n++] = static_cast<std::byte>((hex_digit(high) << 4) | hex_digit(low));
  }
  return ByteView(out.first(n));
}
[[nodiscard]] constexpr Result<ByteView> decode_hex(std::string_view text, MutBytes out) {
  return decode_hex(PlainText(text), out);
}

namespace detail {

void hex_digits_are_mistyped_or_not_as_many_as_the_octets_want();

}  // namespace detail

/// Octets that stand in a source as hexadecimal digits. Others do not compile: the function above is not defined.
template <std::size_t Size>
[[nodiscard]] consteval std::array<std::byte, Size> octets_of_hex(std::string_view digits) {
  std::array<std::byte, Size> out{};
  const auto octets = decode_hex(digits, out);
  if (!octets || octets->size() != Size) detail::hex_digits_are_mistyped_or_not_as_many_as_the_octets_want();
  return out;
}

/// The value of a base64url digit, or -1.
[[nodiscard]] constexpr int base64url_digit(char c) { return detail::kBase64urlValues[c]; }

/// Decodes base64url, with its padding or without any. Bits that do not fill an octet must be zero,
/// so that one value has one encoding of each kind.
/// @returns the octets written to the front of `out`
///   | text_base64 - where: offset behind the offending character
///   | wire_overflow - detail: octets needed up to there.
/// Source: RFC 4648, "Base 64 Encoding with URL and Filename Safe Alphabet".
template <TextSource S>
[[nodiscard]] constexpr Result<ByteView> decode_base64url(S source, MutBytes out) {
  std::size_t n = 0;
  std::uint32_t bits = 0;
  unsigned held = 0;  // digits in `bits` that do not form three octets yet
  char c = 0;
  bool padded = false;
  while (source.next(c)) {
    if (c == '=') {
      padded = true;
      break;
    }
    const int digit = base64url_digit(c);
    if (digit < 0) return fail(Code::text_base64, source.offset());
    bits = (bits << 6) | static_cast<std::uint32_t>(digit);
    if (++held < 4) continue;
    if (out.size() - n < 3)
      return fail(Code::wire_overflow, source.offset(), static_cast<std::uint32_t>(n + 3));
    for (unsigned i = 0; i < 3; ++i) out[n++] = static_cast<std::byte>((bits >> (16 - 8 * i)) & 0xFFU);
    bits = held = 0;
  }
  if (padded) {  // one '=' was taken: it takes another one after two digits, and then the end
    if (held < 2 || (held == 2 && !(source.next(c) && c == '=')) || source.next(c))
      return fail(Code::text_base64, source.offset());
  }
  if (held == 1) return fail(Code::text_base64, source.offset());
  if (held == 0) return ByteView(out.first(n));
  const unsigned octets = held - 1;
  const unsigned spare = 6 * held - 8 * octets;
  if ((bits & ((1U << spare) - 1)) != 0) return fail(Code::text_base64, source.offset());
  if (out.size() - n < octets)
    return fail(Code::wire_overflow, source.offset(), static_cast<std::uint32_t>(n + octets));
  for (unsigned i = 0; i < octets; ++i)
    out[n++] = static_cast<std::byte>((bits >> (6 * held - 8 * (i + 1))) & 0xFFU);
  return ByteView(out.first(n));
}
[[nodiscard]] constexpr Result<ByteView> decode_base64url(std::string_view text, MutBytes out) {
  return decode_base64url(PlainText(text), out);
}

/// The digits of another source's base64 as base64url spells them.
/// Source: RFC 4648, "Base 64 Encoding".
template <TextSource S>
class FromBase64 {
 public:
  constexpr explicit FromBase64(S source) : source_(source) {}
  constexpr bool next(char& c) {
    if (!source_.next(c)) return false;
    if (c == '-' || c == '_') c = '\0';  // digits of base64url only
    if (c == '+') c = '-';
    if (c == '/') c = '_';
    return true;
  }
  [[nodiscard]] constexpr std::size_t offset() const { return source_.offset(); }

 private:
  S source_;
};

/// Appends two lower-case digits an octet.
constexpr void encode_hex(ByteWriter& out, ByteView octets) {
  for (const std::byte octet : octets) {
    const auto value = std::to_integer<unsigned>(octet);
    const char pair[2] = {detail::kHexDigits[value >> 4], detail::kHexDigits[value & 15U]};
    out.text(std::string_view(pair, 2));
  }
}

/// Digits of the longest number: 64 bits, in base 10.
inline constexpr std::size_t kNumberRoom = 20;

/// Appends a number in base 10 or 16, with `least` digits, of kNumberRoom, or more.
constexpr void encode_number(ByteWriter& out, std::uint64_t value, unsigned base = 10, std::size_t least = 1) {
  std::array<char, kNumberRoom> digits{};
  std::size_t at = digits.size();
  for (; value != 0 || digits.size() - at < least; value /= base)
    digits[--at] = detail::kHexDigits[static_cast<unsigned>(value % base)];
  out.text(std::string_view(digits.data() + at, digits.size() - at));
}

enum class Padding : std::uint8_t { none, padded };

/// Appends base64url.
constexpr void encode_base64url(ByteWriter& out, ByteView octets, Padding padding) {
  for (std::size_t at = 0; at < octets.size(); at += 3) {
    const std::size_t n = std::min<std::size_t>(3, octets.size() - at);
    std::uint32_t bits = 0;
    for (std::size_t i = 0; i < 3; ++i)
      bits = (bits << 8) | (i < n ? std::to_integer<std::uint32_t>(octets[at + i]) : 0U);
    char digits[4] = {'=', '=', '=', '='};
    for (std::size_t i = 0; i <= n; ++i) digits[i] = detail::kBase64urlDigits[(bits >> (18 - 6 * i)) & 63U];
    out.text(std::string_view(digits, padding == Padding::padded ? 4 : n + 1));
  }
}

}  // namespace snpnv
