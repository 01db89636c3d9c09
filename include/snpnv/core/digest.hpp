// SPDX-License-Identifier: Apache-2.0
// What this library needs of a hash function. The function itself comes from a provider.
#pragma once

#include <array>
#include <concepts>
#include <cstddef>

#include "snpnv/core/bytes.hpp"

namespace snpnv {

enum class Hash : std::uint8_t { sha256, sha384, sha512 };

/// In octets.
[[nodiscard]] constexpr std::size_t digest_size(Hash hash) {
  switch (hash) {
    case Hash::sha256: return 32;
    case Hash::sha384: return 48;
    case Hash::sha512: return 64;
  }
  return 0;
}

[[nodiscard]] constexpr std::string_view name(Hash hash) {
  switch (hash) {
    case Hash::sha256: return "SHA-256";
    case Hash::sha384: return "SHA-384";
    case Hash::sha512: return "SHA-512";
  }
  return "unknown";
}

/// A digest of up to 64 octets, held by value.
struct Digest {
  std::array<std::byte, 64> octets{};
  std::size_t size = 0;

  [[nodiscard]] constexpr ByteView view() const { return ByteView(octets).first(size); }
};

/// digest(hash, data) hashes `data` whole.
template <class H>
concept Hasher = requires(H& hasher, Hash hash, ByteView data) {
  { hasher.digest(hash, data) } noexcept -> std::same_as<Result<Digest>>;
};

}  // namespace snpnv
