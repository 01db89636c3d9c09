// SPDX-License-Identifier: Apache-2.0
// An attestation key as a TPM has it, and the claims that name it.
#pragma once

#include <openssl/evp.h>
#include <openssl/params.h>
#include <openssl/rsa.h>

#include "tests/test.hpp"

namespace snpnv::test {

/// An RSA key of libcrypto, which signs what this project verifies.
class Key {
 public:
  explicit Key(unsigned bits, std::uint32_t exponent = 65537) {
    EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint("bits", &bits),
                                     OSSL_PARAM_construct_uint32("e", &exponent), OSSL_PARAM_construct_end()};
    const bool made = EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_params(context, parameters) == 1 &&
                      EVP_PKEY_generate(context, &key_) == 1;
    EVP_PKEY_CTX_free(context);
    REQUIRE(made);
  }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() { EVP_PKEY_free(key_); }

  [[nodiscard]] Octets sign(const Octets& message, const EVP_MD* md = EVP_sha256()) const {
    EVP_MD_CTX* const context = EVP_MD_CTX_new();
    std::size_t size = 0;
    REQUIRE(EVP_DigestSignInit(context, nullptr, md, nullptr, key_) == 1);
    const auto* const in = static_cast<const unsigned char*>(static_cast<const void*>(message.data()));
    REQUIRE(EVP_DigestSign(context, nullptr, &size, in, message.size()) == 1);
    Octets out(size);
    REQUIRE(EVP_DigestSign(context, static_cast<unsigned char*>(static_cast<void*>(out.data())), &size, in,
                           message.size()) == 1);
    EVP_MD_CTX_free(context);
    return out;
  }
  [[nodiscard]] Octets modulus() const {
    BIGNUM* n = nullptr;
    REQUIRE(EVP_PKEY_get_bn_param(key_, "n", &n) == 1);
    Octets out(static_cast<std::size_t>(BN_num_bytes(n)));
    BN_bn2bin(n, static_cast<unsigned char*>(static_cast<void*>(out.data())));
    BN_free(n);
    return out;
  }

 private:
  EVP_PKEY* key_ = nullptr;
};

/// Claims with the key, and with `more` behind it, such as a member and the comma before it.
inline std::string claims_for(const Key& key, const std::string& more = "", const std::string& exponent = "AQAB") {
  std::array<std::byte, 2048> room{};
  ByteWriter writer(room);
  encode_base64url(writer, key.modulus(), Padding::none);
  return R"({"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":")" + exponent + R"(","n":")" +
         std::string(text(writer.written())) + R"("}])" + more + "}";
}

}  // namespace snpnv::test
