// SPDX-License-Identifier: Apache-2.0
// TPMS_ATTEST: what the TPM signs. Every type is told apart; a quote is read whole.
#pragma once

#include "snpnv/wire/tpm2_structures.hpp"

namespace snpnv {

/// Part 2, "TPMS_CLOCK_INFO". clock in milliseconds.
struct TPMS_CLOCK_INFO {
  std::uint64_t clock = 0;
  std::uint32_t resetCount = 0;
  std::uint32_t restartCount = 0;
  std::uint8_t safe = 0;  // TPMI_YES_NO

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.clock, self.resetCount, self.restartCount, self.safe);
    wire.require(self.safe <= 1, Code::wire_value);
  }
};

/// Part 2, "TPMS_QUOTE_INFO".
struct TPMS_QUOTE_INFO {
  TPML_PCR_SELECTION pcrSelect{};
  TPM2B_DIGEST pcrDigest{};

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) { wire(self.pcrSelect, self.pcrDigest); }
};

/// The types of TPMS_ATTEST. Part 2, "TPMI_ST_ATTEST".
[[nodiscard]] constexpr std::string_view attest_name(TPM_ST type) {
  switch (type) {
    case TPM_ST::ATTEST_NV: return "TPM_ST_ATTEST_NV";
    case TPM_ST::ATTEST_COMMAND_AUDIT: return "TPM_ST_ATTEST_COMMAND_AUDIT";
    case TPM_ST::ATTEST_SESSION_AUDIT: return "TPM_ST_ATTEST_SESSION_AUDIT";
    case TPM_ST::ATTEST_CERTIFY: return "TPM_ST_ATTEST_CERTIFY";
    case TPM_ST::ATTEST_QUOTE: return "TPM_ST_ATTEST_QUOTE";
    case TPM_ST::ATTEST_TIME: return "TPM_ST_ATTEST_TIME";
    case TPM_ST::ATTEST_CREATION: return "TPM_ST_ATTEST_CREATION";
    case TPM_ST::ATTEST_NV_DIGEST: return "TPM_ST_ATTEST_NV_DIGEST";
    default: return "no TPMI_ST_ATTEST";
  }
}

/// Part 2, "TPMS_ATTEST". Big-endian. Borrows the octets it is read from.
struct TPMS_ATTEST {
  static constexpr std::uint32_t kGenerated = 0xFF544347;  // TPM_GENERATED_VALUE

  std::uint32_t magic = 0;
  TPM_ST type{};
  TPM2B_NAME qualifiedSigner{};
  TPM2B_DATA extraData{};
  TPMS_CLOCK_INFO clockInfo{};
  std::uint64_t firmwareVersion = 0;
  TPMS_QUOTE_INFO quote{};  // if type is ATTEST_QUOTE
  ByteView attested;        // otherwise: the rest, not interpreted

  [[nodiscard]] constexpr bool is_quote() const { return magic == kGenerated && type == TPM_ST::ATTEST_QUOTE; }

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) {
    wire(self.magic, self.type, self.qualifiedSigner, self.extraData, self.clockInfo, self.firmwareVersion);
    if (self.type == TPM_ST::ATTEST_QUOTE) {
      wire(self.quote);
    } else {
      wire.rest(self.attested);
    }
  }
};

}  // namespace snpnv
