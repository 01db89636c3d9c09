// SPDX-License-Identifier: Apache-2.0
// The cryptography of this library, by OpenSSL 3. The only file that sees its headers. Nothing that 3.0
// calls deprecated is used.
#pragma once

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "snpnv/verify/crypto.hpp"

namespace snpnv {

namespace detail {

template <auto Free>
struct OpenSslFreed {
  void operator()(auto* p) const noexcept { Free(p); }
};
/// What OpenSSL made and Free ends.
template <class T, auto Free>
using OpenSslOwned = std::unique_ptr<T, OpenSslFreed<Free>>;

/// The thread's error queue belongs to the caller: what a call adds is taken back.
class OpenSslErrorMark {
 public:
  OpenSslErrorMark() noexcept { ERR_set_mark(); }
  ~OpenSslErrorMark() { ERR_pop_to_mark(); }
  OpenSslErrorMark(const OpenSslErrorMark&) = delete;
  OpenSslErrorMark& operator=(const OpenSslErrorMark&) = delete;
  [[nodiscard]] static Failed failure() noexcept {
    return fail(Code::crypto_failed, 0, static_cast<std::uint32_t>(ERR_GET_REASON(ERR_peek_last_error())));
  }
};

}  // namespace detail

/// One object for each thread. It keeps the last keys ready: a VCEK signs many reports, and ARK and ASK are
/// above many VCEKs.
class OpenSslCrypto {
 public:
  /// @returns the digest | crypto_failed - detail: OpenSSL's reason.
  [[nodiscard]] Result<Digest> digest(Hash hash, ByteView data) noexcept {
    const ErrorMark mark;
    Digest out;
    unsigned size = 0;
    if (EVP_Digest(data.data(), data.size(), octets(MutBytes(out.octets)), &size, md(hash), nullptr) != 1)
      return mark.failure();
    out.size = size;
    return out;
  }

  /// The four below are the concept Crypto's.
  /// @returns as the concept says; detail of crypto_failed: OpenSSL's reason.
  [[nodiscard]] Result<void> verify_ecdsa_p384(ByteView point, const Digest& digest,
                                               const EcdsaP384Signature& signature) noexcept {
    if (point.size() != 1 + signature.size()) return fail(Code::crypto_unsupported);
    const ErrorMark mark;
    if (!point_.hold(point)) {
      point_.forget();
      SNPNV_TRY(ecdsa_, verifier(mark, "EC", p384(point).get()));
      point_.keep(point);
    }
    // OpenSSL takes ECDSA-Sig-Value in DER.
    const ByteView numbers(signature);
    const std::size_t half = numbers.size() / 2;
    const Owned<ECDSA_SIG, ECDSA_SIG_free> pair(ECDSA_SIG_new());
    BIGNUM* const r = number(numbers.first(half));
    BIGNUM* const s = number(numbers.subspan(half));
    if (!pair || ECDSA_SIG_set0(pair.get(), r, s) != 1) {
      BN_free(r);
      BN_free(s);
      return mark.failure();
    }
    std::array<unsigned char, 2 * 51 + 4> der;
    unsigned char* end = der.data();
    if (i2d_ECDSA_SIG(pair.get(), nullptr) > static_cast<int>(der.size()) ||
        i2d_ECDSA_SIG(pair.get(), &end) <= 0)
      return mark.failure();
    return outcome(mark, EVP_PKEY_verify(ecdsa_.get(), der.data(),
                                         static_cast<std::size_t>(end - der.data()),
                                         octets(digest.view()), digest.size));
  }
  [[nodiscard]] Result<void> verify_rsa_pss(const RsaPublicKey& key, Hash hash, const Digest& digest,
                                            ByteView signature) noexcept {
    return verify_rsa(key, RSA_PKCS1_PSS_PADDING, hash, digest, signature);
  }
  [[nodiscard]] Result<void> verify_rsa_pkcs1(const RsaPublicKey& key, Hash hash,
                                              const Digest& digest, ByteView signature) noexcept {
    return verify_rsa(key, RSA_PKCS1_PADDING, hash, digest, signature);
  }
  [[nodiscard]] Result<Certificate> parse_certificate(ByteView der) noexcept {
    SNPNV_TRY(const Certificate& certificate, Certificate::parse(der));
    const ErrorMark mark;
    const unsigned char* at = octets(der);
    const Owned<X509, X509_free> parsed(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    if (!parsed || X509_get0_pubkey(parsed.get()) == nullptr) return mark.failure();
    return certificate;
  }

 private:
  static constexpr std::size_t kMostRsa = 2048;  // octets of a number; OpenSSL verifies by none above
  template <class T, auto Free>
  using Owned = detail::OpenSslOwned<T, Free>;
  using Context = Owned<EVP_PKEY_CTX, EVP_PKEY_CTX_free>;
  using Parameters = Owned<OSSL_PARAM, OSSL_PARAM_free>;
  struct RsaKey {
    KeyOctets<kMostRsa + 8> octets;
    Context context;
  };

  using ErrorMark = detail::OpenSslErrorMark;

  static const EVP_MD* md(Hash hash) noexcept {
    switch (hash) {
      case Hash::sha256: return EVP_sha256();
      case Hash::sha384: return EVP_sha384();
      case Hash::sha512: return EVP_sha512();
    }
    return nullptr;
  }
  static BIGNUM* number(ByteView big_endian) noexcept {
    return BN_bin2bn(octets(big_endian), static_cast<int>(big_endian.size()), nullptr);
  }

  static Parameters p384(ByteView point) noexcept {
    const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
    if (!build ||
        OSSL_PARAM_BLD_push_utf8_string(build.get(), OSSL_PKEY_PARAM_GROUP_NAME, "P-384", 0) != 1 ||
        OSSL_PARAM_BLD_push_octet_string(build.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(),
                                         point.size()) != 1)
      return {};
    return Parameters(OSSL_PARAM_BLD_to_param(build.get()));
  }
  static Parameters rsa(const RsaPublicKey& key) noexcept {
    const Owned<OSSL_PARAM_BLD, OSSL_PARAM_BLD_free> build(OSSL_PARAM_BLD_new());
    const Owned<BIGNUM, BN_free> n(number(key.modulus));
    const Owned<BIGNUM, BN_free> e(number(key.exponent));
    if (!build || !n || !e || OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
        OSSL_PARAM_BLD_push_BN(build.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1)
      return {};
    return Parameters(OSSL_PARAM_BLD_to_param(build.get()));
  }
  // A public key, which OpenSSL checks, in a context that verifies by it.
  static Result<Context> verifier(const ErrorMark& mark, const char* type, OSSL_PARAM* parameters) noexcept {
    const Context maker(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
    EVP_PKEY* made = nullptr;
    if (parameters == nullptr || !maker || EVP_PKEY_fromdata_init(maker.get()) != 1 ||
        EVP_PKEY_fromdata(maker.get(), &made, EVP_PKEY_PUBLIC_KEY, parameters) != 1)
      return mark.failure();
    const Owned<EVP_PKEY, EVP_PKEY_free> key(made);
    Context out(EVP_PKEY_CTX_new_from_pkey(nullptr, key.get(), nullptr));
    if (!out || EVP_PKEY_verify_init(out.get()) != 1) return mark.failure();
    return out;
  }

  Result<void> verify_rsa(const RsaPublicKey& key, int padding, Hash hash, const Digest& digest,
                          ByteView signature) noexcept {
    if (!key.is_sound() || key.modulus.size() > kMostRsa || key.exponent.size() > kMostRsa)
      return fail(Code::crypto_unsupported);
    const ErrorMark mark;
    RsaKey* known = std::ranges::find_if(
        rsa_, [&](const RsaKey& kept) { return kept.octets.hold(key.modulus, key.exponent); });
    if (known == rsa_.end()) {
      known = &rsa_[next_rsa_];
      next_rsa_ = (next_rsa_ + 1) % rsa_.size();
      known->octets.forget();
      SNPNV_TRY(known->context, verifier(mark, "RSA", rsa(key).get()));
      known->octets.keep(key.modulus, key.exponent);
    }
    EVP_PKEY_CTX* const context = known->context.get();
    if (EVP_PKEY_CTX_set_rsa_padding(context, padding) != 1 ||
        EVP_PKEY_CTX_set_signature_md(context, md(hash)) != 1)
      return mark.failure();
    if (padding == RSA_PKCS1_PSS_PADDING &&
        (EVP_PKEY_CTX_set_rsa_mgf1_md(context, md(hash)) != 1 ||
         EVP_PKEY_CTX_set_rsa_pss_saltlen(context, RSA_PSS_SALTLEN_DIGEST) != 1))
      return mark.failure();
    return outcome(mark, EVP_PKEY_verify(context, octets(signature), signature.size(),
                                         octets(digest.view()), digest.size));
  }

  static Result<void> outcome(const ErrorMark& mark, int status) noexcept {
    if (status == 1) return {};
    if (status == 0) return fail(Code::crypto_signature);
    return mark.failure();
  }

  // OpenSSL speaks of unsigned char, which may alias std::byte.
  static const unsigned char* octets(ByteView in) noexcept {
    return static_cast<const unsigned char*>(static_cast<const void*>(in.data()));
  }
  static unsigned char* octets(MutBytes out) noexcept {
    return static_cast<unsigned char*>(static_cast<void*>(out.data()));
  }

  KeyOctets<97> point_;
  Context ecdsa_;
  std::array<RsaKey, 2> rsa_;  // ARK and ASK
  std::size_t next_rsa_ = 0;
};
static_assert(Crypto<OpenSslCrypto>);

}  // namespace snpnv
