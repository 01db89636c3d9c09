// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/hcl_claims.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using test::view;

namespace {
std::optional<test::Octets> captured(const std::string& name, std::size_t size) {
  auto content = test::vector_file(name);
  if (content) *content = {content->begin() + 1236, content->begin() + static_cast<std::ptrdiff_t>(1236 + size)};
  return content;
}
std::optional<Code> outcome(const std::string& document) {
  const auto claims = RuntimeClaims::parse(view(document));
  if (claims) return std::nullopt;
  CHECK(claims.error().where <= document.size());
  return claims.error().code;
}
const std::string kData(128, 'a');
}  // namespace

TEST_CASE("Claims_AzureMilan2023_OneKeyAndNoUserData") {
  const auto text = captured("azure-milan-2023/nv-01400001.bin", 583);
  if (!text) return;
  const auto claims = RuntimeClaims::parse(*text);
  REQUIRE(claims.has_value());
  CHECK(claims->attestation_key.modulus().size() == 256);
  CHECK(test::digits(claims->attestation_key.modulus().first(6)) == "b58541a60001");
  CHECK(test::digits(claims->attestation_key.exponent()) == "010001");
  CHECK_FALSE(claims->endorsement_key.present());
  CHECK(claims->user_data_size == 0);
  CHECK_FALSE(claims->carries(UserData{}));
  CHECK(claims->vm.current_time == 1678652405);
  CHECK(claims->vm.secure_boot == true);
  CHECK(claims->vm.console_enabled == true);
  CHECK_FALSE(claims->vm.tpm_persisted.has_value());
  CHECK(*claims->vm.vm_unique_id == "BAEFD3E1-184B-4C4C-AB88-0BDAD260505F");
}

TEST_CASE("Claims_AzureMilan2024_TwoKeysAndUserData") {
  const auto text = captured("azure-milan-2024/nv-01400001.bin", 1110);
  if (!text) return;
  const auto claims = RuntimeClaims::parse(*text);
  REQUIRE(claims.has_value());
  CHECK(test::digits(claims->attestation_key.modulus().first(6)) == "a91ecba80001");
  CHECK(test::digits(claims->endorsement_key.modulus().first(6)) == "c544cb860001");
  CHECK(claims->carries(UserData{}));
  CHECK_FALSE(claims->vm.current_time.has_value());
}

TEST_CASE("Claims_Capture_EveryTruncationIsRefused") {
  const auto text = captured("azure-milan-2024/nv-01400001.bin", 1110);
  if (!text) return;
  for (std::size_t n = 0; n < text->size(); ++n)
    CHECK(!RuntimeClaims::parse(ByteView(*text).first(n)).has_value());
}

TEST_CASE("Claims_Capture_EveryBitFlipIsRefusedOrStaysWithinLimits") {
  const auto text = captured("azure-milan-2024/nv-01400001.bin", 1110);
  if (!text) return;
  test::each_bit_flipped(*text, [](const test::Octets& flipped, std::size_t) {
    const auto claims = RuntimeClaims::parse(flipped, 1236);
    if (claims) {
      CHECK(claims->user_data().size() <= 64);
    } else {
      CHECK(claims.error().where >= 1236);
      CHECK(claims.error().where <= 1236 + flipped.size());
    }
  });
}

TEST_CASE("Claims_UserData_EitherCaseAndAnyShortLength") {
  const auto data = [](const std::string& digits) {
    const std::string text = R"({"user-data":")" + digits + "\"}";
    const auto claims = RuntimeClaims::parse(view(text));
    return claims ? test::digits(claims->user_data()) : std::string(name(claims.error().code));
  };
  CHECK(data("") == "");
  CHECK(data("00FFaB") == "00ffab");
  CHECK(data(kData) == kData);
  CHECK(data(kData + "00") == "wire_overflow");
  CHECK(data("0") == "text_hex");
  CHECK(data("0x") == "text_hex");
  CHECK(data(R"(\u0061\u0062)") == "ab");
  UserData expected{};
  expected.fill(std::byte{0xAA});
  const std::string text = R"({"user-data":")" + kData + "\"}";
  CHECK(RuntimeClaims::parse(view(text))->carries(expected));
  expected[63] = std::byte{0xAB};
  CHECK_FALSE(RuntimeClaims::parse(view(text))->carries(expected));
}

TEST_CASE("Claims_UnknownMembers_AreTolerated") {
  CHECK(!outcome(R"({"x":{"keys":1},"keys":[{"kid":"Other","kty":"EC","x":1}],"vm-configuration":)"
                 R"({"new":[1],"vmgs-provisioner":{"id":"a","signer":"b"},"tpm-persisted":true},"user-data":""})"));
  CHECK(!outcome("{}"));
}

TEST_CASE("Claims_KeyOfAnotherType_IsKnownToBeThereAndNotMore") {
  const std::string text =
      R"({"keys":[{"kid":"HCLAkPub","kty":"EC","crv":"P-256","x":"AA","y":"+","n":"+"},)"
      R"({"kid":"HCLEkPub","n":"qqqq","e":"AQAB","kty":"RSA"},{"kid":"Other","kty":"RSA","n":"+"}]})";
  const auto claims = RuntimeClaims::parse(view(text));
  REQUIRE(claims.has_value());
  CHECK(claims->attestation_key.present());
  CHECK_FALSE(claims->attestation_key.is_rsa());
  CHECK(claims->attestation_key.modulus().empty());
  CHECK(claims->endorsement_key.is_rsa());
  CHECK(test::digits(claims->endorsement_key.modulus()) == "aaaaaa");
  CHECK(outcome(R"({"keys":[{"kid":"HCLAkPub","kty":"EC"},{"kid":"HCLAkPub","kty":"EC"}]})") == Code::claims_key);
}

TEST_CASE("Claims_EachDefect_IsRefused") {
  const std::string key = R"("kty":"RSA","e":"AQAB","n":"qqqq")";
  CHECK(!outcome(R"({"keys":[{"kid":"HCLAkPub",)" + key + "}]}"));
  CHECK(outcome(R"({"keys":[{"kid":"HCLAkPub",)" + key + R"(},{"kid":"HCLAkPub",)" + key + "}]}") ==
        Code::claims_key);
  CHECK(outcome(R"({"keys":[],"keys":[]})") == Code::json_duplicate);
  CHECK(outcome(R"({"user-data":"00","user\u002ddata":"01"})") == Code::json_duplicate);
  CHECK(outcome(R"({"vm-configuration":{"x":1,"x":1}})") == Code::json_duplicate);
  CHECK(outcome(R"({"keys":[{"kid":"HCLAkPub","e":"AQAB","n":"qqqq"}]})") == Code::json_missing);
  // RFC 7518, "RSA Public Key": n and e in as few octets as they need. AKqq, AAEAAQ: a zero octet before.
  CHECK(outcome(R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"AKqq"}]})") == Code::wire_value);
  CHECK(outcome(R"({"keys":[{"kid":"HCLEkPub","kty":"RSA","e":"AAEAAQ","n":"qqqq"}]})") == Code::wire_value);
  CHECK(outcome(R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB"}]})") == Code::json_missing);
  CHECK(outcome(R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","n":"qqqq"}]})") == Code::json_missing);
  CHECK(outcome(R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"q+qq"}]})") == Code::text_base64);
  CHECK(outcome(R"({"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":")" + std::string(684, 'q') + "\"}]}") ==
        Code::wire_overflow);
  CHECK(outcome(R"({"keys":{}})") == Code::json_type);
  CHECK(outcome(R"({"user-data":1})") == Code::json_type);
  CHECK(outcome(R"({"vm-configuration":{"secure-boot":"true"}})") == Code::json_type);
  CHECK(outcome(R"({"vm-configuration":{"current-time":1.5}})") == Code::json_number);
  CHECK(outcome(R"({"vm-configuration":{"current-time":9223372036854775808}})") == Code::json_number);
  CHECK(outcome("[]") == Code::json_type);
  CHECK(outcome("") == Code::json_syntax);
  CHECK(outcome("{} x") == Code::json_syntax);
}

TEST_CASE("Claims_CurrentTime_MayBeNegative") {
  for (const auto& [text, time] : {std::pair("-1", std::int64_t{-1}), {"-9223372036854775807", -INT64_MAX}, {"0", 0}}) {
    const std::string document = R"({"vm-configuration":{"current-time":)" + std::string(text) + "}}";
    const auto claims = RuntimeClaims::parse(test::view(document));
    REQUIRE(claims.has_value());
    CHECK(claims->vm.current_time == time);
  }
}

TEST_CASE("Claims_MissingMember_IsNamed") {
  for (const auto& [key, member] : {std::pair(R"("kty":"RSA","e":"AQAB")", JsonMember::n),
                                    {R"("kty":"RSA","n":"qqqq")", JsonMember::e}}) {
    const std::string document = R"({"keys":[{"kid":"HCLAkPub",)" + std::string(key) + "}]}";
    const auto claims = RuntimeClaims::parse(test::view(document));
    REQUIRE_FALSE(claims.has_value());
    CHECK(claims.error().detail == static_cast<std::uint32_t>(member));
  }
}
