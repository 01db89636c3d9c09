// SPDX-License-Identifier: Apache-2.0
// The names of AMD's extensions in the certificates of VCEKs and VLEKs.
#pragma once

#include "snpnv/wire/der.hpp"

namespace snpnv {

// X(id, name as AMD spells it, the OID's arcs behind 1.3.6.1.4.1.3704.1)
#define SNPNV_VEK_EXTENSIONS(X)          \
  X(struct_version, "structVersion", 1)  \
  X(product_name, "productName", 2)      \
  X(bl_spl, "blSPL", 3, 1)               \
  X(tee_spl, "teeSPL", 3, 2)             \
  X(snp_spl, "snpSPL", 3, 3)             \
  X(spl_4, "spl4", 3, 4)                 \
  X(spl_5, "spl5", 3, 5)                 \
  X(spl_6, "spl6", 3, 6)                 \
  X(spl_7, "spl7", 3, 7)                 \
  X(ucode_spl, "ucodeSPL", 3, 8)         \
  X(fmc_spl, "fmcSPL", 3, 9)             \
  X(hw_id, "hwID", 4)                    \
  X(csp_id, "cspID", 5)

enum class VekExtension : std::uint8_t {
#define SNPNV_X(id, name, ...) id,
  SNPNV_VEK_EXTENSIONS(SNPNV_X)
#undef SNPNV_X
};

struct VekExtensionRow {
  VekExtension id;
  std::string_view key;   // in JSON
  std::string_view name;  // as AMD spells it
  ByteView oid;
  std::uint32_t last_arc;

  /// One of the security patch levels, blSPL to fmcSPL.
  [[nodiscard]] constexpr bool is_spl() const {
    return id >= VekExtension::bl_spl && id <= VekExtension::fmc_spl;
  }
};

/// AMD 57230, "VCEK Certificate Extensions".
inline constexpr auto kVekExtensions = std::to_array({
#define SNPNV_X(id, name, ...)                                                   \
  VekExtensionRow{VekExtension::id, #id, name, kOid<1, 3, 6, 1, 4, 1, 3704, 1, __VA_ARGS__>, \
                  std::array<std::uint32_t, std::size({__VA_ARGS__})>{__VA_ARGS__}.back()},
    SNPNV_VEK_EXTENSIONS(SNPNV_X)
#undef SNPNV_X
});

[[nodiscard]] constexpr const VekExtensionRow& row(VekExtension id) {
  return kVekExtensions[static_cast<std::size_t>(id)];
}

namespace detail {

/// The row of the extension with this OID; null if it is none of AMD's.
[[nodiscard]] constexpr const VekExtensionRow* vek_extension(ByteView oid) {
  for (const VekExtensionRow& known : kVekExtensions)
    if (equal(known.oid, oid)) return &known;
  return nullptr;
}

}  // namespace detail

}  // namespace snpnv
