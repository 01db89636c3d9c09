// SPDX-License-Identifier: Apache-2.0
// Cryptography by which every signature is valid, or none.
#pragma once

#include "fuzz/fuzz.hpp"
#include "snpnv/mbedtls/crypto.hpp"

namespace snpnv::fuzz {

class BundleCrypto {
 public:
  explicit BundleCrypto(bool valid) : valid_(valid) {}
  Result<Digest> digest(Hash hash, ByteView data) noexcept { return library_.digest(hash, data); }
  Result<void> verify_ecdsa_p384(ByteView point, const Digest&, const EcdsaP384Signature&) noexcept {
    REQUIRE(point.size() == 97);
    return outcome();
  }
  Result<void> verify_rsa_pss(const RsaPublicKey& key, Hash, const Digest&, ByteView) noexcept {
    REQUIRE(!key.modulus.empty() && !key.exponent.empty());
    return outcome();
  }
  Result<void> verify_rsa_pkcs1(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept {
    return outcome();
  }
  Result<Certificate> parse_certificate(ByteView der) noexcept {
    return library_.parse_certificate(der);
  }

 private:
  Result<void> outcome() const noexcept {
    if (!valid_) return fail(Code::crypto_signature);
    return {};
  }
  bool valid_;
  MbedCrypto library_;
};

}  // namespace snpnv::fuzz
