// SPDX-License-Identifier: Apache-2.0
// Whether what a source gave is what was asked for. Nothing is stored or used before.
#pragma once

#include "snpnv/fetch/certificate_request.hpp"
#include "snpnv/verify/report.hpp"

namespace snpnv {

/// Why it was not accepted: the verifier's own check.
struct Refusal {
  Check check{};
  CheckResult result;
};
using Acceptance = std::expected<void, Refusal>;

/// Checks certificates against a request: issuers up to a trusted root; a VCEK up to that root, and by
/// product, hwID and SPLs against the report that it is wanted for; a list against its root. The
/// report's signature is not looked at: that is what the certificate is fetched for.
/// @returns whether they are accepted | verify_clock - the clock is not set.
template <Crypto C>
[[nodiscard]] Result<Acceptance> accept(C& crypto, const CertificateRequest& request,
                                        const CertificateChain& given,
                                        const std::optional<ATTESTATION_REPORT>& report,
                                        const Trust& trust, VerificationTime at) {
  const auto refused = [](const Verdict& verdict) -> Acceptance {
    const Check check = verdict.first_failure().value_or(Check::chain_root_pinned);
    return std::unexpected(Refusal{check, verdict[check]});
  };
  const auto another = [](std::string_view subject) -> Acceptance {
    return std::unexpected(Refusal{
        Check::chain_roles, CheckResult::fail(subject, "of another product or role than was asked for")});
  };
  CertificateChain chain = given;
  switch (request.kind) {
    case CertificateKind::issuers: {
      chain.crl = {};
      IssuersCheck checked;
      SNPNV_CHECK(verify_issuers(crypto, chain, trust, at, checked));
      if (!checked.issuers) return refused(checked.verdict);
      if (checked.issuers->product != request.product || checked.issuers->endorser != request.endorser)
        return another(detail::kAsk);
      return Acceptance{};
    }
    case CertificateKind::revocation: {
      Verdict verdict;
      SNPNV_CHECK(verify_crl(crypto, chain, trust, at, verdict));
      if (verdict[Check::chain_revocation].outcome != CheckOutcome::pass) return refused(verdict);
      if (verdict.product != request.product) return another(detail::kCrl);
      return Acceptance{};
    }
    case CertificateKind::endorsement: break;
  }
  chain.crl = {};
  ChainCheck checked;
  SNPNV_CHECK(verify_chain(crypto, chain, trust, at, checked));
  if (!checked.chain) return refused(checked.verdict);
  if (checked.chain->product() != request.product || !report) return another(detail::kVek);
  const Policy policy;
  detail::ReportVerifier<C>(crypto, *checked.chain, *report, Evidence{report->raw, {}, {}}, policy)
      .run_vek(checked.verdict);
  if (checked.verdict.first_failure()) return refused(checked.verdict);
  return Acceptance{};
}

/// Checks a VCEK or VLEK whose issuers are not at hand: that it is one, and by product, hwID and SPLs the
/// report's. Not that AMD issued it.
template <Crypto C>
[[nodiscard]] Acceptance accept_unproven(C& crypto, Product product, ByteView vek,
                                         const ATTESTATION_REPORT& report) {
  const auto certificate = crypto.parse_certificate(vek);
  if (!certificate)
    return std::unexpected(Refusal{Check::chain_roles, CheckResult::fail(detail::kVek, certificate.error())});
  const auto endorsement = Endorsement::unproven(*certificate, product, report.signing_key());
  if (!endorsement) return std::unexpected(Refusal{Check::chain_roles, endorsement.error()});
  const Policy policy;
  Verdict verdict;
  detail::ReportVerifier<C>(crypto, *endorsement, report, Evidence{report.raw, {}, {}}, policy).run_vek(verdict);
  const auto check = verdict.first_failure();
  if (check) return std::unexpected(Refusal{*check, verdict[*check]});
  return {};
}

}  // namespace snpnv
