// SPDX-License-Identifier: Apache-2.0
// The envelope at NV index 0x01400001: header, hardware report, request data, runtime claims.
#pragma once

#include "snpnv/core/digest.hpp"
#include "snpnv/core/layout.hpp"

namespace snpnv {

// X(name, type, offset, first envelope version that has the field, meaning)
#define SNPNV_HCL_REPORT_FIELDS(X)                                                            \
  X(signature, Le<std::uint32_t>, 0, 1, "HCLA")                                               \
  X(version, Le<std::uint32_t>, 4, 1, "1: legacy HCL, 2: OpenHCL")                            \
  X(report_size, Le<std::uint32_t>, 8, 1, "octets of the envelope without its padding")       \
  X(request_type, Le<std::uint32_t>, 12, 1, "2: AK certificate request")                      \
  X(status, Le<std::uint32_t>, 16, 1, "0")                                                    \
  X(reserved, ReservedOctets<12>, 20, 1, "reserved")                                          \
  X(hardware_report, OctetArray<1184>, 32, 1, "the report that the hardware signed")          \
  X(data_size, Le<std::uint32_t>, 1216, 1, "octets from this field to the end of the claims") \
  X(data_version, Le<std::uint32_t>, 1220, 1, "version of the request data")                  \
  X(report_type, Le<std::uint32_t>, 1224, 1, "kind of the hardware report")                   \
  X(hash_type, Le<std::uint32_t>, 1228, 1, "hash of the claims in REPORT_DATA")               \
  X(claims_size, Le<std::uint32_t>, 1232, 1, "octets of the runtime claims")

/// Kinds of hardware report.
enum class HclReportType : std::uint32_t {
  invalid = 0,
  vbs = 1,
  snp = 2,
  tvm = 3,
  tdx = 4,
  cca = 5,
};
[[nodiscard]] constexpr std::string_view name(HclReportType type) {
  switch (type) {
    case HclReportType::invalid: return "invalid";
    case HclReportType::vbs: return "VBS";
    case HclReportType::snp: return "SNP";
    case HclReportType::tvm: return "TVM";
    case HclReportType::tdx: return "TDX";
    case HclReportType::cca: return "CCA";
  }
  return "unknown";
}

/// The envelope, little-endian. A view: borrows the octets, owns nothing. Only the hardware report
/// is signed and only the claims are measured; nothing may be decided by the other fields alone.
/// Source: OpenVMM, igvm_attest/get.rs, "IgvmAttestRequestBase".
struct HclReport {
  static constexpr std::string_view kName = "HCL report";
  static constexpr std::size_t kSize = 1236;  // what stands before extension and claims
  static constexpr std::uint32_t kSignature = 0x414C4348;  // "HCLA"
  static constexpr std::uint32_t kMinVersion = 1;
  static constexpr std::uint32_t kMaxVersion = 2;
  static constexpr std::size_t kExtensionSize = 4;  // the capability bitmap, where there is one

  SNPNV_HCL_REPORT_FIELDS(SNPNV_FIELD_MEMBER)
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    SNPNV_HCL_REPORT_FIELDS(SNPNV_FIELD_VISIT)
  }

  std::span<const std::byte, kSize> raw;  // the fixed part
  ByteView extension;                     // 0 or 4 octets
  ByteView claims;                        // the JSON text exactly as hashed
  ByteView padding;                       // what followed in the input

  template <class Type, std::size_t Offset>
  [[nodiscard]] constexpr typename Type::Value operator[](LayoutField<Type, Offset> field) const {
    return field.load(raw);
  }
  [[nodiscard]] constexpr HclReportType type() const {
    return static_cast<HclReportType>((*this)[report_type]);
  }
  /// Octets of the envelope without padding.
  [[nodiscard]] constexpr std::size_t size() const { return kSize + extension.size() + claims.size(); }

  /// The size that the header announces, from the first octets of the envelope. Needs the octets up
  /// to report_size; with those up to claims_size the answer is final.
  /// @returns octets without padding | wire_short | hcl_signature | hcl_version | hcl_sizes, each with
  ///   where: offset of the field, detail: its value.
  [[nodiscard]] static constexpr Result<std::size_t> announced_size(ByteView front) {
    if (front.size() < report_size.end) return fail(Code::wire_short, front.size(), report_size.end);
    const auto head = front.first<report_size.end>();
    if (signature.load(head) != kSignature)
      return fail(Code::hcl_signature, signature.offset, signature.load(head));
    if (version.load(head) < kMinVersion || version.load(head) > kMaxVersion)
      return fail(Code::hcl_version, version.offset, version.load(head));
    const std::uint32_t announced = report_size.load(head);
    if (announced < kSize || announced > kMaxInput)
      return fail(Code::hcl_sizes, report_size.offset, announced);
    if (front.size() < kSize) return std::size_t{announced};

    // Everything from data_size on is counted by data_size. Builds differ in whether report_size
    // counts the extension, so data_size decides and report_size must agree up to that.
    const auto fixed = front.first<kSize>();
    const std::uint32_t data = data_size.load(fixed);
    const std::uint32_t text = claims_size.load(fixed);
    constexpr std::size_t kRequestData = kSize - data_size.offset;
    if (text > kMaxInput) return fail(Code::hcl_sizes, claims_size.offset, text);
    if (data != kRequestData + text && data != kRequestData + text + kExtensionSize)
      return fail(Code::hcl_sizes, data_size.offset, data);
    if (announced != kSize + text && announced != data_size.offset + data)
      return fail(Code::hcl_sizes, report_size.offset, announced);
    return data_size.offset + data;
  }

  /// Reads an envelope of any report type; what follows it becomes `padding`, whatever it is.
  /// @returns a view | the errors of announced_size() | wire_short - where: size of the input.
  [[nodiscard]] static constexpr Result<HclReport> parse(ByteView in) {
    if (in.size() < kSize) {
      SNPNV_TRY([[maybe_unused]] const auto announced, announced_size(in));
      return fail(Code::wire_short, in.size(), kSize);
    }
    SNPNV_TRY(const std::size_t total, announced_size(in));
    if (in.size() < total)
      return fail(Code::wire_short, in.size(), static_cast<std::uint32_t>(total));
    const auto fixed = in.first<kSize>();
    const std::size_t text = claims_size.load(fixed);
    return HclReport{fixed, in.subspan(kSize, total - kSize - text), in.subspan(total - text, text),
                     in.subspan(total)};
  }

  /// @returns the hash function of the claims | hcl_hash_type - where: offset, detail: hash_type.
  [[nodiscard]] constexpr Result<Hash> hash() const {
    switch ((*this)[hash_type]) {
      case 1: return Hash::sha256;
      case 2: return Hash::sha384;
      case 3: return Hash::sha512;
      default: return fail(Code::hcl_hash_type, hash_type.offset, (*this)[hash_type]);
    }
  }

  /// @returns the octets of the SNP report
  ///   | hcl_report_type - where: offset, detail: report_type: another machine's hardware report.
  [[nodiscard]] constexpr Result<std::span<const std::byte, 1184>> snp_report() const {
    if (type() != HclReportType::snp)
      return fail(Code::hcl_report_type, report_type.offset, (*this)[report_type]);
    return (*this)[hardware_report];
  }
};
static_assert(tiles<HclReport>());

}  // namespace snpnv
