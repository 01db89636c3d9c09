// SPDX-License-Identifier: Apache-2.0
// The user-data index, which asks for a report: what it has to be, how it is mended, and how it is written.
#pragma once

#include "snpnv/tpm/nv.hpp"
#include "snpnv/wire/hcl_report.hpp"

namespace snpnv {

/// The public area that the user-data index is given. OWNERREAD is vital: the paravisor reads the
/// index with owner authorization when the VM boots.
[[nodiscard]] constexpr TPMS_NV_PUBLIC user_data_public(std::size_t size) {
  constexpr TPMA_NV kAttributes = TPMA_NV{}
                                      .with(TPMA_NV::OWNERWRITE)
                                      .with(TPMA_NV::OWNERREAD)
                                      .with(TPMA_NV::AUTHWRITE)
                                      .with(TPMA_NV::AUTHREAD);
  return {vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, kAttributes, {}, static_cast<std::uint16_t>(size)};
}

namespace detail {

/// Whether an index does for user data: of that size, and the owner's to read and to write, now and
/// later. Other ways to read and write it do no harm, and need not be there.
[[nodiscard]] constexpr bool fits_user_data(const TPMS_NV_PUBLIC& area, std::size_t size) {
  constexpr TPMA_NV kNeeded = TPMA_NV{}.with(TPMA_NV::OWNERWRITE).with(TPMA_NV::OWNERREAD);
  constexpr std::uint32_t kKind = 0xFU << TPMA_NV::TPM_NT.first;  // a counter, for one; 0 is ordinary
  constexpr TPMA_NV kHindering = TPMA_NV{kKind}
                                     .with(TPMA_NV::WRITELOCKED)
                                     .with(TPMA_NV::WRITEDEFINE)
                                     .with(TPMA_NV::WRITE_STCLEAR)
                                     .with(TPMA_NV::GLOBALLOCK)
                                     .with(TPMA_NV::READLOCKED)
                                     .with(TPMA_NV::READ_STCLEAR);
  return area.dataSize == size && area.nameAlg == TPM_ALG_ID::SHA256 &&
         (area.attributes.value & (kNeeded.value | kHindering.value)) == kNeeded.value;
}

/// Looks whether index 0x01400001 holds the envelope of an SNP machine. From offset 1 on: a read at
/// offset 0 asks for a refresh, with the user data of before, and none other would follow for 2 s.
/// @returns nothing | tpm_rc with TPM_RC_HANDLE if there is no such index | hcl_signature, hcl_version,
///   hcl_sizes, hcl_report_type - another program's, or another kind of machine
///   | what Tpm::execute() returns.
template <TpmClient Tpm>
[[nodiscard]] constexpr Result<void> look_for_paravisor(Tpm& tpm) {
  std::array<std::byte, HclReport::kSize> front{static_cast<std::byte>(HclReport::kSignature & 0xFFU)};
  SNPNV_CHECK(NvReader(tpm, vtpm::kReportIndex).read(1, MutBytes(front).subspan(1)));
  const auto judged = [&]() -> Result<void> {
    SNPNV_CHECK(HclReport::announced_size(front));
    SNPNV_CHECK(HclReport{front, {}, {}, {}}.snp_report());
    return {};
  }();
  if (judged) return {};
  Error error = judged.error();
  error.object = static_cast<std::uint32_t>(vtpm::kReportIndex);
  return fail(error);
}

}  // namespace detail

/// Defines the user-data index if it is absent, or anew if it does not do. Nothing is changed on a
/// machine without a paravisor's report.
/// @returns true if it was defined | what look_for_paravisor() and Tpm::execute() return.
template <TpmClient Tpm>
[[nodiscard]] constexpr Result<bool> repair_user_data_index(Tpm& tpm, std::size_t size) {
  const auto found = nv_public(tpm, vtpm::kUserDataIndex);
  if (found && detail::fits_user_data(*found, size)) return false;
  if (!found && !is_rc(found.error(), TPM_RC::HANDLE)) return fail(found.error());
  SNPNV_CHECK(detail::look_for_paravisor(tpm));
  if (found) SNPNV_CHECK(tpm.execute(NV_UndefineSpace{TPM_RH::OWNER, vtpm::kUserDataIndex}));
  const auto defined = tpm.execute(NV_DefineSpace{TPM_RH::OWNER, {}, {user_data_public(size)}});
  // Another process may have defined it in the meantime: then the next write decides.
  if (!defined && !is_rc(defined.error(), TPM_RC::NV_DEFINED)) return fail(defined.error());
  return true;
}

/// Writes the user data at index 0x01400002. In the steady state this is one TPM2_NV_Write. Where
/// there is no such index, it is defined; where size or attributes do not do, it is defined anew.
/// @returns nothing | what repair_user_data_index() and Tpm::execute() return.
template <TpmClient Tpm>
[[nodiscard]] constexpr Result<void> write_user_data(Tpm& tpm, ByteView user_data) {
  const NV_Write write{TPM_RH::OWNER, vtpm::kUserDataIndex, {user_data}, 0};
  const auto first = tpm.execute(write);
  if (first) return {};
  if (first.error().code != Code::tpm_rc) return fail(first.error());
  // Only an index of the wrong shape is ours to mend: locks and owner passwords are not.
  SNPNV_TRY(const bool defined, repair_user_data_index(tpm, user_data.size()));
  if (!defined) return fail(first.error());
  SNPNV_CHECK(tpm.execute(write));
  return {};
}

}  // namespace snpnv
