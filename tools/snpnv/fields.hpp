// SPDX-License-Identifier: Apache-2.0
// Prints the fields of the declared layouts, as text and as JSON, from their declarations.
#pragma once

#include "cli.hpp"
#include "output.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "snpnv/wire/snp_report.hpp"

namespace snpnv::tool {

[[nodiscard]] std::string report_text(const ATTESTATION_REPORT& report);
[[nodiscard]] std::string envelope_text(const HclReport& envelope);
[[nodiscard]] std::string claims_text(const RuntimeClaims& claims);

/// Of claims that end in zeros, as those do that were cut from an index by its size.
inline constexpr std::string_view kPaddedClaims = "they end in zeros: padding of the NV index is not part of the claims";

/// The processor that the report is from, or those that it can be from.
[[nodiscard]] std::string product_text(const ATTESTATION_REPORT& report);

// Each writes one JSON object.
void report_json(JsonWriter& json, const ATTESTATION_REPORT& report);
void envelope_json(JsonWriter& json, const HclReport& envelope);
void claims_json(JsonWriter& json, const RuntimeClaims& claims);

/// `NAME  value`, aligned.
[[nodiscard]] std::string text_line(std::string_view name, std::string_view value, unsigned indent = 0);

/// What a command found out, one thing after another: as lines of text, and as members of one JSON object.
class Listing {
 public:
  Listing() { json_.json().begin_object(); }
  void text(std::string_view key, std::string_view label, std::string_view value);
  void number(std::string_view key, std::string_view label, std::uint64_t value);
  void boolean(std::string_view key, std::string_view label, bool value);
  /// Something that is not there or cannot be read: in JSON null, beside KEY_error; in text `why` behind `mark`.
  void absent(std::string_view key, std::string_view label, std::string_view why, std::string_view mark = {});
  /// What helps with it: KEY_hint in JSON.
  void hint(std::string_view key, std::string_view text);
  /// A line of text alone.
  void note(std::string_view label, std::string_view text) { text_ += text_line(label, text); }
  [[nodiscard]] Outcome<std::string> finish(bool json);

 private:
  std::string text_;
  JsonText json_;
};

/// The names of the set bits of an attribute field, and unnamed ones by number, joined by '|'.
[[nodiscard]] std::string attribute_names(std::uint32_t bits, std::span<const BitName> names);
template <class Bits>
[[nodiscard]] std::string attribute_names(const Bits& bits) {
  return attribute_names(bits.value, Bits::kBits);
}

}  // namespace snpnv::tool
