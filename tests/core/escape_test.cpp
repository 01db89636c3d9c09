// SPDX-License-Identifier: Apache-2.0
#include "snpnv/core/escape.hpp"

#include "snpnv/core/json_reader.hpp"
#include "tests/test.hpp"

using namespace snpnv;

namespace {

std::string escaped(std::string_view text, Escape form) {
  std::string room(6 * text.size(), '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(room)));
  escape(writer, text, form);
  REQUIRE(writer.ok());
  return std::string(test::text(writer.written()));
}

// What a reader of JSON makes of the string, and then what the private characters stand for.
std::string read_back(const std::string& in_quotes) {
  const std::string document = "\"" + in_quotes + "\"";
  JsonReader json(test::view(document));
  const JsonString text = json.string();
  REQUIRE(json.finish());
  std::string decoded;
  auto source = text.source();
  for (char c = 0; source.next(c);) decoded += c;
  std::string out;
  for (std::string_view rest = decoded; !rest.empty();) {
    const Utf8 c = utf8_front(rest);
    if (c.point >= 0xEF80 && c.point <= 0xEFFF) {
      out += static_cast<char>(c.point & 0xFF);
    } else {
      out += rest.substr(0, c.size);
    }
    rest.remove_prefix(c.size);
  }
  return out;
}

}  // namespace

TEST_CASE("Escape_Text_IsPrintableAsciiAndTellsWhatWasThere") {
  struct Case {
    std::string_view text;
    std::string_view plain;
    std::string_view json;
  };
  using namespace std::string_view_literals;
  for (const Case& c : {
           Case{"a b~\"c\"", "a b~\"c\"", R"(a b~\"c\")"},
           Case{"\\x41", R"(\\x41)", R"(\\x41)"},
           Case{"\0\n\x1b[2J\x7f"sv, R"(\u0000\u000a\u001b[2J\u007f)", R"(\u0000\u000a\u001b[2J\u007f)"},
           Case{"\xc2\x9b", R"(\u009b)", R"(\u009b)"},                  // CSI of C1
           Case{"\xc2\x85", R"(\u0085)", R"(\u0085)"},                  // NEL
           Case{"\xe2\x80\xae", R"(\u202e)", R"(\u202e)"},              // right-to-left override
           Case{"\xe2\x80\xa8", R"(\u2028)", R"(\u2028)"},              // line separator
           Case{"\xc3\xa4", R"(\u00e4)", R"(\u00e4)"},
           Case{"\xf0\x9f\x98\x80", R"(\ud83d\ude00)", R"(\ud83d\ude00)"},  // RFC 8259, section 7, has such a pair
           Case{"\xf4\x8f\xbf\xbf", R"(\udbff\udfff)", R"(\udbff\udfff)"},
           Case{"\x9b", R"(\x9b)", R"(\uef9b)"},                        // an octet alone
           Case{"\xc0\xaf", R"(\xc0\xaf)", R"(\uefc0\uefaf)"},          // overlong
           Case{"\xed\xa0\x80", R"(\xed\xa0\x80)", R"(\uefed\uefa0\uef80)"},  // half a pair
           Case{"\xe2\x80", R"(\xe2\x80)", R"(\uefe2\uef80)"},          // cut short
           Case{"\xf4\x90\x80\x80", R"(\xf4\x90\x80\x80)", R"(\ueff4\uef90\uef80\uef80)"},
           Case{"\xee\xbe\x80", R"(\uef80)", R"(\uefee\uefbe\uef80)"},  // U+EF80 itself
       }) {
    CHECK_MESSAGE(escaped(c.text, Escape::plain) == c.plain, c.plain);
    CHECK_MESSAGE(escaped(c.text, Escape::json) == c.json, c.json);
  }
}

TEST_CASE("Escape_EveryPairOfOctets_IsReadBackFromJson") {
  for (int a = 0; a < 256; ++a) {
    for (int b = 0; b < 256; ++b) {
      const std::string text{static_cast<char>(a), static_cast<char>(b), '.'};
      const std::string in_quotes = escaped(text, Escape::json);
      CHECK(std::ranges::all_of(in_quotes, [](char c) { return c >= ' ' && c <= '~'; }));
      CHECK(read_back(in_quotes) == text);
    }
  }
}

static_assert([] {
  std::array<std::byte, 12> room{};
  ByteWriter writer(room);
  escape(writer, "\xff\n", Escape::json);
  return writer.size() == 12;
}());
