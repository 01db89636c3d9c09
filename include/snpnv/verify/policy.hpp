// SPDX-License-Identifier: Apache-2.0
// What a relying party asks of a report beyond being genuine.
#pragma once

#include "snpnv/core/text.hpp"
#include "snpnv/verify/policy_items.hpp"
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

namespace detail {

/// A member of vm-configuration: as the claims spell it, where the value that is expected of it is, and where the one that
/// is found.
template <class Expected, class Value>
struct ExpectedVmMember {
  std::string_view json;
  std::optional<Expected> ExpectedVmConfiguration::*expected;
  std::optional<Value> VmConfiguration::*value;
};
#define SNPNV_X(member, json) \
  ExpectedVmMember<bool, bool>{json, &ExpectedVmConfiguration::member, &VmConfiguration::member},
inline constexpr auto kExpectedVmFlags = std::to_array({SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)});
#undef SNPNV_X
#define SNPNV_X(member, json) \
  ExpectedVmMember<ExpectedText, JsonString>{json, &ExpectedVmConfiguration::member, &VmConfiguration::member},
inline constexpr auto kExpectedVmTexts = std::to_array({SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)});
#undef SNPNV_X

}  // namespace detail

/// Octets of a PCR of the SHA-256 bank.
inline constexpr std::size_t kPcrSize = 32;
using PcrValue = std::array<std::byte, kPcrSize>;
inline constexpr std::array<std::string_view, 24> kPcrNames{
    "PCR 0",  "PCR 1",  "PCR 2",  "PCR 3",  "PCR 4",  "PCR 5",  "PCR 6",  "PCR 7",
    "PCR 8",  "PCR 9",  "PCR 10", "PCR 11", "PCR 12", "PCR 13", "PCR 14", "PCR 15",
    "PCR 16", "PCR 17", "PCR 18", "PCR 19", "PCR 20", "PCR 21", "PCR 22", "PCR 23"};

/// Bits of PLATFORM_INFO, as masks.
struct PlatformRequirement {
  std::uint64_t required = 0;
  std::uint64_t forbidden = 0;
};

/// Texts of which one must be it. Borrows them.
struct ExpectedTexts {
  static constexpr std::size_t kMax = 16;

  std::array<ByteView, kMax> values{};
  std::size_t count = 0;

  /// @returns nothing | wire_overflow - detail: kMax.
  [[nodiscard]] constexpr Result<void> add(ByteView text) {
    if (count == kMax) return fail(Code::wire_overflow, 0, kMax);
    values[count++] = text;
    return {};
  }
  [[nodiscard]] constexpr std::span<const ByteView> view() const { return std::span(values).first(count); }
};

/// Digests of the SHA-256 bank that must, may or must not have been measured into PCRs. There may be many: borrows
/// them.
struct BootEventRules {
  enum class Kind : std::uint8_t { must, may, must_not };
  struct Rule {
    std::size_t pcr;
    Kind kind;
    ByteView digest;
  };
  static constexpr std::size_t kSize = 2 + kPcrSize;  // octets of one: PCR, kind, digest
  static constexpr std::array<std::string_view, 3> kKindNames{"must", "may", "must_not"};

  ByteView octets;

  [[nodiscard]] constexpr std::size_t count() const { return octets.size() / kSize; }
  [[nodiscard]] constexpr Rule operator[](std::size_t i) const {
    const ByteView rule = octets.subspan(i * kSize, kSize);
    return {std::to_integer<std::size_t>(rule[0]), Kind{std::to_integer<std::uint8_t>(rule[1])}, rule.subspan(2)};
  }
};

/// Kinds of items: what Policy holds of one, the placeholder of its option's value, and the values in a policy
/// file. PolicyReader reads each kind, and so do the tool's options.
namespace policy_kind {

struct Permission {
  using Value = bool;
  static constexpr std::string_view kPlaceholder = "", kValues = "true, false";
  static constexpr bool kRepeats = false;
};
template <std::uint32_t Most>
struct Number {
  using Value = std::optional<std::uint32_t>;
  static constexpr std::string_view kPlaceholder = "N", kValues = Most == 3 ? "0 to 3" : "0 to 4294967295";
  static constexpr bool kRepeats = false;
};
struct Tcb {
  using Value = TcbMinimums;
  static constexpr std::string_view kPlaceholder = "LIST",
      kValues = "object of components `fmc`, `boot_loader`, `tee`, `snp`, `microcode` with 0 to 255";
  static constexpr bool kRepeats = false;
};
template <std::size_t Size, std::size_t Short = Size>
struct OneOf {
  using Value = AllowList<Size, Short>;
  static constexpr std::string_view kPlaceholder = "HEX", kValues = Short != Size ? "64 octets, or the 8 that Turin uses"
                                                                    : Size == 16   ? "16 octets"
                                                                    : Size == 32   ? "32 octets"
                                                                    : Size == 48   ? "48 octets"
                                                                                   : "64 octets";
  static constexpr bool kRepeats = true;
};
using ChipIds = OneOf<64, 8>;
struct Flag {
  using Value = std::optional<bool>;
  static constexpr std::string_view kPlaceholder = "BOOL", kValues = "true, false";
  static constexpr bool kRepeats = false;
};
struct Platform {
  using Value = PlatformRequirement;
  static constexpr std::string_view kPlaceholder = "LIST",
      kValues = "object: `required`, `forbidden`, each an array of names of bits: `SMT_EN`, `TSME_EN`, `ECC_EN`, "
                "`RAPL_DIS`, `CIPHERTEXT_HIDING_DRAM_EN`, `ALIAS_CHECK_COMPLETE`, `TIO_EN`";
  static constexpr bool kRepeats = false;
};
struct Firmware {
  using Value = std::optional<std::uint32_t>;  // firmware_version()
  static constexpr std::string_view kPlaceholder = "VERSION",
      kValues = "a string `\"MAJOR.MINOR\"` or `\"MAJOR.MINOR.BUILD\"`";
  static constexpr bool kRepeats = false;
};
struct Mask {
  using Value = std::uint64_t;
  static constexpr std::string_view kPlaceholder = "MASK", kValues = "a number whose bits must be set in the vector";
  static constexpr bool kRepeats = false;
};
struct VmMembers {
  using Value = ExpectedVmConfiguration;
  static constexpr std::string_view kPlaceholder = "NAME=VALUE",
      kValues = "object of members of the claims' `vm-configuration`, spelled as there: true or false for "
                "`console-enabled`, `interactive-console-enabled`, `secure-boot`, `tpm-enabled`, `tpm-persisted`, "
                "`filtered-vpci-devices-allowed`; a string for `root-cert-thumbprint`, `vmUniqueId`, "
                "`hardware-sealing-policy`";
  static constexpr bool kRepeats = true;
};
struct Pcrs {
  using Value = std::array<std::optional<PcrValue>, 24>;  // of the SHA-256 bank
  static constexpr std::string_view kPlaceholder = "N=HEX",
      kValues = "object of numbers of PCRs, `\"0\"` to `\"23\"`, each 32 octets: the PCR's value in the SHA-256 bank. "
                "Where there is no quote, this fails";
  static constexpr bool kRepeats = true;
};
struct Texts {
  using Value = ExpectedTexts;
  static constexpr std::string_view kPlaceholder = "TEXT", kValues = "a string, or an array of up to 16 of them";
  static constexpr bool kRepeats = true;
};
struct BootEvents {
  using Value = BootEventRules;
  static constexpr std::string_view kPlaceholder = "FILE",
      kValues = "object of numbers of PCRs, `\"0\"` to `\"23\"`, each an object of `must`, `may`, `must_not`: arrays of "
                "digests of the SHA-256 bank, 32 octets each";
  static constexpr bool kRepeats = false;
};

}  // namespace policy_kind

/// Everything that can be asked for. As it is made, it forbids debugging and migration, and reports
/// newer than known, and asks for nothing else. Texts and rules of boot events are borrowed.
struct Policy {
#define SNPNV_X(member, Kind, path, option, help, check) policy_kind::Kind::Value member{};
  SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X

  /// As it was made. In place: it is large.
  constexpr void reset() {
#define SNPNV_X(member, Kind, path, option, help, check) member = {};
    SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
  }
};

[[nodiscard]] constexpr bool asks_for_pcrs(const Policy& policy) {
  return std::ranges::any_of(policy.pcrs, [](const auto& pcr) { return pcr.has_value(); });
}
/// Whether the policy asks what only a quote can tell, or an event log that a quote proves.
[[nodiscard]] constexpr bool asks_for_quote(const Policy& policy) {
  const auto asks = [](const auto& item) {
    if constexpr (requires { item.has_value(); }) {
      return item.has_value();
    } else if constexpr (requires { item.count(); }) {
      return item.count() != 0;
    } else {
      return item.count != 0;
    }
  };
#define SNPNV_X(member, Kind, path, option, help, check) || asks(policy.member)
  return asks_for_pcrs(policy) SNPNV_BOOT_POLICY(SNPNV_NOTHING, SNPNV_X);
#undef SNPNV_X
}

}  // namespace snpnv
