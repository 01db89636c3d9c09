// SPDX-License-Identifier: Apache-2.0
// What people ask of a boot, told by the proven events of its log.
#pragma once

#include "snpnv/core/encoding.hpp"
#include "snpnv/core/text.hpp"
#include "snpnv/verify/event_log.hpp"
#include "snpnv/wire/uefi.hpp"

namespace snpnv {

/// What firmware measures of secure boot: the names of variables, and whose they are.
enum class SecureBootVariable : std::uint8_t { SecureBoot, PK, KEK, db, dbx };

namespace detail {

/// Whether an event's digest is that of a separator: of 0, of all ones, or of 1, which tells of an error.
/// @returns whether it is | what the hasher returns. Source: PFP, "EV_SEPARATOR".
template <Hasher H>
[[nodiscard]] Result<bool> is_separator(H& hasher, const LoggedEvent& event, TPM_ALG_ID bank) {
  const auto hash = bank_hash(bank);
  if (!hash) return false;
  for (const std::uint32_t value : {0U, 0xFFFFFFFFU, 1U}) {
    std::array<std::byte, 4> octets{};
    store<std::uint32_t, Endian::little>(octets, value);
    SNPNV_TRY(const Digest& digest, hasher.digest(*hash, octets));
    if (equal(digest.view(), event.digest(bank))) return true;
  }
  return false;
}

}  // namespace detail

/// A digest covers neither an event's type nor its place in words, so who writes the log may give another kind to what
/// was measured. Therefore separators are known by their digests, and nothing behind one counts that firmware measures
/// before it. Views borrow the log.
class BootFacts {
 public:
  static constexpr std::uint32_t kSecureBootPcr = 7;

  /// Takes the next event with its judgement for the bank.
  /// @returns nothing | what the hasher returns.
  template <Hasher H>
  [[nodiscard]] Result<void> take(H& hasher, const LoggedEvent& event, const EventContent& content, TPM_ALG_ID bank) {
    if (event.eventType == EventType::EV_NO_ACTION || event.pcrIndex != kSecureBootPcr || separated_) return {};
    SNPNV_TRY(separated_, detail::is_separator(hasher, event, bank));
    if (content.proof != EventProof::proven) return {};
    const auto variable = UEFI_VARIABLE_DATA::parse(content.content);
    if (!variable) return {};
    for (std::size_t i = 0; i < kVariables.size(); ++i) {
      if (!variable->named(kVariables[i].name) || !equal(variable->VariableName, *kVariables[i].vendor)) continue;
      Said& said = said_[i];
      said.contradicted = said.contradicted || said.data.has_value();
      said.data = variable->VariableData;
    }
    return {};
  }

  /// What firmware measured that the variable holds, once and before the first separator of PCR 7. Nothing: it did not
  /// say, or not so.
  [[nodiscard]] constexpr std::optional<ByteView> variable(SecureBootVariable which) const {
    const Said& said = said_[static_cast<std::size_t>(which)];
    return separated_ && !said.contradicted ? said.data : std::nullopt;
  }
  /// Whether secure boot was on. Nothing: firmware did not say, or not so.
  [[nodiscard]] constexpr std::optional<bool> secure_boot() const {
    const auto data = variable(SecureBootVariable::SecureBoot);
    if (!data || data->size() > 1) return std::nullopt;
    return data->size() == 1 && (*data)[0] == std::byte{1};
  }
  /// True once the firmware's part of PCR 7 is over.
  [[nodiscard]] constexpr bool separated() const { return separated_; }

 private:
  // EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c. UEFI, "Globally Defined Variables".
  static constexpr auto kEfiGlobalVariable = octets_of_hex<16>("61dfe48bca93d211aa0d00e098032b8c");
  // EFI_IMAGE_SECURITY_DATABASE_GUID, d719b2cb-3d3a-4596-a3bc-dad00e67656f. UEFI, "Signature Database".
  static constexpr auto kEfiImageSecurityDatabase = octets_of_hex<16>("cbb219d73a3d9645a3bcdad00e67656f");
  struct Row {
    std::string_view name;
    const std::array<std::byte, 16>* vendor;
  };
  static constexpr std::array<Row, 5> kVariables{{{"SecureBoot", &kEfiGlobalVariable},
                                                  {"PK", &kEfiGlobalVariable},
                                                  {"KEK", &kEfiGlobalVariable},
                                                  {"db", &kEfiImageSecurityDatabase},
                                                  {"dbx", &kEfiImageSecurityDatabase}}};
  struct Said {
    std::optional<ByteView> data;
    bool contradicted = false;
  };

  std::array<Said, kVariables.size()> said_{};
  bool separated_ = false;
};

inline constexpr std::size_t kGrubPcr = 8;       // GRUB's commands and command line
inline constexpr std::size_t kStubPcr = 11;      // sections of a unified kernel image
inline constexpr std::size_t kOverridePcr = 12;  // a command line beside that image

/// A kernel's command line as it was measured.
struct KernelCommandLine {
  ByteView text;
  bool utf16 = false;  // UTF-16LE, else octets as they are
};

/// Text without the NULs at its end.
[[nodiscard]] constexpr ByteView without_nul(ByteView text) {
  while (!text.empty() && text.back() == std::byte{0}) text = text.first(text.size() - 1);
  return text;
}

/// The command line that a proven event holds: GRUB's in PCR 8, systemd-stub's in PCR 12, without NUL.
/// @returns it | nothing: the event is another.
[[nodiscard]] constexpr std::optional<KernelCommandLine> kernel_command_line(const LoggedEvent& event,
                                                                             const EventContent& content) {
  if (content.proof != EventProof::proven || event.eventType != EventType::EV_IPL) return std::nullopt;
  if (event.pcrIndex == kOverridePcr) return KernelCommandLine{before_nul16(content.content), true};
  if (event.pcrIndex != kGrubPcr) return std::nullopt;
  for (const std::string_view mark : detail::kGrubMarks) {
    if (!mark.contains("kernel_cmdline") || !detail::begins_with(event.data, mark)) continue;
    return KernelCommandLine{without_nul(event.data.subspan(mark.size())), false};
  }
  return std::nullopt;
}

/// The command line in a proven event of GRUB's that runs a command to load a kernel.
/// @returns what follows the command, without NUL | nothing: it is no such command.
[[nodiscard]] constexpr std::optional<ByteView> grub_linux_command(ByteView content) {
  // Commands that run what stands behind them, which is not measured again.
  constexpr std::string_view kNot = "! ";
  constexpr std::string_view kTime = "time ";
  ByteView text = without_nul(content);
  while (detail::begins_with(text, kNot) || detail::begins_with(text, kTime))
    text = text.subspan(detail::begins_with(text, kNot) ? kNot.size() : kTime.size());
  const auto space = std::ranges::find(text, std::byte{' '});
  // linux16 and linuxefi begin so too.
  if (space == text.end() || !detail::begins_with(text, "linux")) return std::nullopt;
  return text.subspan(static_cast<std::size_t>(space - text.begin()) + 1);
}

namespace detail {

/// Whether what GRUB's PCR was extended by may be a command of GRUB's, which begins with a word. A kernel's command line
/// begins with the kernel's file: with a slash, the device in parentheses, or the number of a block.
[[nodiscard]] constexpr bool may_be_grub_command(ByteView content) {
  const ByteView text = without_nul(content);
  if (text.empty()) return true;
  if (std::ranges::find(text, std::byte{0}) != text.end()) return false;  // UTF-16
  const char first = ascii_lower(std::to_integer<char>(text.front()));
  return (first >= 'a' && first <= 'z') || first == '_' || begins_with(text, "[ ") || begins_with(text, ". ") ||
         begins_with(text, "! ");
}

}  // namespace detail

}  // namespace snpnv
