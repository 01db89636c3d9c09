// SPDX-License-Identifier: Apache-2.0
// Tokens that OpenSSL signs, as an attestation service does.
#include "snpnv/broker/maa.hpp"

#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>

#include <memory>

#include "snpnv/mbedtls/crypto.hpp"
#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

constexpr std::uint64_t kNow = 1'780'000'000;
using Key = std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)>;

std::string base64(std::string_view octets, bool url) {
  std::string out(octets.size() * 2 + 4, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  encode_base64url(writer, view(octets), url ? Padding::none : Padding::padded);
  out.resize(writer.size());
  if (!url)
    for (char& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
  return out;
}

// A service with one key; each part of its token may be replaced.
struct Service {
  Key key{EVP_RSA_gen(2048), EVP_PKEY_free};
  std::vector<std::byte> report_octets = std::vector<std::byte>(ATTESTATION_REPORT::kSize);
  RuntimeClaims claims;
  std::string kid = "k1";
  std::string alg = "RS256";
  std::string issuer = "https://maa.example";
  std::uint64_t nbf = kNow - 10;
  std::uint64_t exp = kNow + 3600;
  std::string type = "sevsnpvm";
  std::string compliance = "azure-compliant-cvm";
  std::string report_data;
  std::string measurement;
  std::string debuggable = "false";
  std::string vmpl = "2";
  std::string runtime_user_data = "11" + std::string(126, '0');
  std::string modulus = "k5Xb";
  std::string runtime;  // in the place of claims with these

  Service() {
    REQUIRE(key != nullptr);
    report_octets[ATTESTATION_REPORT::VERSION.offset] = std::byte{3};
    report_octets[ATTESTATION_REPORT::CPUID_FAM_ID.offset] = std::byte{0x19};
    report_octets[ATTESTATION_REPORT::REPORT_DATA.offset] = std::byte{0xD1};
    report_octets[ATTESTATION_REPORT::MEASUREMENT.offset] = std::byte{0xA1};
    report_octets[ATTESTATION_REPORT::VMPL.offset] = std::byte{2};
    REQUIRE(claims.read(view(runtime_claims())).has_value());
    report_data = digits(report()[ATTESTATION_REPORT::REPORT_DATA]);
    measurement = digits(report()[ATTESTATION_REPORT::MEASUREMENT]);
  }
  [[nodiscard]] std::string runtime_claims() const {
    if (!runtime.empty()) return runtime;
    return R"({"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":")" + modulus +
           R"("}],"user-data":")" + runtime_user_data + "\"}";
  }
  [[nodiscard]] ATTESTATION_REPORT report() const {
    const auto parsed = ATTESTATION_REPORT::parse(report_octets);
    REQUIRE(parsed.has_value());
    return *parsed;
  }
  [[nodiscard]] std::string certificate() const {
    const std::unique_ptr<X509, decltype(&X509_free)> made(X509_new(), X509_free);
    X509_set_version(made.get(), 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made.get()), 1);
    X509_gmtime_adj(X509_getm_notBefore(made.get()), 0);
    X509_gmtime_adj(X509_getm_notAfter(made.get()), 3600);
    const std::string name = "Attestation";
    X509_NAME_add_entry_by_txt(X509_get_subject_name(made.get()), "CN", MBSTRING_ASC,
                               static_cast<const unsigned char*>(static_cast<const void*>(name.data())), -1, -1, 0);
    X509_set_issuer_name(made.get(), X509_get_subject_name(made.get()));
    X509_set_pubkey(made.get(), key.get());
    REQUIRE(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
    std::string der(4096, '\0');
    auto* at = static_cast<unsigned char*>(static_cast<void*>(der.data()));
    der.resize(static_cast<std::size_t>(i2d_X509(made.get(), &at)));
    return der;
  }
  [[nodiscard]] std::string keys() const {
    return R"({"keys":[{"kty":"RSA","kid":"k0","x5c":["AAAA"]},{"kid":"k1","kty":"RSA","x5c":[")" +
           base64(certificate(), false) + R"(","BBBB"]}]})";
  }
  [[nodiscard]] std::string token() const {
    const std::string head = base64(R"({"alg":")" + alg + R"(","kid":")" + kid + R"(","typ":"JWT"})", true);
    const std::string payload = base64(
        R"({"iss":")" + issuer + R"(","nbf":)" + std::to_string(nbf) + R"(,"exp":)" + std::to_string(exp) +
            R"(,"x-ms-attestation-type":")" + type + R"(","x-ms-compliance-status":")" + compliance +
            R"(","x-ms-sevsnpvm-reportdata":")" + report_data + R"(","x-ms-sevsnpvm-launchmeasurement":")" + measurement +
            R"(","x-ms-sevsnpvm-is-debuggable":)" + debuggable + R"(,"x-ms-sevsnpvm-vmpl":)" + vmpl +
            R"(,"x-ms-runtime": )" + runtime_claims() + "}",
        true);
    const std::string both = head + "." + payload;
    const std::unique_ptr<EVP_MD_CTX, decltype(&EVP_MD_CTX_free)> context(EVP_MD_CTX_new(), EVP_MD_CTX_free);
    std::string signature(256, '\0');
    std::size_t size = signature.size();
    auto* const raw = static_cast<unsigned char*>(static_cast<void*>(signature.data()));
    REQUIRE(EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) == 1);
    REQUIRE(EVP_DigestSign(context.get(), raw, &size,
                           static_cast<const unsigned char*>(static_cast<const void*>(both.data())), both.size()) == 1);
    return both + "." + base64(signature, true);
  }
};

Result<void> verify(const Service& sent, const std::string& token, const std::string& keys, std::uint64_t now = kNow) {
  static std::array<std::byte, 1 << 16> room;
  MbedCrypto crypto;
  const ATTESTATION_REPORT report = sent.report();
  return verify_maa_token(crypto, token, view(keys), {"https://maa.example", report, sent.claims}, now, room);
}
std::string said(const Result<void>& result) {
  if (result) return "good";
  if (result.error().code == Code::token_claim) return std::string(name(static_cast<MaaClaim>(result.error().detail)));
  return std::string(name(result.error().code));
}

}  // namespace

TEST_CASE("MaaToken_OfTheProvider_IsGood") {
  const Service service;
  CHECK(said(verify(service, service.token(), service.keys())) == "good");
}

TEST_CASE("MaaToken_AnythingElse_IsRefusedByItsName") {
  const Service service;
  const std::string keys = service.keys();
  const auto altered = [&](auto change) {
    Service other;
    other.key.reset(service.key.get());
    EVP_PKEY_up_ref(service.key.get());
    change(other);
    return said(verify(service, other.token(), keys));
  };
  CHECK(altered([](Service&) {}) == "good");
  CHECK(altered([](Service& s) { s.kid = "k2"; }) == "token_key");
  CHECK(altered([](Service& s) { s.kid = "k0"; }) != "good");  // another's certificate
  CHECK(altered([](Service& s) { s.alg = "none"; }) == "jwe_algorithm");
  CHECK(altered([](Service& s) { s.alg = "HS256"; }) == "jwe_algorithm");
  CHECK(altered([](Service& s) { s.alg = R"(RS256","crit":["exp"],"x":")"; }) == "json_unknown");
  CHECK(altered([](Service& s) { s.alg = R"(RS256","x":")"; }) == "good");
  CHECK(altered([](Service& s) { s.issuer = "https://other.example"; }) == "iss");
  CHECK(altered([](Service& s) { s.nbf = kNow + 301; }) == "nbf");
  CHECK(altered([](Service& s) { s.exp = kNow - 300; }) == "exp");
  CHECK(altered([](Service& s) { s.type = "tpm"; }) == "x-ms-attestation-type");
  CHECK(altered([](Service& s) { s.compliance = "azure-signed-uvm"; }) == "x-ms-compliance-status");
  CHECK(altered([](Service& s) { s.debuggable = "true"; }) == "x-ms-sevsnpvm-is-debuggable");
  CHECK(altered([](Service& s) { s.vmpl = "0"; }) == "x-ms-sevsnpvm-vmpl");
  CHECK(altered([](Service& s) { s.modulus = "k5Xc"; }) == "x-ms-runtime.keys");
  CHECK(altered([](Service& s) { s.runtime = "{}"; }) == "x-ms-runtime.user-data");
  CHECK(altered([](Service& s) { s.runtime = R"({"user-data":")" + s.runtime_user_data + "\"}"; }) == "x-ms-runtime.keys");
  CHECK(altered([](Service& s) { s.report_data[0] = '0'; }) == "x-ms-sevsnpvm-reportdata");
  CHECK(altered([](Service& s) { s.measurement[0] = '0'; }) == "x-ms-sevsnpvm-launchmeasurement");
  CHECK(altered([](Service& s) { s.runtime_user_data[0] = '0'; }) == "x-ms-runtime.user-data");
  CHECK(altered([](Service& s) { s.measurement += "00"; }) == "wire_overflow");
  CHECK(altered([](Service& s) { s.measurement.resize(94); }) == "text_length");
}

TEST_CASE("MaaToken_SignedByAnother_IsRefused") {
  const Service service;
  const Service stranger;
  CHECK(said(verify(service, stranger.token(), service.keys())) == "crypto_signature");
  std::string token = service.token();
  token[token.find('.') + 5] ^= 1;
  CHECK(said(verify(service, token, service.keys())) != "good");
  CHECK(said(verify(service, service.token() + ".x", service.keys())) == "wire_value");
  CHECK(said(verify(service, "a", service.keys())) == "wire_value");
  CHECK(said(verify(service, service.token(), "{}")) == "token_key");
  CHECK(said(verify(service, service.token(), R"({"keys":[{"kid":"k1"}]})")) == "token_key");
}

TEST_CASE("MaaClaims_Absent_AreNamed") {
  const std::string whole = R"({"iss":"i","nbf":1,"exp":2,"x-ms-attestation-type":"t","x-ms-compliance-status":"c",)"
                            R"("x-ms-sevsnpvm-is-debuggable":false,"x-ms-sevsnpvm-vmpl":0,"x-ms-sevsnpvm-reportdata":")" +
                            std::string(128, '0') + R"(","x-ms-sevsnpvm-launchmeasurement":")" + std::string(96, '0') +
                            R"(","x-ms-runtime":{}})";
  CHECK(MaaClaims::parse(view(whole)).has_value());
#define SNPNV_X(member, text)                                                              \
  if (MaaClaim::member < MaaClaim::user_data) {                                                                                        \
    std::string without = whole;                                                           \
    without[without.find("\"" text "\"") + 1] = '?';                                       \
    const auto claims = MaaClaims::parse(view(without));                                   \
    REQUIRE_FALSE(claims.has_value());                                                     \
    CHECK(claims.error().code == Code::token_claim);                                       \
    CHECK(name(static_cast<MaaClaim>(claims.error().detail)) == text);                     \
  }
  SNPNV_MAA_CLAIMS(SNPNV_X)
#undef SNPNV_X
}
