// SPDX-License-Identifier: Apache-2.0
// snpnv verify: certificates, a report, an envelope. Decides offline, and says every check.
#include "certificates.hpp"
#include "commands.hpp"
#include "describe.hpp"
#include "fields.hpp"
#include "files.hpp"
#include "output.hpp"
#include "provider.hpp"
#include "snpnv/verify/evidence.hpp"
#include "verdict.hpp"
#include "verify_options.hpp"

namespace snpnv::tool {
namespace {

bool of_chain(Check check) { return check <= Check::chain_revocation; }
bool without_quote(Check check) { return check < Check::quote_magic; }

Outcome<Exit> verify_certs(const Arguments& arguments) {
  const std::string_view directory = arguments.operand(0);
  SNPNV_TRY(const VerificationTime at, time_of(arguments));
  SNPNV_TRY(const ChainFiles files, ChainFiles::read(arguments, directory, SIGNING_KEY::VCEK));
  Provider crypto;
  ChainCheck out;
  if (const auto judged = verify_chain(crypto, files.chain(), files.trust(), at, out); !judged)
    return not_judged(directory, judged.error());
  return tell(arguments, out.verdict, of_chain);
}

Outcome<Exit> judge(const Arguments& arguments, std::string_view path, const Evidence& evidence,
                    const Policy& policy, CheckScope scope) {
  // The report may choose between two certificates; vek.signing_key checks the choice.
  const auto report = ATTESTATION_REPORT::parse(evidence.report);
  const SIGNING_KEY prefer = report ? report->signing_key() : SIGNING_KEY::VCEK;
  SNPNV_TRY(const VerificationTime at, time_of(arguments));
  SNPNV_TRY(const ChainFiles files, ChainFiles::read(arguments, arguments.operand(0), prefer));
  Provider crypto;
  ChainCheck out;
  const auto judged = verify(crypto, files.chain(), files.trust(), evidence, policy, at, scope, out);
  if (!judged && judged.error().code != Code::verify_clock) {
    Failure failure = not_a_report(path, evidence.report, judged.error());
    failure.exit = Exit::rejected;
    return std::unexpected(failure);
  }
  if (!judged) return not_judged(path, judged.error());
  return tell(arguments, out.verdict, without_quote);
}

constexpr auto kScopes = std::to_array({
    OptionSpec{'t', "tcb", "", "check signatures, product, TCB and chip only"},
    OptionSpec{'s', "signature", "", "check signatures only"},
});
constexpr auto kClaims = std::to_array({
    OptionSpec{0, "claims", "FILE", "runtime claims, exactly as hashed"},
});
constexpr auto kAskedFor = joined(kClaims, kUserDataOption, kPolicyOptions);
constexpr auto kAttestationOptions = joined(kScopes, kAskedFor, kChainOptions);

Outcome<Exit> verify_attestation(const Arguments& arguments) {
  const std::string_view path = arguments.operand(1);
  if (arguments.has("tcb") || arguments.has("signature")) {
    // What is asked for must not be left out silently.
    const std::string_view restricted = arguments.has("tcb") ? "--tcb" : "--signature";
    for (const OptionSpec& option : kAskedFor)
      if (arguments.has(option.name))
        return usage("--" + std::string(option.name), "not together with " + std::string(restricted));
  }
  SNPNV_TRY(const auto report, read_file(path, kMostOctets));
  Evidence evidence;
  evidence.report = report;
  std::vector<std::byte> claims;
  if (const auto file = arguments.value("claims")) {
    SNPNV_TRY(claims, read_file(*file, kMostOctets));
    evidence.claims = claims;
  }
  if (const auto text = arguments.value("user-data")) {
    if (!evidence.claims) return usage("--user-data", "needs --claims, which carry it");
    SNPNV_TRY(evidence.user_data, user_data_of(*text));
  }
  // The TCB is never judged without the signature, so both together are the former.
  const CheckScope scope = arguments.has("tcb")         ? CheckScope::tcb_only
                      : arguments.has("signature") ? CheckScope::signature_only
                                                   : CheckScope::all;
  SNPNV_TRY(const AskedPolicy policy, policy_of(arguments));
  return judge(arguments, path, evidence, policy, scope);
}

Outcome<Exit> verify_envelope(const Arguments& arguments) {
  const std::string_view path = arguments.operand(1);
  const auto text = arguments.value("user-data");
  if (!text) return usage("--user-data", "missing: what the claims must carry");
  SNPNV_TRY(const UserData user_data, user_data_of(*text));
  SNPNV_TRY(const AskedPolicy policy, policy_of(arguments));
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  auto evidence = evidence_of(content);
  if (!evidence) return malformed(path, evidence.error());
  evidence->user_data = user_data;
  return judge(arguments, path, *evidence, policy, CheckScope::all);
}

constexpr auto kEnvelopeOptions = joined(kUserDataOption, kChainOptions, kPolicyOptions);

constexpr std::string_view kDirectory =
    "DIR holds ark, ask and vcek, or ark, asvk and vlek, each as .pem or .der. The root must be one of "
    "AMD's three; --root adds another, and then the output says that it was used.";

}  // namespace

const CommandSpec kVerifyCerts{
    "verify certs",
    "DIR [options]",
    "verify a certificate chain",
    kDirectory,
    1,
    1,
    kChainOptions,
    verify_certs};

const CommandSpec kVerifyAttestation{
    "verify attestation",
    "DIR REPORT [options]",
    "verify a report and its certificate chain",
    "Prints PASS, FAIL or SKIP for every check, then VERIFIED or REJECTED. "
    "DIR holds ark, ask and vcek, or ark, asvk and vlek, each as .pem or .der. The root must be one of "
    "AMD's three; --root adds another, and then the output says that it was used.",
    2,
    2,
    kAttestationOptions,
    verify_attestation};

const CommandSpec kVerifyEnvelope{
    "verify envelope",
    "DIR ENVELOPE --user-data HEX|@FILE [options]",
    "verify the content of NV index 0x01400001",
    "Verifies the report in ENVELOPE, that its REPORT_DATA is the digest of the claims, and that the "
    "claims carry the user data. DIR is as for verify certs.",
    2,
    2,
    kEnvelopeOptions,
    verify_envelope};

}  // namespace snpnv::tool
