// Prints the fields of the declared layouts, as text and as JSON, from their declarations.
#pragma once

#include "cli.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "snpnv/wire/snp_report.hpp"

namespace snpnv::tool {

[[nodiscard]] std::string report_text(const ATTESTATION_REPORT& report);
[[nodiscard]] std::string envelope_text(const HclReport& envelope);
[[nodiscard]] std::string claims_text(const RuntimeClaims& claims);

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
  /// Something that is not there or cannot be read: null in JSON, `why` in text.
  void absent(std::string_view key, std::string_view label, std::string_view why);
  /// A line of text alone.
  void note(std::string_view label, std::string_view text) { text_ += text_line(label, text); }
  [[nodiscard]] Outcome<std::string> finish(bool json);

 private:
  std::string text_;
  JsonText json_;
};

/// The names of the set bits of an attribute field, and unnamed ones by number, joined by '|'.
template <class Bits>
[[nodiscard]] std::string attribute_names(const Bits& bits) {
  std::string out;
  const auto add = [&](std::string_view name) {
    if (!out.empty()) out += '|';
    out += name;
  };
  std::uint32_t rest = bits.value;
  for (const BitName& bit : Bits::kBits) {
    const std::uint64_t value = extract(bits.value, bit);
    if (value != 0) add(bit.first == bit.last ? std::string(bit.name)
                                              : format("%s=%u", std::string(bit.name).c_str(),
                                                       static_cast<unsigned>(value)));
    rest &= ~static_cast<std::uint32_t>(((std::uint64_t{2} << (bit.last - bit.first)) - 1) << bit.first);
  }
  for (unsigned i = 0; i < 32; ++i)
    if ((rest >> i & 1U) != 0) add(format("bit%u", i));
  return out;
}

}  // namespace snpnv::tool
