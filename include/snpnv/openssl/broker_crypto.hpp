// SPDX-License-Identifier: Apache-2.0
// Receiving a secret, by OpenSSL 3.
#pragma once

#include "snpnv/broker/crypto.hpp"
#include "snpnv/openssl/crypto.hpp"

namespace snpnv {

/// One object for each thread and exchange. The key is overwritten with it.
class OpenSslBrokerCrypto {
 public:
  [[nodiscard]] Result<Digest> digest(Hash hash, ByteView data) noexcept { return hasher_.digest(hash, data); }

  /// The functions below are the concept BrokerCrypto's.
  /// @returns as the concept says; detail of crypto_failed: OpenSSL's reason.
  [[nodiscard]] Result<P256Point> make_key() noexcept {
    const ErrorMark mark;
    key_.reset(EVP_EC_gen("P-256"));
    if (!key_) return mark.failure();
    return public_point(mark);
  }
  [[nodiscard]] Result<P256Point> use_key(ByteView scalar) noexcept {
    const ErrorMark mark;
    const Owned<EC_GROUP, EC_GROUP_free> group(EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1));
    const Owned<EC_POINT, EC_POINT_free> point(group ? EC_POINT_new(group.get()) : nullptr);
    const Owned<BIGNUM, BN_clear_free> number(BN_bin2bn(octets(scalar), static_cast<int>(scalar.size()), nullptr));
    const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
    P256Point encoded;
    if (!point || !number || !build ||
        EC_POINT_mul(group.get(), point.get(), number.get(), nullptr, nullptr, nullptr) != 1 ||
        EC_POINT_point2oct(group.get(), point.get(), POINT_CONVERSION_UNCOMPRESSED, octets(MutBytes(encoded)),
                           encoded.size(), nullptr) != encoded.size() ||
        OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
        OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_PRIV_KEY, number.get()) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, encoded.data(), encoded.size()) != 1)
      return mark.failure();
    SNPNV_TRY(key_, key_of(mark, build.get(), EVP_PKEY_KEYPAIR));
    return public_point(mark);
  }
  [[nodiscard]] Result<void> agree(const P256Point& other, std::span<std::byte, kSecretKeySize> out) noexcept {
    const ErrorMark mark;
    const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
    if (!build || OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, other.data(), other.size()) != 1)
      return mark.failure();
    const auto peer = key_of(mark, build.get(), EVP_PKEY_PUBLIC_KEY);
    if (!peer) return fail(Code::crypto_point);  // the import looks at the curve
    const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> context(
        key_ ? EVP_PKEY_CTX_new_from_pkey(nullptr, key_.get(), nullptr) : nullptr);
    std::size_t size = out.size();
    if (!context || EVP_PKEY_derive_init(context.get()) != 1) return mark.failure();
    if (EVP_PKEY_derive_set_peer(context.get(), peer->get()) != 1) return fail(Code::crypto_point);
    if (EVP_PKEY_derive(context.get(), octets(MutBytes(out)), &size) != 1 || size != out.size())
      return mark.failure();
    return {};
  }
  [[nodiscard]] Result<void> unwrap_key(ByteView kek, ByteView wrapped,
                                        std::span<std::byte, kSecretKeySize> out) noexcept {
    const ErrorMark mark;
    if (wrapped.size() != out.size() + 8) return fail(Code::crypto_authentic);
    const Cipher cipher(EVP_CIPHER_CTX_new());
    if (!cipher) return mark.failure();
    EVP_CIPHER_CTX_set_flags(cipher.get(), EVP_CIPHER_CTX_FLAG_WRAP_ALLOW);
    SecretOctets<kSecretKeySize + 8> room;  // OpenSSL writes its check value, too
    int size = 0;
    if (EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_wrap(), nullptr, octets(kek), nullptr) != 1) return mark.failure();
    if (EVP_DecryptUpdate(cipher.get(), octets(MutBytes(room.octets())), &size, octets(wrapped),
                          static_cast<int>(wrapped.size())) != 1 ||
        static_cast<std::size_t>(size) != out.size())
      return fail(Code::crypto_authentic);
    copy_to(out, ByteView(room.octets()).first(out.size()));
    return {};
  }
  [[nodiscard]] Result<void> decrypt(ByteView key, ByteView iv, ByteView aad, MutBytes in_place, ByteView tag) noexcept {
    const ErrorMark mark;
    const auto done = [&]() -> Result<void> {
      const Cipher cipher(EVP_CIPHER_CTX_new());
      int size = 0;
      if (!cipher || EVP_DecryptInit_ex(cipher.get(), EVP_aes_256_gcm(), nullptr, nullptr, nullptr) != 1 ||
          EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_IVLEN, static_cast<int>(iv.size()), nullptr) != 1 ||
          EVP_DecryptInit_ex(cipher.get(), nullptr, nullptr, octets(key), octets(iv)) != 1)
        return mark.failure();
      std::array<std::byte, 16> expected{};  // OpenSSL wants to be able to write
      if (tag.size() != expected.size()) return fail(Code::crypto_authentic);
      copy_to(expected, tag);
      if (EVP_DecryptUpdate(cipher.get(), nullptr, &size, octets(aad), static_cast<int>(aad.size())) != 1 ||
          EVP_DecryptUpdate(cipher.get(), octets(in_place), &size, octets(ByteView(in_place)),
                            static_cast<int>(in_place.size())) != 1 ||
          EVP_CIPHER_CTX_ctrl(cipher.get(), EVP_CTRL_AEAD_SET_TAG, static_cast<int>(expected.size()),
                              octets(MutBytes(expected))) != 1)
        return mark.failure();
      std::array<unsigned char, 16> none{};
      if (EVP_DecryptFinal_ex(cipher.get(), none.data(), &size) != 1) return fail(Code::crypto_authentic);
      return {};
    }();
    if (!done) wipe(in_place);
    return done;
  }

 private:
  template <class T, auto Free>
  using Owned = detail::OpenSslOwned<T, Free>;
  using Key = Owned<EVP_PKEY, EVP_PKEY_free>;
  using Cipher = Owned<EVP_CIPHER_CTX, EVP_CIPHER_CTX_free>;
  using ErrorMark = detail::OpenSslErrorMark;

  static Result<Key> key_of(const ErrorMark& mark, OSSL_PARAM_BLD* build, int selection) noexcept {
    const Owned<OSSL_PARAM, OSSL_PARAM_free> parameters(OSSL_PARAM_BLD_to_param(build));
    const Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free> maker(EVP_PKEY_CTX_new_from_name(nullptr, "EC", nullptr));
    EVP_PKEY* made = nullptr;
    if (!parameters || !maker || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
        EVP_PKEY_fromdata(maker.get(), &made, selection, parameters.get()) != 1)
      return mark.failure();
    return Key(made);
  }
  Result<P256Point> public_point(const ErrorMark& mark) noexcept {
    P256Point out;
    std::size_t size = 0;
    if (EVP_PKEY_get_octet_string_param(key_.get(), OSSL_PKEY_PARAM_PUB_KEY, octets(MutBytes(out)), out.size(),
                                        &size) != 1 ||
        size != out.size())
      return mark.failure();
    return out;
  }
  static const unsigned char* octets(ByteView in) noexcept {
    return static_cast<const unsigned char*>(static_cast<const void*>(in.data()));
  }
  static unsigned char* octets(MutBytes out) noexcept {
    return static_cast<unsigned char*>(static_cast<void*>(out.data()));
  }

  OpenSslCrypto hasher_;
  Key key_;
};
static_assert(BrokerCrypto<OpenSslBrokerCrypto>);

}  // namespace snpnv
