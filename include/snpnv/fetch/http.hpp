// SPDX-License-Identifier: Apache-2.0
// HTTP/1.1 as far as fetching a file and asking a service takes it: one GET or POST on one connection.
#pragma once

#include <optional>
#include <string_view>

#include "snpnv/core/clock.hpp"
#include "snpnv/core/encoding.hpp"
#include "snpnv/core/json_writer.hpp"
#include "snpnv/core/stream.hpp"
#include "snpnv/core/text.hpp"
#include "snpnv/version.hpp"

namespace snpnv {

// Limits, in octets. All that frames a body counts as head: interim responses, sizes of chunks and
// trailers too.
inline constexpr std::size_t kMaxHttpHead = std::size_t{1} << 16;
inline constexpr std::size_t kMaxHttpBody = std::size_t{1} << 20;
inline constexpr std::size_t kHttpRoom = kMaxHttpHead + kMaxHttpBody;

inline constexpr std::uint16_t kHttpOk = 200;

/// What matters of a status line and the header fields. Borrows them.
struct HttpHead {
  std::uint16_t status = 0;
  bool chunked = false;
  std::optional<std::uint64_t> content_length;
  std::optional<Millis> retry_after;  // only if it was given in seconds
  std::string_view location;          // empty: none
  std::string_view fields = {};       // all of them, for what is looked up by name
};

namespace detail::http {

/// A character of a token. RFC 9110, "Tokens".
[[nodiscard]] constexpr bool is_token(char c) {
  return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') ||
         std::string_view("!#$%&'*+-.^_`|~").contains(c);
}
[[nodiscard]] constexpr bool is_printable(char c) { return c > ' ' && c < '\x7F'; }
/// RFC 6265, "Set-Cookie", cookie-octet.
[[nodiscard]] constexpr bool is_cookie_octet(char c) {
  return is_printable(c) && !std::string_view("\",;\\").contains(c);
}
/// A size or a time in seconds: of 15 digits at most, so that a thousand times as much is a number too.
[[nodiscard]] constexpr std::optional<std::uint64_t> quantity(std::string_view text) {
  return decimal(text, 999'999'999'999'999);
}
[[nodiscard]] constexpr std::string_view trimmed(std::string_view text) {
  const auto blank = [](char c) { return c == ' ' || c == '\t'; };
  while (!text.empty() && blank(text.front())) text.remove_prefix(1);
  while (!text.empty() && blank(text.back())) text.remove_suffix(1);
  return text;
}

/// The status of "HTTP/1.1 200 OK"; 0 if it is not a status line. The reason may be missing.
[[nodiscard]] constexpr std::uint16_t status_of(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  constexpr std::size_t kAt = 9;
  const std::string_view digits = line.size() < kAt + 3 ? std::string_view() : upto(from(line, kAt), 3);
  const auto status = decimal(digits, 999);
  if (!line.starts_with(kVersion) || !status || !is_digit(line[kVersion.size()]) ||
      line[kAt - 1] != ' ' || *status < 100 || (line.size() > kAt + 3 && line[kAt + 3] != ' '))
    return 0;
  return static_cast<std::uint16_t>(*status);
}

/// Takes one header field into `head`. False if it is malformed, or contradicts one before.
[[nodiscard]] constexpr bool take_field(HttpHead& head, std::string_view line) {
  const std::size_t colon = line.find(':');
  if (colon == 0 || colon == std::string_view::npos) return false;
  const std::string_view name = upto(line, colon);
  if (!std::ranges::all_of(name, is_token)) return false;
  const std::string_view value = trimmed(from(line, colon + 1));
  const auto forbidden = [](char c) { return (static_cast<unsigned char>(c) < ' ' && c != '\t') || c == '\x7F'; };
  if (std::ranges::any_of(value, forbidden))
    return false;
  if (same_word(name, "Content-Length")) {
    if (head.content_length || head.chunked) return false;
    head.content_length = quantity(value);
    return head.content_length.has_value();
  }
  if (same_word(name, "Transfer-Encoding")) {
    if (head.content_length || head.chunked) return false;
    head.chunked = same_word(value, "chunked");
    return head.chunked;
  }
  if (same_word(name, "Retry-After")) {
    if (const auto seconds = quantity(value)) head.retry_after = *seconds * 1000;
  } else if (same_word(name, "Location")) {
    if (!head.location.empty()) return false;
    head.location = value;
  }
  return true;
}

}  // namespace detail::http

/// Parses status line and header fields, up to the empty line and with it. Stricter than a browser:
/// lines end with CR LF, fields are unfolded already, and a body has one size.
/// @returns the head | http_syntax - where: offset of the line | wire_short - no empty line
///   | wire_trailing - octets behind it.
/// Source: RFC 9112, "Status Line", "Field Syntax", "Message Body Length"; RFC 9110, "Retry-After".
[[nodiscard]] inline Result<HttpHead> parse_http_head(ByteView in) {
  HttpHead head;
  std::string_view rest = text_of(in);
  while (true) {
    const std::size_t at = in.size() - rest.size();
    const std::size_t end = rest.find("\r\n");
    if (end == std::string_view::npos) return fail(Code::wire_short, in.size(), 2);
    const std::string_view line = upto(rest, end);
    rest.remove_prefix(end + 2);
    if (at == 0) {
      head.status = detail::http::status_of(line);
      if (head.status == 0) return fail(Code::http_syntax, at);
      head.fields = rest;
    } else if (line.empty()) {
      break;
    } else if (!detail::http::take_field(head, line)) {
      return fail(Code::http_syntax, at);
    }
  }
  if (!rest.empty())
    return fail(Code::wire_trailing, in.size() - rest.size(), static_cast<std::uint32_t>(rest.size()));
  return head;
}

/// The value of a cookie that the response sets; empty if it sets none of this name. Its attributes are passed
/// over: it is for one session with one server.
/// @returns the value, which borrows the head | http_syntax - set twice, or with characters that no cookie has.
/// Source: RFC 6265, "Set-Cookie", "Syntax".
[[nodiscard]] constexpr Result<std::string_view> set_cookie(const HttpHead& head, std::string_view name) {
  std::string_view found;
  for (std::string_view rest = head.fields; !rest.empty();) {
    const std::string_view line = upto(rest, rest.find("\r\n"));
    rest.remove_prefix(std::min(rest.size(), line.size() + 2));
    const std::size_t colon = line.find(':');
    if (!same_word(upto(line, colon), "Set-Cookie")) continue;
    const std::string_view pair = detail::http::trimmed(upto(from(line, colon + 1), from(line, colon + 1).find(';')));
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos || upto(pair, equals) != name) continue;
    const std::string_view value = from(pair, equals + 1);
    if (!found.empty() || value.empty() || !std::ranges::all_of(value, detail::http::is_cookie_octet))
      return fail(Code::http_syntax);
    found = value;
  }
  return found;
}

struct HttpResponse {
  HttpHead head;
  ByteView body;
};

/// Whose body is read: what an error says to people is not, what it says to a client of a service is.
enum class HttpBodies : std::uint8_t { of_success, all };

/// Puts a response together from the octets of a connection, in pieces of any size. The response
/// borrows the room.
/// Source: RFC 9112, "Message Body", "Chunked Transfer Coding".
class HttpParser {
 public:
  explicit HttpParser(std::span<std::byte, kHttpRoom> room, HttpBodies bodies = HttpBodies::of_success)
      : head_room_(room.first(kMaxHttpHead)), body_room_(room.subspan(kMaxHttpHead)), bodies_(bodies) {}

  [[nodiscard]] bool done() const { return state_ == State::done; }

  /// Takes octets; those behind the response are passed over.
  /// @returns nothing | http_syntax | wire_too_large - detail: the limit; where: offset in the response.
  [[nodiscard]] Result<void> take(ByteView in) {
    while (!in.empty() && !done()) {
      std::size_t used = 1;
      if (state_ == State::data || state_ == State::to_the_end) {
        used = state_ == State::data ? std::min<std::size_t>(left_, in.size()) : in.size();
        SNPNV_CHECK(append(in.first(used)));
        left_ -= state_ == State::data ? used : 0;
        if (state_ == State::data && left_ == 0) state_ = head_.chunked ? State::data_cr : State::done;
      } else {
        if (++framing_ > kMaxHttpHead) return fail(Code::wire_too_large, at_, kMaxHttpHead);
        SNPNV_CHECK(framing(static_cast<char>(in[0])));
      }
      at_ += used;
      in = in.subspan(used);
    }
    return {};
  }

  /// The response, once it is done or the connection has ended.
  /// @returns the response | io_closed - where: offset of the end in the response, which is not whole.
  [[nodiscard]] Result<HttpResponse> finish() const {
    if (!done() && state_ != State::to_the_end) return fail(Code::io_closed, at_);
    return HttpResponse{head_, body_room_.first(body_size_)};
  }

 private:
  enum class State : std::uint8_t {
    head, data, to_the_end, size, extension, size_lf, data_cr, data_lf, trailer, trailer_field, trailer_lf,
    last_lf, done
  };

  Result<void> append(ByteView octets) {
    if (octets.size() > kMaxHttpBody - body_size_) return fail(Code::wire_too_large, at_, kMaxHttpBody);
    copy_to(body_room_.subspan(body_size_), octets);
    body_size_ += octets.size();
    return {};
  }

  // One octet that is not part of the body.
  Result<void> framing(char c) {
    const auto expect = [&](char wanted, State next) -> Result<void> {
      if (c != wanted) return fail(Code::http_syntax, at_);
      state_ = next;
      return {};
    };
    switch (state_) {
      case State::head: return head(c);
      case State::size:
        if (const int digit = hex_digit(c); digit >= 0) {
          left_ = left_ * 16 + static_cast<std::size_t>(digit);
          ++digits_;
          if (left_ > kMaxHttpBody) return fail(Code::wire_too_large, at_, kMaxHttpBody);
          return {};
        }
        if (digits_ == 0) return fail(Code::http_syntax, at_);
        if (c == ';' || c == ' ' || c == '\t') {
          state_ = State::extension;
          return {};
        }
        return expect('\r', State::size_lf);
      case State::extension:
        if (c == '\n') return fail(Code::http_syntax, at_);
        if (c == '\r') state_ = State::size_lf;
        return {};
      case State::size_lf: return expect('\n', left_ == 0 ? State::trailer : State::data);
      case State::data_cr: return expect('\r', State::data_lf);
      case State::data_lf: digits_ = 0; return expect('\n', State::size);
      case State::trailer:
        if (c == '\r') {
          state_ = State::last_lf;
          return {};
        }
        [[fallthrough]];
      case State::trailer_field:
        if (c == '\n') return fail(Code::http_syntax, at_);
        state_ = c == '\r' ? State::trailer_lf : State::trailer_field;
        return {};
      case State::trailer_lf: return expect('\n', State::trailer);
      case State::last_lf: return expect('\n', State::done);
      case State::data:
      case State::to_the_end:
      case State::done: return {};
    }
    return {};
  }

  // 204 and 304 have none whatever their fields say. RFC 9112, "Message Body Length".
  [[nodiscard]] bool has_body() const {
    return head_.status == kHttpOk ||
           (bodies_ == HttpBodies::all && head_.status != 204 && head_.status != 304);
  }

  // A field that goes on in the next line is unfolded: its line end becomes blanks. Behind the status line there
  // is nothing to go on with. RFC 9112, "Obsolete Line Folding".
  Result<void> head(char c) {
    const bool folded = (c == ' ' || c == '\t') && text_of(head_room_.first(head_size_)).ends_with("\r\n") &&
                        text_of(head_room_.first(head_size_)).find("\r\n") + 2 < head_size_;
    if (folded) std::ranges::fill(head_room_.subspan(head_size_ - 2, 2), std::byte{' '});
    head_room_[head_size_++] = static_cast<std::byte>(c);
    const ByteView so_far = head_room_.first(head_size_);
    if (!text_of(so_far).ends_with("\r\n\r\n")) return {};
    SNPNV_TRY(head_, parse_http_head(so_far));
    if (head_.status < kHttpOk) {  // interim: the response follows
      head_size_ = 0;
    } else if (!has_body()) {
      state_ = State::done;
    } else if (head_.chunked) {
      state_ = State::size;
    } else if (!head_.content_length) {
      state_ = State::to_the_end;
    } else if (*head_.content_length > kMaxHttpBody) {
      return fail(Code::wire_too_large, at_, kMaxHttpBody);
    } else {
      left_ = static_cast<std::size_t>(*head_.content_length);
      state_ = left_ == 0 ? State::done : State::data;
    }
    return {};
  }

  MutBytes head_room_;
  MutBytes body_room_;
  HttpBodies bodies_;
  HttpHead head_;
  State state_ = State::head;
  std::size_t head_size_ = 0;
  std::size_t body_size_ = 0;
  std::size_t framing_ = 0;
  std::size_t left_ = 0;    // of the body or of the chunk
  std::size_t digits_ = 0;  // of the chunk's size
  std::size_t at_ = 0;      // octets taken
};

/// What is asked of a target. Borrows all of it.
struct HttpMessage {
  bool metadata = false;                    // send the field that platform endpoints want against forged requests
  std::optional<ByteView> json = {};        // posted; without, this is a GET
  std::string_view cookie = {};             // "NAME=VALUE"; empty: none
  std::string_view bearer = {};             // a token that authorizes; empty: none
  HttpBodies bodies = HttpBodies::of_success;
};

/// A message and where it goes. Borrows all of it.
struct HttpRequest {
  std::string_view host;    // as in the URL, with the port unless it is the scheme's
  std::string_view target;  // path and query
  HttpMessage message = {};
};

/// Sends a request and reads the response. The connection has no further use.
/// @returns the response, which borrows the room | what the stream and HttpParser return
///   | wire_overflow - a head of more than 4096 octets.
template <Stream S>
[[nodiscard]] Result<HttpResponse> http_exchange(S& stream, const HttpRequest& request,
                                                 std::span<std::byte, kHttpRoom> room) noexcept {
  const HttpMessage& message = request.message;
  const bool post = message.json.has_value();
  std::array<std::byte, 4096> octets;
  ByteWriter head(octets);
  for (const std::string_view part :
       {post ? std::string_view("POST ") : std::string_view("GET "), request.target,
        std::string_view(" HTTP/1.1\r\nHost: "), request.host,
        std::string_view("\r\nUser-Agent: snpnv/" SNPNV_VERSION "\r\nAccept: */*\r\n"),
        message.metadata ? std::string_view("Metadata: true\r\n") : std::string_view()})
    head.text(part);
  for (const auto& [field, value] : {std::pair{std::string_view("Cookie: "), message.cookie},
                                     {std::string_view("Authorization: Bearer "), message.bearer}}) {
    if (value.empty()) continue;
    head.text(field);
    head.text(value);
    head.text("\r\n");
  }
  if (post) {
    head.text("Content-Type: application/json\r\nContent-Length: ");
    JsonWriter(head).number(message.json->size());
    head.text("\r\n");
  }
  head.text("Connection: close\r\n\r\n");
  SNPNV_TRY(const ByteView& whole, head.finish());
  SNPNV_CHECK(stream.write_all(whole));
  if (post) SNPNV_CHECK(stream.write_all(*message.json));
  HttpParser parser(room, message.bodies);
  std::array<std::byte, 4096> piece;
  while (!parser.done()) {
    SNPNV_TRY(const std::size_t size, stream.read_some(piece));
    if (size == 0) break;
    SNPNV_CHECK(parser.take(ByteView(piece).first(size)));
  }
  return parser.finish();
}

}  // namespace snpnv
