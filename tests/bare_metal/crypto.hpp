// SPDX-License-Identifier: Apache-2.0
// The image's cryptography: a trimmed Mbed TLS; or none, to see what the rest of the image takes.
#pragma once

#ifdef SNPNV_NO_CRYPTO
#include "snpnv/verify/crypto.hpp"
struct ImageCrypto {
  snpnv::Result<snpnv::Digest> digest(snpnv::Hash, snpnv::ByteView) noexcept { return refuse(); }
  snpnv::Result<void> verify_ecdsa_p384(snpnv::ByteView, const snpnv::Digest&,
                                        const snpnv::EcdsaP384Signature&) noexcept { return refuse(); }
  snpnv::Result<void> verify_rsa_pss(const snpnv::RsaPublicKey&, snpnv::Hash, const snpnv::Digest&,
                                     snpnv::ByteView) noexcept { return refuse(); }
  snpnv::Result<void> verify_rsa_pkcs1(const snpnv::RsaPublicKey&, snpnv::Hash, const snpnv::Digest&,
                                       snpnv::ByteView) noexcept { return refuse(); }
  snpnv::Result<snpnv::Certificate> parse_certificate(snpnv::ByteView der) noexcept {
    return snpnv::Certificate::parse(der);
  }

 private:
  static snpnv::detail::Failed refuse() { return snpnv::fail(snpnv::Code::crypto_failed); }
};
#else
#include "snpnv/mbedtls/crypto.hpp"
using ImageCrypto = snpnv::MbedCrypto;
#endif
