// SPDX-License-Identifier: Apache-2.0
// What both providers by Mbed TLS share: digests and certificates, by public calls that every version has.
#pragma once

#include <mbedtls/md.h>
#include <mbedtls/x509_crt.h>

#include "snpnv/verify/crypto.hpp"

namespace snpnv {

namespace detail {

class MbedCertificates {
 public:
  /// @returns the digest | crypto_failed - detail: Mbed TLS status, negated.
  [[nodiscard]] Result<Digest> digest(Hash hash, ByteView data) noexcept {
    Digest out;
    out.size = digest_size(hash);
    const mbedtls_md_info_t* const info = mbedtls_md_info_from_type(md_type(hash));
    if (info == nullptr) return fail(Code::crypto_unsupported, 0, static_cast<std::uint32_t>(hash));
    if (const int status = mbedtls_md(info, octets(data), data.size(), octets(MutBytes(out.octets))))
      return failure(status);
    return out;
  }

  /// The concept Crypto's.
  /// @returns as the concept says; detail of crypto_failed: Mbed TLS status, negated.
  [[nodiscard]] Result<Certificate> parse_certificate(ByteView der) noexcept {
    SNPNV_TRY(const Certificate& certificate, Certificate::parse(der));
    mbedtls_x509_crt parsed;
    mbedtls_x509_crt_init(&parsed);
    constexpr int kInPlace = 0;
    const int status = mbedtls_x509_crt_parse_der_with_ext_cb(&parsed, octets(der), der.size(),
                                                              kInPlace, accept_extension, nullptr);
    mbedtls_x509_crt_free(&parsed);
    if (status != 0) return failure(status);
    return certificate;
  }

 protected:
  static mbedtls_md_type_t md_type(Hash hash) noexcept {
    switch (hash) {
      case Hash::sha256: return MBEDTLS_MD_SHA256;
      case Hash::sha384: return MBEDTLS_MD_SHA384;
      case Hash::sha512: return MBEDTLS_MD_SHA512;
    }
    return MBEDTLS_MD_NONE;
  }
  static Failed failure(int status) noexcept {
    return fail(Code::crypto_failed, 0, static_cast<std::uint32_t>(-status));
  }

  // Mbed TLS speaks of unsigned char, which may alias std::byte.
  static const unsigned char* octets(ByteView in) noexcept {
    return static_cast<const unsigned char*>(static_cast<const void*>(in.data()));
  }
  static unsigned char* octets(MutBytes out) noexcept {
    return static_cast<unsigned char*>(static_cast<void*>(out.data()));
  }

 private:
  // Whether an unknown extension may be critical is for the verifier to say, with a name.
  static int accept_extension(void*, const mbedtls_x509_crt*, const mbedtls_x509_buf*, int,
                              const unsigned char*, const unsigned char*) noexcept {
    return 0;
  }
};

}  // namespace detail

}  // namespace snpnv
