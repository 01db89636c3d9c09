// SPDX-License-Identifier: Apache-2.0
// What the vTPM of a guest says of itself and does not do, where the TPM behind does more. Source: the reference
// implementation with OpenHCL's settings, asked in 2026.
#pragma once

#include "paravisor/guest_command.hpp"

namespace snpnv::paravisor {

/// Bytes of TPM2B_DATA at most: an algorithm and a SHA-384 digest.
inline constexpr std::size_t kDataMax = 2 + 48;

/// Properties whose values are others than those of the TPM behind.
inline constexpr TPMS_TAGGED_PROPERTY kProperties[] = {
    {TPM_PT{0x102}, 138},                         // REVISION
    {TPM_PT::MANUFACTURER, 0x4D534654},           // "MSFT"
    {TPM_PT::VENDOR_STRING_1, 0x54504D20},        // "TPM "
    {TPM_PT::FIRMWARE_VERSION_1, 0x20200312},
    {TPM_PT{0x10F}, 2},                           // HR_PERSISTENT_MIN
    {TPM_PT::NV_INDEX_MAX, 4096},
    {TPM_PT{0x120}, 48},                          // MAX_DIGEST
};

/// 0, or the response code for a parameter that the guest's TPM does not take. Part 2, "TPM_RC", "Format 1".
[[nodiscard]] inline std::uint32_t beyond_limits(const GuestCommand& command) {
  const auto parameter = [](TPM_RC rc, std::uint32_t number) {
    return static_cast<std::uint32_t>(rc) | 0x40U | (number << 8);
  };
  ByteReader reader(command.parameters);
  const auto selects_sha512 = [&] {
    TPML_PCR_SELECTION selection;
    TpmReader{reader}(selection);
    return std::ranges::any_of(selection.view(), [](const auto& bank) { return bank.hash == TPM_ALG_ID::SHA512; });
  };
  if (command.code == TPM_CC::PCR_Read) return selects_sha512() ? parameter(TPM_RC::HASH, 1) : 0;
  constexpr auto kWithData = std::to_array({TPM_CC::Quote,   cc::Certify,               cc::CertifyCreation,
                                 cc::GetTime,     cc::GetCommandAuditDigest, cc::GetSessionAuditDigest,
                                 cc::NV_Certify});  // qualifyingData is the first parameter of each
  if (std::ranges::find(kWithData, command.code) == kWithData.end()) return 0;
  const std::size_t size = reader.be<std::uint16_t>();
  if (size > kDataMax) return parameter(TPM_RC::SIZE, 1);
  if (command.code != TPM_CC::Quote) return 0;
  (void)reader.take(size);
  TPMT_SIG_SCHEME scheme;
  TpmReader{reader}(scheme);
  return selects_sha512() ? parameter(TPM_RC::HASH, 3) : 0;
}

/// Part 2, "TPMS_ALG_PROPERTY".
struct TPMS_ALG_PROPERTY {
  TPM_ALG_ID hash{};
  std::uint32_t properties = 0;
  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) { wire(self.hash, self.properties); }
};

/// A successful answer to TPM2_GetCapability, with the guest's properties and without SHA-512.
/// @returns the octets written to the front of `out` | wire_short, wire_trailing, wire_overflow.
[[nodiscard]] inline Result<ByteView> tell_limits(const GuestCommand& command, ByteView answer, MutBytes out) {
  constexpr std::uint32_t kAlgorithms = 0;
  constexpr std::uint32_t kPcrs = 5;
  constexpr std::uint32_t kTpmProperties = 6;
  if (!command.sessions.empty() || !detail::response_header(answer)) return answer;  // an audit session's HMAC would not hold
  const std::vector<std::byte> given(answer.begin(), answer.end());
  ByteReader reader(ByteView(given).subspan(TpmHeader::kSize), TpmHeader::kSize);
  const auto more = reader.be<std::uint8_t>();
  const auto capability = reader.be<std::uint32_t>();
  if (capability != kAlgorithms && capability != kPcrs && capability != kTpmProperties) return answer;
  ByteWriter writer(out);
  TpmWriter wire(writer);
  wire(TpmHeader{TPM_ST::NO_SESSIONS, 0, 0}, more, capability);
  const std::size_t at = writer.size();
  wire(std::uint32_t{0});
  std::uint32_t kept = 0;
  const auto copy_entry = [&]<class Entry>(Entry entry) {
    TpmReader{reader}(entry);
    if constexpr (requires { entry.hash; }) {
      if (entry.hash == TPM_ALG_ID::SHA512) return;
    } else {
      for (const TPMS_TAGGED_PROPERTY& told : kProperties)
        if (told.property == entry.property) entry.value = told.value;
    }
    wire(entry);
    ++kept;
  };
  for (auto count = reader.be<std::uint32_t>(); count > 0 && reader.ok(); --count) {
    switch (capability) {
      case kAlgorithms: copy_entry(TPMS_ALG_PROPERTY{}); break;
      case kPcrs: copy_entry(TPMS_PCR_SELECTION{}); break;
      default: copy_entry(TPMS_TAGGED_PROPERTY{}); break;
    }
  }
  SNPNV_CHECK(reader.finish());
  if (writer.ok()) store<std::uint32_t, Endian::big>(writer.written().subspan(at).first<4>(), kept);
  return detail::seal_message(writer);
}

}  // namespace snpnv::paravisor
