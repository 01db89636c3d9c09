// SPDX-License-Identifier: Apache-2.0
// Verification: chain, report signature, then everything that the signed report says.
#pragma once

#include "snpnv/verify/report.hpp"

namespace snpnv {

/// Verifies a report under a chain that was verified before, now at the time `at`. Beside one ECDSA
/// verification and the digests this costs microseconds.
/// @returns nothing: `verdict` has the chain's checks too
///   | verify_clock - the clock is not set | wire_short, wire_trailing - not 1184 octets.
/// Source: AMD 56860, "ATTESTATION_REPORT"; AMD 57230, "VCEK Certificate Extensions".
template <Crypto C>
[[nodiscard]] Result<void> verify_report(C& crypto, const VerifiedChain& chain, const Evidence& evidence,
                                         const Policy& policy, VerificationTime at, CheckScope scope, Verdict& verdict) {
  verdict.reset();  // after an error too, nothing of an earlier use is left
  if (at.clock_unset()) return fail(Code::verify_clock);
  constexpr std::size_t kSize = ATTESTATION_REPORT::kSize;
  if (evidence.report.size() < kSize) return fail(Code::wire_short, evidence.report.size(), kSize);
  if (evidence.report.size() > kSize)
    return fail(Code::wire_trailing, kSize,
                static_cast<std::uint32_t>(evidence.report.size() - kSize));
  chain.verdict(at.value, verdict);
  if (verdict.first_failure()) return {};
  // VERSION is judged by report.version, behind the signature, so the view is made without parse().
  const ATTESTATION_REPORT report{evidence.report.first<kSize>()};
  detail::ReportVerifier<C>(crypto, chain, report, evidence, policy).run(verdict, scope);
  return {};
}

/// Verifies chain and report at once.
/// @returns as verify_report(): `out` has the verdict, and the chain, for further reports, if that passed.
template <Crypto C>
[[nodiscard]] Result<void> verify(C& crypto, const CertificateChain& certificates, const Trust& trust,
                                  const Evidence& evidence, const Policy& policy, VerificationTime at, CheckScope scope,
                                  ChainCheck& out) {
  SNPNV_CHECK(verify_chain(crypto, certificates, trust, at, out));
  if (!out.chain) return {};
  return verify_report(crypto, *out.chain, evidence, policy, at, scope, out.verdict);
}

}  // namespace snpnv
