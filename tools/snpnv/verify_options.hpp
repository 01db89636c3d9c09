// SPDX-License-Identifier: Apache-2.0
// What every verify command is asked: options, and the policy, time and user data that they give.
#pragma once

#include <vector>

#include "cli.hpp"
#include "snpnv/verify/verify.hpp"

namespace snpnv::tool {

inline constexpr OptionSpec kRootOption{0, "root", "FILE", "trust these roots too, for tests and private PKIs", true};

/// --root, --at, --crl: for everything that verifies a chain.
inline constexpr auto kChainOptions = std::to_array({
    kRootOption,
    OptionSpec{0, "at", "TIME", "verify at this time, RFC 3339; default: now"},
    OptionSpec{0, "crl", "FILE", "revocation lists; the ARK's must be among them", true},
    OptionSpec{0, "verbose", "", "list every check on a terminal too"},
});

// Items of a policy that have a letter too.
[[nodiscard]] constexpr char letter_of(std::string_view option) {
  return option == "measurement" ? 'm' : option == "host-data" ? 'd' : option == "report-data" ? 'r' : '\0';
}
#define SNPNV_X(member, Kind, path, option, help, check) \
  OptionSpec{letter_of(option), option, policy_kind::Kind::kPlaceholder, help, policy_kind::Kind::kRepeats},

/// One option for each item of a policy, and what is short for one.
inline constexpr auto kPolicyOptions = std::to_array({
    OptionSpec{0, "policy", "FILE", "a policy as JSON; options add to it"},
    SNPNV_REPORT_POLICY(SNPNV_NOTHING, SNPNV_X)
    OptionSpec{0, "secure-boot", "", "secure-boot of the vm-configuration must be true"},
});

/// What the claims must carry.
inline constexpr auto kUserDataOption = std::to_array({
    OptionSpec{0, "user-data", "HEX|@FILE", "what the claims must carry, up to 64 octets"},
});

/// Policy items on the TPM's quote.
inline constexpr auto kQuotePolicyOptions = std::to_array({
    SNPNV_QUOTE_POLICY(SNPNV_NOTHING, SNPNV_X)
    OptionSpec{0, "init-data", "HEX", "PCR 8 was extended once, from zero, with this digest"},
});

/// Policy items on the event log.
inline constexpr auto kBootPolicyOptions = std::to_array({SNPNV_BOOT_POLICY(SNPNV_NOTHING, SNPNV_X)});
#undef SNPNV_X

/// Several option lists as one.
template <std::size_t... N>
[[nodiscard]] constexpr auto joined(const std::array<OptionSpec, N>&... lists) {
  std::array<OptionSpec, (std::size_t{0} + ... + N)> out{};
  std::size_t at = 0;
  const auto append = [&](const auto& list) {
    for (const OptionSpec& option : list) out[at++] = option;
  };
  (append(lists), ...);
  return out;
}

/// A policy with what it borrows of files. It stays where it is when this is moved.
struct AskedPolicy : Policy {
  std::vector<std::vector<std::byte>> rooms;

  AskedPolicy() = default;
  AskedPolicy(AskedPolicy&&) = default;
  AskedPolicy& operator=(AskedPolicy&&) = default;
};

/// The policy that --policy and the other options ask for. Borrows the arguments.
[[nodiscard]] Outcome<AskedPolicy> policy_of(const Arguments& arguments);

[[nodiscard]] VerificationTime time_of_clock();
/// --at, or now.
[[nodiscard]] Outcome<VerificationTime> time_of(const Arguments& arguments);

/// A value of --user-data, zero-padded.
[[nodiscard]] Outcome<UserData> user_data_of(std::string_view text);

}  // namespace snpnv::tool
