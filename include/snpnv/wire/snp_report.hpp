// SPDX-License-Identifier: Apache-2.0
// ATTESTATION_REPORT, versions 2 to 5, and which processor it is from.
#pragma once

#include <optional>

#include "snpnv/core/digest.hpp"
#include "snpnv/core/layout.hpp"
#include "snpnv/wire/snp_bits.hpp"
#include "snpnv/wire/snp_tcb.hpp"

namespace snpnv {

// X(name, type, offset, first version that has the field, meaning)
#define SNPNV_ATTESTATION_REPORT_FIELDS(X)                                                       \
  X(VERSION, Le<std::uint32_t>, 0x000, 2, "version of this structure")                           \
  X(GUEST_SVN, Le<std::uint32_t>, 0x004, 2, "security version number of the guest")              \
  X(POLICY, GuestPolicy, 0x008, 2, "what the guest owner allows")                                \
  X(FAMILY_ID, OctetArray<16>, 0x010, 2, "family ID given at launch")                            \
  X(IMAGE_ID, OctetArray<16>, 0x020, 2, "image ID given at launch")                              \
  X(VMPL, Le<std::uint32_t>, 0x030, 2, "privilege level that asked; 0 is the paravisor's")       \
  X(SIGNATURE_ALGO, Le<std::uint32_t>, 0x034, 2, "1: ECDSA P-384 with SHA-384")                  \
  X(CURRENT_TCB, TCB_VERSION, 0x038, 2, "TCB that is running")                                   \
  X(PLATFORM_INFO, PlatformInfo, 0x040, 2, "what the platform has switched on")                  \
  X(KEY_INFO, KeyInfo, 0x048, 2, "author key, chip key masking, signing key")                    \
  X(RESERVED_04C, ReservedOctets<4>, 0x04C, 2, "reserved")                                       \
  X(REPORT_DATA, OctetArray<64>, 0x050, 2, "given by the requester: here the claims' digest")    \
  X(MEASUREMENT, OctetArray<48>, 0x090, 2, "launch digest")                                      \
  X(HOST_DATA, OctetArray<32>, 0x0C0, 2, "given by the host at launch")                          \
  X(ID_KEY_DIGEST, OctetArray<48>, 0x0E0, 2, "SHA-384 of the ID key")                            \
  X(AUTHOR_KEY_DIGEST, OctetArray<48>, 0x110, 2, "SHA-384 of the author key")                    \
  X(REPORT_ID, OctetArray<32>, 0x140, 2, "ID of this guest")                                     \
  X(REPORT_ID_MA, OctetArray<32>, 0x160, 2, "ID of this guest's migration agent")                \
  X(REPORTED_TCB, TCB_VERSION, 0x180, 2, "TCB that the endorsement key was derived with")        \
  X(CPUID_FAM_ID, Le<std::uint8_t>, 0x188, 3, "CPUID family, combined")                          \
  X(CPUID_MOD_ID, Le<std::uint8_t>, 0x189, 3, "CPUID model, combined")                           \
  X(CPUID_STEP, Le<std::uint8_t>, 0x18A, 3, "CPUID stepping")                                    \
  X(RESERVED_18B, ReservedOctets<21>, 0x18B, 2, "reserved")                                      \
  X(CHIP_ID, OctetArray<64>, 0x1A0, 2, "ID of the chip; zero if masked; 8 octets used on Turin") \
  X(COMMITTED_TCB, TCB_VERSION, 0x1E0, 2, "TCB that can no longer be rolled back")               \
  X(CURRENT_BUILD, Le<std::uint8_t>, 0x1E8, 2, "firmware that is running: build")                \
  X(CURRENT_MINOR, Le<std::uint8_t>, 0x1E9, 2, "firmware that is running: minor version")        \
  X(CURRENT_MAJOR, Le<std::uint8_t>, 0x1EA, 2, "firmware that is running: major version")        \
  X(RESERVED_1EB, ReservedOctets<1>, 0x1EB, 2, "reserved")                                       \
  X(COMMITTED_BUILD, Le<std::uint8_t>, 0x1EC, 2, "firmware that is committed: build")            \
  X(COMMITTED_MINOR, Le<std::uint8_t>, 0x1ED, 2, "firmware that is committed: minor version")    \
  X(COMMITTED_MAJOR, Le<std::uint8_t>, 0x1EE, 2, "firmware that is committed: major version")    \
  X(RESERVED_1EF, ReservedOctets<1>, 0x1EF, 2, "reserved")                                       \
  X(LAUNCH_TCB, TCB_VERSION, 0x1F0, 2, "TCB at the guest's launch")                              \
  X(LAUNCH_MIT_VECTOR, Le<std::uint64_t>, 0x1F8, 5, "mitigations verified at launch")            \
  X(CURRENT_MIT_VECTOR, Le<std::uint64_t>, 0x200, 5, "mitigations verified now")                 \
  X(RESERVED_208, ReservedOctets<152>, 0x208, 2, "reserved")                                     \
  X(SIGNATURE_R, OctetArray<72>, 0x2A0, 2, "R, little-endian, zero-extended from 48 octets")     \
  X(SIGNATURE_S, OctetArray<72>, 0x2E8, 2, "S, little-endian, zero-extended from 48 octets")     \
  X(SIGNATURE_RESERVED, ReservedOctets<368>, 0x330, 2, "reserved, zero")

/// ATTESTATION_REPORT. Little-endian, 1184 (4A0h) octets. A view: borrows the octets, owns nothing,
/// and is read through its fields: `report[report.REPORT_DATA]`.
/// Source: AMD 56860, "ATTESTATION_REPORT".
struct ATTESTATION_REPORT {
  static constexpr std::string_view kName = "ATTESTATION_REPORT";
  static constexpr std::size_t kSize = 0x4A0;
  /// The signature covers the octets from 0 up to here, by SHA-384.
  static constexpr std::size_t kSignedSize = 0x2A0;
  static constexpr std::uint32_t kMinVersion = 2;
  static constexpr std::uint32_t kMaxVersion = 5;
  static constexpr std::uint32_t kEcdsaP384Sha384 = 1;  // SIGNATURE_ALGO

  SNPNV_ATTESTATION_REPORT_FIELDS(SNPNV_FIELD_MEMBER)
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    SNPNV_ATTESTATION_REPORT_FIELDS(SNPNV_FIELD_VISIT)
  }

  std::span<const std::byte, kSize> raw;

  template <class Type, std::size_t Offset>
  [[nodiscard]] constexpr typename Type::Value operator[](LayoutField<Type, Offset> field) const {
    return field.load(raw);
  }

  /// Accepts every report whose layout is known: newer versions too, so that their common fields
  /// can be shown; known_version() tells.
  /// @returns a view | wire_short - where: size of the input | wire_trailing - where: 1184
  ///   | report_version - detail: VERSION below 2, which was never released with this layout.
  [[nodiscard]] static constexpr Result<ATTESTATION_REPORT> parse(ByteView in, std::size_t base = 0) {
    if (in.size() < kSize) return fail(Code::wire_short, base + in.size(), kSize);
    if (in.size() > kSize)
      return fail(Code::wire_trailing, base + kSize, static_cast<std::uint32_t>(in.size() - kSize));
    const ATTESTATION_REPORT report{in.first<kSize>()};
    if (report[VERSION] < kMinVersion)
      return fail(Code::report_version, base + VERSION.offset, report[VERSION]);
    return report;
  }

  [[nodiscard]] constexpr bool known_version() const {
    return (*this)[VERSION] >= kMinVersion && (*this)[VERSION] <= kMaxVersion;
  }
  [[nodiscard]] constexpr SIGNING_KEY signing_key() const {
    return static_cast<SIGNING_KEY>((*this)[KEY_INFO][KeyInfo::SIGNING_KEY]);
  }
  /// True if REPORT_DATA is `digest` and zeros behind it.
  [[nodiscard]] constexpr bool report_data_is(const Digest& digest) const {
    const auto data = (*this)[REPORT_DATA];
    return equal(data.first(digest.size), digest.view()) && all_zero(data.subspan(digest.size));
  }
  /// True if the platform owner hides the chip's identity.
  [[nodiscard]] constexpr bool chip_id_masked() const { return all_zero((*this)[CHIP_ID]); }
};
static_assert(tiles<ATTESTATION_REPORT>());

/// Octets of CHIP_ID that identify the chip: 8 on Turin, 64 before.
[[nodiscard]] constexpr std::size_t chip_id_size(Product product) {
  return product == Product::turin ? 8 : 64;
}

/// CPUID families and models (inclusive) by product. AMD 57230, "Product Names".
struct CpuModels {
  std::uint8_t family;
  std::uint8_t first;
  std::uint8_t last;
  std::optional<Product> product;  // nothing: announced, with a layout that is not known here
  std::string_view name;
};
inline constexpr auto kCpuModels = std::to_array({
    CpuModels{0x19, 0x00, 0x0F, Product::milan, "Milan"},
    CpuModels{0x19, 0x10, 0x1F, Product::genoa, "Genoa"},
    CpuModels{0x19, 0xA0, 0xAF, Product::genoa, "Genoa"},
    CpuModels{0x1A, 0x00, 0x11, Product::turin, "Turin"},
    CpuModels{0x1A, 0x50, 0x57, std::nullopt, "Venice"},
    CpuModels{0x1A, 0x90, 0xAF, std::nullopt, "Venice"},
    CpuModels{0x1A, 0xC0, 0xC7, std::nullopt, "Venice"},
});

/// The table's row for a CPUID family and model, or nullptr.
[[nodiscard]] constexpr const CpuModels* find_cpu(std::uint8_t family, std::uint8_t model) {
  for (const CpuModels& row : kCpuModels)
    if (row.family == family && model >= row.first && model <= row.last) return &row;
  return nullptr;
}

/// The products that the report can be from: one from version 3 on, which carries CPUID. A
/// version-2 report tells Turin by a CHIP_ID of 8 octets; Milan and Genoa look alike there, and
/// so does any product whose CHIP_ID is masked.
struct ProductSet {
  std::array<bool, kProducts.size()> possible{};

  [[nodiscard]] constexpr bool has(Product p) const { return possible[static_cast<std::size_t>(p)]; }
  constexpr void add(Product p) { possible[static_cast<std::size_t>(p)] = true; }
  /// The product, if only one is possible.
  [[nodiscard]] constexpr std::optional<Product> only() const {
    std::optional<Product> found;
    for (const Product p : kProducts) {
      if (!has(p)) continue;
      if (found) return std::nullopt;
      found = p;
    }
    return found;
  }
};

/// @returns the possible products
///   | report_product - where: offset of CPUID_FAM_ID, detail: family << 16 | model.
/// Source: AMD 56860, "ATTESTATION_REPORT"; AMD 57230, "Product Names".
[[nodiscard]] constexpr Result<ProductSet> products(const ATTESTATION_REPORT& report) {
  using R = ATTESTATION_REPORT;
  ProductSet set;
  if (report[R::VERSION] >= R::CPUID_FAM_ID.since) {
    const std::uint8_t family = report[R::CPUID_FAM_ID];
    const std::uint8_t model = report[R::CPUID_MOD_ID];
    const CpuModels* row = find_cpu(family, model);
    if (row == nullptr || !row->product)
      return fail(Code::report_product, R::CPUID_FAM_ID.offset,
                  (static_cast<std::uint32_t>(family) << 16) | model);
    set.add(*row->product);
    return set;
  }
  const auto chip = report[R::CHIP_ID];
  const bool short_id = all_zero(chip.subspan(chip_id_size(Product::turin)));
  if (short_id) set.add(Product::turin);
  if (!short_id || report.chip_id_masked()) {
    set.add(Product::milan);
    set.add(Product::genoa);
  }
  return set;
}

}  // namespace snpnv
