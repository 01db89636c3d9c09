// SPDX-License-Identifier: Apache-2.0
// JSON web tokens, the keys that sign them, and what Microsoft Azure Attestation says in them.
#pragma once

#include <optional>

#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/text.hpp"

namespace snpnv {

/// A token by its parts, each in base64url. Borrows the text.
/// Source: RFC 7515, "JWS Compact Serialization".
struct Jwt {
  std::string_view signed_text;  // header and payload with their point
  std::string_view header;
  std::string_view payload;
  std::string_view signature;

  /// @returns the parts | wire_value - not three of them.
  [[nodiscard]] static constexpr Result<Jwt> split(std::string_view text) {
    const std::size_t first = text.find('.');
    const std::size_t last = text.rfind('.');
    if (first == std::string_view::npos || first == last) return fail(Code::wire_value);
    const Jwt out{upto(text, last), upto(text, first), from(upto(text, last), first + 1), from(text, last + 1)};
    if (out.payload.contains('.')) return fail(Code::wire_value, first + 1);
    return out;
  }
};

/// A token's header, which says what signed it. Borrows the document.
struct JwtHeader {
  JsonString kid;

  /// Unknown members are passed over, but for `crit`, which says that some of them must be understood.
  /// @returns the header of a token that is signed by RS256 | the codes of JsonReader | json_missing, jwe_algorithm -
  ///   detail: JsonMember | json_unknown - `crit`.
  /// Source: RFC 7515, "JOSE Header".
  [[nodiscard]] static constexpr Result<JwtHeader> parse(ByteView text) {
    JwtHeader out;
    bool alg = false;
    bool kid = false;
    JsonReader json(text);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "alg") {
        alg = true;
        const JsonString value = json.string();
        if (json.ok() && !(value == std::string_view("RS256")))
          json.fail_at(Code::jwe_algorithm, value.offset, static_cast<std::size_t>(JsonMember::alg));
      } else if (member == "kid") {
        kid = true;
        out.kid = json.string();
      } else if (member == "crit") {
        json.fail_at(Code::json_unknown, member.offset);
      } else {
        json.skip();
      }
    }
    json.require(alg, JsonMember::alg);
    json.require(kid, JsonMember::kid);
    return json.finish(out);
  }
};

/// Finds the certificate of a key in a set of keys, and decodes it to the front of `out`.
/// @returns its DER | nothing if the set has no such key with a certificate | the codes of JsonReader | text_base64,
///   wire_overflow - of its certificate.
/// Source: RFC 7517, "JWK Set Format", "x5c (X.509 Certificate Chain) Parameter".
[[nodiscard]] constexpr Result<std::optional<ByteView>> find_key(ByteView set, const JsonString& kid, MutBytes out) {
  std::optional<JsonString> found;
  JsonReader json(set);
  json.enter_object();
  for (JsonString member; json.next_member(member);) {
    if (!(member == "keys")) {
      json.skip();
      continue;
    }
    json.enter_array();
    while (json.next_element()) {
      bool wanted = false;
      std::optional<JsonString> certificate;
      json.enter_object();
      for (JsonString part; json.next_member(part);) {
        if (part == "kid") {
          wanted = json.string() == kid;
        } else if (part == "x5c") {
          json.enter_array();
          while (json.next_element()) {
            const JsonString text = json.string();
            if (!certificate) certificate = text;  // the key's own comes first
          }
        } else {
          json.skip();
        }
      }
      if (wanted && !found) found = certificate;
    }
  }
  SNPNV_CHECK(json.finish());
  if (!found) return std::nullopt;
  SNPNV_TRY(const ByteView& der, decode_base64url(FromBase64(found->source()), out));
  return der;
}

// X(member, name in the token); the last two are within the one before.
#define SNPNV_MAA_CLAIMS(X)                                \
  X(issuer, "iss")                                         \
  X(not_before, "nbf")                                     \
  X(expires, "exp")                                        \
  X(type, "x-ms-attestation-type")                         \
  X(compliance, "x-ms-compliance-status")                  \
  X(report_data, "x-ms-sevsnpvm-reportdata")               \
  X(measurement, "x-ms-sevsnpvm-launchmeasurement")        \
  X(debuggable, "x-ms-sevsnpvm-is-debuggable")             \
  X(vmpl, "x-ms-sevsnpvm-vmpl")                            \
  X(runtime, "x-ms-runtime")                               \
  X(user_data, "x-ms-runtime.user-data")                   \
  X(attestation_key, "x-ms-runtime.keys")

enum class MaaClaim : std::uint32_t {
#define SNPNV_X(member, name) member,
  SNPNV_MAA_CLAIMS(SNPNV_X)
#undef SNPNV_X
};
[[nodiscard]] constexpr std::string_view name(MaaClaim claim) {
  switch (claim) {
#define SNPNV_X(member, text) \
  case MaaClaim::member: return text;
    SNPNV_MAA_CLAIMS(SNPNV_X)
#undef SNPNV_X
  }
  return "unknown";
}

/// What a relying party looks at first. Borrows the document.
struct MaaClaims {
  JsonString issuer;
  std::uint64_t not_before = 0;  // seconds since 1970
  std::uint64_t expires = 0;
  JsonString type;
  JsonString compliance;
  std::array<std::byte, 64> report_data{};
  std::array<std::byte, 48> measurement{};
  bool debuggable = false;
  std::uint64_t vmpl = 0;
  ByteView runtime;  // the claims that were sent: JSON
  std::size_t runtime_offset = 0;

  /// Unknown claims are passed over.
  /// @returns the claims | the codes of JsonReader | text_hex, text_length, wire_overflow - in a claim so encoded
  ///   | token_claim - one is absent; detail: MaaClaim.
  /// Source: Microsoft Azure Attestation, "Claims in attestation token", "SEV-SNP".
  [[nodiscard]] static constexpr Result<MaaClaims> parse(ByteView text) {
    MaaClaims out;
    std::array<bool, kClaims.size()> seen{};
    JsonReader json(text);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      std::size_t which = 0;
      while (which < kClaims.size() && !(member == name(kClaims[which]))) ++which;
      if (which == kClaims.size()) {
        json.skip();
        continue;
      }
      seen[which] = true;
      out.read_claim(json, text, kClaims[which]);
    }
    for (std::size_t i = 0; i < seen.size(); ++i)
      if (!seen[i]) json.fail(Code::token_claim, i);
    return json.finish(out);
  }

 private:
#define SNPNV_X(member, name) MaaClaim::member,
  static constexpr MaaClaim kAll[] = {SNPNV_MAA_CLAIMS(SNPNV_X)};
#undef SNPNV_X
  static constexpr auto kClaims = std::span(kAll).first<static_cast<std::size_t>(MaaClaim::user_data)>();

  constexpr void read_claim(JsonReader& json, ByteView text, MaaClaim claim) {
    switch (claim) {
      case MaaClaim::issuer: issuer = json.string(); break;
      case MaaClaim::not_before: not_before = json.unsigned_integer(); break;
      case MaaClaim::expires: expires = json.unsigned_integer(); break;
      case MaaClaim::type: type = json.string(); break;
      case MaaClaim::compliance: compliance = json.string(); break;
      case MaaClaim::report_data: read_octets(json, report_data); break;
      case MaaClaim::measurement: read_octets(json, measurement); break;
      case MaaClaim::debuggable: debuggable = json.boolean(); break;
      case MaaClaim::vmpl: vmpl = json.unsigned_integer(); break;
      default: read_runtime(json, text); break;
    }
  }
  constexpr void read_runtime(JsonReader& json, ByteView text) {
    (void)json.peek();  // passes over white space
    runtime_offset = json.offset();
    json.skip();
    if (json.ok()) runtime = text.subspan(runtime_offset, json.offset() - runtime_offset);
  }
  static constexpr void read_octets(JsonReader& json, MutBytes to) {
    const JsonString digits = json.string();
    if (!json.ok()) return;
    const auto decoded = decode_hex(digits.source(), to);
    if (!decoded) return json.fail(decoded.error());
    if (decoded->size() != to.size()) json.fail_at(Code::text_length, digits.offset, to.size());
  }
};

}  // namespace snpnv
