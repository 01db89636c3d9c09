// SPDX-License-Identifier: Apache-2.0
// The cryptography of this library, by Mbed TLS 2.28 or 3.6. Signatures go through the calls that PSA itself
// stands on: PSA imports a key, and computes the curve's table anew, for every signature
// (docs/performance.md). psa_crypto.hpp has the same by PSA alone.
#pragma once

#include <mbedtls/ecdsa.h>
#include <mbedtls/rsa.h>
#include <mbedtls/version.h>

#include <memory>
#include <new>

#include "snpnv/mbedtls/certificates.hpp"

namespace snpnv {

/// One object for each thread. It keeps the curve's table, and the last RSA key: an ARK signs itself and
/// the ASK.
class MbedCrypto : public detail::MbedCertificates {
 public:
  /// The three below are the concept Crypto's.
  /// @returns as the concept says; detail of crypto_failed: Mbed TLS status, negated.
  [[nodiscard]] Result<void> verify_ecdsa_p384(ByteView point, const Digest& digest,
                                               const EcdsaP384Signature& signature) noexcept {
    if (point.size() != 1 + signature.size()) return fail(Code::crypto_unsupported);
    if (!p384_) {
      p384_.reset(new (std::nothrow) P384);
      if (!p384_) return failure(MBEDTLS_ERR_ECP_ALLOC_FAILED);
    }
    const ByteView numbers(signature);
    const std::size_t half = numbers.size() / 2;
    Ecdsa in;
    int status = p384_->status;
    if (status == 0)
      status = mbedtls_ecp_point_read_binary(&p384_->group, &in.point, octets(point), point.size());
    if (status == 0) status = mbedtls_ecp_check_pubkey(&p384_->group, &in.point);
    if (status == 0) status = mbedtls_mpi_read_binary(&in.r, octets(numbers), half);
    if (status == 0) status = mbedtls_mpi_read_binary(&in.s, octets(numbers.subspan(half)), half);
    if (status == 0)
      status = mbedtls_ecdsa_verify(&p384_->group, octets(digest.view()), digest.size, &in.point, &in.r,
                                    &in.s);
    if (status == MBEDTLS_ERR_ECP_VERIFY_FAILED) return fail(Code::crypto_signature);
    if (status != 0) return failure(status);
    return {};
  }
  [[nodiscard]] Result<void> verify_rsa_pss(const RsaPublicKey& key, Hash hash, const Digest& digest,
                                            ByteView signature) noexcept {
    return verify_rsa(key, mbedtls_rsa_rsassa_pss_verify_ext, signature, md_type(hash),
                      static_cast<unsigned>(digest.size), octets(digest.view()), md_type(hash),
                      static_cast<int>(digest_size(hash)), octets(signature));
  }
  [[nodiscard]] Result<void> verify_rsa_pkcs1(const RsaPublicKey& key, Hash hash,
                                              const Digest& digest, ByteView signature) noexcept {
    return verify_rsa(key, mbedtls_rsa_rsassa_pkcs1_v15_verify, signature, md_type(hash),
                      static_cast<unsigned>(digest.size), octets(digest.view()), octets(signature));
  }
 private:
  struct P384 {
    P384() noexcept {
      mbedtls_ecp_group_init(&group);
      status = mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP384R1);
    }
    ~P384() { mbedtls_ecp_group_free(&group); }
    P384(const P384&) = delete;
    P384& operator=(const P384&) = delete;

    mbedtls_ecp_group group;
    int status;
  };
  // A public key and a signature by it.
  struct Ecdsa {
    Ecdsa() noexcept {
      mbedtls_ecp_point_init(&point);
      mbedtls_mpi_init(&r);
      mbedtls_mpi_init(&s);
    }
    ~Ecdsa() {
      mbedtls_mpi_free(&s);
      mbedtls_mpi_free(&r);
      mbedtls_ecp_point_free(&point);
    }
    Ecdsa(const Ecdsa&) = delete;
    Ecdsa& operator=(const Ecdsa&) = delete;

    mbedtls_ecp_point point;
    mbedtls_mpi r;
    mbedtls_mpi s;
  };
  // A public key, with what Mbed TLS computes of it once.
  struct Rsa {
    static constexpr std::size_t kMost = MBEDTLS_MPI_MAX_SIZE;

    explicit Rsa(const RsaPublicKey& key) noexcept {
#if MBEDTLS_VERSION_MAJOR < 3
      mbedtls_rsa_init(&context, MBEDTLS_RSA_PKCS_V15, MBEDTLS_MD_NONE);
#else
      mbedtls_rsa_init(&context);
#endif
      status = mbedtls_rsa_import_raw(&context, octets(key.modulus), key.modulus.size(), nullptr, 0, nullptr,
                                      0, nullptr, 0, octets(key.exponent), key.exponent.size());
      if (status == 0) status = mbedtls_rsa_complete(&context);
      if (status == 0) status = mbedtls_rsa_check_pubkey(&context);
      if (status == 0) octets_of_key.keep(key.modulus, key.exponent);
    }
    ~Rsa() { mbedtls_rsa_free(&context); }
    Rsa(const Rsa&) = delete;
    Rsa& operator=(const Rsa&) = delete;

    mbedtls_rsa_context context;
    int status;
    KeyOctets<kMost + 8> octets_of_key;
  };

  // Calls one of Mbed TLS's verifications with the arguments that its versions share.
  template <class Call, class... Arguments>
  Result<void> verify_rsa(const RsaPublicKey& key, Call call, ByteView signature,
                          Arguments... arguments) noexcept {
    if (!key.is_sound() || key.modulus.size() > Rsa::kMost || key.exponent.size() > Rsa::kMost)
      return fail(Code::crypto_unsupported);
    if (!rsa_ || !rsa_->octets_of_key.hold(key.modulus, key.exponent)) {
      rsa_.reset(new (std::nothrow) Rsa(key));
      if (!rsa_) return failure(MBEDTLS_ERR_MPI_ALLOC_FAILED);
    }
    if (rsa_->status != 0) return failure(rsa_->status);
    // Mbed TLS reads as many octets as the key has.
    if (signature.size() != mbedtls_rsa_get_len(&rsa_->context)) return fail(Code::crypto_signature);
#if MBEDTLS_VERSION_MAJOR < 3
    const int status = call(&rsa_->context, nullptr, nullptr, MBEDTLS_RSA_PUBLIC, arguments...);
#else
    const int status = call(&rsa_->context, arguments...);
#endif
    // For a number that is not below the modulus, and for one whose power has its highest bit set, Mbed TLS blames
    // the argument.
    constexpr int kNotBelow = MBEDTLS_ERR_RSA_PUBLIC_FAILED + MBEDTLS_ERR_MPI_BAD_INPUT_DATA;
    if (status == MBEDTLS_ERR_RSA_VERIFY_FAILED || status == MBEDTLS_ERR_RSA_INVALID_PADDING ||
        status == kNotBelow || status == MBEDTLS_ERR_RSA_BAD_INPUT_DATA)
      return fail(Code::crypto_signature);
    if (status != 0) return failure(status);
    return {};
  }

  std::unique_ptr<P384> p384_;
  std::unique_ptr<Rsa> rsa_;
};
static_assert(Crypto<MbedCrypto>);

}  // namespace snpnv
