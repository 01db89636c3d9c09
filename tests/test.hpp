// SPDX-License-Identifier: Apache-2.0
// What the tests share.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "snpnv/core/encoding.hpp"

namespace snpnv::test {

using Octets = std::vector<std::byte>;

inline ByteView view(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }
inline std::string_view text(ByteView octets) {
  return {static_cast<const char*>(static_cast<const void*>(octets.data())), octets.size()};
}

/// Octets from hexadecimal digits; blanks are passed over. A wrong digit fails the test.
inline Octets hex(std::string_view digits) {
  std::string plain;
  for (const char c : digits)
    if (c != ' ' && c != '\n') plain += c;
  Octets out(plain.size() / 2);
  REQUIRE(decode_hex(plain, out).has_value());
  return out;
}

inline std::string digits(ByteView octets) {
  std::string out(octets.size() * 2, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  encode_hex(writer, octets);
  return out;
}

inline std::optional<Octets> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::nullopt;
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const ByteView octets = view(text);
  return Octets(octets.begin(), octets.end());
}

/// A capture of a real machine, from $SNPNV_VECTORS or ../shared/vectors beside the project. Where
/// the captures are not there, the test says that it is skipped.
inline std::optional<Octets> vector_file(const std::string& name) {
  const char* const folder = std::getenv("SNPNV_VECTORS");
  const std::string root = folder != nullptr ? folder : SNPNV_SOURCE_DIR "/../shared/vectors";
  auto out = read_file(root + "/" + name);
  if (!out) MESSAGE("SKIPPED: no " << name << " in " << root);
  return out;
}

/// Calls check(octets, bit) with each bit of `octets` flipped, one at a time.
template <class Check>
void each_bit_flipped(Octets octets, Check check) {
  for (std::size_t bit = 0; bit < 8 * octets.size(); ++bit) {
    const auto mask = static_cast<std::byte>(1U << (bit % 8));
    octets[bit / 8] ^= mask;
    check(octets, bit);
    octets[bit / 8] ^= mask;
  }
}

}  // namespace snpnv::test
