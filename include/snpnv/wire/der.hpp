// SPDX-License-Identifier: Apache-2.0
// A strict reader of DER: one encoding for each value, every other one is an error.
#pragma once

#include <array>

#include "snpnv/core/bytes.hpp"
#include "snpnv/core/escape.hpp"

namespace snpnv {

/// Identifier octets with tag numbers below 31. X.680, "Tags".
enum class DerTag : std::uint8_t {
  boolean = 0x01,
  integer = 0x02,
  bit_string = 0x03,
  octet_string = 0x04,
  null = 0x05,
  oid = 0x06,
  enumerated = 0x0A,
  utf8_string = 0x0C,
  printable_string = 0x13,
  ia5_string = 0x16,
  utc_time = 0x17,
  generalized_time = 0x18,
  sequence = 0x30,
  set = 0x31,
};

/// A constructed, context-specific tag.
[[nodiscard]] constexpr DerTag context_tag(std::uint8_t number) {
  return static_cast<DerTag>(0xA0U | number);
}

/// The content octets of an OBJECT IDENTIFIER. X.690, "Encoding of an object identifier value".
template <std::uint32_t First, std::uint32_t Second, std::uint32_t... Rest>
inline constexpr auto kOid = [] {
  constexpr auto octets = [](std::uint32_t arc) {
    std::size_t n = 1;
    while (arc >>= 7) ++n;
    return n;
  };
  std::array<std::byte, 1 + (std::size_t{0} + ... + octets(Rest))> out{
      static_cast<std::byte>(First * 40 + Second)};
  std::size_t at = 1;
  const auto append = [&](std::uint32_t arc) {
    for (std::size_t n = octets(arc); n-- > 0;)
      out[at++] = static_cast<std::byte>(((arc >> (7 * n)) & 0x7FU) | (n != 0 ? 0x80U : 0U));
  };
  (append(Rest), ...);
  return out;
}();

/// One element. Borrows the input.
struct DerElement {
  DerTag tag{};
  ByteView content;
  ByteView raw;            // with identifier and length
  std::size_t offset = 0;  // of the content, absolute
};

/// Takes elements from the front of a buffer. Borrows it. Errors stick as in ByteReader, and offsets are
/// absolute likewise.
///
/// Tag numbers above 30, indefinite lengths and lengths in more octets than needed are
/// der_encoding (detail: identifier octet); another tag than expected is der_tag (detail: the
/// identifier octet found).
/// Source: X.690, "Distinguished encoding rules".
class DerReader {
 public:
  constexpr explicit DerReader(ByteView in, std::size_t base = 0) : in_(in, base) {}
  constexpr explicit DerReader(const DerElement& element)
      : in_(element.content, element.offset) {}

  /// Octets of the whole element that begins with `front`, which has its identifier and length.
  /// @returns them | der_encoding, wire_short.
  [[nodiscard]] static constexpr Result<std::size_t> announced_size(ByteView front) {
    DerReader der(front);
    DerTag tag{};
    const std::size_t size = der.header(tag);
    const std::size_t header_size = der.in_.offset();
    if (!der.in_.ok()) return ::snpnv::fail(der.in_.error());
    return header_size + size;
  }

  /// True behind the last element, and after an error.
  [[nodiscard]] constexpr bool at_end() const { return in_.remaining() == 0; }
  [[nodiscard]] constexpr bool next_is(DerTag tag) const {
    return in_.peek() == static_cast<std::byte>(tag);
  }

  [[nodiscard]] constexpr DerElement any() {
    const std::size_t at = in_.offset();
    DerElement element;
    const std::size_t size = header(element.tag);
    element.offset = in_.offset();
    element.content = in_.take(size);
    element.raw = in_.since(at);
    return element;
  }
  [[nodiscard]] constexpr DerElement expect(DerTag tag) {
    require_next(tag);
    return any();
  }
  /// A reader of the content of the next element; close() it when done.
  [[nodiscard]] constexpr DerReader enter(DerTag tag) {
    require_next(tag);
    DerTag found{};
    const std::size_t size = header(found);
    return DerReader(in_.sub(size));
  }
  constexpr void close(const DerReader& inner) { in_.close(inner.in_); }
  /// The octets of the elements taken since the reader stood at this offset; empty after an error.
  [[nodiscard]] constexpr ByteView since(std::size_t offset) const { return in_.since(offset); }

  /// The content octets of an INTEGER, two's complement, big-endian, at least one octet.
  [[nodiscard]] constexpr ByteView integer(DerTag tag = DerTag::integer) {
    const DerElement element = expect(tag);
    const ByteView octets = element.content;
    if (!in_.ok()) return {};
    const auto top = [&](std::size_t i) { return (octets[i] & std::byte{0x80}) != std::byte{0}; };
    const bool padded = octets.size() > 1 && ((octets[0] == std::byte{0x00} && !top(1)) ||
                                              (octets[0] == std::byte{0xFF} && top(1)));
    if (octets.empty() || padded) {
      malformed(element);
      return {};
    }
    return octets;
  }
  /// The magnitude of an INTEGER above zero, big-endian, without leading zeros.
  [[nodiscard]] constexpr ByteView positive() {
    const std::size_t at = in_.offset();
    ByteView octets = integer();
    if (octets.empty()) return {};
    if ((octets[0] & std::byte{0x80}) != std::byte{0} || all_zero(octets)) {
      in_.fail_at(Code::wire_value, at);
      return {};
    }
    return octets[0] == std::byte{0} ? octets.subspan(1) : octets;
  }
  /// An INTEGER from 0 to `most`. Another value is wire_value.
  [[nodiscard]] constexpr std::uint32_t unsigned_integer(std::uint32_t most) {
    const std::size_t at = in_.offset();
    const ByteView octets = integer();
    std::uint64_t value = 0;
    bool fits = octets.size() <= 5 &&
                (octets.empty() || (octets[0] & std::byte{0x80}) == std::byte{0});
    if (fits)
      for (const std::byte octet : octets) value = (value << 8) | std::to_integer<std::uint64_t>(octet);
    fits = fits && value <= most;
    if (!fits) in_.fail_at(Code::wire_value, at, static_cast<std::size_t>(value));
    return in_.ok() ? static_cast<std::uint32_t>(value) : 0;
  }

  [[nodiscard]] constexpr bool boolean() {
    const DerElement element = expect(DerTag::boolean);
    if (!in_.ok()) return false;
    const bool valid = element.content.size() == 1 && (element.content[0] == std::byte{0xFF} ||
                                                       element.content[0] == std::byte{0x00});
    if (!valid) malformed(element);
    return valid && element.content[0] == std::byte{0xFF};
  }

  /// A BOOLEAN that is FALSE by default: DER has no octets for the default. X.690, "Components with a
  /// default value".
  [[nodiscard]] constexpr bool false_by_default() {
    if (!next_is(DerTag::boolean)) return false;
    const std::size_t at = in_.offset();
    const bool value = boolean();
    if (!value) in_.fail_at(Code::der_encoding, at, static_cast<std::uint8_t>(DerTag::boolean));
    return value;
  }

  /// The octets of a BIT STRING; `unused` low bits of the last one are not part of it and are zero.
  [[nodiscard]] constexpr ByteView bit_string(unsigned& unused) {
    const DerElement element = expect(DerTag::bit_string);
    unused = 0;
    if (!in_.ok()) return {};
    const ByteView octets = element.content;
    if (!octets.empty()) unused = std::to_integer<unsigned>(octets[0]);
    const bool valid =
        !octets.empty() && unused < 8 && (octets.size() > 1 || unused == 0) &&
        (std::to_integer<unsigned>(octets.back()) & ((1U << unused) - 1U)) * (octets.size() > 1) == 0;
    if (!valid) {
      malformed(element);
      return {};
    }
    return octets.subspan(1);
  }
  /// A BIT STRING that is whole octets.
  [[nodiscard]] constexpr ByteView octet_aligned_bits() {
    const std::size_t at = in_.offset();
    unsigned unused = 0;
    const ByteView octets = bit_string(unused);
    if (unused != 0) in_.fail_at(Code::wire_value, at, unused);
    return in_.ok() ? octets : ByteView{};
  }

  /// A BIT STRING whose bits have names, at least one of them 1. The last bit is a 1: zero bits behind
  /// it have no octets. X.690, "Encoding of a bitstring value", of DER.
  [[nodiscard]] constexpr ByteView named_bits() {
    const std::size_t at = in_.offset();
    unsigned unused = 0;
    const ByteView octets = bit_string(unused);
    if (!in_.ok()) return {};
    if (octets.empty()) {
      in_.fail_at(Code::wire_value, at);
    } else if ((std::to_integer<unsigned>(octets.back()) >> unused & 1U) == 0) {
      in_.fail_at(Code::der_encoding, at, static_cast<std::uint8_t>(DerTag::bit_string));
    }
    return in_.ok() ? octets : ByteView{};
  }

  /// The content octets of an OBJECT IDENTIFIER.
  [[nodiscard]] constexpr ByteView oid() {
    const DerElement element = expect(DerTag::oid);
    if (!in_.ok()) return {};
    bool starts = true;  // an arc begins here
    bool valid = !element.content.empty();
    for (const std::byte octet : element.content) {
      if (starts && octet == std::byte{0x80}) valid = false;
      starts = (octet & std::byte{0x80}) == std::byte{0};
    }
    if (!valid || !starts) {
      malformed(element);
      return {};
    }
    return element.content;
  }

  /// Text of one of the types that certificates write today: UTF8String, PrintableString, IA5String.
  [[nodiscard]] constexpr DerElement text() {
    const DerElement element = any();
    bool valid = true;
    if (element.tag == DerTag::utf8_string) {
      for (ByteView rest = element.content; !rest.empty() && valid;) {
        const std::size_t size = utf8_front(rest).size;
        valid = size != 0;
        rest = rest.subspan(size);
      }
    } else {
      constexpr std::string_view kPunctuation = " '()+,-./:=?";
      const auto printable = [&](std::byte octet) {
        const char c = static_cast<char>(octet);
        return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
               kPunctuation.find(c) != std::string_view::npos;
      };
      const auto ascii = [](std::byte octet) { return octet < std::byte{0x80}; };
      valid = element.tag == DerTag::printable_string ? std::ranges::all_of(element.content, printable)
                                                      : element.tag == DerTag::ia5_string &&
                                                            std::ranges::all_of(element.content, ascii);
    }
    if (in_.ok() && !valid)
      in_.fail_at(Code::wire_value, element.offset, static_cast<std::uint8_t>(element.tag));
    return element;
  }

  /// Demands that the next element of a SET OF comes behind the `previous` one. X.690, "Set-of components".
  constexpr void require_above(ByteView previous) {
    DerReader look = *this;
    const DerElement element = look.any();
    if (look.ok() && !std::ranges::lexicographical_compare(previous, element.raw))
      in_.fail_at(Code::der_encoding, element.offset, static_cast<std::uint8_t>(DerTag::set));
  }

  constexpr void fail(Code code, std::size_t detail = 0) { in_.fail(code, detail); }
  constexpr void fail_at(Code code, std::size_t where, std::size_t detail = 0) {
    in_.fail_at(code, where, detail);
  }
  [[nodiscard]] constexpr bool ok() const { return in_.ok(); }
  [[nodiscard]] constexpr const Error& error() const { return in_.error(); }
  [[nodiscard]] constexpr std::size_t offset() const { return in_.offset(); }
  template <class T>
  [[nodiscard]] constexpr Result<T> finish(T value) { return in_.finish(value); }
  [[nodiscard]] constexpr Result<void> finish() { return in_.finish(); }

 private:
  constexpr explicit DerReader(const ByteReader& in) : in_(in) {}

  constexpr void require_next(DerTag tag) {
    const auto found = in_.peek();
    if (found && *found != static_cast<std::byte>(tag)) in_.fail(Code::der_tag, std::to_integer<std::size_t>(*found));
  }
  constexpr void malformed(const DerElement& element) {
    in_.fail_at(Code::der_encoding, element.offset, static_cast<std::uint8_t>(element.tag));
  }
  // Takes identifier and length; returns the size of the content.
  constexpr std::size_t header(DerTag& tag) {
    const std::size_t at = in_.offset();
    const auto identifier = in_.be<std::uint8_t>();
    tag = static_cast<DerTag>(identifier);
    if ((identifier & 0x1FU) == 0x1FU) in_.fail_at(Code::der_encoding, at, identifier);
    const auto first = in_.be<std::uint8_t>();
    if (first < 0x80) return first;
    const std::size_t count = first & 0x7FU;
    std::size_t size = 0;
    if (count == 0 || count > 4) in_.fail_at(Code::der_encoding, at, identifier);
    for (std::size_t i = 0; i < count && in_.ok(); ++i) {
      size = (size << 8) | in_.be<std::uint8_t>();
      if (size == 0) in_.fail_at(Code::der_encoding, at, identifier);
    }
    if (size < 0x80) in_.fail_at(Code::der_encoding, at, identifier);
    return in_.ok() ? size : 0;
  }

  ByteReader in_;
};

/// The first of several elements that stand one behind the other; all there is, if that is not a whole one,
/// so that who parses it says why.
[[nodiscard]] constexpr ByteView first_der(ByteView elements) {
  const auto size = DerReader::announced_size(elements);
  return elements.first(size ? std::min(*size, elements.size()) : elements.size());
}

}  // namespace snpnv
