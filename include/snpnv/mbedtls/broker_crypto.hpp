// SPDX-License-Identifier: Apache-2.0
// Receiving a secret, by Mbed TLS 2.28 or 3.6.
#pragma once

#include <mbedtls/aes.h>
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/ecdh.h>
#include <mbedtls/entropy.h>
#include <mbedtls/gcm.h>

#include "snpnv/broker/crypto.hpp"
#include "snpnv/mbedtls/certificates.hpp"

namespace snpnv {

/// One object for each thread and exchange. The key is overwritten with it.
class MbedBrokerCrypto : public detail::MbedCertificates {
 public:
  MbedBrokerCrypto() noexcept {
    mbedtls_ecp_group_init(&group_);
    mbedtls_mpi_init(&key_);
    mbedtls_ecp_point_init(&point_);
    mbedtls_entropy_init(&entropy_);
    mbedtls_ctr_drbg_init(&random_);
    status_ = mbedtls_ecp_group_load(&group_, MBEDTLS_ECP_DP_SECP256R1);
    if (status_ == 0) status_ = mbedtls_ctr_drbg_seed(&random_, mbedtls_entropy_func, &entropy_, nullptr, 0);
  }
  MbedBrokerCrypto(const MbedBrokerCrypto&) = delete;
  MbedBrokerCrypto& operator=(const MbedBrokerCrypto&) = delete;
  ~MbedBrokerCrypto() {
    mbedtls_ctr_drbg_free(&random_);
    mbedtls_entropy_free(&entropy_);
    mbedtls_ecp_point_free(&point_);
    mbedtls_mpi_free(&key_);
    mbedtls_ecp_group_free(&group_);
  }

  /// The functions below are the concept BrokerCrypto's.
  /// @returns as the concept says; detail of crypto_failed: Mbed TLS status, negated.
  [[nodiscard]] Result<P256Point> make_key() noexcept {
    if (status_ != 0) return failure(status_);
    if (const int status = mbedtls_ecdh_gen_public(&group_, &key_, &point_, mbedtls_ctr_drbg_random, &random_))
      return failure(status);
    return public_point();
  }
  [[nodiscard]] Result<P256Point> use_key(ByteView scalar) noexcept {
    if (status_ != 0) return failure(status_);
    int status = mbedtls_mpi_read_binary(&key_, octets(scalar), scalar.size());
    if (status == 0) status = mbedtls_ecp_check_privkey(&group_, &key_);
    if (status == 0)
      status = mbedtls_ecp_mul(&group_, &point_, &key_, &group_.G, mbedtls_ctr_drbg_random, &random_);
    if (status != 0) return failure(status);
    return public_point();
  }
  [[nodiscard]] Result<void> agree(const P256Point& other, std::span<std::byte, kSecretKeySize> out) noexcept {
    if (status_ != 0) return failure(status_);
    Agreement agreement;
    int status = mbedtls_ecp_point_read_binary(&group_, &agreement.point, octets(other), other.size());
    if (status == 0) status = mbedtls_ecp_check_pubkey(&group_, &agreement.point);
    if (status != 0) return fail(Code::crypto_point);
    status = mbedtls_ecdh_compute_shared(&group_, &agreement.secret, &agreement.point, &key_, mbedtls_ctr_drbg_random,
                                         &random_);
    if (status == 0) status = mbedtls_mpi_write_binary(&agreement.secret, octets(MutBytes(out)), out.size());
    if (status != 0) return failure(status);
    return {};
  }

  /// Debian's Mbed TLS has no key unwrap (MBEDTLS_NIST_KW_C), so these are the steps of RFC 3394, "Key Unwrap",
  /// on the library's AES.
  [[nodiscard]] Result<void> unwrap_key(ByteView kek, ByteView wrapped,
                                        std::span<std::byte, kSecretKeySize> out) noexcept {
    constexpr std::size_t kHalf = 8;  // octets: half a block
    constexpr std::size_t kHalves = kSecretKeySize / kHalf;
    if (wrapped.size() != kHalf + out.size()) return fail(Code::crypto_authentic);
    Aes aes;
    if (const int status = mbedtls_aes_setkey_dec(&aes.context, octets(kek), 8 * static_cast<unsigned>(kek.size())))
      return failure(status);
    SecretOctets<2 * kHalf> block;
    const MutBytes both = block.octets();
    copy_to(both, wrapped.first(kHalf));
    copy_to(out, wrapped.subspan(kHalf));
    for (std::size_t step = 6 * kHalves; step > 0; --step) {
      const MutBytes half = MutBytes(out).subspan((step - 1) % kHalves * kHalf, kHalf);
      both[kHalf - 1] ^= static_cast<std::byte>(step);  // 24 at most
      copy_to(both.subspan(kHalf), half);
      if (const int status = mbedtls_aes_crypt_ecb(&aes.context, MBEDTLS_AES_DECRYPT, octets(both), octets(both))) {
        wipe(out);
        return failure(status);
      }
      copy_to(half, both.subspan(kHalf));
    }
    std::byte differs{0};
    for (const std::byte octet : both.first(kHalf)) differs |= octet ^ std::byte{0xA6};
    if (differs == std::byte{0}) return {};
    wipe(out);
    return fail(Code::crypto_authentic);
  }
  [[nodiscard]] Result<void> decrypt(ByteView key, ByteView iv, ByteView aad, MutBytes in_place, ByteView tag) noexcept {
    Gcm gcm;
    int status =
        mbedtls_gcm_setkey(&gcm.context, MBEDTLS_CIPHER_ID_AES, octets(key), 8 * static_cast<unsigned>(key.size()));
    if (status == 0)
      status = mbedtls_gcm_auth_decrypt(&gcm.context, in_place.size(), octets(iv), iv.size(), octets(aad), aad.size(),
                                        octets(tag), tag.size(), octets(in_place), octets(in_place));
    if (status == 0) return {};
    wipe(in_place);
    if (status == MBEDTLS_ERR_GCM_AUTH_FAILED) return fail(Code::crypto_authentic);
    return failure(status);
  }

 private:
  struct Agreement {
    Agreement() noexcept {
      mbedtls_ecp_point_init(&point);
      mbedtls_mpi_init(&secret);
    }
    ~Agreement() {
      mbedtls_mpi_free(&secret);
      mbedtls_ecp_point_free(&point);
    }
    Agreement(const Agreement&) = delete;
    Agreement& operator=(const Agreement&) = delete;
    mbedtls_ecp_point point;
    mbedtls_mpi secret;
  };
  struct Aes {
    Aes() noexcept { mbedtls_aes_init(&context); }
    ~Aes() { mbedtls_aes_free(&context); }
    Aes(const Aes&) = delete;
    Aes& operator=(const Aes&) = delete;
    mbedtls_aes_context context;
  };
  struct Gcm {
    Gcm() noexcept { mbedtls_gcm_init(&context); }
    ~Gcm() { mbedtls_gcm_free(&context); }
    Gcm(const Gcm&) = delete;
    Gcm& operator=(const Gcm&) = delete;
    mbedtls_gcm_context context;
  };

  Result<P256Point> public_point() noexcept {
    P256Point out;
    std::size_t size = 0;
    if (const int status = mbedtls_ecp_point_write_binary(&group_, &point_, MBEDTLS_ECP_PF_UNCOMPRESSED, &size,
                                                          octets(MutBytes(out)), out.size()))
      return failure(status);
    return out;
  }

  mbedtls_ecp_group group_;
  mbedtls_mpi key_;
  mbedtls_ecp_point point_;
  mbedtls_entropy_context entropy_;
  mbedtls_ctr_drbg_context random_;
  int status_ = 0;
};
static_assert(BrokerCrypto<MbedBrokerCrypto>);

}  // namespace snpnv
