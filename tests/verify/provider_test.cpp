// SPDX-License-Identifier: Apache-2.0
// A provider by itself: keys and signatures that are none, and keys that follow each other.
#include <doctest/doctest.h>

#include "tests/verify/scene.hpp"

using namespace scene;

namespace {

constexpr Hash kHash = Hash::sha384;

// An RSA key's two numbers and a signature by it.
struct Rsa {
  explicit Rsa(const std::string& name, bool pkcs1 = false) {
    const Key key = pki_key(name);
    for (const auto& [number, parameter] :
         {std::pair(&modulus, OSSL_PKEY_PARAM_RSA_N), std::pair(&exponent, OSSL_PKEY_PARAM_RSA_E)}) {
      BIGNUM* value = nullptr;
      must(EVP_PKEY_get_bn_param(key.get(), parameter, &value) == 1, "EVP_PKEY_get_bn_param");
      number->resize(static_cast<std::size_t>(BN_num_bytes(value)));
      BN_bn2bin(value, raw(MutBytes(*number)));
      BN_free(value);
    }
    sign_with(key, {EVP_sha384(), EVP_sha384(), 48, pkcs1}, [&](EVP_MD_CTX* context) {
      std::size_t size = 512;
      signature.resize(size);
      must(EVP_DigestSign(context, raw(MutBytes(signature)), &size, raw(octets("signed")), 6) == 1,
           "EVP_DigestSign");
    });
  }
  [[nodiscard]] RsaPublicKey key() const { return {modulus, exponent}; }

  Bytes modulus, exponent, signature;
};

struct Ecdsa {
  explicit Ecdsa(const Key& key) : point(97) {
    std::size_t size = 0;
    must(EVP_PKEY_get_octet_string_param(key.get(), OSSL_PKEY_PARAM_PUB_KEY, raw(MutBytes(point)), point.size(),
                                         &size) == 1 && size == point.size(), "EVP_PKEY_get_octet_string_param");
    Bytes report(ATTESTATION_REPORT::kSize);
    sign_report(report, key);
    copy_to(signed_octets, ByteView(report).first(signed_octets.size()));
    const MutBytes numbers(signature);
    std::ranges::reverse_copy(ByteView(report).subspan(ATTESTATION_REPORT::SIGNATURE_R.offset, 48),
                              numbers.begin());
    std::ranges::reverse_copy(ByteView(report).subspan(ATTESTATION_REPORT::SIGNATURE_S.offset, 48),
                              numbers.subspan(48).begin());
  }

  Bytes point;
  std::array<std::byte, ATTESTATION_REPORT::kSignedSize> signed_octets{};
  EcdsaP384Signature signature{};
};

using Number = std::unique_ptr<BIGNUM, decltype(&BN_free)>;
Number number(ByteView octets = {}) { return {BN_bin2bn(raw(octets), static_cast<int>(octets.size()), nullptr), BN_free}; }
Number number(unsigned value) {
  Number out = number();
  BN_set_word(out.get(), value);
  return out;
}
Bytes octets_of(const Number& value, std::size_t size) {
  Bytes out(size);
  must(BN_bn2binpad(value.get(), raw(MutBytes(out)), static_cast<int>(size)) == static_cast<int>(size),
       "BN_bn2binpad");
  return out;
}
Bytes octets_of(const Number& value) {
  return octets_of(value, static_cast<std::size_t>(BN_num_bytes(value.get())));
}
// The first prime of a key of the test PKI.
Number prime_of(const std::string& name) {
  BIGNUM* prime = nullptr;
  must(EVP_PKEY_get_bn_param(pki_key(name).get(), OSSL_PKEY_PARAM_RSA_FACTOR1, &prime) == 1,
       "EVP_PKEY_get_bn_param");
  return {prime, BN_free};
}
// What a signature by PKCS #1 v1.5 is before it is a power: RFC 8017, "EMSA-PKCS1-v1_5".
Bytes encoded_message(const Digest& digest, std::size_t size) {
  const Bytes info = tlv(0x30, [&] {
    Bytes content = tlv(0x30, [] {
      Bytes algorithm = tlv(0x06, oid::kSha384);
      algorithm.insert(algorithm.end(), {std::byte{5}, std::byte{0}});
      return algorithm;
    }());
    const Bytes value = tlv(0x04, digest.view());
    content.insert(content.end(), value.begin(), value.end());
    return content;
  }());
  Bytes out(size, std::byte{0xFF});
  out[0] = std::byte{0};
  out[1] = std::byte{1};
  out[size - info.size() - 1] = std::byte{0};
  std::ranges::copy(info, out.end() - static_cast<std::ptrdiff_t>(info.size()));
  return out;
}

// The number of which `encoded` is the power, by the key's owner: whoever signs decides what a verifier gets to see.
Bytes signature_over(const std::string& name, ByteView encoded) {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(
      EVP_PKEY_CTX_new(pki_key(name).get(), nullptr), EVP_PKEY_CTX_free);
  Bytes out(encoded.size());
  std::size_t size = out.size();
  must(EVP_PKEY_sign_init(context.get()) == 1 && EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_NO_PADDING) == 1 &&
           EVP_PKEY_sign(context.get(), raw(MutBytes(out)), &size, raw(encoded), encoded.size()) == 1 && size == out.size(),
       "EVP_PKEY_sign");
  return out;
}

// What a verification says: nothing is "valid".
std::string said(const Result<void>& result) {
  return result ? "valid" : std::string(name(result.error().code));
}
std::string pss(TestCrypto& crypto, const RsaPublicKey& key, ByteView signature) {
  return said(crypto.verify_rsa_pss(key, kHash, *crypto.digest(kHash, octets("signed")), signature));
}
std::string ecdsa(TestCrypto& crypto, const Ecdsa& e, ByteView point) {
  return said(crypto.verify_ecdsa_p384(point, *crypto.digest(kHash, e.signed_octets), e.signature));
}

}  // namespace

TEST_CASE("Provider_RsaKeysInTurn_EachVerifiesItsOwn") {
  TestCrypto crypto;
  const Rsa ark("milan/ark");
  const Rsa ask("milan/ask");
  const Rsa asvk("milan/asvk");
  for (unsigned round = 0; round < 3; ++round) {
    CHECK(pss(crypto, asvk.key(), asvk.signature) == "valid");
    CHECK(pss(crypto, ark.key(), asvk.signature) == "crypto_signature");
    CHECK(pss(crypto, ark.key(), ark.signature) == "valid");
    CHECK(pss(crypto, ask.key(), ask.signature) == "valid");
    CHECK(pss(crypto, ask.key(), ark.signature) == "crypto_signature");
    CHECK(pss(crypto, ark.key(), ask.signature) == "crypto_signature");
  }
  const Digest digest = *crypto.digest(kHash, octets("signed"));
  const Rsa pkcs1("milan/ark", true);
  CHECK(said(crypto.verify_rsa_pkcs1(ark.key(), kHash, digest, pkcs1.signature)) == "valid");
  CHECK(said(crypto.verify_rsa_pkcs1(ark.key(), kHash, digest, ark.signature)) == "crypto_signature");
  CHECK(pss(crypto, ark.key(), pkcs1.signature) == "crypto_signature");
  CHECK(pss(crypto, ark.key(), ark.signature) == "valid");
}

TEST_CASE("Provider_NotAnRsaSignature_IsNotValid") {
  TestCrypto crypto;
  const Rsa ark("milan/ark");
  for (const std::size_t size : {0UL, 1UL, 511UL, 513UL}) {
    CAPTURE(size);
    Bytes other = ark.signature;
    other.resize(size);
    CHECK(pss(crypto, ark.key(), other) == "crypto_signature");
  }
  CHECK(pss(crypto, ark.key(), Bytes(512)) == "crypto_signature");
  CHECK(pss(crypto, ark.key(), Bytes(512, std::byte{0xFF})) == "crypto_signature");  // above the modulus
  CHECK(pss(crypto, ark.key(), ark.modulus) == "crypto_signature");
  // RFC 8017, 9.1.2, steps 4 to 10: each octet that has a fixed value, alone or with the one at the other end.
  for (const unsigned first : {0x00U, 0x01U, 0x7FU, 0x80U}) {
    for (const unsigned last : {0x00U, 0xBBU, 0xBCU}) {
      CAPTURE(first);
      CAPTURE(last);
      Bytes encoded(512, std::byte{0x5A});
      encoded.front() = static_cast<std::byte>(first);
      encoded.back() = static_cast<std::byte>(last);
      CHECK(pss(crypto, ark.key(), signature_over("milan/ark", encoded)) == "crypto_signature");
    }
  }
}

TEST_CASE("Provider_NotAnRsaKey_IsAnError") {
  TestCrypto crypto;
  const Rsa ark("milan/ark");
  const Bytes zero(512), huge(4096, std::byte{0xFF});
  Bytes even = ark.modulus;
  even.back() &= std::byte{0xFE};
  for (const RsaPublicKey& key : {RsaPublicKey{{}, ark.exponent}, RsaPublicKey{ark.modulus, {}},
                                  RsaPublicKey{zero, ark.exponent}, RsaPublicKey{even, ark.exponent},
                                  RsaPublicKey{huge, ark.exponent}, RsaPublicKey{ark.modulus, huge}}) {
    CAPTURE(key.modulus.size());
    CAPTURE(key.exponent.size());
    CHECK(pss(crypto, key, ark.signature) != "valid");
    CHECK(pss(crypto, ark.key(), ark.signature) == "valid");  // and leaves nothing behind
  }
}

// Anybody can sign for these: each signature is one by the rules of RSA, made without a secret.
TEST_CASE("Provider_RsaKeysThatAnybodyCanSignFor_AreRefused") {
  TestCrypto crypto;
  const std::unique_ptr<BN_CTX, decltype(&BN_CTX_free)> context(BN_CTX_new(), BN_CTX_free);
  const Number prime = prime_of("milan/ark");
  Digest digest = *crypto.digest(kHash, octets("signed"));
  const auto refused = [&](const Number& n, const Number& e, const Number& signature) {
    const Bytes modulus = octets_of(n);
    const Bytes exponent = octets_of(e);
    const Bytes message = octets_of(signature, modulus.size());
    Number power = number();
    must(BN_mod_exp(power.get(), signature.get(), e.get(), n.get(), context.get()) == 1, "BN_mod_exp");
    REQUIRE(octets_of(power, modulus.size()) == encoded_message(digest, modulus.size()));
    CHECK(said(crypto.verify_rsa_pkcs1({modulus, exponent}, kHash, digest, message)) == "crypto_unsupported");
  };
  const Rsa ark("milan/ark");
  const Number n = number(ByteView(ark.modulus));
  refused(n, number(1U), number(ByteView(encoded_message(digest, ark.modulus.size()))));

  const Number two = number(2U);  // a root of every second message
  Number root = number();
  do digest = *crypto.digest(kHash, digest.view());
  while (BN_mod_sqrt(root.get(), number(ByteView(encoded_message(digest, octets_of(prime).size()))).get(),
                     prime.get(), context.get()) == nullptr);
  refused(prime, two, root);

  Number twice = number();  // even, with one secret that everybody has
  must(BN_lshift1(twice.get(), prime.get()) == 1, "BN_lshift1");
  const Number usual = number(65537U);
  Number order = number();
  Number secret = number();
  must(BN_sub(order.get(), prime.get(), number(1U).get()) == 1 &&
           BN_mod_inverse(secret.get(), usual.get(), order.get(), context.get()) != nullptr,
       "BN_mod_inverse");
  Number signature = number();
  const Bytes message = encoded_message(digest, octets_of(twice).size());
  must(BN_mod_exp(signature.get(), number(ByteView(message)).get(), secret.get(), twice.get(), context.get()) == 1,
       "BN_mod_exp");
  refused(twice, usual, signature);
}

TEST_CASE("Provider_RsaNumbersWithZerosBefore_AreRefused") {
  TestCrypto crypto;
  const Rsa ark("milan/ark");
  const auto padded = [](Bytes number) {
    number.insert(number.begin(), std::byte{0});
    return number;
  };
  const Bytes modulus = padded(ark.modulus), exponent = padded(ark.exponent);
  CHECK(pss(crypto, {modulus, ark.exponent}, ark.signature) == "crypto_unsupported");
  CHECK(pss(crypto, {ark.modulus, exponent}, ark.signature) == "crypto_unsupported");
}

// Modulus and exponent behind each other have one reading.
TEST_CASE("KeyOctets_CutElsewhere_AreAnotherKey") {
  const Bytes octets{std::byte{1}, std::byte{2}, std::byte{3}};
  const ByteView all(octets);
  KeyOctets<8> kept;
  CHECK_FALSE(kept.hold({}));
  kept.keep(all.first(2), all.subspan(2));
  CHECK(kept.hold(all.first(2), all.subspan(2)));
  CHECK_FALSE(kept.hold(all.first(1), all.subspan(1)));
  CHECK_FALSE(kept.hold(all));
  kept.forget();
  CHECK_FALSE(kept.hold(all.first(2), all.subspan(2)));
  CHECK_FALSE(kept.hold({}));
}

TEST_CASE("Provider_PointsInTurn_EachVerifiesItsOwn") {
  TestCrypto crypto;
  const Ecdsa vcek(pki_key("milan/vcek"));
  const Ecdsa vlek(pki_key("milan/vlek"));
  for (unsigned round = 0; round < 2; ++round) {
    CHECK(ecdsa(crypto, vcek, vcek.point) == "valid");
    CHECK(ecdsa(crypto, vlek, vlek.point) == "valid");
    CHECK(ecdsa(crypto, vcek, vlek.point) == "crypto_signature");
    CHECK(ecdsa(crypto, vlek, vcek.point) == "crypto_signature");
  }
}

TEST_CASE("Provider_NotAPoint_IsAnError") {
  TestCrypto crypto;
  const Ecdsa vcek(pki_key("milan/vcek"));
  Bytes off_the_curve = vcek.point;
  off_the_curve.back() ^= std::byte{1};
  Bytes no_point = vcek.point;
  no_point[0] = std::byte{5};
  Bytes above_the_field(97, std::byte{0xFF});
  above_the_field[0] = std::byte{4};
  Bytes zero(97);
  zero[0] = std::byte{4};
  Bytes longer = vcek.point;
  longer.push_back(std::byte{0});
  const Bytes shorter(vcek.point.begin(), vcek.point.end() - 1);
  for (const Bytes& point : {off_the_curve, no_point, above_the_field, zero, longer, shorter, Bytes{}}) {
    CAPTURE(hex_of(point));
    const std::string result = ecdsa(crypto, vcek, point);
    CHECK((result == "crypto_failed" || result == "crypto_unsupported"));
    CHECK(ecdsa(crypto, vcek, vcek.point) == "valid");
  }
}
