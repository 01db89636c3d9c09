// SPDX-License-Identifier: Apache-2.0
// Fixed little-endian layouts: each field is declared once, with its offset as the vendor's table
// prints it. Parser, printer, error offsets, tests and the tables in docs/ all read that list.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "snpnv/core/bytes.hpp"

namespace snpnv {

/// N octets without an inner structure, seen in place.
template <std::size_t N>
struct OctetArray {
  static constexpr std::size_t kSize = N;
  using Value = std::span<const std::byte, N>;
  [[nodiscard]] static constexpr Value load(std::span<const std::byte, N> in) { return in; }
};

/// N octets that the format keeps for later.
template <std::size_t N>
struct ReservedOctets : OctetArray<N> {};

/// A little-endian unsigned integer.
template <std::unsigned_integral T>
struct Le {
  static constexpr std::size_t kSize = sizeof(T);
  using Value = T;
  [[nodiscard]] static constexpr Value load(std::span<const std::byte, sizeof(T)> in) {
    return ::snpnv::load<T, Endian::little>(in);
  }
};

/// Where a field stands, what it holds and what it is called. Type gives kSize, Value and load().
template <class Type_, std::size_t Offset_>
struct LayoutField {
  using Type = Type_;
  static constexpr std::size_t offset = Offset_;
  static constexpr std::size_t size = Type::kSize;
  static constexpr std::size_t end = offset + size;

  std::string_view name;     // as the vendor spells it
  std::uint32_t since;       // first version of the structure that has it
  std::string_view meaning;  // for printers and docs/

  /// The octets of this field in a structure of N octets. A field past the end does not compile.
  template <std::size_t N>
  [[nodiscard]] static constexpr std::span<const std::byte, size> octets(
      std::span<const std::byte, N> in) {
    static_assert(N != std::dynamic_extent && end <= N, "field past the end of the structure");
    return in.template subspan<offset, size>();
  }
  template <std::size_t N>
  [[nodiscard]] static constexpr typename Type::Value load(std::span<const std::byte, N> in) {
    return Type::load(octets(in));
  }
};

/// A field is reserved if nothing may be read from it.
template <class Type>
inline constexpr bool is_reserved = false;
template <std::size_t N>
inline constexpr bool is_reserved<ReservedOctets<N>> = true;

/// True if the fields of Layout follow each other without gap or overlap and fill its kSize octets.
template <class Layout>
[[nodiscard]] consteval bool tiles() {
  std::size_t at = 0;
  bool seamless = true;
  Layout::for_each_field([&](auto field) {
    seamless = seamless && field.offset == at;
    at = field.offset + field.size;
  });
  return seamless && at == Layout::kSize;
}

/// A named bit, or a run of bits, of an integer field.
struct BitName {
  std::uint8_t first;
  std::uint8_t last;  // inclusive
  std::string_view name;
};

/// The bits `bits.first..bits.last` of `value`, shifted down.
[[nodiscard]] constexpr std::uint64_t extract(std::uint64_t value, BitName bits) {
  const unsigned width = static_cast<unsigned>(bits.last - bits.first) + 1U;
  const std::uint64_t mask = width >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << width) - 1;
  return (value >> bits.first) & mask;
}

}  // namespace snpnv

// Turn one line of a field list X(NAME, Type, offset, since, meaning) into a member, and into a
// call of a visitor.
#define SNPNV_FIELD_MEMBER(NAME, TYPE, OFFSET, SINCE, MEANING) \
  static constexpr ::snpnv::LayoutField<TYPE, OFFSET> NAME{#NAME, SINCE, MEANING};
#define SNPNV_FIELD_VISIT(NAME, TYPE, OFFSET, SINCE, MEANING) visit(NAME);
