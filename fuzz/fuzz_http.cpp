// SPDX-License-Identifier: Apache-2.0
// An HTTP response in pieces, whose size the first octet says: the outcome is that of one piece. Where it
// redirects, it leads to the same server.
#include "fuzz/fuzz.hpp"
#include "snpnv/fetch/url.hpp"

using namespace snpnv;

namespace {

struct Outcome {
  Result<HttpResponse> response;
  std::size_t taken = 0;
};

Outcome parse(ByteView in, std::size_t piece, std::span<std::byte, kHttpRoom> room,
              HttpBodies bodies = HttpBodies::of_success) {
  HttpParser parser(room, bodies);
  const std::size_t size = in.size();
  while (!in.empty() && !parser.done()) {
    const std::size_t n = std::min(piece, in.size());
    if (const auto taken = parser.take(in.first(n)); !taken) return {fail(taken.error()), size - in.size() + n};
    in = in.subspan(n);
  }
  return {parser.finish(), size - in.size()};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<std::byte, kHttpRoom> room;
  static std::array<std::byte, kHttpRoom> other_room;
  if (size == 0) return 0;
  const ByteView in = fuzz::view(data, size).subspan(1);
  const Outcome whole = parse(in, size, room);
  const Outcome pieces = parse(in, std::size_t{data[0]} + 1, other_room);
  REQUIRE(whole.response.has_value() == pieces.response.has_value());
  if (!whole.response) {
    REQUIRE(whole.response.error() == pieces.response.error());
    REQUIRE(fuzz::inside(whole.response.error(), size));
  } else {
    const HttpHead& head = whole.response->head;
    REQUIRE(head.status >= kHttpOk && head.status <= 999);
    REQUIRE(head.status == pieces.response->head.status);
    REQUIRE(equal(whole.response->body, pieces.response->body));
    REQUIRE(!(head.chunked && head.content_length));
    REQUIRE(head.status != kHttpOk || !head.content_length || whole.response->body.size() == *head.content_length);
    const Url from = *parse_url("https://kds.example/old");
    if (const auto to = redirected(from, head.location)) {
      REQUIRE(to->same_origin(from));
      REQUIRE(std::ranges::all_of(to->target, detail::http::is_printable));
    }
  }
  // With the bodies of errors too, an outcome differs only for their sake.
  const Outcome all = parse(in, size, other_room, HttpBodies::all);
  if (all.response) {
    const auto cookie = set_cookie(all.response->head, "kbs-session-id");
    REQUIRE(!cookie || std::ranges::all_of(*cookie, detail::http::is_cookie_octet));
    REQUIRE(whole.response && whole.response->head.status == all.response->head.status);
  }
  if (const auto head = parse_http_head(in); !head) REQUIRE(fuzz::inside(head.error(), size));
  if (const auto url = parse_url(text_of(in))) {
    REQUIRE(url->port != 0 && !url->host.empty());
    REQUIRE(url->target.empty() || url->target.front() == '/');
  }
  return 0;
}
