// SPDX-License-Identifier: Apache-2.0
// What AMD's extensions in the certificates of VCEKs and VLEKs say.
#pragma once

#include "snpnv/wire/snp_tcb.hpp"
#include "snpnv/wire/x509_certificate.hpp"

namespace snpnv {

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
      const VekExtensionRow* const known = detail::vek_extension(extension.oid);
      if (known == nullptr) return;
      Found& found = found_[static_cast<std::size_t>(known->id)];
      found.value = extension.value;
      ++found.count;
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
    SNPNV_TRY(const DerElement& element, value(id));
    DerReader in(element);
    return in.finish(static_cast<std::uint8_t>(in.unsigned_integer(0xFF)));
  }

  /// The security patch levels of all components that the product has.
  /// @returns the TCB | as number().
  [[nodiscard]] constexpr Result<TCB_VERSION> tcb(Product product) const {
    TCB_VERSION out;
    for (const TcbLayoutEntry& entry : kTcbLayout) {
      if (!out.get(entry, product)) continue;
      SNPNV_TRY(const std::uint8_t spl, number(spl_extension(entry.component)));
      out.set(entry, product, spl);
    }
    return out;
  }

  /// productName or cspID.
  /// @returns the text of an IA5String | the codes of value() | der_ and wire_ codes.
  [[nodiscard]] constexpr Result<ByteView> text(VekExtension id) const {
    SNPNV_TRY(const DerElement& element, value(id));
    DerReader in(element);
    return in.finish(in.expect(DerTag::ia5_string).content);
  }

  /// hwID, of `size` octets: as they are, or wrapped as an OCTET STRING once more, which some
  /// issuers do.
  /// @returns the octets | the codes of value() | wire_size - detail: octets there.
  [[nodiscard]] constexpr Result<ByteView> hw_id(std::size_t size) const {
    SNPNV_TRY(const DerElement& element, value(VekExtension::hw_id));
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
