// SPDX-License-Identifier: Apache-2.0
// Names of the bits in the report's integer fields. No decisions are made here.
#pragma once

#include <array>

#include "snpnv/core/layout.hpp"

namespace snpnv {

/// Defines an integer field whose bits have names. Bits without a name are shown as such.
#define SNPNV_BIT_FIELD(TYPE, INTEGER)                                                     \
  static constexpr std::size_t kSize = sizeof(INTEGER);                                    \
  using Value = TYPE;                                                                      \
  INTEGER value = 0;                                                                       \
  [[nodiscard]] static constexpr TYPE load(std::span<const std::byte, kSize> in) {         \
    return {::snpnv::load<INTEGER, Endian::little>(in)};                                   \
  }                                                                                        \
  [[nodiscard]] constexpr std::uint64_t operator[](BitName bits) const {                   \
    return extract(value, bits);                                                           \
  }

/// What the guest owner allows. AMD 56860, "Guest Policy".
struct GuestPolicy {
  SNPNV_BIT_FIELD(GuestPolicy, std::uint64_t)
  static constexpr BitName ABI_MINOR{0, 7, "ABI_MINOR"};
  static constexpr BitName ABI_MAJOR{8, 15, "ABI_MAJOR"};
  static constexpr BitName SMT{16, 16, "SMT"};
  static constexpr BitName MUST_BE_ONE{17, 17, "RESERVED_17"};  // must be 1
  static constexpr BitName MIGRATE_MA{18, 18, "MIGRATE_MA"};
  static constexpr BitName DEBUG{19, 19, "DEBUG"};
  static constexpr BitName SINGLE_SOCKET{20, 20, "SINGLE_SOCKET"};
  static constexpr BitName CXL_ALLOW{21, 21, "CXL_ALLOW"};
  static constexpr BitName MEM_AES_256_XTS{22, 22, "MEM_AES_256_XTS"};
  static constexpr BitName RAPL_DIS{23, 23, "RAPL_DIS"};
  static constexpr BitName CIPHERTEXT_HIDING_DRAM{24, 24, "CIPHERTEXT_HIDING_DRAM"};
  static constexpr BitName PAGE_SWAP_DISABLE{25, 25, "PAGE_SWAP_DISABLE"};
  static constexpr auto kBits =
      std::to_array({ABI_MINOR, ABI_MAJOR, SMT, MUST_BE_ONE, MIGRATE_MA, DEBUG, SINGLE_SOCKET, CXL_ALLOW,
                     MEM_AES_256_XTS, RAPL_DIS, CIPHERTEXT_HIDING_DRAM, PAGE_SWAP_DISABLE});
};

/// What the platform has switched on. AMD 56860, "ATTESTATION_REPORT", PLATFORM_INFO.
struct PlatformInfo {
  SNPNV_BIT_FIELD(PlatformInfo, std::uint64_t)
  static constexpr BitName SMT_EN{0, 0, "SMT_EN"};
  static constexpr BitName TSME_EN{1, 1, "TSME_EN"};
  static constexpr BitName ECC_EN{2, 2, "ECC_EN"};
  static constexpr BitName RAPL_DIS{3, 3, "RAPL_DIS"};
  static constexpr BitName CIPHERTEXT_HIDING_DRAM_EN{4, 4, "CIPHERTEXT_HIDING_DRAM_EN"};
  static constexpr BitName ALIAS_CHECK_COMPLETE{5, 5, "ALIAS_CHECK_COMPLETE"};
  static constexpr BitName TIO_EN{7, 7, "TIO_EN"};
  static constexpr auto kBits = std::to_array(
      {SMT_EN, TSME_EN, ECC_EN, RAPL_DIS, CIPHERTEXT_HIDING_DRAM_EN, ALIAS_CHECK_COMPLETE, TIO_EN});
};

/// Which keys the report speaks of and is signed with. AMD 56860, "ATTESTATION_REPORT", offset 48h.
struct KeyInfo {
  SNPNV_BIT_FIELD(KeyInfo, std::uint32_t)
  static constexpr BitName AUTHOR_KEY_EN{0, 0, "AUTHOR_KEY_EN"};
  static constexpr BitName MASK_CHIP_KEY{1, 1, "MASK_CHIP_KEY"};
  static constexpr BitName SIGNING_KEY{2, 4, "SIGNING_KEY"};
  static constexpr auto kBits = std::to_array({AUTHOR_KEY_EN, MASK_CHIP_KEY, SIGNING_KEY});
};

#undef SNPNV_BIT_FIELD

/// Values of KEY_INFO.SIGNING_KEY.
enum class SIGNING_KEY : std::uint8_t { VCEK = 0, VLEK = 1, NONE = 7 };

[[nodiscard]] constexpr std::string_view name(SIGNING_KEY key) {
  switch (key) {
    case SIGNING_KEY::VCEK: return "VCEK";
    case SIGNING_KEY::VLEK: return "VLEK";
    case SIGNING_KEY::NONE: return "none";
  }
  return "unknown";
}

/// The bits of `value` that no entry of `names` covers.
[[nodiscard]] constexpr std::uint64_t unnamed_bits(std::uint64_t value, std::span<const BitName> names) {
  for (const BitName& name : names)
    value &= ~(((std::uint64_t{2} << (name.last - name.first)) - 1) << name.first);
  return value;
}
template <class Bits>
[[nodiscard]] constexpr std::uint64_t unnamed_bits(const Bits& bits) {
  return unnamed_bits(bits.value, Bits::kBits);
}

}  // namespace snpnv
