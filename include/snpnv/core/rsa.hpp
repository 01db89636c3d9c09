// RSA signatures as collector and verifier both check them. The cryptography comes from a provider.
#pragma once

#include "snpnv/core/digest.hpp"

namespace snpnv {

/// Big-endian, without leading zeros.
struct RsaPublicKey {
  ByteView modulus;
  ByteView exponent;
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
  SNPNV_TRY(const Digest digest, verifier.digest(hash, message));
  return verifier.verify_rsa_pkcs1(key, hash, digest, signature);
}

}  // namespace snpnv
