// SPDX-License-Identifier: Apache-2.0
#include "snpnv/fetch/http.hpp"

#include "tests/fetch/recorded_stream.hpp"
#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

std::array<std::byte, kHttpRoom> room;

Result<HttpHead> head_of(std::string_view text) { return parse_http_head(view(text)); }
Code head_error(std::string_view text) {
  const auto head = head_of(text);
  REQUIRE_FALSE(head.has_value());
  return head.error().code;
}

struct Got {
  std::optional<Error> error;
  unsigned status = 0;
  std::string body;
};
Got get(const std::string& response, std::size_t piece = 4096, Result<std::size_t> end = std::size_t{0}) {
  RecordedStream stream(response, piece, end);
  const auto got = http_exchange(stream, {"kds.example", "/path"}, room);
  if (!got) return {got.error(), 0, {}};
  return {std::nullopt, got->head.status, std::string(text(got->body))};
}

const std::string kSized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
// RFC 9112, "Chunked Transfer Coding": sizes in hexadecimal digits, extensions, trailers.
const std::string kChunked =
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    "4\r\nWiki\r\n6;name=value\r\npedia \r\n0E\r\nin \r\n\r\nchunks.\r\n0\r\nExpires: never\r\n\r\n";
const std::string kChunkedBody = "Wikipedia in \r\n\r\nchunks.";

}  // namespace

TEST_CASE("Head_Fields_AreReadWhateverTheirCase") {
  const auto head = head_of(
      "HTTP/1.1 429 Too Many Requests\r\nCONTENT-length:  12 \r\nretry-after: 10\r\nLocation: /x\r\nX: \r\n\r\n");
  REQUIRE(head.has_value());
  CHECK(head->status == 429);
  CHECK(head->content_length == 12);
  CHECK(head->retry_after == 10000);
  CHECK(head->location == "/x");
  CHECK_FALSE(head->chunked);
}

TEST_CASE("Head_RetryAfterAsDate_IsNone") {
  const auto head = head_of("HTTP/1.1 503 X\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n\r\n");
  REQUIRE(head.has_value());
  CHECK_FALSE(head->retry_after.has_value());
}

TEST_CASE("Head_StatusLine_IsStrict") {
  for (const char* line : {"HTTP/1.1 200 OK", "HTTP/1.0 200 OK", "HTTP/1.1 200 ", "HTTP/1.1 200"})
    CHECK(head_of(std::string(line) + "\r\n\r\n").has_value());
  for (const char* line : {"", "HTTP/1.1", "HTTP/2.0 200 OK", "HTTP/1.1  200 OK", "HTTP/1.1 20 OK", "HTTP/1.1 2000 OK",
                           "HTTP/1.1 099 X", "HTTP/1.x 200 OK", "http/1.1 200 OK", "ICY 200 OK", "HTTP/1.1 2a0 OK"})
    CHECK_MESSAGE(head_error(std::string(line) + "\r\n\r\n") == Code::http_syntax, line);
}

TEST_CASE("Head_MalformedFields_AreErrors") {
  const std::string ok = "HTTP/1.1 200 OK\r\n";
  for (const char* field :
       {"no colon", ": no name", "two words: x", " folded: x", "Bad\x01: x", "X: a\x01z", "Content-Length: -1",
        "Content-Length: 1,1", "Content-Length: ", "Content-Length: 99999999999999999999", "Content-Length: 0x10",
        "Transfer-Encoding: gzip", "Transfer-Encoding: gzip, chunked", "Transfer-Encoding: ",
        "Content-Length: 1\r\nContent-Length: 1", "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
        "Content-Length: 1\r\nTransfer-Encoding: chunked", "Transfer-Encoding: chunked\r\nContent-Length: 1",
        "Location: /a\r\nLocation: /b"})
    CHECK_MESSAGE(head_error(ok + field + "\r\n\r\n") == Code::http_syntax, field);
  CHECK(head_error(ok) == Code::wire_short);
  CHECK(head_error(ok + "\r\nmore") == Code::wire_trailing);
  const auto second = head_of(ok + "A: b\r\nbad\r\n\r\n");
  CHECK(second.error().where == ok.size() + 6);
}

TEST_CASE("Get_Request_IsTheOneOfTheStandard") {
  RecordedStream stream(kSized);
  CHECK(http_exchange(stream, {"kds.example:8443", "/a?b=1", {true}}, room).has_value());
  CHECK(stream.sent == "GET /a?b=1 HTTP/1.1\r\nHost: kds.example:8443\r\nUser-Agent: snpnv/" SNPNV_VERSION
                       "\r\nAccept: */*\r\nMetadata: true\r\nConnection: close\r\n\r\n");
  RecordedStream plain(kSized);
  CHECK(http_exchange(plain, {"h", "/"}, room).has_value());
  CHECK(plain.sent.find("Metadata") == std::string::npos);
}

TEST_CASE("Get_RequestTooLong_IsNotSent") {
  RecordedStream stream(kSized);
  const std::string target(5000, 'a');
  CHECK(http_exchange(stream, {"h", target}, room).error().code == Code::wire_overflow);
  CHECK(stream.sent.empty());
}

TEST_CASE("Get_AnyPieces_GiveTheSameBody") {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    CHECK(get(kSized, piece).body == "hello");
    CHECK(get(kChunked, piece).body == kChunkedBody);
    CHECK(get("HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + kSized, piece).body == "hello");
    CHECK(get("HTTP/1.0 200 OK\r\n\r\nto the end", piece).body == "to the end");
  }
}

TEST_CASE("Get_FoldedFields_AreUnfolded") {
  for (std::size_t piece = 1; piece < 40; ++piece) {
    CHECK(get("HTTP/1.1 200 OK\r\nX: a\r\n b\r\n\tc\r\nContent-Length:\r\n 5\r\n\r\nhello", piece).body == "hello");
    CHECK(get("HTTP/1.1 200 OK\r\nX: a\r\n \r\nContent-Length: 5\r\n\r\nhello", piece).body == "hello");
  }
  // Behind the status line there is no field to go on with, and folding joins no digits.
  for (const std::string head : {"HTTP/1.1 200 OK\r\n X: a\r\nContent-Length: 5\r\n\r\nhello",
                                 "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n 2\r\n\r\nhello"}) {
    RecordedStream stream(head);
    CHECK(http_exchange(stream, {"h", "/"}, room).error().code == Code::http_syntax);
  }
}

TEST_CASE("Get_OctetsBehindTheResponse_ArePassedOver") {
  CHECK(get(kSized + "more").body == "hello");
  CHECK(get(kChunked + "more").body == kChunkedBody);
  CHECK(get("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\nmore").body.empty());
}

TEST_CASE("Get_OtherStatus_HasNoBody") {
  const Got got = get("HTTP/1.1 404 Not Found\r\nContent-Length: 7\r\n\r\nnothing");
  CHECK(got.status == 404);
  CHECK(got.body.empty());
}

TEST_CASE("Get_Truncations_AreErrors") {
  for (const std::string& whole : {kSized, kChunked})
    for (std::size_t size = 0; size < whole.size(); ++size) {
      const Got got = get(whole.substr(0, size));
      REQUIRE(got.error.has_value());
      CHECK(got.error->code == Code::io_closed);
      CHECK(got.error->where == size);
    }
}

TEST_CASE("Get_StreamError_IsReturned") {
  const Got got = get(kSized.substr(0, 30), 7, fail(Code::io_deadline));
  REQUIRE(got.error.has_value());
  CHECK(got.error->code == Code::io_deadline);
  // A body without a size ends with an orderly end only.
  CHECK(get("HTTP/1.1 200 OK\r\n\r\nhalf", 4096, fail(Code::io_closed)).error.has_value());
}

TEST_CASE("Get_BitFlips_NeverReadBeyondTheResponse") {
  std::size_t accepted = 0;
  const std::string whole = kChunked;
  each_bit_flipped(Octets(view(whole).begin(), view(whole).end()), [&](const Octets& flipped, std::size_t) {
    const Got got = get(std::string(text(flipped)));
    if (got.error)
      CHECK(got.error->where <= whole.size());
    else
      ++accepted;
  });
  CHECK(accepted > 0);  // the reason, extensions, trailers and the body itself are free
}

TEST_CASE("Get_MalformedChunks_AreErrors") {
  const std::string head = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (const char* body : {"\r\n", "g\r\n", "-1\r\n", "1\nx\r\n0\r\n\r\n", "1\r\nxx\r\n0\r\n\r\n", "1\r\nx\n0\r\n\r\n",
                           "1\rx", "1;ext\nx\r\n0\r\n\r\n", "0\r\n\rx", "0\r\nTrailer\n\r\n", "0\r\n\nx", "0\r\nA: b\rx"}) {
    const Got got = get(head + body);
    REQUIRE_MESSAGE(got.error.has_value(), body);
    CHECK_MESSAGE(got.error->code == Code::http_syntax, body);
  }
}

TEST_CASE("Get_Limits_AreExact") {
  const auto sized = [](std::size_t size) {
    return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n";
  };
  CHECK(get(sized(kMaxHttpBody) + std::string(kMaxHttpBody, 'a')).body.size() == kMaxHttpBody);
  CHECK(get(sized(kMaxHttpBody + 1)).error->code == Code::wire_too_large);
  CHECK(get("HTTP/1.1 200 OK\r\n\r\n" + std::string(kMaxHttpBody + 1, 'a')).error->code == Code::wire_too_large);
  CHECK(get("HTTP/1.1 200 OK\r\n\r\n" + std::string(kMaxHttpBody, 'a')).body.size() == kMaxHttpBody);

  const std::string chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  CHECK(get(chunked + "100000\r\n" + std::string(kMaxHttpBody, 'a') + "\r\n0\r\n\r\n").body.size() == kMaxHttpBody);
  CHECK(get(chunked + "100001\r\n").error->code == Code::wire_too_large);
  CHECK(get(chunked + "100000\r\n" + std::string(kMaxHttpBody, 'a') + "\r\n1\r\na").error->code == Code::wire_too_large);

  const std::string line = "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nX: ";
  const std::string fill(kMaxHttpHead - line.size() - 4, 'x');
  CHECK(get(line + fill + "\r\n\r\na").body == "a");
  CHECK(get(line + fill + "x\r\n\r\na").error->code == Code::wire_too_large);
}

TEST_CASE("Get_EndlessFraming_IsTooLarge") {
  std::string tiny = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
  for (int i = 0; i < 20000; ++i) tiny += "1\r\na\r\n";
  CHECK(get(tiny).error->code == Code::wire_too_large);
  std::string trailers = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  for (int i = 0; i < 20000; ++i) trailers += "A: b\r\n";
  CHECK(get(trailers).error->code == Code::wire_too_large);
  std::string interim;
  for (int i = 0; i < 4000; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  CHECK(get(interim).error->code == Code::wire_too_large);
}

namespace {

HttpRequest posted(std::string_view body) {
  return {"kbs.example", "/kbs/v0/attest", {false, view(body), "kbs-session-id=a1", {}, HttpBodies::all}};
}
Got post(const std::string& response, std::size_t piece = 4096) {
  RecordedStream stream(response, piece);
  const auto got = http_exchange(stream, posted("{}"), room);
  if (!got) return {got.error(), 0, {}};
  return {std::nullopt, got->head.status, std::string(text(got->body))};
}
Result<std::string_view> cookie(const HttpHead& head) { return set_cookie(head, "kbs-session-id"); }
Result<std::string_view> cookie(std::string_view fields) {
  static std::string whole;
  whole = "HTTP/1.1 200 OK\r\n" + std::string(fields) + "\r\n\r\n";
  const auto head = head_of(whole);
  REQUIRE(head.has_value());
  return cookie(*head);
}

}  // namespace

TEST_CASE("Post_Request_IsTheOneOfTheStandard") {
  RecordedStream stream(kSized);
  CHECK(http_exchange(stream, posted("{\"a\":1}"), room).has_value());
  CHECK(stream.sent == "POST /kbs/v0/attest HTTP/1.1\r\nHost: kbs.example\r\nUser-Agent: snpnv/" SNPNV_VERSION
                       "\r\nAccept: */*\r\nCookie: kbs-session-id=a1\r\nContent-Type: application/json\r\n"
                       "Content-Length: 7\r\nConnection: close\r\n\r\n{\"a\":1}");
  // RFC 6750, "Authorization Request Header Field".
  RecordedStream authorized(kSized);
  CHECK(http_exchange(authorized, {"h", "/", {.bearer = "mF_9.B5f-4.1JqM"}}, room).has_value());
  CHECK(authorized.sent.contains("\r\nAuthorization: Bearer mF_9.B5f-4.1JqM\r\n"));
  CHECK_FALSE(authorized.sent.contains("Cookie"));
}

TEST_CASE("Post_OtherStatus_HasTheBodyThatAServiceAnswers") {
  for (std::size_t piece = 1; piece < 20; ++piece) {
    const Got got = post("HTTP/1.1 401 Unauthorized\r\nContent-Length: 7\r\n\r\nnothing", piece);
    CHECK(got.status == 401);
    CHECK(got.body == "nothing");
  }
  CHECK(post("HTTP/1.1 204 No Content\r\n\r\nmore").body.empty());
  CHECK(post("HTTP/1.1 401 X\r\nContent-Length: 1048577\r\n\r\n").error->code == Code::wire_too_large);
  CHECK(post("HTTP/1.1 401 X\r\nContent-Length: 7\r\n\r\nnoth").error->code == Code::io_closed);
}

// RFC 6265, "Examples".
TEST_CASE("Cookie_ThatTheServerSets_IsItsValueWithoutAttributes") {
  CHECK(*cookie("Set-Cookie: kbs-session-id=31d4d96e407aad42; Path=/; Secure; HttpOnly") == "31d4d96e407aad42");
  CHECK(*cookie("set-cookie:kbs-session-id=a=b") == "a=b");
  CHECK(*cookie("Set-Cookie: lang=en-US\r\nSet-Cookie: kbs-session-id=x") == "x");
  CHECK(cookie("Set-Cookie: lang=en-US; kbs-session-id=x")->empty());
  CHECK(cookie("Set-Cookie: kbs-session-id")->empty());
  CHECK(cookie("X: kbs-session-id=x")->empty());
  CHECK(cookie(HttpHead{})->empty());
}

TEST_CASE("Cookie_OfTwoValuesOrOfNone_IsAnError") {
  for (const char* fields :
       {"Set-Cookie: kbs-session-id=x\r\nSet-Cookie: kbs-session-id=y", "Set-Cookie: kbs-session-id=",
        "Set-Cookie: kbs-session-id=a b", "Set-Cookie: kbs-session-id=\"x\"", "Set-Cookie: kbs-session-id=a,b"}) {
    const auto got = cookie(fields);
    REQUIRE_MESSAGE(!got.has_value(), fields);
    CHECK(got.error().code == Code::http_syntax);
  }
}
