// SPDX-License-Identifier: Apache-2.0
#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/json_writer.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using test::view;

namespace {
// The outcome of passing over a whole document: nothing, or the error's code.
std::optional<Code> outcome(std::string_view document) {
  JsonReader json(view(document));
  json.skip();
  const auto result = json.finish();
  if (result) return std::nullopt;
  CHECK(result.error().where <= document.size());
  return result.error().code;
}
std::string repeat(std::string_view text, std::size_t n) {
  std::string out;
  while (n-- > 0) out += text;
  return out;
}
std::string members(std::size_t n) {
  std::string out = "{";
  for (std::size_t i = 0; i < n; ++i) out += (i ? ",\"" : "\"") + std::to_string(i) + "\":0";
  return out + "}";
}
}  // namespace

TEST_CASE("Json_ValidDocuments_AreAccepted") {
  for (const std::string_view document :
       {"{}", "[]", "null", "true", "false", "0", "-0", "-1.5e+10", "1E5", "0.0", "\"\"", " \t\r\n[ 1 , 2 ] ",
        R"({"a":{"a":{"a":[]}},"b":[{"a":1},{"a":1}]})", R"("\"\\\/\b\f\n\r\t\u0041")", R"("\ud83d\ude00")",
        "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xed\x9f\xbf\"", R"("\u0000")",
        // The first and last characters of each length and beside the surrogates.
        "\"\xc2\x80\xdf\xbf\"", "\"\xe0\xa0\x80\xef\xbf\xbf\"", "\"\xee\x80\x80\"", "\"\xf0\x90\x80\x80\"",
        R"("\ud800\udc00\udbff\udfff")", R"("\ud7ff\ue000\uFFFF")", "\"\x7f\"", "-0.0e-0", "123456789012345678901234567890",
        "[[],[[]],{}]", "{\"\":\"\"}", "\"\xef\xbb\xbf\""}) {
    CAPTURE(document);
    CHECK(!outcome(document));
  }
}

TEST_CASE("Json_BadSyntax_IsRefused") {
  for (const std::string_view document :
       {"", " ", "{", "}", "[", "]", "{]", "[}", "[1,]", "[,1]", "[1 2]", R"({"a"})", R"({"a":})", R"({"a":1,})",
        R"({,"a":1})", R"({a:1})", R"({"a":1 "b":2})", "{'a':1}", "01", "-01", "1.", ".5", "1e", "1e+", "-", "+1",
        "0x1", "Infinity", "NaN", "tru", "nul", "truex", "nulll", "1 1", "{} {}", "\"", "\"a", "\"\\\"", R"("\x")",
        R"("\u12")", R"("\u123g")", "\"\n\"", "\"\t\"", "\xef\xbb\xbf{}", "// x\n1", "[1]]", "{\"a\":1}}",
        "[1,,2]", "[1:2]", R"(["a":1])", R"({"a","b"})", R"({"a":1:2})", R"({1:1})", R"({null:1})", R"({"a"x:1})",
        "[1/**/]", "/*x*/1", "#\n1", "[1\f]", "[\v1]", "\xc2\xa0" "1", "\xe2\x80\xa8" "1", "True", "TRUE", "nULL",
        "undefined", "-Infinity", "-NaN", "- 1", "--1", "+0", "1.e1", "0.e1", "0e", "0e+", "1eE2", "1e1.0", "1.2.3",
        "1_000", "0b1", "0o7", "00", "-00", "1a", "0x", "1+2", "\xef\xbc\x91", "\"a\"b", "\"\\a\"", "\"\\0\"",
        "\"\\v\"", "\"\\'\"", R"("\U0041")", R"("\u")", R"("\u 041")", R"("\u+041")", "\"\\", "\"\\u004",
        "\"\x1f\"", "\"\r\"", "[\"a", "{\"a\":\"b", "{\"a\":", "[1,", "[[]", "{\"a\":[1}", "\xff\xfe[\0"}) {
    CAPTURE(document);
    CHECK(outcome(document) == Code::json_syntax);
  }
  CHECK(outcome(std::string_view("\"\0\"", 3)) == Code::json_syntax);
  CHECK(outcome(std::string_view("1\0", 2)) == Code::json_syntax);
}

TEST_CASE("Json_BadUtf8_IsRefused") {
  for (const std::string_view document :
       {"\"\x80\"", "\"\xbf\"", "\"\xc0\x80\"", "\"\xc1\xbf\"", "\"\xc3\"", "\"\xc3(\"", "\"\xe0\x80\x80\"",
        "\"\xe0\x9f\xbf\"", "\"\xe2\x82\"", "\"\xed\xa0\x80\"", "\"\xed\xbf\xbf\"", "\"\xf0\x80\x80\x80\"",
        "\"\xf0\x8f\xbf\xbf\"", "\"\xf4\x90\x80\x80\"", "\"\xf5\x80\x80\x80\"", "\"\xff\"", R"("\ud800")",
        R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")", R"("\ud800\n")", "{\"\xff\":1}",
        R"("\udfff")", R"("\udbff")", R"("\udc00\ud800")", R"("\ud83d\ud83d\ude00")", R"("\ud83d\u0041")", R"("\ud83d\ue000")",
        "\"\xf8\x88\x80\x80\x80\"", "\"\xfe\"", "\"\xc2\"", "\"\xf0\x9f\x98\"", "\"\xf1\x80\x80(\"",
        "\"\xe1\x80\xc0\"", "\"\xc2\xc2\x80\"", "\"\xee\x80\""}) {
    CAPTURE(document);
    CHECK(outcome(document) == Code::json_utf8);
  }
}

TEST_CASE("Json_RepeatedNames_AreRefusedAnywhere") {
  for (const std::string_view document :
       {R"({"a":1,"a":2})", R"({"a":1,"b":2,"a":1})", R"([{"x":{"a":1,"a":1}}])", R"({"a":1,"\u0061":2})",
        R"({"\u00e4":1,"ä":2})", R"({"":1,"":2})", R"({"\ud83d\ude00":1,"😀":1})", R"({"b":{"c":1},"b":0})"}) {
    CAPTURE(document);
    CHECK(outcome(document) == Code::json_duplicate);
  }
  CHECK(!outcome(R"({"a":1,"A":1,"ab":1,"a ":1,"b":{"a":1}})"));
  JsonReader json(view(R"({"a":1,"b":2,"a":3})"));
  json.skip();
  CHECK(json.finish(0).error() == Error{Code::json_duplicate, 13});
}

TEST_CASE("Json_Limits_AreExact") {
  CHECK(!outcome(repeat("[", 16) + repeat("]", 16)));
  CHECK(outcome(repeat("[", 17) + repeat("]", 17)) == Code::json_depth);
  CHECK(!outcome(members(256)));
  CHECK(outcome(members(257)) == Code::json_members);
  // Names of objects that are closed count no more.
  CHECK(!outcome("[" + members(256) + "," + members(256) + "]"));
  CHECK(outcome(R"({"x":)" + members(256) + "}") == Code::json_members);
}

TEST_CASE("Json_UnsignedInteger_IsExact") {
  const auto read = [](std::string_view document) {
    JsonReader json(view(document));
    const auto value = json.unsigned_integer();
    return json.finish(value);
  };
  CHECK(*read("0") == 0);
  CHECK(*read("18446744073709551615") == 18446744073709551615U);
  for (const std::string_view document : {"18446744073709551616", "99999999999999999999", "-1", "1.0", "1e0"}) {
    CAPTURE(document);
    CHECK(read(document).error().code == Code::json_number);
  }
  CHECK(read("\"1\"").error().code == Code::json_type);
}

TEST_CASE("Json_WrongType_IsRefused") {
  JsonReader a(view("[]"));
  (void)a.string();
  CHECK(a.finish(0).error().code == Code::json_type);
  JsonReader b(view("1"));
  (void)b.boolean();
  CHECK(b.finish(0).error().code == Code::json_type);
  JsonReader c(view("\"\""));
  c.enter_object();
  CHECK(c.finish(0).error().code == Code::json_type);
}

TEST_CASE("Json_Strings_DecodeAndCompare") {
  JsonReader json(view(R"(["a\u00e4\ud83d\ude00\n","x"])"));
  json.enter_array();
  REQUIRE(json.next_element());
  const JsonString s = json.string();
  CHECK(s == "aä😀\n");
  CHECK_FALSE(s == "aä😀");
  CHECK_FALSE(s == "aä😀\n ");
  std::array<std::byte, 16> room{};
  CHECK(test::text(*s.copy(room)) == "aä😀\n");
  std::array<std::byte, 7> small{};
  CHECK(s.copy(small).error().code == Code::wire_overflow);
  REQUIRE(json.next_element());
  CHECK(json.string() == "x");
  CHECK_FALSE(json.next_element());
  CHECK(json.finish(1) == 1);
}

// Where an error points: at the octet that cannot stand there, in the outermost document.
TEST_CASE("Json_EachError_SaysWhere") {
  struct Case {
    std::string_view document;
    Error error;
  };
  for (const Case& c : {Case{"[1,]", {Code::json_syntax, 103}}, Case{"  x", {Code::json_syntax, 102}},
                        Case{"[1 2]", {Code::json_syntax, 103}}, Case{"1 1", {Code::json_syntax, 102}},
                        Case{"", {Code::json_syntax, 100}}, Case{"\"a\nb\"", {Code::json_syntax, 102}},
                        Case{"\"a\xff\"", {Code::json_utf8, 102}}, Case{R"("a\ud800")", {Code::json_utf8, 102}},
                        Case{R"({"a":0, "a":0})", {Code::json_duplicate, 108}},
                        Case{"[[[[[[[[[[[[[[[[ [", {Code::json_depth, 117, 16}}}) {
    CAPTURE(c.document);
    JsonReader json(view(c.document), 100);
    json.skip();
    CHECK(json.finish().error() == c.error);
  }
  const std::string many = members(257);
  JsonReader json(view(many));
  json.skip();
  const Error error = json.finish().error();
  CHECK(error.detail == 256);
  CHECK(many.substr(error.where, 5) == "\"256\"");
  for (const std::string_view document : {"  -1", "  18446744073709551616"}) {
    JsonReader number(view(document));
    (void)number.unsigned_integer();
    CHECK(number.finish().error() == Error{Code::json_number, 2});
  }
  JsonReader type(view("  []"));
  (void)type.unsigned_integer();
  CHECK(type.finish().error() == Error{Code::json_type, 2});
}

TEST_CASE("Json_FirstError_Stays") {
  JsonReader json(view("[1,x"));
  json.skip();
  json.fail(Code::json_missing);
  json.fail_at(Code::json_missing, 0);
  json.fail(Error{Code::json_missing});
  json.enter_object();
  JsonString name;
  CHECK_FALSE(json.next_member(name));
  CHECK_FALSE(json.next_element());
  CHECK_FALSE(json.boolean());
  CHECK(json.unsigned_integer() == 0);
  CHECK(json.string().raw.empty());
  CHECK(json.peek() == JsonKind::none);
  CHECK(json.error() == Error{Code::json_syntax, 3});
}

TEST_CASE("Json_ContainerOfTheOtherKind_IsRefused") {
  JsonReader array(view("[1]"));
  array.enter_array();
  JsonString name;
  CHECK_FALSE(array.next_member(name));
  CHECK(array.finish(0).error().code == Code::json_syntax);
  JsonReader object(view(R"({"a":1})"));
  object.enter_object();
  CHECK_FALSE(object.next_element());
  CHECK(object.finish(0).error().code == Code::json_syntax);
  JsonReader none(view("1"));
  CHECK_FALSE(none.next_element());
  CHECK(none.finish(0).error().code == Code::json_syntax);
}

TEST_CASE("Json_ValueNotRead_IsRefused") {
  JsonReader json(view(R"({"a":1,"b":2})"));
  json.enter_object();
  JsonString name;
  CHECK(json.next_member(name));
  CHECK_FALSE(json.next_member(name));
  CHECK(json.finish(0).error() == Error{Code::json_syntax, 5});
}

TEST_CASE("Json_DuplicateInASkippedValue_IsRefused") {
  JsonReader json(view(R"({"x":[{"y":{"a":1,"\u0061":2}}],"z":0})"));
  json.enter_object();
  JsonString name;
  REQUIRE(json.next_member(name));
  json.skip();
  CHECK_FALSE(json.next_member(name));
  CHECK(json.finish(0).error() == Error{Code::json_duplicate, 18});
}

TEST_CASE("Json_TooLarge_IsRefused") {
  // Only the size is looked at, so the octets behind the first need not exist.
  const std::byte one{'1'};
  JsonReader json(ByteView(&one, kMaxInput + 1));
  json.skip();
  CHECK(json.finish(0).error().code == Code::wire_too_large);
}

TEST_CASE("Json_EveryBitFlip_EndsInsideTheDocument") {
  const std::string document = R"({"a":[1.5e3,"\u0041\ud83d\ude00ä",{"b":null}],"c":true})";
  const ByteView octets = view(document);
  test::each_bit_flipped({octets.begin(), octets.end()},
                         [](const test::Octets& flipped, std::size_t) { (void)outcome(test::text(flipped)); });
}

TEST_CASE("Json_UnreadDocument_IsNoSuccess") {
  JsonReader json(view(R"({"a":1})"));
  json.enter_object();
  CHECK(json.finish(0).error().code == Code::json_syntax);
  JsonReader open(view("[1"));
  open.enter_array();
  CHECK(open.next_element());
  open.skip();
  CHECK(open.finish(0).error().code == Code::json_syntax);
}

TEST_CASE("Json_EveryTruncation_IsRefused") {
  const std::string document = R"({"a":[1,"\u0041",{"b":null}],"c":true})";
  REQUIRE(!outcome(document));
  for (std::size_t n = 0; n < document.size(); ++n) CHECK(outcome(document.substr(0, n)));
}

TEST_CASE("JsonWriter_Document_IsReadBack") {
  std::array<std::byte, 256> room{};
  ByteWriter writer(room);
  JsonWriter json(writer);
  json.begin_object();
  json.key("text");
  json.string("a\"\\\n\x01");
  json.key("list");
  json.begin_array();
  json.number(0);
  json.number(18446744073709551615U);
  json.boolean(true);
  json.null();
  json.end_array();
  json.key("octets");
  json.hex(test::hex("00ff"));
  json.end_object();
  CHECK(test::text(*writer.finish()) ==
        R"({"text":"a\"\\\u000a\u0001","list":[0,18446744073709551615,true,null],"octets":"00ff"})");
  CHECK(!outcome(test::text(*writer.finish())));
}

TEST_CASE("JsonWriter_EmptyContainersAndBase64url_AreSeparated") {
  std::array<std::byte, 128> room{};
  ByteWriter writer(room);
  JsonWriter json(writer);
  json.begin_array();
  json.begin_object();
  json.end_object();
  json.begin_array();
  json.end_array();
  json.base64url(test::hex("00ff"), Padding::padded);
  json.base64url(test::hex("00ff"), Padding::none);
  json.boolean(false);
  json.string("ä/");
  json.end_array();
  CHECK(test::text(*writer.finish()) == R"([{},[],"AP8=","AP8",false,"\u00e4/"])");
}

TEST_CASE("JsonWriter_TooSmallABuffer_IsAnError") {
  for (std::size_t size = 0; size < 9; ++size) {
    std::array<std::byte, 9> room{};
    ByteWriter writer(MutBytes(room).first(size));
    JsonWriter json(writer);
    json.begin_object();
    json.key("a");
    json.number(123);
    json.end_object();
    CHECK(writer.finish().error().code == Code::wire_overflow);
  }
}

// The same at compile time: an access out of bounds would not compile.
static_assert([] {
  constexpr std::string_view text = R"({"a\u0062":[1,true,null,"\ud83d\ude00"],"c":18446744073709551615})";
  std::array<std::byte, text.size()> octets{};
  ByteWriter(octets).text(text);
  for (std::size_t n = 0; n <= octets.size(); ++n) {
    JsonReader json(ByteView(octets).first(n));
    json.enter_object();
    JsonString name;
    if (json.next_member(name) && name == "ab") json.skip();
    const bool more = json.next_member(name);
    const std::uint64_t number = more ? json.unsigned_integer() : 0;
    const bool last = more && !json.next_member(name);
    if (json.finish().has_value() != (n == octets.size())) return false;
    if (n == octets.size() && (number != ~std::uint64_t{0} || !last)) return false;
  }
  return true;
}());
