// SPDX-License-Identifier: Apache-2.0
#include "snpnv/fetch/url.hpp"

#include "tests/test.hpp"

using namespace snpnv;

TEST_CASE("Url_Parts_AreTaken") {
  const auto url = parse_url("https://kds.example:8443/a/b?c=1");
  REQUIRE(url.has_value());
  CHECK(url->tls);
  CHECK(url->host == "kds.example");
  CHECK(url->authority == "kds.example:8443");
  CHECK(url->port == 8443);
  CHECK(url->target == "/a/b?c=1");
}

TEST_CASE("Url_Defaults_AreTheSchemes") {
  CHECK(parse_url("http://127.0.0.1")->port == 80);
  CHECK(parse_url("HTTPS://kdsintf.amd.com")->port == 443);
  CHECK(parse_url("http://h")->target.empty());
}

TEST_CASE("Url_Ipv6_IsInBrackets") {
  const auto url = parse_url("http://[::1]:80/");
  REQUIRE(url.has_value());
  CHECK(url->host == "::1");
  CHECK(url->authority == "[::1]:80");
  CHECK(parse_url("https://[fe80::1]")->port == 443);
}

TEST_CASE("Url_Malformed_IsAnError") {
  for (const char* text :
       {"", "http", "http:", "http://", "http:///path", "ftp://h", "//h", "h:80", "http://user@h", "http://h:", "http://h:0",
        "http://h:65536", "http://h:8a", "http://h h", "http://h/a b", "http://h/a#b", "http://h?q", "http://[::1", "http://[]",
        "http://[::1]x", "http://[h]", "http://h/\x80", "http://h\r\nX: y", "http://h/\r\nX: y"})
    CHECK_MESSAGE(parse_url(text).error().code == Code::url_syntax, text);
  CHECK_FALSE(parse_url("http://h/" + std::string(Url::kMaxSize, 'a')).has_value());
  CHECK_FALSE(parse_url("http://" + std::string(254, 'a')).has_value());
}

TEST_CASE("Redirected_SameServer_IsFollowed") {
  const Url from = *parse_url("https://kds.example/old");
  CHECK(redirected(from, "/new?x=1")->target == "/new?x=1");
  CHECK(redirected(from, "/new")->host == "kds.example");
  CHECK(redirected(from, "https://KDS.example:443/new")->target == "/new");
}

TEST_CASE("Redirected_Elsewhere_IsAnError") {
  const Url from = *parse_url("https://kds.example/old");
  for (const char* to : {"http://kds.example/new", "https://other.example/new", "https://kds.example:444/new",
                         "//other.example/new", "new", "", "/a b", "/a#b", "https://kds.example@other.example/"})
    CHECK_MESSAGE(redirected(from, to).error().code == Code::http_redirect, to);
  CHECK_FALSE(redirected(from, "/" + std::string(Url::kMaxSize, 'a')).has_value());
}
