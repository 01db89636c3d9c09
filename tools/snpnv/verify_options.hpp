// What every verify command is asked: options, and the policy, time and user data that they give.
#pragma once

#include "cli.hpp"
#include "snpnv/verify/verify.hpp"

namespace snpnv::tool {

inline constexpr OptionSpec kRootOption{0, "root", "FILE", "trust these roots too, for tests and private PKIs", true};

/// --root, --at, --crl: for everything that verifies a chain.
inline constexpr std::array kChainOptions{
    kRootOption,
    OptionSpec{0, "at", "TIME", "verify at this time, RFC 3339; default: now"},
    OptionSpec{0, "crl", "FILE", "revocation lists; the ARK's must be among them", true},
    OptionSpec{0, "verbose", "", "list every check on a terminal too"},
};

/// One option for each item of a policy.
inline constexpr std::array kPolicyOptions{
    OptionSpec{0, "policy", "FILE", "a policy as JSON; options add to it"},
    OptionSpec{0, "allow-debug", "", "accept a guest that may be debugged"},
    OptionSpec{0, "allow-migration", "", "accept a guest with a migration agent"},
    OptionSpec{0, "allow-newer-version", "", "accept report versions above 5"},
    OptionSpec{0, "vmpl", "N", "VMPL that asked for the report"},
    OptionSpec{0, "min-tcb", "LIST", "least REPORTED_TCB, as boot_loader=3,snp=8"},
    OptionSpec{0, "min-committed-tcb", "LIST", "least COMMITTED_TCB"},
    OptionSpec{0, "min-launch-tcb", "LIST", "least LAUNCH_TCB"},
    OptionSpec{'m', "measurement", "HEX", "MEASUREMENT; repeat for several allowed", true},
    OptionSpec{'d', "host-data", "HEX", "HOST_DATA", true},
    OptionSpec{'r', "report-data", "HEX", "REPORT_DATA", true},
    OptionSpec{0, "min-guest-svn", "N", "least GUEST_SVN"},
    OptionSpec{0, "family-id", "HEX", "FAMILY_ID", true},
    OptionSpec{0, "image-id", "HEX", "IMAGE_ID", true},
    OptionSpec{0, "id-key", "HEX", "ID_KEY_DIGEST", true},
    OptionSpec{0, "author-key", "HEX", "AUTHOR_KEY_DIGEST", true},
    OptionSpec{0, "chip-id", "HEX", "CHIP_ID, 64 octets or Turin's 8", true},
    OptionSpec{0, "platform-info", "LIST", "bits required, or forbidden with !, as ECC_EN,!SMT_EN"},
    OptionSpec{0, "min-firmware", "VERSION", "least CURRENT version, as 1.55 or 1.55.21"},
    OptionSpec{0, "min-committed-firmware", "VERSION", "least COMMITTED version"},
    OptionSpec{0, "mitigations", "MASK", "bits required in CURRENT_MIT_VECTOR"},
    OptionSpec{0, "launch-mitigations", "MASK", "bits required in LAUNCH_MIT_VECTOR"},
    OptionSpec{0, "secure-boot", "", "secure-boot of the vm-configuration must be true"},
    OptionSpec{0, "vm-configuration", "NAME=VALUE", "a member of it must have this value", true},
};

/// What the claims must carry.
inline constexpr std::array kUserDataOption{
    OptionSpec{0, "user-data", "HEX|@FILE", "what the claims must carry, up to 64 octets"},
};

/// Policy items on the TPM's quote.
inline constexpr std::array kQuotePolicyOptions{
    OptionSpec{0, "pcr", "N=HEX", "PCR N of the SHA-256 bank has this value", true},
    OptionSpec{0, "init-data", "HEX", "PCR 8 was extended once, from zero, with this digest"},
};

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

/// The policy that --policy and the other options ask for.
[[nodiscard]] Outcome<Policy> policy_of(const Arguments& arguments);

[[nodiscard]] VerificationTime time_of_clock();
/// --at, or now.
[[nodiscard]] Outcome<VerificationTime> time_of(const Arguments& arguments);

/// A value of --user-data, zero-padded.
[[nodiscard]] Outcome<UserData> user_data_of(std::string_view text);

}  // namespace snpnv::tool
