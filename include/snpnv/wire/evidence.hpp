// SPDX-License-Identifier: Apache-2.0
// Evidence as relying parties take it: Trustee's az-snp-vtpm JSON, versions 0 to 2, and the request
// body of Microsoft Azure Attestation.
#pragma once

#include <optional>

#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/json_writer.hpp"

namespace snpnv {

/// Trustee evidence, decoded. Owns all that it holds, about 40 kB, but for the event log, which may be megabytes.
struct TrusteeEvidence {
  static constexpr std::size_t kPcrs = 32;     // as a quote can name; a TPM has 24
  static constexpr std::size_t kPcrSize = 32;  // SHA-256 bank
  /// From this version on the claims carry the nonce; before, they may carry anything.
  static constexpr std::uint64_t kFirstBound = 2;

  /// Octets up to Max.
  template <std::size_t Max>
  struct Held {
    std::array<std::byte, Max> octets{};
    std::size_t size = 0;
    [[nodiscard]] constexpr ByteView view() const { return ByteView(octets).first(size); }
  };

  std::uint64_t version = 0;  // 0: the format without a version member
  Held<512> signature;        // RSASSA, big-endian
  Held<2304> message;         // TPMS_ATTEST
  std::array<std::array<std::byte, kPcrSize>, kPcrs> pcrs{};
  std::size_t pcr_count = 0;
  Held<16384> hcl_report;     // the NV content
  Held<8192> vcek;            // DER; PEM in version 0
  std::optional<JsonString> cc_eventlog;  // in the document: base64

  /// The event log, decoded into `room`. Three octets for four of the document are enough.
  /// @returns its octets | text_base64, wire_overflow - where: offset in the document
  [[nodiscard]] constexpr Result<ByteView> event_log(MutBytes room) const {
    return decode_base64url(FromBase64(cc_eventlog->source()), room);
  }

  /// Reads and checks the whole document; unknown members are passed over.
  /// @returns the evidence | any json_ code | text_hex, text_base64, text_length, wire_overflow - in a
  ///   member so encoded | json_missing - a member is absent; detail: JsonMember
  ///   | evidence_version - detail: version; where: offset in the document.
  /// Source: Trustee, az-snp-vtpm verifier, "Evidence".
  [[nodiscard]] static constexpr Result<TrusteeEvidence> parse(ByteView text) {
    TrusteeEvidence out;
    SNPNV_CHECK(out.read(text));
    return out;
  }
  /// The same, in place: it is large.
  [[nodiscard]] constexpr Result<void> read(ByteView text) {
    for (std::size_t* const size : {&signature.size, &message.size, &pcr_count, &hcl_report.size, &vcek.size})
      *size = 0;
    cc_eventlog.reset();
    SNPNV_TRY(version, version_of(text));
    if (version > 2) return fail(Code::evidence_version, 0, static_cast<std::uint32_t>(version));
    const bool old = version == 0;
    JsonReader json(text);
    Seen seen;
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "version") {
        json.skip();
      } else if (member == (old ? std::string_view("quote") : std::string_view("tpm_quote"))) {
        seen.quote = true;
        read_quote(json, old);
      } else if (member == (old ? std::string_view("report") : std::string_view("hcl_report"))) {
        seen.report = true;
        old ? read_octets(json, hcl_report) : decode(json, hcl_report, Encoding::base64url);
      } else if (member == "vcek") {
        seen.vcek = true;
        decode(json, vcek, old ? Encoding::text : Encoding::base64url);
      } else if (member == "cc_eventlog") {
        if (json.peek() == JsonKind::null) {
          json.skip();
        } else {
          cc_eventlog = json.string();
        }
      } else {
        json.skip();
      }
    }
    json.require(seen.quote, old ? JsonMember::quote : JsonMember::tpm_quote);
    json.require(seen.report, old ? JsonMember::report : JsonMember::hcl_report);
    json.require(seen.vcek, JsonMember::vcek);
    return json.finish();
  }

 private:
  enum class Encoding : std::uint8_t { hex, base64url, text };
  struct Seen {
    bool quote = false, report = false, vcek = false;
  };

  // The version decides how the members before it are read, so it is looked for first.
  static constexpr Result<std::uint64_t> version_of(ByteView text) {
    JsonReader json(text);
    std::uint64_t version = 0;
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "version") {
        version = json.unsigned_integer();
      } else {
        json.skip();
      }
    }
    return json.finish(version);
  }

  template <std::size_t Max>
  static constexpr void decode(JsonReader& json, Held<Max>& to, Encoding encoding) {
    const JsonString text = json.string();
    const auto decoded = encoding == Encoding::hex         ? decode_hex(text.source(), to.octets)
                         : encoding == Encoding::base64url ? decode_base64url(text.source(), to.octets)
                                                           : text.copy(to.octets);
    if (!decoded) return json.fail(decoded.error());
    to.size = decoded->size();
  }

  template <std::size_t Max>
  static constexpr void read_octets(JsonReader& json, Held<Max>& to) {
    json.enter_array();
    while (json.next_element()) {
      const std::uint64_t value = json.unsigned_integer();
      if (value > 255) return json.fail(Code::json_number);
      if (to.size == Max) return json.fail(Code::wire_overflow, Max);
      to.octets[to.size++] = static_cast<std::byte>(value);
    }
  }

  constexpr void read_quote(JsonReader& json, bool old) {
    bool seen_signature = false;
    bool seen_message = false;
    bool seen_pcrs = false;
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "signature") {
        seen_signature = true;
        old ? read_octets(json, signature) : decode(json, signature, Encoding::hex);
      } else if (member == "message") {
        seen_message = true;
        old ? read_octets(json, message) : decode(json, message, Encoding::hex);
      } else if (member == "pcrs") {
        seen_pcrs = true;
        json.enter_array();
        while (json.next_element()) {
          if (pcr_count == kPcrs) return json.fail(Code::wire_overflow, kPcrs);
          Held<kPcrSize> value;
          old ? read_octets(json, value) : decode(json, value, Encoding::hex);
          if (json.ok() && value.size != kPcrSize) json.fail(Code::text_length, kPcrSize);
          pcrs[pcr_count++] = value.octets;
        }
      } else {
        json.skip();
      }
    }
    json.require(seen_signature, JsonMember::signature);
    json.require(seen_message, JsonMember::message);
    json.require(seen_pcrs, JsonMember::pcrs);
  }
};

/// Writes Trustee evidence of version 2; with the boot's event log, where there is one.
constexpr void write_trustee_evidence(ByteWriter& out, ByteView signature, ByteView message,
                                      std::span<const ByteView> pcrs, ByteView hcl_report, ByteView vcek,
                                      ByteView event_log = {}) {
  JsonWriter json(out);
  json.begin_object();
  json.key("version");
  json.number(2);
  json.key("tpm_quote");
  json.begin_object();
  json.key("signature");
  json.hex(signature);
  json.key("message");
  json.hex(message);
  json.key("pcrs");
  json.begin_array();
  for (const ByteView pcr : pcrs) json.hex(pcr);
  json.end_array();
  json.end_object();
  json.key("hcl_report");
  json.base64url(hcl_report, Padding::padded);
  json.key("vcek");
  json.base64url(vcek, Padding::padded);
  if (!event_log.empty()) {
    json.key("cc_eventlog");
    const std::size_t from = out.size();
    json.base64url(event_log, Padding::padded);
    for (std::byte& digit : out.written().subspan(from))  // the same digits but two: RFC 4648, "Base 64 Encoding"
      digit = digit == std::byte{'-'} ? std::byte{'+'} : digit == std::byte{'_'} ? std::byte{'/'} : digit;
  }
  json.end_object();
}

/// Writes the body of `POST /attest/SevSnpVm`: report and claims, and the chain as PEM, VCEK first.
/// `scratch` takes the inner document.
/// @returns nothing | wire_overflow - `scratch` is too small.
/// Source: Microsoft Azure Attestation REST API, "Attest Sev Snp Vm".
[[nodiscard]] constexpr Result<void> write_maa_request(ByteWriter& out, ByteView report, ByteView chain_pem,
                                                       ByteView claims, MutBytes scratch) {
  ByteWriter inner(scratch);
  JsonWriter document(inner);
  document.begin_object();
  document.key("SnpReport");
  document.base64url(report, Padding::none);
  document.key("VcekCertChain");
  document.base64url(chain_pem, Padding::none);
  document.end_object();
  SNPNV_TRY(const ByteView& text, inner.finish());
  JsonWriter json(out);
  json.begin_object();
  json.key("report");
  json.base64url(text, Padding::none);
  json.key("runtimeData");
  json.begin_object();
  json.key("data");
  json.base64url(claims, Padding::none);
  json.key("dataType");
  json.string("JSON");
  json.end_object();
  json.end_object();
  return {};
}

/// The same as the service reads it. Borrows the room that it was decoded to.
struct MaaEvidence {
  ByteView report;     // of any size
  ByteView chain_pem;  // VCEK first
  ByteView claims;

  /// Unknown members are passed over.
  /// @returns the evidence | the codes of JsonReader and text_base64, where: in the document, or in the one within it
  ///   as it decodes | json_missing - detail: JsonMember, unnamed | wire_value - a dataType other than JSON
  ///   | wire_overflow - `room` is too small; twice the document is enough.
  [[nodiscard]] static constexpr Result<MaaEvidence> parse(ByteView text, MutBytes room) {
    using Decoded = std::optional<ByteView>;
    const auto decode = [&](JsonReader& json, Decoded& to) {
      const JsonString digits = json.string();
      if (!json.ok()) return;
      const auto octets = decode_base64url(digits.source(), room);
      if (!octets) return json.fail(octets.error());
      to = *octets;
      room = room.subspan(octets->size());
    };
    Decoded inner, report, chain, claims;
    JsonReader json(text);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "report") {
        decode(json, inner);
      } else if (member == "runtimeData") {
        json.enter_object();
        for (JsonString part; json.next_member(part);) {
          if (part == "data") {
            decode(json, claims);
          } else if (part == "dataType") {
            const JsonString type = json.string();
            if (json.ok() && !(type == std::string_view("JSON"))) json.fail_at(Code::wire_value, type.offset);
          } else {
            json.skip();
          }
        }
      } else {
        json.skip();
      }
    }
    json.require(inner && claims, JsonMember::unnamed);
    SNPNV_CHECK(json.finish());
    JsonReader within(*inner);
    within.enter_object();
    for (JsonString member; within.next_member(member);) {
      if (member == "SnpReport") decode(within, report);
      else if (member == "VcekCertChain") decode(within, chain);
      else within.skip();
    }
    within.require(report && chain, JsonMember::unnamed);
    SNPNV_CHECK(within.finish());
    return MaaEvidence{*report, *chain, *claims};
  }
};

}  // namespace snpnv
