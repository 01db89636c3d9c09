#include "snpnv/core/json.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using test::view;

namespace {
// The outcome of passing over a whole document: nothing, or the error's code.
std::optional<Code> outcome(std::string_view document) {
  JsonReader json(view(document));
  json.skip();
  const auto result = json.finish(true);
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
        "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\x7f\"", "\"\xf4\x8f\xbf\xbf\"", "\"\xed\x9f\xbf\"", R"("\u0000")"}) {
    CAPTURE(document);
    CHECK(!outcome(document));
  }
}

TEST_CASE("Json_BadSyntax_IsRefused") {
  for (const std::string_view document :
       {"", " ", "{", "}", "[", "]", "{]", "[}", "[1,]", "[,1]", "[1 2]", R"({"a"})", R"({"a":})", R"({"a":1,})",
        R"({,"a":1})", R"({a:1})", R"({"a":1 "b":2})", "{'a':1}", "01", "-01", "1.", ".5", "1e", "1e+", "-", "+1",
        "0x1", "Infinity", "NaN", "tru", "nul", "truex", "nulll", "1 1", "{} {}", "\"", "\"a", "\"\\\"", R"("\x")",
        R"("\u12")", R"("\u123g")", "\"\n\"", "\"\t\"", "\xef\xbb\xbf{}", "// x\n1", "[1]]", "{\"a\":1}}"}) {
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
        R"("\udc00")", R"("\ud800\ud800")", R"("\ud800x")", R"("\ud800\n")", "{\"\xff\":1}"}) {
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

TEST_CASE("Json_UnreadDocument_IsNoSuccess") {
  JsonReader json(view(R"({"a":1})"));
  json.enter_object();
  CHECK(json.finish(0).error().code == Code::json_syntax);
}

TEST_CASE("Json_EveryTruncation_IsRefused") {
  const std::string document = R"({"a":[1,"\u0041",{"b":null}],"c":true})";
  REQUIRE(!outcome(document));
  for (std::size_t n = 0; n < document.size(); ++n) CHECK(outcome(document.substr(0, n)));
}

TEST_CASE("JsonWriter_Document_IsReadBack") {
  std::array<std::byte, 256> room{};
  Writer writer(room);
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
