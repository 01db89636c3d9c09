// SPDX-License-Identifier: Apache-2.0
// Reading and writing octets: bounds are checked once, here; the first error sticks.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <type_traits>

#include "snpnv/core/error.hpp"

namespace snpnv {

using ByteView = std::span<const std::byte>;
using MutBytes = std::span<std::byte>;

/// No input of any parser may be larger, so that 32-bit offsets cannot wrap. In octets.
inline constexpr std::size_t kMaxInput = std::size_t{1} << 26;

enum class Endian : std::uint8_t { big, little };

/// The unsigned integer in `in`. The size of `in` is the size of T.
template <std::unsigned_integral T, Endian E>
[[nodiscard]] constexpr T load(std::span<const std::byte, sizeof(T)> in) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    const auto octet = std::to_integer<T>(in[E == Endian::big ? i : sizeof(T) - 1 - i]);
    value = static_cast<T>((value << 8) | octet);
  }
  return value;
}

template <std::unsigned_integral T, Endian E>
constexpr void store(std::span<std::byte, sizeof(T)> out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) {
    const std::size_t shift = 8 * (E == Endian::big ? sizeof(T) - 1 - i : i);
    out[i] = static_cast<std::byte>((value >> shift) & 0xFFU);
  }
}

[[nodiscard]] constexpr bool equal(ByteView a, ByteView b) { return std::ranges::equal(a, b); }

[[nodiscard]] constexpr bool all_zero(ByteView bytes) {
  return std::ranges::all_of(bytes, [](std::byte b) { return b == std::byte{0}; });
}

/// Bits of a big-endian number, from its highest 1 down.
[[nodiscard]] constexpr std::size_t bit_length(ByteView number) {
  while (!number.empty() && number[0] == std::byte{0}) number = number.subspan(1);
  if (number.empty()) return 0;
  return number.size() * 8 -
         static_cast<std::size_t>(std::countl_zero(std::to_integer<std::uint8_t>(number[0])));
}

/// Copies `from` to the start of `to`, as much as fits, and returns what was written.
constexpr MutBytes copy_to(MutBytes to, ByteView from) {
  const std::size_t n = std::min(to.size(), from.size());
  std::copy_n(from.begin(), n, to.begin());
  return to.first(n);
}

/// Takes fields from the front of a buffer. Borrows it.
///
/// After the first error every further call yields zeros or nothing, and finish() returns that
/// error: a parser may run to its end and check once. Offsets in errors are absolute: they count
/// from the start of the outermost buffer, wherever a sub-reader began.
class ByteReader {
 public:
  constexpr explicit ByteReader(ByteView in, std::size_t base = 0)
      : in_(in), base_(static_cast<std::uint32_t>(base)) {
    if (in.size() > kMaxInput || base > kMaxInput) fail(Code::wire_too_large, kMaxInput);
  }

  template <std::unsigned_integral T>
  [[nodiscard]] constexpr T be() { return integer<T, Endian::big>(); }
  template <std::unsigned_integral T>
  [[nodiscard]] constexpr T le() { return integer<T, Endian::little>(); }

  /// The next `n` octets; empty after an error.
  [[nodiscard]] constexpr ByteView take(std::size_t n) {
    if (!ok_) return {};
    if (n > remaining()) {
      fail(Code::wire_short, n);
      return {};
    }
    const ByteView out = in_.subspan(at_, n);
    at_ += n;
    return out;
  }

  /// The next octet, not taken; none at the end and after an error.
  [[nodiscard]] constexpr std::optional<std::byte> peek() const {
    if (remaining() == 0) return std::nullopt;
    return in_[at_];
  }
  /// What was taken since the reader stood at this offset; empty after an error.
  [[nodiscard]] constexpr ByteView since(std::size_t offset) const {
    if (!ok_) return {};
    const std::size_t from = offset - base_;
    return in_.subspan(from, at_ - from);
  }

  /// A reader of the next `n` octets that keeps absolute offsets and inherits the error.
  [[nodiscard]] constexpr ByteReader sub(std::size_t n) {
    const std::size_t base = offset();
    ByteReader inner(take(n), base);
    if (!ok_) inner.adopt_error(*this);
    return inner;
  }

  /// Takes over the outcome of a reader made by sub(): its error, or octets that it left.
  constexpr void close(const ByteReader& inner) {
    if (!inner.ok_) return adopt_error(inner);
    if (inner.remaining() != 0) fail_at(Code::wire_trailing, inner.offset(), inner.remaining());
  }

  constexpr void fail(Code code, std::size_t detail = 0) { fail_at(code, offset(), detail); }
  constexpr void fail_at(Code code, std::size_t where, std::size_t detail = 0) {
    if (!ok_) return;
    ok_ = false;
    error_ = Error{code, static_cast<std::uint32_t>(where), static_cast<std::uint32_t>(detail)};
  }
  constexpr void require(bool condition, Code code, std::size_t detail = 0) {
    if (!condition) fail(code, detail);
  }

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  [[nodiscard]] constexpr const Error& error() const { return error_; }
  [[nodiscard]] constexpr std::size_t remaining() const { return ok_ ? in_.size() - at_ : 0; }
  [[nodiscard]] constexpr std::size_t offset() const { return base_ + at_; }

  /// The only way out of a parser: nothing, or the first error, or an error for octets left.
  [[nodiscard]] constexpr Result<void> finish() {
    if (remaining() != 0) fail(Code::wire_trailing, remaining());
    if (!ok_) return ::snpnv::fail(error_);
    return {};
  }
  /// The same with the value that was read.
  template <class T>
  [[nodiscard]] constexpr Result<T> finish(T value) {
    SNPNV_CHECK(finish());
    return value;
  }

 private:
  template <std::unsigned_integral T, Endian E>
  constexpr T integer() {
    const ByteView octets = take(sizeof(T));
    if (octets.size() != sizeof(T)) return 0;
    return load<T, E>(octets.first<sizeof(T)>());
  }
  constexpr void adopt_error(const ByteReader& other) {
    if (!ok_) return;
    ok_ = false;
    error_ = other.error_;
  }

  ByteView in_;
  std::size_t at_ = 0;
  std::uint32_t base_ = 0;
  bool ok_ = true;
  Error error_{};
};

/// Appends fields to a fixed buffer. Borrows it. The first overflow sticks.
class ByteWriter {
 public:
  constexpr explicit ByteWriter(MutBytes out) : out_(out) {}

  template <std::unsigned_integral T>
  constexpr void be(T value) { integer<T, Endian::big>(value); }
  template <std::unsigned_integral T>
  constexpr void le(T value) { integer<T, Endian::little>(value); }

  constexpr void bytes(ByteView in) {
    const MutBytes to = reserve(in.size());
    if (to.size() == in.size()) std::ranges::copy(in, to.begin());
  }
  constexpr void text(std::string_view in) {
    const MutBytes to = reserve(in.size());
    for (std::size_t i = 0; i < to.size(); ++i) to[i] = static_cast<std::byte>(in[i]);
  }
  constexpr void zeros(std::size_t n) { std::ranges::fill(reserve(n), std::byte{0}); }

  /// Room for `n` octets to be filled in by the caller; empty if it is not there.
  [[nodiscard]] constexpr MutBytes reserve(std::size_t n) {
    if (!ok_ || n > out_.size() - at_) {
      if (ok_) needed_ = at_ + n;
      ok_ = false;
      return {};
    }
    const MutBytes room = out_.subspan(at_, n);
    at_ += n;
    return room;
  }

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  [[nodiscard]] constexpr std::size_t size() const { return at_; }
  /// What was written so far, for filling in a size field once it is known.
  [[nodiscard]] constexpr MutBytes written() { return out_.first(at_); }

  [[nodiscard]] constexpr Result<ByteView> finish() const {
    if (!ok_) return fail(Code::wire_overflow, at_, static_cast<std::uint32_t>(needed_));
    return ByteView(out_.first(at_));
  }

 private:
  template <std::unsigned_integral T, Endian E>
  constexpr void integer(T value) {
    const MutBytes to = reserve(sizeof(T));
    if (to.size() == sizeof(T)) store<T, E>(to.first<sizeof(T)>(), value);
  }

  MutBytes out_;
  std::size_t at_ = 0;
  std::size_t needed_ = 0;
  bool ok_ = true;
};

}  // namespace snpnv
