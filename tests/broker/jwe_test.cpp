// SPDX-License-Identifier: Apache-2.0
// The cryptography that opens a secret, by its standards' own examples.
#include "snpnv/broker/jwe.hpp"

#include "tests/broker/crypto.hpp"
#include "tests/broker/trustee.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

Octets base64url(std::string_view text) {
  Octets out(text.size());
  const auto octets = decode_base64url(text, out);
  REQUIRE(octets.has_value());
  out.resize(octets->size());
  return out;
}
P256Point point(const Octets& x, const Octets& y) {
  P256Point out{std::byte{4}};
  copy_to(MutBytes(out).subspan(1, 32), x);
  copy_to(MutBytes(out).subspan(33), y);
  return out;
}

// RFC 7518, appendix C.
Octets alice() {
  return base64url("0_NxaRPUMQoAJt50Gz8YiTr8gRTwyEaCumd-MToTmIo");
}
P256Point alice_point() {
  return point(base64url("gI0GAILBdu7T53akrFmMyGcsF3n5dO7MmwNBHKW5SV0"),
                                    base64url("SLW_xSffzlPWrHEVI30DHM_4egVwt3NQqeUD7nMFpps"));
}
Octets bob() {
  return base64url("VEmDZpDXXK8p8N0Cndsxs924q6nS1RXFASRl6BfUqdw");
}
P256Point bob_point() {
  return point(base64url("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ"),
                                  base64url("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"));
}
Octets agreed_secret() {
  return hex("9e56d91d817135d372834283bf84269cfb316ea3da806a48f6daa7798cfe90c4");
}

// NIST, ECDHTestVectors, KAS_ECC_CDH_PrimitiveTest, [P-256], COUNT = 0.
Octets cavs_scalar() {
  return hex("7d7dc5f71eb29ddaf80d6214632eeae03d9058af1fb6d22ed80badb62bc1a534");
}
P256Point cavs_point() {
  return point(hex("700c48f77f56584c5cc632ca65640db91b6bacce3a4df6b42ce7cc838833d287"),
                                   hex("db71e509e3fd9b060ddb20ba5c51dcc5948d46fbf640dfe0441782cab85fa4ac"));
}
Octets cavs_agreed() {
  return hex("46fc62106420ff012e54a434fbdd2d25ccc5852060561e68040dd7778997bd7b");
}

// RFC 3394, "Wrap 256 bits of Key Data with a 256-bit KEK".
Octets kek() {
  return hex("000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F");
}
Octets wrapped_key() {
  return hex("28C9F404C4B810F4CBCCB35CFB87F8263F5786E2D80ED326CBC7F0E71A99F43BFB988B9B7A02DD21");
}
Octets unwrapped_key() {
  return hex("00112233445566778899AABBCCDDEEFF000102030405060708090A0B0C0D0E0F");
}

// McGrew, Viega: "The Galois/Counter Mode of Operation", test case 16; in NIST's list of vectors for GCM.
struct Gcm {
  Octets key = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308");
  Octets iv = hex("cafebabefacedbaddecaf888");
  Octets aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
  Octets text = hex("522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                    "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662");
  Octets tag = hex("76fc6ece0f4e1768cddf8853bb2d551b");
  Octets plain = hex("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                     "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39");
  Result<void> decrypt(TestBrokerCrypto& crypto) { return crypto.decrypt(key, iv, aad, text, tag); }
};

Octets agreed(TestBrokerCrypto& crypto, const P256Point& other) {
  SecretKey out;
  REQUIRE(crypto.agree(other, out.octets()).has_value());
  return {out.octets().begin(), out.octets().end()};
}
Code code(const Result<void>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().code;
}
std::string secret_text() {
  const auto file = read_file(SNPNV_SOURCE_DIR "/tests/data/kbs_secret.json");
  REQUIRE(file.has_value());
  return std::string(text(*file));
}

}  // namespace

TEST_CASE("Ecdh_KnownKeys_AgreeOnTheKnownSecret") {
  TestBrokerCrypto crypto;
  CHECK(*crypto.use_key(alice()) == alice_point());
  CHECK(agreed(crypto, bob_point()) == agreed_secret());
  CHECK(*crypto.use_key(bob()) == bob_point());
  CHECK(agreed(crypto, alice_point()) == agreed_secret());
  CHECK(crypto.use_key(cavs_scalar()).has_value());
  CHECK(agreed(crypto, cavs_point()) == cavs_agreed());
}

TEST_CASE("Ecdh_MadeKeys_AgreeAndAreOthersEachTime") {
  TestBrokerCrypto one;
  TestBrokerCrypto other;
  const P256Point first = *one.make_key();
  const P256Point second = *one.make_key();
  CHECK(first != second);
  const P256Point third = *other.make_key();
  CHECK(agreed(one, third) == agreed(other, second));
  CHECK(agreed(one, third) != agreed(other, first));
}

TEST_CASE("Ecdh_NotAPoint_IsRefused") {
  TestBrokerCrypto crypto;
  CHECK(crypto.use_key(alice()).has_value());
  SecretKey out;
  P256Point off = bob_point();
  off.back() ^= std::byte{1};
  P256Point zero{std::byte{4}};
  P256Point above = bob_point();
  std::ranges::fill(MutBytes(above).subspan(1, 32), std::byte{0xFF});
  P256Point compressed = bob_point();
  compressed[0] = std::byte{2};
  for (const P256Point& bad : {off, zero, above, compressed, P256Point{}}) {
    CAPTURE(digits(bad));
    CHECK(code(crypto.agree(bad, out.octets())) == Code::crypto_point);
  }
}

TEST_CASE("Ecdh_WithoutAKey_IsAnError") {
  TestBrokerCrypto crypto;
  SecretKey out;
  CHECK_FALSE(crypto.agree(bob_point(), out.octets()).has_value());
  CHECK_FALSE(crypto.use_key(Octets(32)).has_value());
}

TEST_CASE("ConcatKdf_KnownSecret_GivesTheKnownKey") {
  TestBrokerCrypto crypto;
  std::array<std::byte, 16> key{};
  CHECK(concat_kdf(crypto, "A128GCM", view("Alice"), view("Bob"), agreed_secret(), 128, key).has_value());
  CHECK(Octets(key.begin(), key.end()) == base64url("VqqN6vgjbSBcIijNcacQGg"));
  std::array<std::byte, 33> more{};
  CHECK(code(concat_kdf(crypto, "A128GCM", {}, {}, agreed_secret(), 264, more)) == Code::wire_overflow);
  CHECK(code(concat_kdf(crypto, "A128GCM", Octets(250), {}, agreed_secret(), 128, key)) == Code::wire_overflow);
}

TEST_CASE("KeyUnwrap_KnownKey_IsUnwrapped") {
  TestBrokerCrypto crypto;
  SecretKey out;
  CHECK(crypto.unwrap_key(kek(), wrapped_key(), out.octets()).has_value());
  CHECK(equal(out.octets(), unwrapped_key()));
}

TEST_CASE("KeyUnwrap_AnyBitFlipped_IsNotAuthentic") {
  TestBrokerCrypto crypto;
  SecretKey out;
  each_bit_flipped(wrapped_key(), [&](const Octets& wrapped, std::size_t bit) {
    CAPTURE(bit);
    CHECK(code(crypto.unwrap_key(kek(), wrapped, out.octets())) == Code::crypto_authentic);
    CHECK(std::ranges::all_of(out.octets(), [](std::byte octet) { return octet == std::byte{0}; }));
  });
  CHECK(code(crypto.unwrap_key(kek(), ByteView(wrapped_key()).first(32), out.octets())) == Code::crypto_authentic);
  CHECK(code(crypto.unwrap_key(unwrapped_key(), wrapped_key(), out.octets())) == Code::crypto_authentic);
}

TEST_CASE("Gcm_KnownText_IsDecrypted") {
  TestBrokerCrypto crypto;
  Gcm gcm;
  CHECK(gcm.decrypt(crypto).has_value());
  CHECK(gcm.text == gcm.plain);
}

TEST_CASE("Gcm_AnythingElse_IsNotAuthenticAndLeavesNothing") {
  TestBrokerCrypto crypto;
  for (Octets Gcm::*const part : {&Gcm::key, &Gcm::iv, &Gcm::aad, &Gcm::text, &Gcm::tag}) {
    Gcm gcm;
    (gcm.*part).back() ^= std::byte{1};
    CHECK(code(gcm.decrypt(crypto)) == Code::crypto_authentic);
    CHECK(gcm.text == Octets(gcm.text.size()));
  }
}

// tests/data/kbs_secret.json was made by the Python package cryptography 48 for Bob's key above.
TEST_CASE("Secret_OfAnotherImplementation_IsDecrypted") {
  TestBrokerCrypto crypto;
  CHECK(crypto.use_key(bob()).has_value());
  const std::string document = secret_text();
  const auto secret = KbsSecret::parse(view(document));
  REQUIRE(secret.has_value());
  std::array<std::byte, 11> out{};
  const auto plain = decrypt_secret(crypto, *secret, out);
  REQUIRE(plain.has_value());
  CHECK(text(*plain) == "open sesame");
  std::array<std::byte, 10> small{};
  CHECK(decrypt_secret(crypto, *secret, small).error().code == Code::wire_overflow);
}

TEST_CASE("Secret_OfTrusteesOwn_IsDecrypted") {
  TestBrokerCrypto crypto;
  CHECK(crypto.use_key(bob()).has_value());
  const Trustee trustee;
  const auto secret = KbsSecret::parse(view(trustee.secret));
  REQUIRE(secret.has_value());
  std::array<std::byte, 11> out{};
  const auto plain = decrypt_secret(crypto, *secret, out);
  REQUIRE(plain.has_value());
  CHECK(text(*plain) == "open sesame");
}

TEST_CASE("Secret_Altered_IsNotDecrypted") {
  TestBrokerCrypto crypto;
  CHECK(crypto.use_key(bob()).has_value());
  const std::string document = secret_text();
  const KbsSecret whole = *KbsSecret::parse(view(document));
  std::array<std::byte, 64> out{};
  const auto refused = [&](const KbsSecret& secret, Code wanted) {
    out.fill(std::byte{0});
    const auto plain = decrypt_secret(crypto, secret, out);
    REQUIRE_FALSE(plain.has_value());
    CHECK(name(plain.error().code) == name(wanted));
    CHECK(std::ranges::all_of(out, [](std::byte octet) { return octet == std::byte{0}; }));
  };
  KbsSecret tag = whole;
  tag.tag[0] ^= std::byte{1};
  refused(tag, Code::crypto_authentic);
  KbsSecret iv = whole;
  iv.iv[0] ^= std::byte{1};
  refused(iv, Code::crypto_authentic);
  KbsSecret header = whole;
  const std::string other(whole.protected_text.size(), 'A');
  header.protected_text = other;
  refused(header, Code::crypto_authentic);
  KbsSecret wrapped = whole;
  wrapped.wrapped_key[0] ^= std::byte{1};
  refused(wrapped, Code::crypto_authentic);
  KbsSecret off = whole;
  off.header.epk.back() ^= std::byte{1};
  refused(off, Code::crypto_point);
  CHECK(crypto.make_key().has_value());
  refused(whole, Code::crypto_authentic);  // for another key
}
