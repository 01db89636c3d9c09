// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/x509_certificate.hpp"
#include "snpnv/wire/x509_revocation_list.hpp"

#include "snpnv/core/pem.hpp"
#include "tests/test.hpp"

using namespace snpnv;

namespace {

test::Octets from_pki(const std::string& name, std::string_view label = "CERTIFICATE") {
  const auto text = test::read_file(SNPNV_SOURCE_DIR "/tests/pki/" + name);
  REQUIRE(text.has_value());
  test::Octets out(text->size());
  const auto block = PemReader(*text, label).next(out);
  REQUIRE(block.has_value());
  REQUIRE(block->has_value());
  out.resize((*block)->size());
  return out;
}

// Replaces the only occurrence of `from` by `to`, which has the same size.
test::Octets replaced(test::Octets octets, std::string_view from, std::string_view to) {
  const test::Octets a = test::hex(from);
  const test::Octets b = test::hex(to);
  REQUIRE(a.size() == b.size());
  const auto at = std::ranges::search(octets, a);
  REQUIRE_FALSE(at.empty());
  std::ranges::copy(b, at.begin());
  return octets;
}

template <class T>
Code code_of(const Result<T>& result) {
  REQUIRE_FALSE(result.has_value());
  return result.error().code;
}

}  // namespace

// Expected values: `openssl x509 -in FILE -noout -text`, and tests/pki/make.sh, which asked for them.
TEST_CASE("Certificate_Intermediate_IsReadAsOpensslShowsIt") {
  const test::Octets der = from_pki("milan/ask.pem");
  const auto certificate = Certificate::parse(der);
  REQUIRE(certificate.has_value());
  CHECK(test::text(certificate->subject.common_name) == "SEV-Milan");
  CHECK(test::text(certificate->issuer.common_name) == "ARK-Milan");
  CHECK(test::digits(certificate->serial) == "010001");
  CHECK(certificate->not_before == *parse_rfc3339("2023-01-01T00:00:00Z"));
  CHECK(certificate->not_after == *parse_rfc3339("2048-01-01T00:00:00Z"));
  CHECK(certificate->key.type == KeyType::rsa);
  CHECK(certificate->key.rsa.bits() == 4096);
  CHECK(test::digits(certificate->key.rsa.exponent) == "010001");
  CHECK(certificate->ca);
  CHECK(certificate->key_usage.has_value());
  CHECK(certificate->may(KeyUsage::key_cert_sign));
  CHECK_FALSE(certificate->may(KeyUsage::crl_sign));
  CHECK(certificate->path_length == 0U);
  CHECK_FALSE(certificate->unknown_critical);
  CHECK(is_rsa_pss_sha384(certificate->signed_octets.algorithm));
  CHECK(certificate->signed_octets.signature.size() == 512);
}

TEST_CASE("Certificate_Leaf_HasAPointAndNoConstraints") {
  const test::Octets der = from_pki("milan/vcek.pem");
  const auto certificate = Certificate::parse(der);
  REQUIRE(certificate.has_value());
  CHECK(certificate->key.type == KeyType::p384);
  CHECK(certificate->key.point.size() == 97);
  CHECK(certificate->key.point[0] == std::byte{4});
  CHECK_FALSE(certificate->ca);
  CHECK_FALSE(certificate->key_usage.has_value());
  CHECK(test::digits(certificate->serial) == "00");
}

TEST_CASE("Certificate_ValuesThatRfc5280DoesNotAllow_AreErrors") {
  const test::Octets der = from_pki("milan/ask.pem");
  // [0] INTEGER 2: version 3. Version 1 and 2 have no extensions.
  CHECK(code_of(Certificate::parse(replaced(der, "a003020102", "a003020101"))) == Code::wire_value);
  CHECK(code_of(Certificate::parse(replaced(der, "a003020102", "a003020103"))) == Code::wire_value);
  // UTCTime 230101000000Z: month 13, day 0, no Z.
  CHECK(code_of(Certificate::parse(replaced(der, "3233303130313030303030305a",
                                            "3233313330313030303030305a"))) == Code::wire_value);
  CHECK(code_of(Certificate::parse(replaced(der, "3233303130313030303030305a",
                                            "3233303130303030303030305a"))) == Code::wire_value);
  CHECK(code_of(Certificate::parse(replaced(der, "3233303130313030303030305a",
                                            "323330313031303030303030ff"))) == Code::wire_value);
  // basicConstraints CA:TRUE as 01h instead of FFh.
  CHECK(code_of(Certificate::parse(replaced(der, "0101ff020100", "010101020100"))) == Code::der_encoding);
  // The signature algorithm outside, which is the last one, with SHA-256.
  test::Octets other = der;
  const test::Octets sha384 = test::hex("0609608648016503040202");
  const auto last = std::ranges::find_end(other, sha384);
  REQUIRE_FALSE(last.empty());
  last.back() = std::byte{1};
  CHECK(code_of(Certificate::parse(other)) == Code::wire_value);
}

// X.690: no octets for a default, named bits end in a 1, a SET OF is in order.
TEST_CASE("Certificate_NotDer_IsAnError") {
  const test::Octets der = from_pki("milan/ask.pem");
  // basicConstraints, critical, CA:TRUE, pathlen 0.
  const std::string constraints = "0603551d130101ff0408" "30060101ff020100";
  CHECK(code_of(Certificate::parse(replaced(der, constraints, "0603551d13010100040830060101ff020100"))) ==
        Code::der_encoding);
  CHECK(code_of(Certificate::parse(replaced(der, constraints, "0603551d130101ff04083006010100020100"))) ==
        Code::der_encoding);
  CHECK(code_of(Certificate::parse(replaced(der, constraints, "0603551d130101ff0408300602010004013f"))) ==
        Code::wire_trailing);  // a path length, and no CA
  // keyUsage: keyCertSign as AMD writes it; with seven bits more; no bit at all.
  CHECK(Certificate::parse(replaced(der, "03020104", "03020204")).has_value());
  CHECK(code_of(Certificate::parse(replaced(der, "03020104", "03020004"))) == Code::der_encoding);
  CHECK(code_of(Certificate::parse(replaced(der, "03020104", "03020108"))) == Code::der_encoding);
  CHECK(code_of(Certificate::parse(replaced(der, "03020104", "03020100"))) == Code::der_encoding);
}

TEST_CASE("Name_SetsAndText_AreStrict") {
  const auto read = [](std::string_view digits) -> std::string {
    const test::Octets der = test::hex(digits);
    DerReader in(der);
    const X509Name name = detail::read_name(in);
    const auto result = in.finish();
    return std::string(result ? test::text(name.common_name) : snpnv::name(result.error().code));
  };
  // SET of C=US (countryName is 2.5.4.6) and CN=ab: the common name is first, its encoding is lower.
  const std::string cn = "300906035504030c026162", country = "30090603550406" "13025553";
  CHECK(read("3018" "3116" + cn + country) == "ab");
  CHECK(read("3018" "3116" + country + cn) == "der_encoding");
  CHECK(read("3018" "3116" + country + country) == "der_encoding");
  const auto locality = [&](const std::string& text) { return read("300d310b300906035504070c02" + text); };
  CHECK(locality("c3a4") == "");
  for (const std::string text : {"c0af", "80ff", "61c3", "e4bd"}) CHECK(locality(text) == "wire_value");
  CHECK(read("300d310b3009060355040713026162") == "");
  CHECK(read("300d310b300906035504071302612a") == "wire_value");  // * is not of PrintableString
  CHECK(read("300d310b3009060355040716026180") == "wire_value");
  for (const std::string tag : {"14", "1e", "12", "04", "02"})  // TeletexString, BMPString, NumericString, ...
    CHECK(read("300d310b30090603550407" + tag + "026162") == "wire_value");
}

TEST_CASE("Key_NotAnRsaKey_IsAnError") {
  const auto read = [](std::string_view digits) -> std::string {
    const test::Octets der = test::hex(digits);
    DerReader in(der);
    const X509Key key = detail::read_key(in);
    const auto result = in.finish();
    return result ? std::string(snpnv::name(key.type)) : std::string(snpnv::name(result.error().code));
  };
  const auto tlv = [](const std::string& tag, const std::string& content) {  // of less than 128 octets
    const std::array size{static_cast<std::byte>(content.size() / 2)};
    return tag + test::digits(size) + content;
  };
  const auto spki = [&](const std::string& parameters, const std::string& numbers) {
    return read(tlv("30", tlv("30", "06092a864886f70d010101" + parameters) + tlv("03", "00" + tlv("30", numbers))));
  };
  const std::string n = "020200c1", e = "0203010001";
  CHECK(spki("0500", n + e) == "RSA");
  for (const std::string parameters : {"", "3000", "050100", "020105"})  // RFC 4055: they are NULL
    CHECK(spki(parameters, n + e) == "wire_value");
  CHECK(spki("0500", "020200c2" + e) == "wire_value");  // even
  CHECK(spki("0500", n + "0203010002") == "wire_value");
  CHECK(spki("0500", n + "020103") == "RSA");
  CHECK(spki("0500", n + "020101") == "wire_value");
  CHECK(spki("0500", n + "020102") == "wire_value");
  CHECK(spki("0500", "02020041" + e) == "der_encoding");  // a zero too many
}

TEST_CASE("Certificate_CutAnywhere_IsAnErrorInside") {
  const test::Octets der = from_pki("milan/vcek.pem");
  for (std::size_t size = 0; size < der.size(); ++size) {
    const auto certificate = Certificate::parse(ByteView(der).first(size));
    REQUIRE_FALSE(certificate.has_value());
    CHECK(certificate.error().where <= size);
  }
}

TEST_CASE("RevocationList_OfThePki_IsReadAsOpensslShowsIt") {
  const test::Octets der = from_pki("milan/crl.pem", "X509 CRL");
  const auto list = RevocationList::parse(der);
  REQUIRE(list.has_value());
  CHECK(test::text(list->issuer.common_name) == "ARK-Milan");
  CHECK(list->this_update == *parse_rfc3339("2023-01-01T00:00:00Z"));
  CHECK(list->next_update == *parse_rfc3339("2040-01-01T00:00:00Z"));
  CHECK_FALSE(list->names(test::hex("010001")));
  CHECK(is_rsa_pss_sha384(list->signed_octets.algorithm));
  for (std::size_t size = 0; size < der.size(); ++size)
    CHECK_FALSE(RevocationList::parse(ByteView(der).first(size)).has_value());
}

TEST_CASE("RevocationList_WithAnEntry_NamesItAndNothingElse") {
  // Made by `openssl ca -gencrl`; it names serial number 0200FFh.
  const auto der = test::read_file(SNPNV_SOURCE_DIR "/fuzz/corpus/certificate/crl-with-entry");
  REQUIRE(der.has_value());
  const auto list = RevocationList::parse(*der);
  REQUIRE(list.has_value());
  CHECK(list->names(test::hex("0200ff")));
  for (const std::string_view other : {"010001", "00", "0200fe", "ff", "000200ff"})
    CHECK_FALSE(list->names(test::hex(other)));
}

TEST_CASE("RsaPssParameters_OtherThanAmds_AreRefused") {
  const auto accepted = [](std::string_view digits) {
    const test::Octets der = test::hex(digits);
    DerReader in(der);
    const AlgorithmIdentifier algorithm = detail::read_algorithm(in);
    REQUIRE(in.finish().has_value());
    return is_rsa_pss_sha384(algorithm);
  };
  // id-RSASSA-PSS, [0] SHA-384 NULL, [1] MGF1 SHA-384 NULL, [2] 48: RFC 4055, "RSASSA-PSS".
  const std::string oid = "06092a864886f70d01010a";
  const std::string hash = "a00f300d06096086480165030402020500";
  const std::string mask = "a11c301a06092a864886f70d010108300d06096086480165030402020500";
  const std::string salt = "a203020130";
  CHECK(accepted("3041" + oid + "3034" + hash + mask + salt));
  CHECK(accepted("3046" + oid + "3039" + hash + mask + salt + "a303020101"));
  CHECK(accepted("303d" + oid + "3030" + "a00d300b0609608648016503040202" +
                 "a11a301806092a864886f70d010108300b0609608648016503040202" + salt));
  CHECK_FALSE(accepted("3046" + oid + "3039" + hash + mask + salt + "a303020102"));
  CHECK_FALSE(accepted("3041" + oid + "3034" + hash + mask + "a203020120"));
  CHECK_FALSE(accepted("303c" + oid + "302f" + hash + mask));  // salt of 20 by default
  CHECK_FALSE(accepted("3030" + oid + "3023" + mask + salt));  // SHA-1 by default
  CHECK_FALSE(accepted("3041" + oid + "3034" + "a00f300d06096086480165030402010500" + mask + salt));
  CHECK_FALSE(accepted("3043" + oid + "3036" + hash + mask + salt + "0500"));
  CHECK_FALSE(accepted("300d" + oid + "3000"));
  CHECK_FALSE(accepted("300b" + oid));
  CHECK_FALSE(accepted("3041" + std::string("06092a864886f70d01010b") + "3034" + hash + mask + salt));
}
