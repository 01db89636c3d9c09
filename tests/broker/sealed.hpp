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

template <class T, auto Free>
using Owned = std::unique_ptr<T, decltype([](T* it) { Free(it); })>;
inline void must(bool ok) { REQUIRE(ok); }

/// A key made for one answer: its point, and what it agrees on with the guest's to wrap keys by.
struct Agreement {
  P256Point epk{};
  std::array<std::byte, 32> kek{};

  explicit Agreement(const P256Point& guest) {
    const Owned<EVP_PKEY, EVP_PKEY_free> own(EVP_EC_gen("P-256")), peer(EVP_PKEY_new());
    must(EVP_PKEY_copy_parameters(peer.get(), own.get()) == 1 &&
         EVP_PKEY_set1_encoded_public_key(peer.get(), raw(ByteView(guest)), guest.size()) == 1);
    std::size_t size = 0;
    must(EVP_PKEY_get_octet_string_param(own.get(), OSSL_PKEY_PARAM_PUB_KEY, raw(MutBytes(epk)), epk.size(), &size) == 1);
    std::array<std::byte, 32> agreed;
    const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(EVP_PKEY_CTX_new_from_pkey(nullptr, own.get(), nullptr));
    size = agreed.size();
    must(EVP_PKEY_derive_init(context.get()) == 1 && EVP_PKEY_derive_set_peer(context.get(), peer.get()) == 1 &&
         EVP_PKEY_derive(context.get(), raw(MutBytes(agreed)), &size) == 1);
    derive(agreed);
  }

 private:
  // OpenSSL's SSKDF is the one of SP 800-56C: digest over counter, secret, info.
  void derive(std::array<std::byte, 32>& agreed) {
    std::string info{0, 0, 0, 14};
    info += std::string("ECDH-ES+A256KW") + std::string{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0};
    const Owned<EVP_KDF, EVP_KDF_free> kdf(EVP_KDF_fetch(nullptr, "SSKDF", nullptr));
    const Owned<EVP_KDF_CTX, EVP_KDF_CTX_free> context(EVP_KDF_CTX_new(kdf.get()));
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
                                     OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SECRET, agreed.data(), agreed.size()),
                                     OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, info.data(), info.size()),
                                     OSSL_PARAM_construct_end()};
    must(EVP_KDF_derive(context.get(), raw(MutBytes(kek)), kek.size(), parameters) == 1);
  }
};

/// The header in base64url; the answer's own where there is no other.
inline std::string protected_text_of(const std::string& header, const P256Point& epk) {
  std::string own_header = header;
  if (header.empty()) {
    own_header.resize(512);
    ByteWriter writer(std::as_writable_bytes(std::span(own_header)));
    write_jwe_header(writer, epk);
    own_header.resize(writer.size());
  }
  std::string out(1024, '\0');
  ByteWriter encoded(std::as_writable_bytes(std::span(out)));
  encode_base64url(encoded, view(own_header), Padding::none);
  out.resize(encoded.size());
  return out;
}

/// What a broker answers for the guest's key: the JWE, its parts spoiled by `spoil`; with `header` in the place of
/// its own, where there is one.
inline std::string sealed_secret(const P256Point& guest, std::string_view secret, const std::string& header,
                                 const std::function<void(KbsSecret&)>& spoil) {
  const Agreement agreement(guest);
  KbsSecret out;
  std::array<std::byte, 32> cek;
  must(RAND_bytes(raw(MutBytes(cek)), 32) == 1 && RAND_bytes(raw(MutBytes(out.iv)), 12) == 1);
  const Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free> cipher(EVP_CIPHER_CTX_new());
  EVP_CIPHER_CTX_set_flags(cipher.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
  int n = 0;
  must(EVP_EncryptInit_ex(cipher.get(), EVP_aes_256_wrap(), nullptr, raw(ByteView(agreement.kek)), nullptr) == 1 &&
       EVP_EncryptUpdate(cipher.get(), raw(MutBytes(out.wrapped_key)), &n, raw(ByteView(cek)), 32) == 1 && n == 40);
  const std::string protected_text = protected_text_of(header, agreement.epk);

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
