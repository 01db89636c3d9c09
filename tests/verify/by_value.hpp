// SPDX-License-Identifier: Apache-2.0
// Verdicts by value, for tests, which have the stack to spare.
#pragma once

#include "snpnv/verify/verify.hpp"

namespace scene {

template <snpnv::Crypto C>
[[nodiscard]] snpnv::Result<snpnv::ChainCheck> verify_chain(C& crypto, const snpnv::CertificateChain& chain,
                                                            const snpnv::Trust& trust, snpnv::VerificationTime at) {
  snpnv::ChainCheck out;
  SNPNV_CHECK(verify_chain(crypto, chain, trust, at, out));
  return out;
}

template <snpnv::Crypto C>
[[nodiscard]] snpnv::Result<snpnv::IssuersCheck> verify_issuers(C& crypto, const snpnv::CertificateChain& chain,
                                                                const snpnv::Trust& trust, snpnv::VerificationTime at) {
  snpnv::IssuersCheck out;
  SNPNV_CHECK(verify_issuers(crypto, chain, trust, at, out));
  return out;
}

template <snpnv::Crypto C>
[[nodiscard]] snpnv::Result<snpnv::Verdict> verify_crl(C& crypto, const snpnv::CertificateChain& chain,
                                                       const snpnv::Trust& trust, snpnv::VerificationTime at) {
  snpnv::Verdict verdict;
  SNPNV_CHECK(verify_crl(crypto, chain, trust, at, verdict));
  return verdict;
}

template <snpnv::Crypto C>
[[nodiscard]] snpnv::Result<snpnv::Verdict> verify_report(C& crypto, const snpnv::VerifiedChain& chain,
                                                          const snpnv::Evidence& evidence, const snpnv::Policy& policy,
                                                          snpnv::VerificationTime at,
                                                          snpnv::CheckScope scope = snpnv::CheckScope::all) {
  snpnv::Verdict verdict;
  SNPNV_CHECK(verify_report(crypto, chain, evidence, policy, at, scope, verdict));
  return verdict;
}

template <snpnv::Crypto C>
[[nodiscard]] snpnv::Result<snpnv::Verdict> verify(C& crypto, const snpnv::CertificateChain& certificates,
                                                   const snpnv::Trust& trust, const snpnv::Evidence& evidence,
                                                   const snpnv::Policy& policy, snpnv::VerificationTime at,
                                                   snpnv::CheckScope scope = snpnv::CheckScope::all) {
  snpnv::ChainCheck out;
  SNPNV_CHECK(verify(crypto, certificates, trust, evidence, policy, at, scope, out));
  return out.verdict;
}

}  // namespace scene
