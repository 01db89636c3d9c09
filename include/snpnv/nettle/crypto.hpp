// SPDX-License-Identifier: Apache-2.0
// The cryptography of this library, by Nettle 3 with Hogweed and GMP. The only file that sees their headers.
#pragma once

#include <nettle/bignum.h>
#include <nettle/ecc-curve.h>
#include <nettle/ecdsa.h>
#include <nettle/rsa.h>
#include <nettle/sha2.h>

#include <memory>
#include <new>

#include "snpnv/core/encoding.hpp"
#include "snpnv/verify/crypto.hpp"

namespace snpnv {

/// One object for each thread. It keeps the last keys ready: a VCEK signs many reports, and ARK and ASK are
/// above many VCEKs. Certificates are read by Certificate::parse() alone, since Nettle reads none. Where memory
/// runs out GMP ends the program.
class NettleCrypto {
 public:
  /// @returns the digest, always.
  [[nodiscard]] Result<Digest> digest(Hash hash, ByteView data) noexcept {
    switch (hash) {
      case Hash::sha256: return digest<sha256_ctx, sha256_init, sha256_update, sha256_digest>(hash, data);
      case Hash::sha384: return digest<sha512_ctx, sha384_init, sha512_update, sha384_digest>(hash, data);
      case Hash::sha512: return digest<sha512_ctx, sha512_init, sha512_update, sha512_digest>(hash, data);
    }
    return fail(Code::crypto_unsupported, 0, static_cast<std::uint32_t>(hash));
  }

  /// The four below are the concept Crypto's.
  /// @returns as the concept says; crypto_failed, without detail: Nettle refuses the key.
  [[nodiscard]] Result<void> verify_ecdsa_p384(ByteView point, const Digest& digest,
                                               const EcdsaP384Signature& signature) noexcept {
    if (point.size() != 1 + signature.size()) return fail(Code::crypto_unsupported);
    if (!takes(point)) return fail(Code::crypto_failed);
    const ByteView numbers(signature);
    dsa_signature& pair = ecdsa_->signature;
    set(pair.r, numbers.first(kNumber));
    set(pair.s, numbers.subspan(kNumber));
    return outcome(ecdsa_verify(&ecdsa_->point, digest.size, octets(digest.view()), &pair));
  }
  [[nodiscard]] Result<void> verify_rsa_pss(const RsaPublicKey& key, Hash hash, const Digest& digest,
                                            ByteView signature) noexcept {
    return verify_rsa(key, signature, [&](const rsa_public_key& by, const Number& number) {
      const auto verify = hash == Hash::sha256   ? rsa_pss_sha256_verify_digest
                          : hash == Hash::sha384 ? rsa_pss_sha384_verify_digest
                                                 : rsa_pss_sha512_verify_digest;
      return verify(&by, digest_size(hash), octets(digest.view()), number.value);
    });
  }
  [[nodiscard]] Result<void> verify_rsa_pkcs1(const RsaPublicKey& key, Hash hash,
                                              const Digest& digest, ByteView signature) noexcept {
    // Nettle has no call of its own for SHA-384; its general one takes the DigestInfo.
    std::array<std::byte, kDigestInfo.size() + sizeof digest.octets> info;
    copy_to(info, kDigestInfo);
    copy_to(MutBytes(info).subspan(kDigestInfo.size()), digest.view());
    info[kInfoSize] = static_cast<std::byte>(kDigestInfo.size() - 2 + digest.size);
    info[kInfoHash] = static_cast<std::byte>(1 + static_cast<unsigned>(hash));
    info[kInfoDigestSize] = static_cast<std::byte>(digest.size);
    return verify_rsa(key, signature, [&](const rsa_public_key& by, const Number& number) {
      return rsa_pkcs1_verify(&by, kDigestInfo.size() + digest.size, octets(ByteView(info)), number.value);
    });
  }
  [[nodiscard]] Result<Certificate> parse_certificate(ByteView der) noexcept {
    SNPNV_TRY(const Certificate& certificate, Certificate::parse(der));
    if (certificate.key.type == KeyType::p384 && !takes(certificate.key.point)) return fail(Code::crypto_failed);
    return certificate;
  }

 private:
  static constexpr std::size_t kNumber = 48;      // octets of a number on P-384
  static constexpr std::size_t kMostRsa = 1024;   // octets of a modulus or an exponent, as for Mbed TLS
  static constexpr std::byte kUncompressed{4};    // SEC 1, 2.3.3

  // A DigestInfo up to the digest, and where the hash shows in it. RFC 8017, 9.2, note 1.
  static constexpr auto kDigestInfo = octets_of_hex<19>("3031300d060960864801650304020105000420");
  static constexpr std::size_t kInfoSize = 1;
  static constexpr std::size_t kInfoHash = 14;
  static constexpr std::size_t kInfoDigestSize = 18;

  static void set(mpz_t number, ByteView big_endian) noexcept {
    nettle_mpz_set_str_256_u(number, big_endian.size(), octets(big_endian));
  }
  struct Number {
    explicit Number(ByteView big_endian) noexcept {
      mpz_init(value);
      set(value, big_endian);
    }
    ~Number() { mpz_clear(value); }
    Number(const Number&) = delete;
    Number& operator=(const Number&) = delete;

    mpz_t value;
  };
  // A public key, and room for a signature.
  struct Ecdsa {
    Ecdsa() noexcept {
      ecc_point_init(&point, nettle_get_secp_384r1());
      dsa_signature_init(&signature);
    }
    ~Ecdsa() {
      dsa_signature_clear(&signature);
      ecc_point_clear(&point);
    }
    Ecdsa(const Ecdsa&) = delete;
    Ecdsa& operator=(const Ecdsa&) = delete;
    // False if it is not a point of the curve.
    [[nodiscard]] bool set(ByteView of) noexcept {
      if (held.hold(of)) return true;
      held.forget();
      const Number x(of.subspan(1, kNumber));
      const Number y(of.subspan(1 + kNumber));
      if (ecc_point_set(&point, x.value, y.value) != 1) return false;
      held.keep(of);
      return true;
    }

    ecc_point point;
    dsa_signature signature;
    KeyOctets<1 + 2 * kNumber> held;
  };
  struct Rsa {
    Rsa() noexcept { rsa_public_key_init(&key); }
    ~Rsa() { rsa_public_key_clear(&key); }
    Rsa(const Rsa&) = delete;
    Rsa& operator=(const Rsa&) = delete;
    // False if Nettle refuses the modulus.
    [[nodiscard]] bool set(const RsaPublicKey& from) noexcept {
      held.forget();
      NettleCrypto::set(key.n, from.modulus);
      NettleCrypto::set(key.e, from.exponent);
      if (rsa_public_key_prepare(&key) != 1) return false;
      held.keep(from.modulus, from.exponent);
      return true;
    }

    rsa_public_key key;
    KeyOctets<2 * kMostRsa> held;
  };
  using RsaKeys = std::array<Rsa, 2>;  // ARK and ASK

  // Makes the point the key that is kept ready. False if it is not on the curve.
  bool takes(ByteView point) noexcept {
    if (point.size() != 1 + 2 * kNumber || point[0] != kUncompressed) return false;
    if (!ecdsa_) ecdsa_.reset(new (std::nothrow) Ecdsa);
    return ecdsa_ && ecdsa_->set(point);
  }

  template <class Context, auto Init, auto Update, auto Finish>
  static Digest digest(Hash hash, ByteView data) noexcept {
    Digest out;
    out.size = digest_size(hash);
    Context context;
    Init(&context);
    Update(&context, data.size(), octets(data));
    Finish(&context, out.size, octets(MutBytes(out.octets)));
    return out;
  }

  template <class Verify>
  Result<void> verify_rsa(const RsaPublicKey& key, ByteView signature, Verify&& verify) noexcept {
    if (!key.is_sound() || key.modulus.size() > kMostRsa || key.exponent.size() > kMostRsa)
      return fail(Code::crypto_unsupported);
    if (!rsa_) rsa_.reset(new (std::nothrow) RsaKeys);
    if (!rsa_) return fail(Code::crypto_failed);
    Rsa* known = std::ranges::find_if(
        *rsa_, [&](const Rsa& kept) { return kept.held.hold(key.modulus, key.exponent); });
    if (known == rsa_->end()) {
      known = &(*rsa_)[next_rsa_];
      next_rsa_ = (next_rsa_ + 1) % rsa_->size();
      if (!known->set(key)) return fail(Code::crypto_failed);
    }
    if (signature.size() != known->key.size) return fail(Code::crypto_signature);
    return outcome(verify(known->key, Number(signature)));
  }

  static Result<void> outcome(int status) noexcept {
    if (status != 1) return fail(Code::crypto_signature);
    return {};
  }

  // Nettle speaks of unsigned char, which may alias std::byte.
  static const unsigned char* octets(ByteView in) noexcept {
    return static_cast<const unsigned char*>(static_cast<const void*>(in.data()));
  }
  static unsigned char* octets(MutBytes out) noexcept {
    return static_cast<unsigned char*>(static_cast<void*>(out.data()));
  }

  std::unique_ptr<Ecdsa> ecdsa_;
  std::unique_ptr<RsaKeys> rsa_;
  std::size_t next_rsa_ = 0;
};
static_assert(Crypto<NettleCrypto>);

}  // namespace snpnv
