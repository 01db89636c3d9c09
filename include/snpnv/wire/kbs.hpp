// SPDX-License-Identifier: Apache-2.0
// Messages of Trustee's key broker service, protocol 0.4.0: from the request for a challenge to the encrypted
// secret, a JWE. https://github.com/confidential-containers/trustee, "kbs_attestation_protocol.md".
#pragma once

#include <optional>

#include "snpnv/core/digest.hpp"
#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/json_writer.hpp"
#include "snpnv/core/text.hpp"

namespace snpnv {

/// A point of P-256: 04h, X, Y. Source: SEC 1, "Elliptic-Curve-Point-to-Octet-String Conversion".
using P256Point = std::array<std::byte, 65>;

namespace kbs {

inline constexpr std::string_view kVersion = "0.4.0";
inline constexpr std::string_view kTee = "az-snp-vtpm";
inline constexpr std::string_view kSessionCookie = "kbs-session-id";
inline constexpr std::string_view kKeyAgreement = "ECDH-ES+A256KW";
inline constexpr std::string_view kEncryption = "A256GCM";
inline constexpr std::string_view kKeyType = "EC";
inline constexpr std::string_view kCurve = "P-256";
/// The protocol knows SHA-512 too, but the vTPM takes no quote that carries 64 octets.
inline constexpr auto kHashes = std::to_array(
    {std::pair{Hash::sha256, std::string_view("sha256")}, std::pair{Hash::sha384, std::string_view("sha384")}});

}  // namespace kbs

namespace detail {

/// Reads the one string that may stand here: jwe_algorithm names the member of another one.
constexpr void expect(JsonReader& json, std::string_view wanted, JsonMember member) {
  const JsonString found = json.string();
  if (json.ok() && !(found == wanted)) json.fail_at(Code::jwe_algorithm, found.offset, static_cast<std::size_t>(member));
}
/// Octets in base64url, exactly as many as there is room for.
constexpr void decode_exactly(JsonReader& json, MutBytes to) {
  const JsonString text = json.string();
  if (!json.ok()) return;
  const auto octets = decode_base64url(text.source(), to);
  if (!octets) return json.fail(octets.error());
  if (octets->size() != to.size()) json.fail_at(Code::text_length, text.offset, to.size());
}

/// A public key as JWK: its members in the order of canonical JSON. With `alg` where it says what it is for.
constexpr void write_jwk(JsonWriter& json, const P256Point& point, bool with_alg) {
  const ByteView octets(point);
  json.begin_object();
  if (with_alg) {
    json.key("alg");
    json.string(kbs::kKeyAgreement);
  }
  json.key("crv");
  json.string(kbs::kCurve);
  json.key("kty");
  json.string(kbs::kKeyType);
  json.key("x");
  json.base64url(octets.subspan(1, 32), Padding::none);
  json.key("y");
  json.base64url(octets.subspan(33), Padding::none);
  json.end_object();
}
/// Reads such a key; whether it is on the curve is for cryptography to say.
constexpr P256Point read_jwk(JsonReader& json, bool with_alg) {
  P256Point out{std::byte{4}};
  bool alg = !with_alg;
  bool kty = false;
  bool crv = false;
  bool x = false;
  bool y = false;
  json.enter_object();
  for (JsonString member; json.next_member(member);) {
    if (member == "kty") {
      kty = true;
      expect(json, kbs::kKeyType, JsonMember::kty);
    } else if (member == "crv") {
      crv = true;
      expect(json, kbs::kCurve, JsonMember::crv);
    } else if (member == "x") {
      x = true;
      decode_exactly(json, MutBytes(out).subspan(1, 32));
    } else if (member == "y") {
      y = true;
      decode_exactly(json, MutBytes(out).subspan(33));
    } else if (member == "alg" && with_alg) {
      alg = true;
      expect(json, kbs::kKeyAgreement, JsonMember::alg);
    } else {
      json.fail_at(Code::json_unknown, member.offset);
    }
  }
  for (const auto& [seen, member] : {std::pair{kty, JsonMember::kty}, {crv, JsonMember::crv}, {x, JsonMember::x},
                                     {y, JsonMember::y}, {alg, JsonMember::alg}})
    json.require(seen, member);
  return out;
}

}  // namespace detail

/// Appends the body of `POST auth`.
constexpr void write_kbs_request(ByteWriter& out) {
  JsonWriter json(out);
  json.begin_object();
  json.key("version");
  json.string(kbs::kVersion);
  json.key("tee");
  json.string(kbs::kTee);
  json.key("extra-params");
  json.begin_object();
  json.key("supported-hash-algorithms");
  json.begin_array();
  for (const auto& [hash, name] : kbs::kHashes) json.string(name);
  json.end_array();
  json.end_object();
  json.end_object();
}

/// The answer to it: what the evidence must carry.
struct KbsChallenge {
  std::array<char, 44> nonce_text{};  // base64 of 32 octets, as it came
  Hash hash = Hash::sha384;           // of the runtime data

  [[nodiscard]] constexpr std::string_view nonce() const { return {nonce_text.data(), nonce_text.size()}; }

  /// Unknown members are passed over.
  /// @returns the challenge | the codes of JsonReader | json_missing - detail: JsonMember | text_base64, text_length,
  ///   wire_overflow - of a nonce that is not 32 octets | crypto_unsupported - another hash.
  [[nodiscard]] static constexpr Result<KbsChallenge> parse(ByteView text) {
    KbsChallenge out;
    bool seen = false;
    JsonReader json(text);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "nonce") {
        seen = true;
        out.read_nonce(json);
      } else if (member == "extra-params" && json.peek() == JsonKind::object) {
        json.enter_object();
        for (JsonString extra; json.next_member(extra);)
          extra == "selected-hash-algorithm" ? out.read_hash(json) : json.skip();
      } else {
        json.skip();
      }
    }
    json.require(seen, JsonMember::nonce);
    return json.finish(out);
  }

 private:
  constexpr void read_nonce(JsonReader& json) {
    const JsonString text = json.string();
    if (!json.ok()) return;
    std::array<std::byte, 32> octets{};
    const auto decoded = decode_base64url(FromBase64(text.source()), octets);
    if (!decoded) return json.fail(decoded.error());
    JsonString::Source source = text.source();
    std::size_t size = 0;
    for (char c = 0; source.next(c); ++size)
      if (size < nonce_text.size()) nonce_text[size] = c;
    if (decoded->size() != octets.size() || size != nonce_text.size())
      json.fail_at(Code::text_length, text.offset, octets.size());
  }
  constexpr void read_hash(JsonReader& json) {
    const JsonString text = json.string();
    if (!json.ok()) return;
    for (const auto& [known, name] : kbs::kHashes) {
      if (!same_text(LowerCase(text.source()), PlainText(name))) continue;
      hash = known;
      return;
    }
    json.fail_at(Code::crypto_unsupported, text.offset);
  }
};

/// Appends the runtime data in canonical JSON: its digest is what quote and report carry, so that they belong to
/// this challenge and this key.
/// Source: RFC 8785. Names are in order, and no text here has anything to escape.
constexpr void write_runtime_data(ByteWriter& out, std::string_view nonce, const P256Point& key) {
  JsonWriter json(out);
  json.begin_object();
  json.key("additional-evidence");
  json.string("");
  json.key("nonce");
  json.string(nonce);
  json.key("tee-pubkey");
  detail::write_jwk(json, key, true);
  json.end_object();
}

/// What the guest was started with, for the broker to compare with PCR 8. Borrows it.
struct KbsInitData {
  std::string_view format;  // toml or json
  std::string_view body;
};

/// Appends the body of `POST attest`. `evidence` is Trustee's, JSON.
constexpr void write_kbs_attestation(ByteWriter& out, std::string_view nonce, const P256Point& key, ByteView evidence,
                                     const std::optional<KbsInitData>& init_data = {}) {
  JsonWriter json(out);
  json.begin_object();
  if (init_data) {
    json.key("init-data");
    json.begin_object();
    json.key("format");
    json.string(init_data->format);
    json.key("body");
    json.string(init_data->body);
    json.end_object();
  }
  json.key("runtime-data");
  json.begin_object();
  json.key("nonce");
  json.string(nonce);
  json.key("tee-pubkey");
  detail::write_jwk(json, key, true);
  json.end_object();
  json.key("tee-evidence");
  json.begin_object();
  json.key("primary_evidence");
  json.document(evidence);
  json.key("additional_evidence");
  json.string("");
  json.end_object();
  json.end_object();
}

/// The same as a broker reads it. Borrows the document.
struct KbsAttestation {
  JsonString nonce;
  P256Point key{};
  ByteView evidence;

  /// Unknown members are passed over.
  /// @returns the request | the codes of JsonReader | json_missing, jwe_algorithm - detail: JsonMember, unnamed for
  ///   one whose name has a hyphen
  ///   | json_unknown, text_base64, text_length, wire_overflow - in the key.
  [[nodiscard]] static constexpr Result<KbsAttestation> parse(ByteView text) {
    KbsAttestation out;
    bool nonce = false;
    bool key = false;
    bool evidence = false;
    JsonReader json(text);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "runtime-data") {
        json.enter_object();
        for (JsonString inner; json.next_member(inner);) {
          if (inner == "nonce") {
            nonce = true;
            out.nonce = json.string();
          } else if (inner == "tee-pubkey") {
            key = true;
            out.key = detail::read_jwk(json, true);
          } else {
            json.skip();
          }
        }
      } else if (member == "tee-evidence") {
        json.enter_object();
        for (JsonString inner; json.next_member(inner);) {
          const bool primary = inner == "primary_evidence";
          (void)json.peek();  // passes over white space
          const std::size_t start = json.offset();
          json.skip();
          if (!primary || !json.ok()) continue;
          evidence = true;
          out.evidence = text.subspan(start, json.offset() - start);
        }
      } else {
        json.skip();
      }
    }
    json.require(nonce, JsonMember::nonce);
    json.require(key, JsonMember::unnamed);
    json.require(evidence, JsonMember::unnamed);
    return json.finish(out);
  }
};

/// Reads `{"token":"…"}`, the answer of a broker or an attestation service.
/// @returns the token, whose parts are base64url between two points | the codes of JsonReader
///   | json_missing - detail: JsonMember | wire_value - other characters.
[[nodiscard]] inline Result<std::string_view> parse_token(ByteView text) {
  JsonString token;
  bool seen = false;
  JsonReader json(text);
  json.enter_object();
  for (JsonString member; json.next_member(member);) {
    if (member == "token") {
      seen = true;
      token = json.string();
    } else {
      json.skip();
    }
  }
  json.require(seen, JsonMember::token);
  SNPNV_CHECK(json.finish());
  std::size_t points = 0;
  for (const std::byte octet : token.raw) {
    const char c = static_cast<char>(octet);
    if (c == '.') ++points;
    else if (base64url_digit(c) < 0) return fail(Code::wire_value, token.offset);
  }
  if (points != 2) return fail(Code::wire_value, token.offset);
  return text_of(token.raw);
}

/// Why a broker refused. Borrows the document.
struct KbsError {
  std::array<char, 64> name_text{};
  std::size_t name_size = 0;
  JsonString detail;

  /// The last part of its type: "PolicyDeny".
  [[nodiscard]] constexpr std::string_view name() const { return {name_text.data(), name_size}; }

  /// @returns the error | the codes of JsonReader | json_missing - detail: JsonMember
  ///   | wire_value - a type whose last part is not a word of up to 64 letters and digits.
  [[nodiscard]] static constexpr Result<KbsError> parse(ByteView text) {
    KbsError out;
    bool type = false;
    bool detail = false;
    JsonReader json(text);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "type") {
        type = true;
        out.read_type(json);
      } else if (member == "detail") {
        detail = true;
        out.detail = json.string();
      } else {
        json.skip();
      }
    }
    json.require(type, JsonMember::type);
    json.require(detail, JsonMember::detail);
    return json.finish(out);
  }

 private:
  constexpr void read_type(JsonReader& json) {
    const JsonString text = json.string();
    if (!json.ok()) return;
    JsonString::Source source = text.source();
    bool word = true;
    for (char c = 0; source.next(c);) {
      if (c == '/') {
        name_size = 0;
        word = true;
        continue;
      }
      const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
      word = word && letter && name_size < name_text.size();
      if (word) name_text[name_size++] = c;
    }
    if (!word || name_size == 0) json.fail_at(Code::wire_value, text.offset);
  }
};

/// The header of the JWE below, which is authenticated as it came.
struct JweHeader {
  static constexpr std::size_t kMost = 1024;  // octets

  P256Point epk{};  // the sender's ephemeral key

  /// Other members would change how it is encrypted, so there are none.
  /// @returns the header | the codes of JsonReader | json_missing, jwe_algorithm - detail: JsonMember
  ///   | json_unknown | text_base64, text_length, wire_overflow - in the key.
  /// Source: RFC 7518, "Header Parameters Used for ECDH Key Agreement".
  [[nodiscard]] static constexpr Result<JweHeader> parse(ByteView text, std::size_t base = 0) {
    JweHeader out;
    bool alg = false;
    bool enc = false;
    bool epk = false;
    JsonReader json(text, base);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "alg") {
        alg = true;
        detail::expect(json, kbs::kKeyAgreement, JsonMember::alg);
      } else if (member == "enc") {
        enc = true;
        detail::expect(json, kbs::kEncryption, JsonMember::enc);
      } else if (member == "epk") {
        epk = true;
        out.epk = detail::read_jwk(json, false);
      } else {
        json.fail_at(Code::json_unknown, member.offset);
      }
    }
    json.require(alg, JsonMember::alg);
    json.require(enc, JsonMember::enc);
    json.require(epk, JsonMember::epk);
    return json.finish(out);
  }
};

/// Appends such a header.
constexpr void write_jwe_header(ByteWriter& out, const P256Point& epk) {
  JsonWriter json(out);
  json.begin_object();
  json.key("alg");
  json.string(kbs::kKeyAgreement);
  json.key("enc");
  json.string(kbs::kEncryption);
  json.key("epk");
  detail::write_jwk(json, epk, false);
  json.end_object();
}

/// An encrypted secret: a flattened JWE. Borrows the document.
struct KbsSecret {
  std::string_view protected_text;  // as it came: what the tag covers beside the ciphertext
  JweHeader header;
  std::array<std::byte, 40> wrapped_key{};
  std::array<std::byte, 12> iv{};
  std::array<std::byte, 16> tag{};
  JsonString ciphertext;  // base64url

  /// @returns the secret | the codes of JsonReader and JweHeader, where: in the header as it decodes, behind its
  ///   beginning | json_missing - detail: JsonMember | json_unknown | text_base64, text_length, wire_overflow
  ///   | wire_value - escapes in `protected`.
  /// Source: RFC 7516, "Flattened JWE JSON Serialization Syntax".
  [[nodiscard]] static Result<KbsSecret> parse(ByteView text) {
    KbsSecret out;
    JsonString header;
    std::array<bool, 5> seen{};
    constexpr std::array kMembers{JsonMember::protected_, JsonMember::encrypted_key, JsonMember::iv,
                                  JsonMember::ciphertext, JsonMember::tag};
    JsonReader json(text);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      std::size_t which = 0;
      while (which < kMembers.size() && !(member == name(kMembers[which]))) ++which;
      if (which == kMembers.size()) {
        json.fail_at(Code::json_unknown, member.offset);
        break;
      }
      seen[which] = true;
      switch (kMembers[which]) {
        case JsonMember::encrypted_key: detail::decode_exactly(json, out.wrapped_key); break;
        case JsonMember::iv: detail::decode_exactly(json, out.iv); break;
        case JsonMember::tag: detail::decode_exactly(json, out.tag); break;
        case JsonMember::ciphertext: out.ciphertext = json.string(); break;
        default: header = json.string(); break;
      }
    }
    for (std::size_t i = 0; i < kMembers.size(); ++i) json.require(seen[i], kMembers[i]);
    SNPNV_CHECK(json.finish());
    if (!header.plain) return fail(Code::wire_value, header.offset);
    out.protected_text = text_of(header.raw);
    std::array<std::byte, JweHeader::kMost> room{};
    SNPNV_TRY(const ByteView& decoded, decode_base64url(header.source(), room));
    SNPNV_TRY(out.header, JweHeader::parse(decoded, header.offset));
    return out;
  }
};

/// Appends such a document; `protected_text` is the header in base64url.
constexpr void write_kbs_secret(ByteWriter& out, std::string_view protected_text, ByteView wrapped_key, ByteView iv,
                                ByteView ciphertext, ByteView tag) {
  JsonWriter json(out);
  json.begin_object();
  json.key("protected");
  json.string(protected_text);
  for (const auto& [key, octets] : {std::pair{std::string_view("encrypted_key"), wrapped_key}, {"iv", iv},
                                    {"ciphertext", ciphertext}, {"tag", tag}}) {
    json.key(key);
    json.base64url(octets, Padding::none);
  }
  json.end_object();
}

/// Whether it names a resource: repository/type/tag, each of letters, digits, '-', '_' and '.', none of them dots
/// alone.
[[nodiscard]] constexpr bool is_kbs_resource(std::string_view text) {
  std::size_t parts = 0;
  for (bool last = false; !last; ++parts) {
    const std::size_t slash = text.find('/');
    last = slash == std::string_view::npos;
    const std::string_view part = upto(text, slash);
    if (!last) text.remove_prefix(slash + 1);
    if (part.empty() || part.find_first_not_of('.') == std::string_view::npos ||
        !std::ranges::all_of(part, [](char c) { return base64url_digit(c) >= 0 || c == '.'; }))
      return false;
  }
  return parts == 3;
}

}  // namespace snpnv
