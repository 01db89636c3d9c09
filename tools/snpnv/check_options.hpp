// SPDX-License-Identifier: Apache-2.0
// Which options turn a check on or change what it says. The library knows no command line.
#pragma once

#include "snpnv/verify/checks.hpp"
#include "snpnv/verify/policy.hpp"
#include "words.hpp"

namespace snpnv::tool {

/// An option that turns a check on.
struct CheckOption {
  Check check;
  std::string_view name;         // without dashes
  std::string_view placeholder;  // of its value; empty: a flag
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
[[nodiscard]] inline std::string option_of(Check check) {
  for (const CheckOption& option : kCheckOptions) {
    const bool permits = option.placeholder.empty() && option.check != Check::policy_secure_boot;
    if (option.check != check || permits) continue;
    return "--" + std::string(option.name) + (option.placeholder.empty() ? "" : " " + std::string(option.placeholder));
  }
  return {};
}

/// A check's note, with the option that it is about.
[[nodiscard]] inline std::string note_of(Check check, const CheckResult& result) {
  struct Advice {
    std::optional<Check> check;  // none: whichever says so
    CheckOutcome outcome;
    std::string_view note;
    std::string_view option;
  };
  constexpr Advice kAdvice[] = {
      {Check::policy_debug, CheckOutcome::skip, CheckResult::kAllowed, " by --allow-debug"},
      {Check::policy_migration, CheckOutcome::skip, CheckResult::kAllowed, " by --allow-migration"},
      {{}, CheckOutcome::fail, CheckResult::kNewer, "; --allow-newer-version accepts it"},
      {{}, CheckOutcome::fail, CheckResult::kUnbound, "; --allow-old-evidence accepts it"},
      {{}, CheckOutcome::fail, CheckResult::kNoClaims, "; --claims gives them"},
  };
  for (const Advice& advice : kAdvice)
    if (advice.check.value_or(check) == check && advice.outcome == result.outcome && advice.note == result.note)
      return concat({result.note, advice.option});
  return std::string(result.reason());
}

}  // namespace snpnv::tool
