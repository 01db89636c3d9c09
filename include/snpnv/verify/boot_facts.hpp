// SPDX-License-Identifier: Apache-2.0
// What people ask of a boot, told by the proven events of its log.
#pragma once

#include "snpnv/core/encoding.hpp"
#include "snpnv/verify/event_log.hpp"
#include "snpnv/wire/uefi.hpp"

namespace snpnv {

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
    SNPNV_TRY(separated_, separates(hasher, event, bank));
    if (content.proof != EventProof::proven) return {};
    const auto variable = UEFI_VARIABLE_DATA::parse(content.content);
    if (!variable || !variable->named("SecureBoot") || !equal(variable->VariableName, kEfiGlobalVariable)) return {};
    const ByteView data = variable->VariableData;
    if (data.size() > 1 || said_) contradicted_ = true;
    said_ = true;
    on_ = data.size() == 1 && data[0] == std::byte{1};
    return {};
  }

  /// Whether firmware measured that secure boot is on, once and before the first separator of PCR 7. Nothing: it did
  /// not say, or not so.
  [[nodiscard]] constexpr std::optional<bool> secure_boot() const {
    if (!said_ || contradicted_ || !separated_) return std::nullopt;
    return on_;
  }
  /// True once the firmware's part of PCR 7 is over.
  [[nodiscard]] constexpr bool separated() const { return separated_; }

 private:
  // EFI_GLOBAL_VARIABLE, 8be4df61-93ca-11d2-aa0d-00e098032b8c. UEFI, "Globally Defined Variables".
  static constexpr auto kEfiGlobalVariable = [] {
    std::array<std::byte, 16> guid{};
    (void)decode_hex("61dfe48bca93d211aa0d00e098032b8c", guid);
    return guid;
  }();

  // PFP, "EV_SEPARATOR": 0, or all ones, or 1 after an error.
  template <Hasher H>
  static Result<bool> separates(H& hasher, const LoggedEvent& event, TPM_ALG_ID bank) {
    const auto hash = bank_hash(bank);
    if (!hash) return false;
    for (const std::uint32_t value : {0U, 0xFFFFFFFFU, 1U}) {
      std::array<std::byte, 4> octets{};
      store<std::uint32_t, Endian::little>(octets, value);
      SNPNV_TRY(const Digest digest, hasher.digest(*hash, octets));
      if (equal(digest.view(), event.digest(bank))) return true;
    }
    return false;
  }

  bool said_ = false;
  bool on_ = false;
  bool contradicted_ = false;
  bool separated_ = false;
};

/// A kernel's command line as it was measured.
struct KernelCommandLine {
  ByteView text;
  bool utf16 = false;  // UTF-16LE, else octets as they are
};

/// The command line that a proven event holds: GRUB's in PCR 8, systemd-stub's in PCR 12, without NUL.
/// @returns it | nothing: the event is another.
[[nodiscard]] constexpr std::optional<KernelCommandLine> kernel_command_line(const LoggedEvent& event,
                                                                             const EventContent& content) {
  if (content.proof != EventProof::proven || event.eventType != EventType::EV_IPL) return std::nullopt;
  if (event.pcrIndex == 12) return KernelCommandLine{before_nul16(content.content), true};
  if (event.pcrIndex != 8) return std::nullopt;
  for (const std::string_view mark : kGrubMarks) {
    if (!mark.contains("kernel_cmdline") || event.data.size() < mark.size() ||
        !spells(event.data.first(mark.size()), mark))
      continue;
    ByteView text = event.data.subspan(mark.size());
    while (!text.empty() && text.back() == std::byte{0}) text = text.first(text.size() - 1);
    return KernelCommandLine{text, false};
  }
  return std::nullopt;
}

}  // namespace snpnv
