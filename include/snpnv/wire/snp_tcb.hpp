// SPDX-License-Identifier: Apache-2.0
// TCB_VERSION: the only place that knows which octet is which component on which product.
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "snpnv/core/layout.hpp"

namespace snpnv {

/// Processor generations by the layout of their reports and certificates. Bergamo and Siena are
/// Genoa here, as in AMD's key distribution service.
enum class Product : std::uint8_t { milan, genoa, turin };

inline constexpr auto kProducts = std::to_array({Product::milan, Product::genoa, Product::turin});

/// As AMD's certificates and service spell it.
[[nodiscard]] constexpr std::string_view name(Product product) {
  switch (product) {
    case Product::milan: return "Milan";
    case Product::genoa: return "Genoa";
    case Product::turin: return "Turin";
  }
  return "unknown";
}

enum class TcbComponent : std::uint8_t { fmc, boot_loader, tee, snp, microcode };

/// Where a component stands in TCB_VERSION. An octet number, or kAbsent.
struct TcbLayoutEntry {
  static constexpr std::uint8_t kAbsent = 0xFF;
  TcbComponent component;
  std::string_view name;      // as AMD spells it
  std::string_view key;       // in JSON, and in lists of minimums
  std::uint8_t family_19;     // Milan, Genoa
  std::uint8_t family_1a;     // Turin
};

/// AMD 56860, "TCB_VERSION".
inline constexpr auto kTcbLayout = std::to_array({
    TcbLayoutEntry{TcbComponent::fmc, "FMC", "fmc", TcbLayoutEntry::kAbsent, 0},
    TcbLayoutEntry{TcbComponent::boot_loader, "BOOT_LOADER", "boot_loader", 0, 1},
    TcbLayoutEntry{TcbComponent::tee, "TEE", "tee", 1, 2},
    TcbLayoutEntry{TcbComponent::snp, "SNP", "snp", 6, 3},
    TcbLayoutEntry{TcbComponent::microcode, "MICROCODE", "microcode", 7, 7},
});

/// Eight octets of security version numbers. Which is which depends on the product.
struct TCB_VERSION {
  static constexpr std::size_t kSize = 8;
  using Value = TCB_VERSION;
  std::array<std::byte, kSize> octets{};

  [[nodiscard]] static constexpr TCB_VERSION load(std::span<const std::byte, kSize> in) {
    TCB_VERSION tcb;
    std::ranges::copy(in, tcb.octets.begin());
    return tcb;
  }

  /// The component's security version number, 0 to 255; nothing if the product has none.
  [[nodiscard]] constexpr std::optional<std::uint8_t> get(const TcbLayoutEntry& entry,
                                                          Product product) const {
    const std::uint8_t at = octet(entry, product);
    if (at == TcbLayoutEntry::kAbsent) return std::nullopt;
    return std::to_integer<std::uint8_t>(octets[at]);
  }
  constexpr void set(const TcbLayoutEntry& entry, Product product, std::uint8_t value) {
    const std::uint8_t at = octet(entry, product);
    if (at != TcbLayoutEntry::kAbsent) octets[at] = static_cast<std::byte>(value);
  }

  friend constexpr bool operator==(const TCB_VERSION&, const TCB_VERSION&) = default;

 private:
  static constexpr std::uint8_t octet(const TcbLayoutEntry& entry, Product product) {
    return product == Product::turin ? entry.family_1a : entry.family_19;
  }
};

}  // namespace snpnv
