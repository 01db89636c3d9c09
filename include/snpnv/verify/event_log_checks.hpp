// SPDX-License-Identifier: Apache-2.0
// The checks of an event log by the PCRs that a quote proves. Nobody signs the log: what it says counts only for PCRs
// to whose quoted values its events lead.
#pragma once

#include "snpnv/verify/boot_facts.hpp"
#include "snpnv/verify/checks.hpp"
#include "snpnv/verify/crypto.hpp"
#include "snpnv/verify/policy.hpp"

namespace snpnv {

static_assert(kPcrNames.size() == EventLogReader::kPcrs);

/// The bank that quotes are of, and policies.
inline constexpr TPM_ALG_ID kQuotedBank = TPM_ALG_ID::SHA256;

/// PCRs that the running system extends, of which the firmware's log holds the beginning at most: IMA 10, systemd 11
/// and 15, debugging 16, applications 23. Where it does not lead to their values, they are not explained, and no more.
[[nodiscard]] constexpr bool is_extended_after_boot(std::size_t pcr) {
  return pcr == 10 || pcr == 11 || pcr == 15 || pcr == 16 || pcr == 23;
}

/// A set of PCRs: bit n is PCR n.
struct PcrSet {
  std::uint32_t mask = 0;
  constexpr void add(std::size_t pcr) { mask |= std::uint32_t{1} << pcr; }
  [[nodiscard]] constexpr bool has(std::size_t pcr) const { return (mask >> pcr & 1U) != 0; }
};

/// What a replay says of PCRs that a quote proves.
struct ReplayedPcrs {
  PcrSet explained;  // the events lead to their values
  PcrSet untouched;  // they are zero, and the log has no event of them
};

namespace detail {

/// Runs the checks of SNPNV_EVENT_LOG_CHECKS, each in a function of its name and in their order.
template <Hasher C>
class EventLogVerifier {
 public:
  /// `quoted`: the PCRs that the quote proves, PCR 0 first; nothing: none is proven.
  EventLogVerifier(C& crypto, const MeasuredLogs& logs, std::optional<std::span<const PcrValue>> quoted)
      : crypto_(crypto), logs_(logs), quoted_(quoted) {}

  CheckResult judge(Check check) {
    switch (check) {
      SNPNV_EVENT_LOG_CHECKS(SNPNV_JUDGE)
      default: return {};
    }
  }

  CheckResult eventlog_format() {
    if (!logs_.firmware) return logs_.systemd ? CheckResult::fail(kLog, "there is systemd's alone") : CheckResult::not_asked();
    if (logs_.firmware->empty()) return CheckResult::fail(kLog, "is empty: nothing was logged");
    bool filled = false;
    const auto look = [&](const LoggedEvent& event) -> Result<void> {
      filled = filled || !all_zero(event.digest(kQuotedBank));
      return {};
    };
    const auto count = logs_.each_of_firmware(look);
    if (!count) return CheckResult::fail(kLog, count.error());
    if (!filled) return CheckResult::fail(kLog, "has no digest of the quoted bank", Finding::text(name(kQuotedBank)));
    std::uint32_t events = 0;
    const auto all = logs_.each([&](const LoggedEvent&) -> Result<void> {
      ++events;
      return {};
    });
    if (!all) return CheckResult::fail("systemd's log", all.error());
    whole_ = true;
    return CheckResult::pass("events", Finding::number(events));
  }

  CheckResult eventlog_replay() {
    if (!logs_.firmware) return CheckResult::not_asked();
    if (!whole_) return CheckResult::skip("the log cannot be read");
    if (!quoted_) return CheckResult::skip("the PCR list is not proven");
    const auto replayed = replay();
    if (!replayed) return CheckResult::fail(kLog, replayed.error());
    return judge(*replayed);
  }

  /// What the log says of the quoted PCRs.
  [[nodiscard]] const ReplayedPcrs& pcrs() const { return pcrs_; }

 private:
  static constexpr std::string_view kLog = "event log";

  Result<PcrReplay> replay() {
    PcrReplay out(Hash::sha256);
    for (std::size_t pcr = 0; pcr < quoted_->size() && pcr < kPcrNames.size(); ++pcr) reached(out, pcr, 0);
    SNPNV_CHECK(logs_.each([&](const LoggedEvent& event) -> Result<void> {
      SNPNV_TRY(const bool extended, out.take(crypto_, event, kQuotedBank));
      if (extended) reached(out, event.pcrIndex, event.number);
      return {};
    }));
    return out;
  }
  // Keeps the last event at which a PCR had its quoted value; 0: before any.
  void reached(const PcrReplay& pcrs, std::size_t pcr, std::uint32_t number) {
    if (pcr < quoted_->size() && equal(pcrs[pcr], (*quoted_)[pcr])) reached_[pcr] = number;
  }

  CheckResult judge(const PcrReplay& pcrs) {
    const std::size_t count = std::min(quoted_->size(), kPcrNames.size());
    PcrSet others;
    std::optional<std::size_t> failed;
    for (std::size_t pcr = 0; pcr < count; ++pcr) {
      const ByteView quoted = (*quoted_)[pcr];
      const bool logged = pcrs.events(pcr) != 0;
      if (!logged && all_zero(quoted)) {  // one that begins with ones was reset
        pcrs_.untouched.add(pcr);
      } else if (!equal(pcrs[pcr], quoted)) {
        others.add(pcr);
        if (!is_extended_after_boot(pcr) && !failed) failed = pcr;
      } else if (logged) {
        pcrs_.explained.add(pcr);
      }
    }
    if (failed) return not_led_to(*failed, pcrs);
    if (pcrs_.explained.mask == 0) return CheckResult::fail("PCRs", "none is explained");
    PcrSet unquoted;
    for (std::size_t pcr = count; pcr < kPcrNames.size(); ++pcr)
      if (pcrs.events(pcr) != 0) unquoted.add(pcr);
    return CheckResult::pass("PCRs", told(others, unquoted));
  }

  // Why the events do not lead to a PCR's quoted value, as far as it can be told.
  CheckResult not_led_to(std::size_t pcr, const PcrReplay& pcrs) {
    const ByteView quoted = (*quoted_)[pcr];
    if (pcrs.events(pcr) == 0)
      return CheckResult::fail(kPcrNames[pcr], "was extended, and the log has no event of it", Finding::kNone,
                               Finding::octets(quoted));
    if (const auto changed = first_unproven(pcr))
      return CheckResult::fail(kPcrNames[pcr], "the digest of an event is not that of what it says, by number",
                               Finding::kNone, Finding::number(*changed));
    if (reached_[pcr])
      return CheckResult::fail(kPcrNames[pcr], "the log goes on behind the event, by number, that leads to the quoted value",
                               Finding::kNone, Finding::number(*reached_[pcr]));
    return CheckResult::fail(kPcrNames[pcr], "the events lead to another value than the quoted one",
                             Finding::octets(quoted), Finding::octets(pcrs[pcr]));
  }
  std::optional<std::uint32_t> first_unproven(std::size_t pcr) {
    std::optional<std::uint32_t> out;
    const auto read = logs_.each([&](const LoggedEvent& event) -> Result<void> {
      if (out || event.pcrIndex != pcr) return {};
      SNPNV_TRY(const EventContent content, event_content(crypto_, event, kQuotedBank));
      if (content.proof == EventProof::unproven) out = event.number;
      return {};
    });
    return read ? out : std::nullopt;
  }

  Finding told(PcrSet others, PcrSet unquoted) const {
    std::array<std::byte, Finding::kMax> room{};
    ByteWriter out(room);
    list(out, pcrs_.explained);
    if (others.mask != 0) {
      out.text("; not explained ");
      list(out, others);
    }
    if (unquoted.mask != 0) {
      out.text("; not quoted ");
      list(out, unquoted);
    }
    if (pcrs_.untouched.mask != 0) {
      out.text("; zero ");
      list(out, pcrs_.untouched);
    }
    return Finding::text(ByteView(out.written()));
  }
  // "0-7,9".
  static void list(ByteWriter& out, PcrSet set) {
    bool first = true;
    const auto number = [&](std::size_t value) {
      const char digits[2] = {static_cast<char>('0' + value / 10), static_cast<char>('0' + value % 10)};
      out.text(value < 10 ? std::string_view(digits + 1, 1) : std::string_view(digits, 2));
    };
    for (std::size_t pcr = 0; pcr < kPcrNames.size(); ++pcr) {
      if (!set.has(pcr)) continue;
      if (!first) out.text(",");
      first = false;
      number(pcr);
      std::size_t last = pcr;
      while (last + 1 < kPcrNames.size() && set.has(last + 1)) ++last;
      if (last != pcr) {
        out.text("-");
        number(last);
      }
      pcr = last;
    }
  }

  C& crypto_;
  const MeasuredLogs& logs_;
  std::optional<std::span<const PcrValue>> quoted_;
  std::array<std::optional<std::uint32_t>, kPcrNames.size()> reached_{};
  ReplayedPcrs pcrs_;
  bool whole_ = false;
};

}  // namespace detail

}  // namespace snpnv
