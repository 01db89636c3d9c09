// SPDX-License-Identifier: Apache-2.0
// RSA signatures as collector and verifier both check them. The cryptography comes from a provider.
#pragma once

#include "snpnv/core/digest.hpp"

namespace snpnv {

/// Big-endian, without leading zeros.
struct RsaPublicKey {
  ByteView modulus;
  ByteView exponent;

  /// A key's size: that of its modulus.
  [[nodiscard]] constexpr std::size_t bits() const { return bit_length(modulus); }
  /// True for 65537, the exponent of AMD's keys and of a TPM's.
  [[nodiscard]] constexpr bool has_usual_exponent() const {
    constexpr std::array kUsual{std::byte{1}, std::byte{0}, std::byte{1}};
    return equal(exponent, kUsual);
  }
  /// False for two numbers that are no key: anybody can sign for an exponent of 1, and an even number is
  /// none of RSA's. RFC 8017, "RSA Public Key".
  [[nodiscard]] constexpr bool is_sound() const {
    const auto odd = [](ByteView number) {
      return !number.empty() && number.front() != std::byte{0} &&
             (number.back() & std::byte{1}) != std::byte{0};
    };
    return odd(modulus) && odd(exponent) && (exponent.size() > 1 || exponent[0] != std::byte{1});
  }
};

/// verify_rsa_pkcs1(key, hash, digest, signature): RSASSA-PKCS1-v1_5. Returns nothing if the signature
/// verifies, crypto_signature if it does not, and crypto_failed or crypto_unsupported if the library
/// could not tell.
template <class V>
concept RsaVerifier =
    Hasher<V> && requires(V& verifier, const RsaPublicKey& key, Hash hash, const Digest& digest, ByteView octets) {
      { verifier.verify_rsa_pkcs1(key, hash, digest, octets) } noexcept -> std::same_as<Result<void>>;
    };

/// Whether `signature` is RSASSA-PKCS1-v1_5 with `hash` over `message`, by `key`.
/// @returns nothing if it is | what digest() and verify_rsa_pkcs1() return.
template <RsaVerifier V>
[[nodiscard]] constexpr Result<void> verify_message(V& verifier, const RsaPublicKey& key, Hash hash,
                                                    ByteView message, ByteView signature) {
  SNPNV_TRY(const Digest& digest, verifier.digest(hash, message));
  return verifier.verify_rsa_pkcs1(key, hash, digest, signature);
}

}  // namespace snpnv
