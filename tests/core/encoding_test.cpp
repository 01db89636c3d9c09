// SPDX-License-Identifier: Apache-2.0
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

// RFC 4648, "Test Vectors". The RFC prints upper-case digits.
TEST_CASE("Hex_Rfc4648_Vectors") {
  for (const auto& [plain, digits] : {std::pair<std::string_view, std::string_view>{"", ""},
                                      {"f", "66"},
                                      {"fo", "666F"},
                                      {"foo", "666F6F"},
                                      {"foob", "666F6F62"},
                                      {"fooba", "666F6F6261"},
                                      {"foobar", "666F6F626172"}}) {
    std::array<std::byte, 6> out{};
    CHECK(test::text(*decode_hex(digits, out)) == plain);
    std::string lower(digits);
    for (char& c : lower)
      if (c >= 'A') c = static_cast<char>(c + 32);
    CHECK(test::digits(test::view(plain)) == lower);
  }
}

TEST_CASE("Hex_EachError_SaysWhere") {
  std::array<std::byte, 2> out{};
  CHECK(decode_hex("00g0", out).error() == Error{Code::text_hex, 3});
  CHECK(decode_hex("000g", out).error() == Error{Code::text_hex, 4});
  CHECK(decode_hex("000", out).error() == Error{Code::text_hex, 3});
  CHECK(decode_hex(PlainText("0g", 100), out).error() == Error{Code::text_hex, 102});
  CHECK(decode_hex("000000", out).error() == Error{Code::wire_overflow, 6, 3});
}

TEST_CASE("Hex_EachCharacter_IsADigitOrNot") {
  for (int c = 0; c < 256; ++c) {
    const std::string_view digits = "0123456789abcdef";
    const std::string_view upper = "0123456789ABCDEF";
    const auto character = static_cast<char>(c);
    const auto at = std::min(digits.find(character), upper.find(character));
    CHECK(hex_digit(character) == (at == std::string_view::npos ? -1 : static_cast<int>(at)));
  }
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
    ByteWriter with(text);
    encode_base64url(with, test::view(plain), Padding::padded);
    CHECK(test::text(with.written()) == padded);
    ByteWriter without(text);
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

TEST_CASE("Base64url_EachError_SaysWhere") {
  std::array<std::byte, 3> out{};
  CHECK(decode_base64url("AA+A", out).error() == Error{Code::text_base64, 3});
  CHECK(decode_base64url(PlainText("*", 100), out).error() == Error{Code::text_base64, 101});
  CHECK(decode_base64url("AAAAA", out).error() == Error{Code::text_base64, 5});
  CHECK(decode_base64url("AAAAAAAA", out).error() == Error{Code::wire_overflow, 8, 6});
  CHECK(decode_base64url("AAAAAA", out).error() == Error{Code::wire_overflow, 6, 4});
}

// RFC 4648, "Canonical Encoding": pad bits are zero. Of every two digits that end a text, those with
// other pad bits are refused, and of the others each value has one.
TEST_CASE("Base64url_PadBits_MustBeZero") {
  const std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::array<std::byte, 2> out{};
  for (std::size_t a = 0; a < 64; ++a) {
    for (std::size_t b = 0; b < 64; ++b) {
      const std::string two{alphabet[a], alphabet[b]};
      const std::string three = "A" + two;
      for (const char* const padding : {"", "="}) {
        const auto one_octet = decode_base64url(two + padding + padding, out);
        CHECK(one_octet.has_value() == (b % 16 == 0));
        if (one_octet) CHECK(std::to_integer<std::size_t>(out[0]) == (a << 2 | b >> 4));
        const auto two_octets = decode_base64url(three + padding, out);
        CHECK(two_octets.has_value() == (b % 4 == 0));
        if (two_octets) CHECK(std::to_integer<std::size_t>(out[1]) == ((a & 15) << 4 | b >> 2));
      }
    }
  }
}

TEST_CASE("SameText_Sources_OfEqualCharactersAndLength") {
  CHECK(same_text(PlainText("ab"), PlainText("ab", 7)));
  CHECK_FALSE(same_text(PlainText("ab"), PlainText("ac")));
  CHECK_FALSE(same_text(PlainText("ab"), PlainText("abc")));
  CHECK_FALSE(same_text(PlainText("abc"), PlainText("ab")));
  CHECK(same_text(PlainText(""), PlainText("")));
}

// The same at compile time: an access out of bounds would not compile.
static_assert([] {
  std::array<std::byte, 6> octets{};
  std::array<std::byte, 16> text{};
  if (!decode_base64url("Zm9vYmFy", octets)) return false;
  ByteWriter writer(text);
  encode_base64url(writer, octets, Padding::padded);
  std::array<std::byte, 6> small{};
  return writer.size() == 8 && text[7] == std::byte{'y'} && decode_hex("666F6F626172", small) &&
         small == octets && !decode_hex("666F6F62617200", small);
}());
