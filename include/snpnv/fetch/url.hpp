// SPDX-License-Identifier: Apache-2.0
// URLs of http and https, and where a redirection may lead.
#pragma once

#include "snpnv/fetch/http.hpp"

namespace snpnv {

/// A URL in its parts. Borrows the text.
struct Url {
  static constexpr std::size_t kMaxSize = 2048;

  bool tls = false;
  std::string_view host;       // without the brackets of an IPv6 address
  std::string_view authority;  // host and port as they are spelled
  std::uint16_t port = 0;
  std::string_view target;     // path and query; empty: none

  [[nodiscard]] constexpr bool same_origin(const Url& other) const {
    return tls == other.tls && port == other.port && same_word(host, other.host);
  }
};

/// The text without a slash at its end: what a path is put behind.
[[nodiscard]] constexpr std::string_view without_slash(std::string_view text) {
  return upto(text, text.size() - (text.ends_with('/') ? 1 : 0));
}

/// Parses `http://HOST[:PORT][/PATH]` or https. No user, no fragment.
/// @returns the URL | url_syntax - where: offset of the part that is wrong.
/// Source: RFC 3986, "Authority", "Path"; RFC 9110, "http URI Scheme", "https URI Scheme".
[[nodiscard]] constexpr Result<Url> parse_url(std::string_view text) {
  Url url;
  const auto starts_with = [&](std::string_view scheme) {
    return same_word(upto(text, scheme.size()), scheme);
  };
  constexpr std::string_view kHttp = "http://";
  constexpr std::string_view kHttps = "https://";
  url.tls = starts_with(kHttps);
  if (text.size() > Url::kMaxSize || (!url.tls && !starts_with(kHttp))) return fail(Code::url_syntax);
  const std::size_t start = (url.tls ? kHttps : kHttp).size();
  url.authority = from(text, start);
  url.authority = upto(url.authority, url.authority.find_first_of("/?#"));
  url.target = from(text, start + url.authority.size());
  if (!std::ranges::all_of(url.target, detail::http::is_printable) || url.target.contains('#') ||
      url.target.starts_with('?'))
    return fail(Code::url_syntax, start + url.authority.size());

  const bool bracket = url.authority.starts_with('[');
  const std::size_t end = bracket ? url.authority.find(']') : url.authority.find(':');
  if (bracket && end == std::string_view::npos) return fail(Code::url_syntax, start);
  url.host = bracket ? upto(from(url.authority, 1), end - 1) : upto(url.authority, end);
  const auto allowed = [&](char c) {
    if (bracket) return hex_digit(c) >= 0 || c == ':' || c == '.';
    return is_digit(c) || (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || c == '-' ||
           c == '.' || c == '_';
  };
  if (url.host.empty() || url.host.size() > 253 || !std::ranges::all_of(url.host, allowed))
    return fail(Code::url_syntax, start);
  const std::string_view behind = from(url.authority, bracket ? end + 1 : end);
  url.port = url.tls ? 443 : 80;
  if (behind.empty()) return url;
  const auto port = decimal(from(behind, 1), UINT16_MAX);
  if (behind.front() != ':' || !port || *port == 0)
    return fail(Code::url_syntax, start + url.authority.size() - behind.size());
  url.port = static_cast<std::uint16_t>(*port);
  return url;
}

/// Where a response to `from` with this Location leads: a path on the same server, or a URL of it.
/// @returns the URL | http_redirect - to another scheme, host or port, or not a URL.
[[nodiscard]] constexpr Result<Url> redirected(const Url& from, std::string_view location) {
  if (location.starts_with('/') && !location.starts_with("//")) {
    Url to = from;
    to.target = location;
    if (location.size() <= Url::kMaxSize && std::ranges::all_of(location, detail::http::is_printable) &&
        !location.contains('#'))
      return to;
  } else if (const auto to = parse_url(location); to && to->same_origin(from)) {
    return to;
  }
  return fail(Code::http_redirect);
}

}  // namespace snpnv
