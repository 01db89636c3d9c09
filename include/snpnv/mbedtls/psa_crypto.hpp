// SPDX-License-Identifier: Apache-2.0
// The same provider by PSA Crypto and public X.509 calls alone: what Mbed TLS 2.28 and 3.6 have, and 4.0
// kept. Slower than crypto.hpp, since PSA imports a key for every signature.
#pragma once

#include <psa/crypto.h>

#include "snpnv/mbedtls/certificates.hpp"

namespace snpnv {

/// Not for several threads at once, unless Mbed TLS was built with MBEDTLS_THREADING_C.
class MbedPsaCrypto : public detail::MbedCertificates {
 public:
  /// The three below are the concept Crypto's.
  /// @returns as the concept says; detail of crypto_failed: PSA status, negated.
  [[nodiscard]] Result<void> verify_ecdsa_p384(ByteView point, const Digest& digest,
                                               const EcdsaP384Signature& signature) noexcept {
    return verify(PSA_KEY_TYPE_ECC_PUBLIC_KEY(PSA_ECC_FAMILY_SECP_R1), point,
                  PSA_ALG_ECDSA(psa_hash(Hash::sha384)), digest, signature);
  }
  [[nodiscard]] Result<void> verify_rsa_pss(const RsaPublicKey& key, Hash hash, const Digest& digest,
                                            ByteView signature) noexcept {
    return verify_rsa(key, PSA_ALG_RSA_PSS(psa_hash(hash)), digest, signature);
  }
  [[nodiscard]] Result<void> verify_rsa_pkcs1(const RsaPublicKey& key, Hash hash,
                                              const Digest& digest, ByteView signature) noexcept {
    return verify_rsa(key, PSA_ALG_RSA_PKCS1V15_SIGN(psa_hash(hash)), digest, signature);
  }

 private:
  static psa_algorithm_t psa_hash(Hash hash) noexcept {
    switch (hash) {
      case Hash::sha256: return PSA_ALG_SHA_256;
      case Hash::sha384: return PSA_ALG_SHA_384;
      case Hash::sha512: return PSA_ALG_SHA_512;
    }
    return PSA_ALG_NONE;
  }
  static Error psa_error(psa_status_t status) noexcept {
    return {Code::crypto_failed, 0, static_cast<std::uint32_t>(-status)};
  }

  // PSA wants RSAPublicKey in DER, which is written here from its two numbers.
  static Result<void> verify_rsa(const RsaPublicKey& key, psa_algorithm_t algorithm,
                                 const Digest& digest, ByteView signature) noexcept {
    constexpr std::size_t kMaxNumber = 1024;  // RSA-8192; PSA has its own limit below that
    if (!key.is_sound() || key.modulus.size() > kMaxNumber || key.exponent.size() > kMaxNumber)
      return fail(Code::crypto_unsupported);
    std::array<std::byte, 2 * kMaxNumber + 32> buffer;
    constexpr std::size_t kHeader = 4;  // identifier, 82h, size
    ByteWriter body(MutBytes(buffer).subspan(kHeader));
    for (const ByteView number : {key.modulus, key.exponent}) {
      const bool sign = (number[0] & std::byte{0x80}) != std::byte{0};
      header(body, DerTag::integer, number.size() + (sign ? 1 : 0));
      body.zeros(sign ? 1 : 0);
      body.bytes(number);
    }
    SNPNV_TRY(const ByteView& numbers, body.finish());
    std::array<std::byte, kHeader> front{};
    ByteWriter outer(front);
    header(outer, DerTag::sequence, numbers.size());
    const std::size_t start = kHeader - outer.size();
    copy_to(MutBytes(buffer).subspan(start), outer.written());
    return verify(PSA_KEY_TYPE_RSA_PUBLIC_KEY,
                  ByteView(buffer).subspan(start, outer.size() + numbers.size()), algorithm, digest,
                  signature);
  }
  static void header(ByteWriter& out, DerTag tag, std::size_t size) noexcept {
    out.be(static_cast<std::uint8_t>(tag));
    if (size < 0x80) return out.be(static_cast<std::uint8_t>(size));
    if (size < 0x100) {
      out.be(std::uint8_t{0x81});
      return out.be(static_cast<std::uint8_t>(size));
    }
    out.be(std::uint8_t{0x82});
    out.be(static_cast<std::uint16_t>(size));
  }

  static Result<void> verify(psa_key_type_t type, ByteView key_octets, psa_algorithm_t algorithm,
                             const Digest& digest, ByteView signature) noexcept {
    // Costs nothing after the first time.
    if (const psa_status_t status = psa_crypto_init(); status != PSA_SUCCESS)
      return fail(psa_error(status));
    psa_key_attributes_t attributes = PSA_KEY_ATTRIBUTES_INIT;
    psa_set_key_type(&attributes, type);
    psa_set_key_usage_flags(&attributes, PSA_KEY_USAGE_VERIFY_HASH);
    psa_set_key_algorithm(&attributes, algorithm);
    psa_key_id_t key{};
    if (const psa_status_t status =
            psa_import_key(&attributes, octets(key_octets), key_octets.size(), &key);
        status != PSA_SUCCESS)
      return fail(psa_error(status));
    const psa_status_t status = psa_verify_hash(key, algorithm, octets(digest.view()), digest.size,
                                                octets(signature), signature.size());
    psa_destroy_key(key);
    // For some signatures that are none, Mbed TLS blames the argument (crypto.hpp).
    if (status == PSA_ERROR_INVALID_SIGNATURE || status == PSA_ERROR_INVALID_ARGUMENT)
      return fail(Code::crypto_signature);
    if (status != PSA_SUCCESS) return fail(psa_error(status));
    return {};
  }
};
static_assert(Crypto<MbedPsaCrypto>);

}  // namespace snpnv
