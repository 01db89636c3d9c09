// SPDX-License-Identifier: Apache-2.0
// A secret encrypted as a broker does, by OpenSSL's own functions.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/param_build.h>
#include <openssl/rand.h>

#include <functional>
#include <memory>

#include "snpnv/wire/kbs.hpp"
#include "tests/test.hpp"

namespace snpnv::test {

inline unsigned char* raw(MutBytes octets) {
  return static_cast<unsigned char*>(static_cast<void*>(octets.data()));
}
inline const unsigned char* raw(ByteView octets) {
  return static_cast<const unsigned char*>(static_cast<const void*>(octets.data()));
}

/// What a broker answers for the guest's key: the JWE, its parts spoiled by `spoil`; with `header` in the place of
/// its own, where there is one.
inline std::string sealed_secret(const P256Point& guest, std::string_view secret, const std::string& header,
                                 const std::function<void(KbsSecret&)>& spoil) {
  const auto must = [](bool ok) { REQUIRE(ok); };
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> own(EVP_EC_gen("P-256"), EVP_PKEY_free);
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> peer(EVP_PKEY_new(), EVP_PKEY_free);
  must(EVP_PKEY_copy_parameters(peer.get(), own.get()) == 1 &&
       EVP_PKEY_set1_encoded_public_key(peer.get(), raw(ByteView(guest)), guest.size()) == 1);
  P256Point epk;
  std::size_t size = 0;
  must(EVP_PKEY_get_octet_string_param(own.get(), OSSL_PKEY_PARAM_PUB_KEY, raw(MutBytes(epk)), epk.size(), &size) == 1);
  std::array<std::byte, 32> agreed, kek, cek;
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr), EVP_PKEY_CTX_free);
  size = agreed.size();
  must(EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
       EVP_PKEY_derive(context.get(), raw(MutBytes(agreed)), &size) == 1);
  // OpenSSL's SSKDF is the one of SP 800-56C: digest over counter, secret, info.
  std::string info{0, 0, 0, 14};
  info += std::string("ECDH-ES+A256KW") + std::string{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
  const std::unique_ptr<EVP_KDF, decltype(&EVP_KDF_free)> kdf(EVP_KDF_fetch(nullptr, "SSKDF", nullptr), EVP_KDF_free);
  const std::unique_ptr<EVP_KDF_CTX, decltype(&EVP_KDF_CTX_free)> derive(EVP_KDF_CTX_new(kdf.get()), EVP_KDF_CTX_free);
  char digest[] = "SHA256";
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, agreed.data(), agreed.size()),
                                   OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
                                   OSSL_PARAM_construct_end()};
  must(EVP_KDF_derive(derive.get(), raw(MutBytes(kek)), kek.size(), parameters) == 1);
  KbsSecret out;
  must(RAND_bytes(raw(MutBytes(cek)), 32) == 1 && RAND_bytes(raw(MutBytes(out.iv)), 12) == 1);
  const std::unique_ptr<EVP_CIPHER_CTX, decltype(&EVP_CIPHER_CTX_free)> cipher(EVP_CIPHER_CTX_new(), EVP_CIPHER_CTX_free);
  EVP_CIPHER_CTX_set_flags(cipher.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  int n = 0;
  must(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_wrap(), nullptr, raw(ByteView(kek)), nullptr) == 1 &&
       EVP_EncryptUpdate(cipher.get(), raw(MutBytes(out.wrapped_key)), &n, raw(ByteView(cek)), 32) == 1 && n == 40);

  std::string own_header = header;
  if (header.empty()) {
    own_header.resize(512);
    ByteWriter writer(std::as_writable_bytes(std::span(own_header)));
    write_jwe_header(writer, epk);
    own_header.resize(writer.size());
  }
  std::string protected_text(1024, '\0');
  ByteWriter encoded(std::as_writable_bytes(std::span(protected_text)));
  encode_base64url(encoded, view(own_header), Padding::none);
  protected_text.resize(encoded.size());

  Octets ciphertext(secret.size());
  EVP_CIPHER_CTX_reset(cipher.get());
  must(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, raw(ByteView(cek)), raw(ByteView(out.iv))) == 1 &&
       EVP_EncryptUpdate(cipher.get(), nullptr, &n, raw(view(protected_text)), static_cast<int>(protected_text.size())) == 1 &&
       EVP_EncryptUpdate(cipher.get(), raw(MutBytes(ciphertext)), &n, raw(view(secret)), static_cast<int>(secret.size())) == 1 &&
       EVP_EncryptFinal_ex(cipher.get(), raw(MutBytes(ciphertext)), &n) == 1 &&
       EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_GET_TAG, 16, out.tag.data()) == 1);
  spoil(out);
  std::string document(secret.size() * 2 + 2048, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(document)));
  write_kbs_secret(writer, protected_text, out.wrapped_key, out.iv, ciphertext, out.tag);
  must(writer.ok());
  document.resize(writer.size());
  return document;
}

}  // namespace snpnv::test
