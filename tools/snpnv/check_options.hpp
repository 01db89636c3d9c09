// SPDX-License-Identifier: Apache-2.0
// Which options turn a check on or change what it says. The library knows no command line.
#pragma once

#include "snpnv/verify/policy.hpp"
#include "snpnv/words/verdict.hpp"
#include "words.hpp"

namespace snpnv::tool {

/// An option that turns a check on.
struct CheckOption {
  consteval CheckOption(Check turned_on, std::string_view option, std::string_view placeholder)
      : check(turned_on), name(option), is_flag(placeholder.empty()) {
    for (const std::string_view part : {std::string_view("--"), option, std::string_view(" "), placeholder})
      for (const char c : part) text[size++] = c;
    if (is_flag) --size;
  }

  Check check;
  std::string_view name;  // without dashes
  bool is_flag;
  std::array<char, 48> text{};  // with dashes, and the placeholder of its value
  std::uint8_t size = 0;
};

inline constexpr auto kCheckOptions = std::to_array({
    CheckOption{Check::chain_revocation, "crl", "FILE"},
    CheckOption{Check::binding_claims_digest, "claims", "FILE"},
    CheckOption{Check::binding_user_data, "user-data", "HEX"},
    CheckOption{Check::policy_secure_boot, "secure-boot", ""},
    CheckOption{Check::quote_nonce, "nonce", "HEX"},
    CheckOption{Check::eventlog_format, "event-log", "FILE"},
    CheckOption{Check::eventlog_replay, "event-log", "FILE"},
#define SNPNV_X(member, Kind, path, option, help, check) \
  CheckOption{Check::check, option, policy_kind::Kind::kPlaceholder},
    SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
});

/// The first option that turns the check on, such as `--vmpl N`; empty if it is always on.
[[nodiscard]] inline std::string_view option_of(Check check) {
  for (const CheckOption& option : kCheckOptions) {
    const bool permits = option.is_flag && option.check != Check::policy_secure_boot;
    if (option.check == check && !permits) return {option.text.data(), option.size};
  }
  return {};
}

/// The option that a check's note is about; empty if none is.
[[nodiscard]] inline std::string_view option_about(Check check, std::string_view note) {
  if (note == CheckResult::kAllowed && check == Check::policy_debug) return "--allow-debug";
  if (note == CheckResult::kAllowed && check == Check::policy_migration) return "--allow-migration";
  if (note == CheckResult::kNewer) return "--allow-newer-version";
  if (note == CheckResult::kUnbound) return "--allow-old-evidence";
  if (note == CheckResult::kNoClaims) return "--claims";
  return {};
}

[[nodiscard]] inline bool every_check(Check) { return true; }

/// How this program tells a verdict. A policy may ask for what a command has no evidence of, which does not cover
/// the check then.
[[nodiscard]] inline VerdictTeller teller(bool (*covers)(Check) = every_check) { return {covers, option_of, option_about}; }

}  // namespace snpnv::tool
