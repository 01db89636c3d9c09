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
