// SPDX-License-Identifier: Apache-2.0
// What a relying party asks of a boot, by an event log that a quote proves.
#pragma once

#include <utility>

#include "snpnv/verify/event_log_checks.hpp"

namespace snpnv {

namespace detail {

/// Runs the checks of SNPNV_BOOT_CHECKS, each in a function of its name. By the digests of events, and by content that
/// they cover: types and all else that no digest covers may be said otherwise by who writes the log. He may also have
/// extended any PCR since, but only behind what the boot measured.
template <Hasher H>
class BootPolicyVerifier {
 public:
  /// `pcrs`: what eventlog.replay found; nothing: it did not pass.
  BootPolicyVerifier(H& hasher, const MeasuredLogs& logs, const std::optional<ReplayedPcrs>& pcrs,
                     const Policy& policy)
      : hasher_(hasher), logs_(logs), pcrs_(pcrs), policy_(policy) {}

  CheckResult judge(Check check) {
    switch (check) {
      SNPNV_BOOT_CHECKS(SNPNV_JUDGE)
      default: return {};
    }
  }

  CheckResult policy_secure_boot_log() {
    const bool keys = policy_.secure_boot_pk.count + policy_.secure_boot_kek.count + policy_.secure_boot_db.count +
                          policy_.secure_boot_dbx.count + policy_.secure_boot_authority.count != 0;
    if (!policy_.secure_boot_log && !keys) return CheckResult::not_asked();
    if (const auto unproven = without(BootFacts::kSecureBootPcr)) return *unproven;
    BootFacts facts;
    Authorities authorities;
    const auto read = each([&](const LoggedEvent& event, const EventContent& content) -> Result<void> {
      if (event.pcrIndex != BootFacts::kSecureBootPcr) return {};
      if (facts.separated()) return take_authority(event, content, authorities);
      return facts.take(hasher_, event, content, kQuotedBank);
    });
    if (!read) return CheckResult::fail(kLog, read.error());
    std::optional<CheckResult> out;
    if (policy_.secure_boot_log) merge(out, state(facts));
    for (const auto& [variable, name, allowed] :
         {KeyList{SecureBootVariable::PK, "PK", policy_.secure_boot_pk},
          KeyList{SecureBootVariable::KEK, "KEK", policy_.secure_boot_kek},
          KeyList{SecureBootVariable::db, "db", policy_.secure_boot_db}})
      if (allowed.count != 0) merge(out, holds_only(name, facts.variable(variable), allowed));
    if (policy_.secure_boot_dbx.count != 0) merge(out, holds_all(facts.variable(SecureBootVariable::dbx)));
    if (policy_.secure_boot_authority.count != 0) merge(out, judge(authorities, facts));
    return *out;
  }

  CheckResult policy_kernel_command_line() {
    if (policy_.kernel_command_line.count == 0) return CheckResult::not_asked();
    for (const std::size_t pcr : kCommandLinePcrs)
      if (const auto unproven = without(pcr, true)) return *unproven;
    std::optional<CheckResult> out;
    UkiSections sections;
    const auto read = each([&](const LoggedEvent& event, const EventContent& content) -> Result<void> {
      if (event.pcrIndex == kStubPcr) {
        SNPNV_TRY(const bool is_line, sections.take(hasher_, event));
        if (!is_line) return {};
        SNPNV_TRY(const bool same, is_section(event));
        merge(out, command_line(event, same));
      } else if (event.pcrIndex == kGrubPcr || event.pcrIndex == kOverridePcr) {
        // Which of the events is a command line, no digest says. So each must be known.
        if (content.proof != EventProof::proven)
          merge(out, CheckResult::fail(kPcrNames[event.pcrIndex], "has an event that does not prove what it says, by number", Finding::kNone,
                                       Finding::number(event.number)));
        for (const auto& line : lines_of(event, content))
          if (line) merge(out, command_line(event, is_allowed(*line)));
      }
      return {};
    });
    if (!read) return CheckResult::fail(kLog, read.error());
    return out.value_or(CheckResult::fail("command line", "no proven event says one"));
  }

  CheckResult policy_boot_events() {
    const BootEventRules& rules = policy_.boot_events;
    if (rules.count() == 0) return CheckResult::not_asked();
    PcrSet closed;  // those into which nothing else may have been measured
    for (std::size_t i = 0; i < rules.count(); ++i) {
      if (const auto unproven = without(rules[i].pcr)) return *unproven;
      if (rules[i].kind == BootEventRules::Kind::may) closed.add(rules[i].pcr);
    }
    std::optional<CheckResult> out;
    std::uint32_t judged = 0;
    const auto read = each_digest([&](const LoggedEvent& event) -> Result<void> {
      const Ruled ruled = rules_of(event);
      if (!ruled.any) return {};
      ++judged;
      const std::string_view pcr = kPcrNames[event.pcrIndex];
      if (ruled.forbidden)
        merge(out, CheckResult::fail(pcr, "what must not be was measured, by number", Finding::kNone, Finding::number(event.number)));
      else if (closed.has(event.pcrIndex) && !ruled.allowed)
        merge(out, CheckResult::fail(pcr, "what is not allowed was measured, by number", Finding::kNone, Finding::number(event.number)));
      return {};
    });
    if (!read) return CheckResult::fail(kLog, read.error());
    if (out) return *out;
    for (std::size_t i = 0; i < rules.count(); ++i)
      if (rules[i].kind == BootEventRules::Kind::must && !was_measured(rules[i]))
        return CheckResult::fail(kPcrNames[rules[i].pcr], "what must be was not measured", Finding::octets(rules[i].digest));
    return CheckResult::pass("events", Finding::number(judged));
  }

 private:
  static constexpr std::string_view kLog = "event log";
  static constexpr std::string_view kSecureBoot = "PCR 7";
  static constexpr auto kCommandLinePcrs = std::to_array({kGrubPcr, kStubPcr, kOverridePcr});

  // Why nothing is proven of a PCR, where it is so.
  std::optional<CheckResult> without(std::size_t pcr, bool may_be_untouched = false) const {
    if (!logs_.firmware) return CheckResult::fail(kLog, "there is none");
    if (!pcrs_) return CheckResult::skip("the events are not proven");
    if (pcrs_->explained.has(pcr) || (may_be_untouched && pcrs_->untouched.has(pcr))) return std::nullopt;
    return CheckResult::fail(kPcrNames[pcr], "the log does not explain it");
  }

  // Calls take(event) for each that extends a PCR.
  template <class Take>
  Result<void> each_digest(Take&& take) const {
    return logs_.each([&](const LoggedEvent& event) -> Result<void> {
      if (event.eventType == EventType::EV_NO_ACTION || event.digest(kQuotedBank).empty()) return {};
      return take(event);
    });
  }
  // The same, with what its digest proves.
  template <class Take>
  Result<void> each(Take&& take) {
    return each_digest([&](const LoggedEvent& event) -> Result<void> {
      SNPNV_TRY(const EventContent& content, event_content(hasher_, event, kQuotedBank));
      return take(event, content);
    });
  }

  using Keys = AllowList<32, 32>;
  struct KeyList {
    SecureBootVariable variable;
    std::string_view name;
    const Keys& allowed;
  };

  CheckResult state(const BootFacts& facts) const {
    const Finding expected = Finding::boolean(*policy_.secure_boot_log);
    const auto on = facts.secure_boot();
    if (!on) return CheckResult::fail("SecureBoot", "no proven event says it", expected);
    if (*on != *policy_.secure_boot_log) return CheckResult::fail("SecureBoot", "has another value", expected, Finding::boolean(*on));
    return CheckResult::pass("SecureBoot", Finding::boolean(*on));
  }

  // By what a certificate is known: its SHA-256. The digest of an image stands for itself.
  Result<PcrValue> fingerprint(ByteView listed) {
    PcrValue out{};
    if (listed.size() == out.size()) {
      copy_to(out, listed);
      return out;
    }
    SNPNV_TRY(const Digest& digest, hasher_.digest(Hash::sha256, listed));
    copy_to(out, digest.view());
    return out;
  }

  // Calls take(fingerprint) for each entry of signature lists.
  template <class Take>
  CheckResult each_key(std::string_view name, const std::optional<ByteView>& data, Take&& take) {
    if (!data) return CheckResult::fail(name, "no proven event says it");
    SignatureLists lists(*data);
    while (const auto entry = lists.next()) {
      const auto key = fingerprint(entry->subspan(SignatureLists::kOwner));
      if (!key) return CheckResult::fail(name, key.error());
      take(*key);
    }
    if (!lists.whole()) return CheckResult::fail(name, "holds no signature lists");
    return CheckResult::pass(name);
  }
  CheckResult holds_only(std::string_view name, const std::optional<ByteView>& data, const Keys& allowed) {
    std::optional<CheckResult> out;
    const CheckResult read = each_key(name, data, [&](const PcrValue& key) {
      merge(out, allowed.contains(key) ? CheckResult::pass(name, Finding::octets(key))
                                       : CheckResult::fail(name, "holds what is not allowed", Finding::kNone, Finding::octets(key)));
    });
    if (read.outcome == CheckOutcome::fail) return read;
    return out.value_or(CheckResult::fail(name, "is empty"));
  }
  CheckResult holds_all(const std::optional<ByteView>& data) {
    for (const PcrValue& wanted : std::span(policy_.secure_boot_dbx.values).first(policy_.secure_boot_dbx.count)) {
      bool held = false;
      const CheckResult read = each_key("dbx", data, [&](const PcrValue& key) { held = held || key == wanted; });
      if (read.outcome == CheckOutcome::fail) return read;
      if (!held) return CheckResult::fail("dbx", "does not hold", Finding::octets(wanted));
    }
    return CheckResult::pass("dbx");
  }

  // What let images in: whatever PCR 7 was extended by behind the firmware's part.
  struct Authorities {
    std::optional<CheckResult> refused;
    std::uint32_t count = 0;
  };
  // shim's GUID, 605dab50-e046-4300-abb6-3dd810dd8b23, and what it measures of its own settings.
  static constexpr auto kShimLock = octets_of_hex<16>("50ab5d6046e00043abb63dd810dd8b23");
  static bool is_setting_of_shim(const UEFI_VARIABLE_DATA& variable) {
    return equal(variable.VariableName, kShimLock) && (variable.named("SbatLevel") || variable.named("MokListTrusted"));
  }
  Result<void> take_authority(const LoggedEvent& event, const EventContent& content, Authorities& to) {
    SNPNV_TRY(const bool separator, is_separator(hasher_, event, kQuotedBank));
    if (separator) return {};
    const auto variable = UEFI_VARIABLE_DATA::front(content.content);
    if (content.proof != EventProof::proven || !variable) {
      merge(to.refused, CheckResult::fail(kSecureBoot, "has an event that does not prove what it says, by number", Finding::kNone,
                                          Finding::number(event.number)));
      return {};
    }
    if (is_setting_of_shim(*variable)) return {};
    // Firmware measures the entry of db with its owner, shim the certificate alone.
    SNPNV_TRY(bool allowed, is_allowed_authority(variable->VariableData));
    if (!allowed && variable->VariableData.size() > SignatureLists::kOwner) {
      SNPNV_TRY(allowed, is_allowed_authority(variable->VariableData.subspan(SignatureLists::kOwner)));
    }
    ++to.count;
    if (!allowed)
      merge(to.refused, CheckResult::fail(kSecureBoot, "what is not allowed let an image in, by number", Finding::kNone,
                                          Finding::number(event.number)));
    return {};
  }
  Result<bool> is_allowed_authority(ByteView listed) {
    SNPNV_TRY(const PcrValue& key, fingerprint(listed));
    return policy_.secure_boot_authority.contains(key);
  }
  static CheckResult judge(const Authorities& authorities, const BootFacts& facts) {
    // Whoever was root since could have extended the PCR by what looks like one.
    if (!facts.secure_boot().value_or(false))
      return CheckResult::fail(kSecureBoot, "no proven event says that authorities were asked");
    if (authorities.refused) return *authorities.refused;
    if (authorities.count == 0) return CheckResult::fail(kSecureBoot, "nothing let an image in");
    return CheckResult::pass("authorities", Finding::number(authorities.count));
  }

  // systemd-stub measures each section of its image: its name with NUL, then its content. The first that is named so
  // was measured by the stub. Source: systemd, "TPM2 PCR Measurements Made by systemd".
  class UkiSections {
   public:
    // Whether the event is the content of the command line's section.
    Result<bool> take(H& hasher, const LoggedEvent& event) {
      constexpr std::string_view kName{".cmdline\0", 9};
      if (begun_) return !std::exchange(over_, true);
      std::array<std::byte, kName.size()> octets{};
      ByteWriter(octets).text(kName);
      SNPNV_TRY(const Digest& digest, hasher.digest(Hash::sha256, octets));
      begun_ = equal(digest.view(), event.digest(kQuotedBank));
      return false;
    }

   private:
    bool begun_ = false;
    bool over_ = false;
  };
  // Whether the event's digest is that of a command line that is allowed; a section may have one octet behind it.
  Result<bool> is_section(const LoggedEvent& event) {
    constexpr std::size_t kMost = 2048;  // COMMAND_LINE_SIZE of Linux on x86
    for (const ByteView text : policy_.kernel_command_line.view()) {
      if (text.size() > kMost) continue;
      for (const std::string_view end : {std::string_view(), std::string_view("\n"), std::string_view("\0", 1)}) {
        std::array<std::byte, kMost + 1> octets;
        ByteWriter writer(octets);
        writer.bytes(text);
        writer.text(end);
        SNPNV_TRY(const Digest& digest, hasher_.digest(Hash::sha256, writer.written()));
        if (equal(digest.view(), event.digest(kQuotedBank))) return true;
      }
    }
    return false;
  }

  // What tells a command line from a command of GRUB, or from another event, is in no digest. So all count that may be
  // one: whatever is in the stub's PCR, and what is no command of GRUB's or is one that loads a kernel.
  static std::array<std::optional<KernelCommandLine>, 2> lines_of(const LoggedEvent& event, const EventContent& content) {
    std::array<std::optional<KernelCommandLine>, 2> out{};
    if (content.proof != EventProof::proven) return out;
    const ByteView text = content.content;
    if (event.pcrIndex == kOverridePcr) {
      out[0] = KernelCommandLine{before_nul16(text), true};
      return out;
    }
    out[0] = kernel_command_line(event, content);
    if (!out[0] && !may_be_grub_command(text)) {
      const bool utf16 = text.size() > 1 && text[1] == std::byte{0};  // as older stubs measured it
      out[0] = KernelCommandLine{utf16 ? before_nul16(text) : without_nul(text), utf16};
    }
    if (const auto line = grub_linux_command(text)) out[1] = KernelCommandLine{*line, false};
    return out;
  }
  bool is_allowed(const KernelCommandLine& line) const {
    return std::ranges::any_of(policy_.kernel_command_line.view(), [&](ByteView text) {
      return line.utf16 ? same_text(Utf16Text(line.text), PlainText(text_of(text))) : equal(line.text, text);
    });
  }
  static CheckResult command_line(const LoggedEvent& event, bool allowed) {
    return allowed ? CheckResult::pass(kPcrNames[event.pcrIndex])
                   : CheckResult::fail(kPcrNames[event.pcrIndex], "has another command line, by number", Finding::kNone,
                                       Finding::number(event.number));
  }

  struct Ruled {
    bool any = false;  // there are rules of the PCR
    bool allowed = false;
    bool forbidden = false;
  };
  Ruled rules_of(const LoggedEvent& event) const {
    Ruled out;
    for (std::size_t i = 0; i < policy_.boot_events.count(); ++i) {
      const auto rule = policy_.boot_events[i];
      if (rule.pcr != event.pcrIndex) continue;
      out.any = true;
      if (!equal(rule.digest, event.digest(kQuotedBank))) continue;
      (rule.kind == BootEventRules::Kind::must_not ? out.forbidden : out.allowed) = true;
    }
    return out;
  }
  bool was_measured(const BootEventRules::Rule& rule) const {
    bool out = false;
    const auto read = each_digest([&](const LoggedEvent& event) -> Result<void> {
      out = out || (event.pcrIndex == rule.pcr && equal(event.digest(kQuotedBank), rule.digest));
      return {};
    });
    return read && out;
  }

  H& hasher_;
  const MeasuredLogs& logs_;
  std::optional<ReplayedPcrs> pcrs_;
  const Policy& policy_;
};

}  // namespace detail

}  // namespace snpnv
