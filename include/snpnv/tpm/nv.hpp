// SPDX-License-Identifier: Apache-2.0
// NV indices: reading in chunks, public areas.
#pragma once

#include "snpnv/tpm/tpm.hpp"

namespace snpnv {

/// Octets that one TPM2_NV_Read returns at most: TPM_PT_NV_BUFFER_MAX of the reference
/// implementation. A TPM with less says TPM_RC_VALUE, and is then asked for its own value.
inline constexpr std::uint16_t kNvBufferMax = 1024;

/// Reads one NV index with owner authorization.
template <TpmClient Tpm>
class NvReader {
 public:
  constexpr NvReader(Tpm& tpm, TPM_HANDLE index) : tpm_(tpm), index_(index) {}

  /// Fills `out` with the octets from `offset` on, in as few commands as the TPM allows.
  /// @returns `out` | what Tpm::execute() returns | wire_too_large - the index has 16-bit offsets.
  [[nodiscard]] constexpr Result<ByteView> read(std::size_t offset, MutBytes out) {
    if (offset + out.size() > 0xFFFF) return fail(Code::wire_too_large, offset, 0xFFFF);
    for (std::size_t at = 0; at < out.size();) {
      const auto size = static_cast<std::uint16_t>(std::min<std::size_t>(chunk_, out.size() - at));
      const NV_Read command{TPM_RH::OWNER, index_, size, static_cast<std::uint16_t>(offset + at)};
      const auto response = tpm_.execute(command);
      if (!response) {
        SNPNV_CHECK(shrink_chunk(response.error()));
        continue;
      }
      copy_to(out.subspan(at, size), response->data.data);
      at += size;
    }
    return ByteView(out);
  }

 private:
  // After TPM_RC_VALUE for the size, learns the TPM's own limit; any other error stands.
  [[nodiscard]] constexpr Result<void> shrink_chunk(const Error& error) {
    if (chunk_ != kNvBufferMax || !is_rc(error, TPM_RC::VALUE)) return fail(error);
    const auto answer = tpm_.execute(GetCapability{
        TPM_CAP::TPM_PROPERTIES, static_cast<std::uint32_t>(TPM_PT::NV_BUFFER_MAX), 1});
    if (!answer) return fail(answer.error());
    for (const TPMS_TAGGED_PROPERTY& p : answer->capabilityData.tpmProperties.view()) {
      if (p.property != TPM_PT::NV_BUFFER_MAX || p.value == 0 || p.value >= chunk_) continue;
      chunk_ = static_cast<std::uint16_t>(p.value);
      return {};
    }
    return fail(error);
  }

  Tpm& tpm_;
  TPM_HANDLE index_;
  std::uint16_t chunk_ = kNvBufferMax;
};

/// The public area of an index.
/// @returns it | tpm_rc with TPM_RC_HANDLE if there is no such index | what Tpm::execute() returns.
template <TpmClient Tpm>
[[nodiscard]] constexpr Result<TPMS_NV_PUBLIC> nv_public(Tpm& tpm, TPM_HANDLE index) {
  SNPNV_TRY(const auto& response, tpm.execute(NV_ReadPublic{index}));
  TPMS_NV_PUBLIC area = response.nvPublic.value;
  area.authPolicy = {};  // it borrows the scratch buffer
  return area;
}

}  // namespace snpnv
