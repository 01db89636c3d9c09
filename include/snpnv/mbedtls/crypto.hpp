// The cryptography of this library, by Mbed TLS (2.28 or 3.6). The only file that sees its headers.
#pragma once

#include <mbedtls/md.h>

#include "snpnv/core/digest.hpp"

namespace snpnv {

class MbedCrypto {
 public:
  /// @returns the digest | crypto_failed - detail: Mbed TLS status, negated.
  [[nodiscard]] Result<Digest> digest(Hash hash, ByteView data) noexcept {
    Digest out;
    out.size = digest_size(hash);
    const mbedtls_md_info_t* const info = mbedtls_md_info_from_type(md_type(hash));
    if (info == nullptr) return fail(Code::crypto_unsupported, 0, static_cast<std::uint32_t>(hash));
    const int status = mbedtls_md(info, octets(data), data.size(), octets(MutBytes(out.octets)));
    if (status != 0) return fail(Code::crypto_failed, 0, static_cast<std::uint32_t>(-status));
    return out;
  }

 private:
  static mbedtls_md_type_t md_type(Hash hash) noexcept {
    switch (hash) {
      case Hash::sha256: return MBEDTLS_MD_SHA256;
      case Hash::sha384: return MBEDTLS_MD_SHA384;
      case Hash::sha512: return MBEDTLS_MD_SHA512;
    }
    return MBEDTLS_MD_NONE;
  }
  // Mbed TLS speaks of unsigned char, which may alias std::byte.
  static const unsigned char* octets(ByteView in) noexcept {
    return static_cast<const unsigned char*>(static_cast<const void*>(in.data()));
  }
  static unsigned char* octets(MutBytes out) noexcept {
    return static_cast<unsigned char*>(static_cast<void*>(out.data()));
  }
};
static_assert(Hasher<MbedCrypto>);

}  // namespace snpnv
