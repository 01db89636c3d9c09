// AMD's extensions in the certificates of VCEKs and VLEKs.
#pragma once

#include "snpnv/wire/snp_tcb.hpp"
#include "snpnv/wire/x509.hpp"

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
inline constexpr std::array kVekExtensions{
#define SNPNV_X(id, name, ...)                                                   \
  VekExtensionRow{VekExtension::id, #id, name, kOid<1, 3, 6, 1, 4, 1, 3704, 1, __VA_ARGS__>, \
                  std::array<std::uint32_t, std::size({__VA_ARGS__})>{__VA_ARGS__}.back()},
    SNPNV_VEK_EXTENSIONS(SNPNV_X)
#undef SNPNV_X
};

[[nodiscard]] constexpr const VekExtensionRow& row(VekExtension id) {
  return kVekExtensions[static_cast<std::size_t>(id)];
}

/// The extension with a component's security patch level.
[[nodiscard]] constexpr VekExtension spl_extension(TcbComponent component) {
  switch (component) {
    case TcbComponent::fmc: return VekExtension::fmc_spl;
    case TcbComponent::boot_loader: return VekExtension::bl_spl;
    case TcbComponent::tee: return VekExtension::tee_spl;
    case TcbComponent::snp: return VekExtension::snp_spl;
    case TcbComponent::microcode: return VekExtension::ucode_spl;
  }
  return VekExtension::fmc_spl;
}

/// AMD's extensions of one certificate. Borrows the certificate. Each value is read when it is asked
/// for, so that a fault in one says which.
/// Source: AMD 57230, "VCEK Certificate Extensions", "VLEK Certificate Extensions".
class VekCertificate {
 public:
  constexpr explicit VekCertificate(const Certificate& certificate) {
    certificate.for_each_extension([&](const X509Extension& extension) {
      for (const VekExtensionRow& known : kVekExtensions) {
        if (!equal(known.oid, extension.oid)) continue;
        Found& found = found_[static_cast<std::size_t>(known.id)];
        found.value = extension.value;
        ++found.count;
      }
    });
  }

  [[nodiscard]] constexpr bool has(VekExtension id) const {
    return found_[static_cast<std::size_t>(id)].count != 0;
  }

  /// The value of an extension that must be there, once.
  /// @returns the octets inside the extension's OCTET STRING
  ///   | vek_missing | vek_duplicate - detail: last arc of the OID; where: offset of the last one.
  [[nodiscard]] constexpr Result<DerElement> value(VekExtension id) const {
    const Found& found = found_[static_cast<std::size_t>(id)];
    if (found.count == 0) return fail(Code::vek_missing, 0, row(id).last_arc);
    SNPNV_CHECK(at_most_once(id));
    return found.value;
  }

  /// @returns nothing | vek_duplicate - as value().
  [[nodiscard]] constexpr Result<void> at_most_once(VekExtension id) const {
    const Found& found = found_[static_cast<std::size_t>(id)];
    if (found.count > 1) return fail(Code::vek_duplicate, found.value.offset, row(id).last_arc);
    return {};
  }

  /// A security patch level, or structVersion: 0 to 255.
  /// @returns the number | the codes of value() | der_ and wire_ codes - not such an INTEGER.
  [[nodiscard]] constexpr Result<std::uint8_t> number(VekExtension id) const {
    SNPNV_TRY(const DerElement element, value(id));
    DerReader in(element);
    return in.finish(static_cast<std::uint8_t>(in.unsigned_integer(0xFF)));
  }

  /// productName or cspID.
  /// @returns the text of an IA5String | the codes of value() | der_ and wire_ codes.
  [[nodiscard]] constexpr Result<ByteView> text(VekExtension id) const {
    SNPNV_TRY(const DerElement element, value(id));
    DerReader in(element);
    return in.finish(in.expect(DerTag::ia5_string).content);
  }

  /// hwID, of `size` octets: as they are, or wrapped as an OCTET STRING once more, which some
  /// issuers do.
  /// @returns the octets | the codes of value() | wire_size - detail: octets there.
  [[nodiscard]] constexpr Result<ByteView> hw_id(std::size_t size) const {
    SNPNV_TRY(const DerElement element, value(VekExtension::hw_id));
    if (element.content.size() == size) return element.content;
    DerReader in(element);
    const auto inner = in.finish(in.expect(DerTag::octet_string).content);
    if (inner && inner->size() == size) return *inner;
    return fail(Code::wire_size, element.offset, static_cast<std::uint32_t>(element.content.size()));
  }

 private:
  struct Found {
    DerElement value;
    std::size_t count = 0;
  };
  std::array<Found, kVekExtensions.size()> found_{};
};

}  // namespace snpnv
