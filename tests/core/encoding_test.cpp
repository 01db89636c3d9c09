#include "snpnv/core/encoding.hpp"

#include "tests/test.hpp"

using namespace snpnv;

TEST_CASE("Hex_BothCases_Decode") {
  std::array<std::byte, 8> out{};
  CHECK(test::digits(*decode_hex("00ffAaBb", out)) == "00ffaabb");
  CHECK(decode_hex("", out)->empty());
}

TEST_CASE("Hex_Damage_IsRefused") {
  std::array<std::byte, 2> out{};
  for (const std::string_view text : {"0", "000", "0g", "g0", " 00", "00 ", "0x00", "-1", "\xc3\xa4"}) {
    CAPTURE(text);
    CHECK(decode_hex(text, out).error().code == Code::text_hex);
  }
  CHECK(decode_hex("000000", out).error().code == Code::wire_overflow);
}

// RFC 4648, "Test Vectors".
TEST_CASE("Base64url_Rfc4648_Vectors") {
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"", ""},           {"f", "Zg=="},         {"fo", "Zm8="},          {"foo", "Zm9v"},
      {"foob", "Zm9vYg=="}, {"fooba", "Zm9vYmE="}, {"foobar", "Zm9vYmFy"},
  };
  for (const auto& [plain, padded] : cases) {
    CAPTURE(plain);
    std::array<std::byte, 16> out{};
    CHECK(test::text(*decode_base64url(padded, out)) == plain);
    const std::string_view bare = padded.substr(0, padded.find('='));
    CHECK(test::text(*decode_base64url(bare, out)) == plain);
    std::array<std::byte, 16> text{};
    Writer with(text);
    encode_base64url(with, test::view(plain), Padding::padded);
    CHECK(test::text(with.written()) == padded);
    Writer without(text);
    encode_base64url(without, test::view(plain), Padding::none);
    CHECK(test::text(without.written()) == bare);
  }
}

TEST_CASE("Base64url_Alphabet_IsUrlSafe") {
  std::array<std::byte, 3> out{};
  CHECK(test::digits(*decode_base64url("-_-_", out)) == "fbffbf");
  CHECK(decode_base64url("+/+/", out).error().code == Code::text_base64);
}

TEST_CASE("Base64url_Damage_IsRefused") {
  std::array<std::byte, 16> out{};
  for (const std::string_view text :
       {"A", "AAAAA", "=", "A=", "AA=", "AA===", "AAA==", "AAAA=", "AA==A", "AAA=A", "A A=", "AA\n==", "Zh==",
        "Zm9=", "Zh", "Zm9"}) {
    CAPTURE(text);
    CHECK(decode_base64url(text, out).error().code == Code::text_base64);
  }
  std::array<std::byte, 2> small{};
  CHECK(decode_base64url("Zm9v", small).error().code == Code::wire_overflow);
  CHECK(decode_base64url("Zm9vYg", small).error().code == Code::wire_overflow);
}
