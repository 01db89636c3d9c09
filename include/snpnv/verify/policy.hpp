// What a relying party asks of a report beyond being genuine.
#pragma once

#include "snpnv/core/text.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/snp_report.hpp"

namespace snpnv {

/// Values of which a field must be one. Empty: anything will do. Size and Short are in octets: a
/// value is Size long, or Short and then filled up with zeros.
template <std::size_t Size, std::size_t Short>
struct AllowList {
  static constexpr std::size_t kMax = 16;     // values

  std::array<std::array<std::byte, Size>, kMax> values{};
  std::size_t count = 0;

  /// @returns nothing | wire_overflow - detail: kMax | wire_size - detail: octets of `value`.
  [[nodiscard]] constexpr Result<void> add(ByteView value) {
    if (value.size() != Size && value.size() != Short)
      return fail(Code::wire_size, 0, static_cast<std::uint32_t>(value.size()));
    if (count == kMax) return fail(Code::wire_overflow, 0, kMax);
    copy_to(values[count++], value);
    return {};
  }
  [[nodiscard]] constexpr bool contains(ByteView value) const {
    return std::ranges::any_of(std::span(values).first(count),
                               [&](const auto& allowed) { return equal(allowed, value); });
  }
};

// X(member, which is also the name in JSON, field of ATTESTATION_REPORT, octets of a short value)
#define SNPNV_POLICY_ALLOW_LISTS(X)     \
  X(measurement, MEASUREMENT, 48)       \
  X(host_data, HOST_DATA, 32)           \
  X(report_data, REPORT_DATA, 64)       \
  X(family_id, FAMILY_ID, 16)           \
  X(image_id, IMAGE_ID, 16)             \
  X(id_key, ID_KEY_DIGEST, 48)          \
  X(author_key, AUTHOR_KEY_DIGEST, 48)  \
  X(chip_id, CHIP_ID, 8)

/// Minimums of the components of a TCB, in the order of kTcbLayout. One that the product does not
/// have cannot be met.
struct TcbMinimums {
  std::array<std::optional<std::uint8_t>, kTcbLayout.size()> values{};

  [[nodiscard]] constexpr bool any() const {
    return std::ranges::any_of(values, [](const auto& v) { return v.has_value(); });
  }
};

/// Firmware version and build as one number that compares as they do: major, minor, build in an
/// octet each, build lowest.
[[nodiscard]] constexpr std::uint32_t firmware_version(std::uint8_t major, std::uint8_t minor,
                                                       std::uint8_t build) {
  return (static_cast<std::uint32_t>(major) << 16) | (static_cast<std::uint32_t>(minor) << 8) | build;
}

/// Reads a firmware version as "1.55.21", or "1.55" for any build.
/// @returns firmware_version() | nothing if it is not one.
[[nodiscard]] constexpr std::optional<std::uint32_t> parse_firmware_version(std::string_view text) {
  std::array<std::uint8_t, 3> parts{};
  std::size_t count = 0;
  while (true) {
    const std::size_t dot = text.find('.');
    const auto value = decimal(upto(text, dot), 255);
    if (!value || count == parts.size()) return std::nullopt;
    parts[count++] = static_cast<std::uint8_t>(*value);
    if (dot == std::string_view::npos) break;
    text.remove_prefix(dot + 1);
  }
  if (count < 2) return std::nullopt;
  return firmware_version(parts[0], parts[1], parts[2]);
}

/// The bit of PLATFORM_INFO with this name, as a mask. Text compares with a string_view.
template <class Text>
[[nodiscard]] constexpr std::optional<std::uint64_t> platform_info_bit(const Text& text) {
  for (const BitName& bit : PlatformInfo::kBits)
    if (text == bit.name) return std::uint64_t{1} << bit.first;
  return std::nullopt;
}

/// The index in kTcbLayout of the component with this key. Text compares with a string_view.
template <class Text>
[[nodiscard]] constexpr std::optional<std::size_t> tcb_component(const Text& text) {
  for (std::size_t i = 0; i < kTcbLayout.size(); ++i)
    if (text == kTcbLayout[i].key) return i;
  return std::nullopt;
}

/// A text that a member of vm-configuration must be, up to 128 octets of UTF-8.
struct ExpectedText {
  std::array<char, 128> held{};
  std::size_t size = 0;
  [[nodiscard]] constexpr std::string_view view() const { return {held.data(), size}; }
};

/// Members of vm-configuration that must be there with these values, in claims that REPORT_DATA
/// proves.
struct ExpectedVmConfiguration {
#define SNPNV_X(member, json) std::optional<bool> member;
  SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(member, json) std::optional<ExpectedText> member;
  SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
};

/// Octets of a PCR of the SHA-256 bank.
inline constexpr std::size_t kPcrSize = 32;
using PcrValue = std::array<std::byte, kPcrSize>;

/// Everything that can be asked for. As it is made, it forbids debugging and migration, and reports
/// newer than known, and asks for nothing else.
struct Policy {
  bool allow_debug = false;
  bool allow_migration = false;
  bool allow_newer_version = false;
  std::optional<std::uint32_t> vmpl;
  std::optional<std::uint32_t> min_guest_svn;
  TcbMinimums min_tcb;  // of REPORTED_TCB
  TcbMinimums min_committed_tcb;
  TcbMinimums min_launch_tcb;
#define SNPNV_X(member, FIELD, SHORT) AllowList<ATTESTATION_REPORT::FIELD.size, SHORT> member;
  SNPNV_POLICY_ALLOW_LISTS(SNPNV_X)
#undef SNPNV_X
  std::uint64_t platform_info_required = 0;
  std::uint64_t platform_info_forbidden = 0;
  std::optional<std::uint32_t> min_firmware;            // of CURRENT, as firmware_version()
  std::optional<std::uint32_t> min_committed_firmware;  // of COMMITTED
  std::uint64_t mitigations = 0;         // bits required in CURRENT_MIT_VECTOR
  std::uint64_t launch_mitigations = 0;  // in LAUNCH_MIT_VECTOR
  ExpectedVmConfiguration vm;
  std::array<std::optional<PcrValue>, 24> pcrs{};  // of the SHA-256 bank
};

}  // namespace snpnv
