// SPDX-License-Identifier: Apache-2.0
// Whole evidence: from the octets that arrive to a verdict, with no check left to the caller.
#pragma once

#include "snpnv/verify/certificate_pool.hpp"
#include "snpnv/verify/verify.hpp"

namespace snpnv {

/// What shows that evidence was made for this relying party, now. Borrows the nonce.
struct Challenge {
  /// The quote must carry exactly these 1 to 64 octets, and the claims too, zero-padded.
  constexpr explicit Challenge(ByteView octets) : nonce(octets) {}
  /// Asks for nothing: evidence may be old, and another's.
  [[nodiscard]] static constexpr Challenge none() { return {}; }

  std::optional<ByteView> nonce;
  std::optional<UserData> user_data;  // what the claims must carry, in the nonce's place
  /// Evidence of versions 0 and 1, whose claims need not carry the nonce: a report of any time passes
  /// with a fresh quote. The verdict then says so.
  bool allow_old_evidence = false;

  /// Puts into `evidence`, which has a quote, what this asks of a version of Trustee evidence. The version
  /// is signed by nobody, so it never takes anything away: that is for `allow_old_evidence`.
  /// @returns nothing | wire_size - a nonce of no octet, or of more than 64.
  [[nodiscard]] constexpr Result<void> put(std::uint64_t version, Evidence& evidence) const {
    evidence.user_data = user_data;
    if (!nonce) return {};
    if (nonce->empty() || nonce->size() > kUserDataSize)
      return fail(Code::wire_size, 0, static_cast<std::uint32_t>(nonce->size()));
    evidence.quote->nonce = nonce;
    if (user_data) return {};
    if (version >= TrusteeEvidence::kFirstBound) {
      copy_to(evidence.user_data.emplace(), *nonce);
    } else {
      evidence.old = OldEvidence{version, allow_old_evidence};
    }
    return {};
  }

 private:
  constexpr Challenge() = default;
};

/// Asks that PCR 8 was extended once, from zero, with the digest of the init data, cut to 32 octets.
/// @returns nothing | wire_size - not 32, 48 or 64 octets | wire_value - something else is asked of PCR 8.
/// Source: Trustee, az-snp-vtpm verifier, "init_data".
template <Hasher H>
[[nodiscard]] Result<void> expect_init_data(H& hasher, ByteView digest, Policy& policy) {
  constexpr std::size_t kPcr = 8;
  if (digest.size() != 32 && digest.size() != 48 && digest.size() != 64)
    return fail(Code::wire_size, 0, static_cast<std::uint32_t>(digest.size()));
  if (policy.pcrs[kPcr]) return fail(Code::wire_value, 0, kPcr);
  std::array<std::byte, 2 * kPcrSize> extended{};
  copy_to(MutBytes(extended).subspan(kPcrSize), digest);
  SNPNV_TRY(const Digest& value, hasher.digest(Hash::sha256, extended));
  copy_to(policy.pcrs[kPcr].emplace(), value.view());
  return {};
}

/// Verifies evidence under a chain that was verified before, now at the time `at`. Whether the chain is of
/// the certificate in the evidence does not matter: what it signed counts.
/// @returns whether it is verified. If not, `verdict` has the check that failed; or its `error` says why
///   there is nothing to judge: the errors of evidence_of(), Challenge::put(), verify_report().
template <Crypto C>
[[nodiscard]] bool verify_evidence(C& crypto, const VerifiedChain& chain, const TrusteeEvidence& trustee,
                                   const Challenge& challenge, const Policy& policy, VerificationTime at,
                                   Verdict& verdict, const MeasuredLogs& logs = {}) {
  verdict.reset();
  const auto judge = [&]() -> Result<void> {
    SNPNV_TRY(Evidence evidence, evidence_of(trustee.hcl_report.view()));
    evidence.quote = QuoteToVerify{trustee.message.view(), trustee.signature.view(),
                                   std::span(trustee.pcrs).first(trustee.pcr_count), {}};
    evidence.logs = logs;
    SNPNV_CHECK(challenge.put(trustee.version, evidence));
    return verify_report(crypto, chain, evidence, policy, at, CheckScope::all, verdict);
  };
  if (const auto judged = judge(); !judged) verdict.error = judged.error();
  return verdict.verified();
}

/// Verifies a report, and its claims where `evidence` has them, all by the pool's certificates.
/// @returns whether it is verified; if not, the verdict in `out` says why, as above.
template <Crypto C>
[[nodiscard]] bool verify(C& crypto, const CertificatePool& pool, ByteView vek, const Evidence& evidence,
                          const Policy& policy, VerificationTime at, ChainCheck& out) {
  const auto judge = [&]() -> Result<void> {
    SNPNV_CHECK(verify_chain(crypto, pool, vek, at, out));
    if (!out.chain) return {};
    return verify_report(crypto, *out.chain, evidence, policy, at, CheckScope::all, out.verdict);
  };
  if (const auto judged = judge(); !judged) out.verdict.error = judged.error();
  return out.verdict.verified();
}

/// Room for one piece of evidence under verification: large, so the caller places it. May be used again.
struct EvidenceRoom {
  MutBytes event_log;  // for an event log in the evidence; without room, it is not judged
  TrusteeEvidence evidence;
  std::array<std::byte, sizeof(TrusteeEvidence::vcek.octets)> vek;
  ChainCheck chain;
};

/// Verifies Trustee evidence of any version: its certificate by the pool, and everything by it.
/// @returns whether it is verified; otherwise as above, and the errors of TrusteeEvidence::read(), der_of()
///   and verify_chain().
template <Crypto C>
[[nodiscard]] bool verify_evidence(C& crypto, ByteView text, const Challenge& challenge,
                                   const CertificatePool& pool, const Policy& policy, VerificationTime at,
                                   EvidenceRoom& room, Verdict& verdict) {
  verdict.reset();
  const auto verify_its_chain = [&]() -> Result<void> {
    SNPNV_CHECK(room.evidence.read(text));
    SNPNV_TRY(const ByteView& vek, der_of(room.evidence.vcek.view(), kPemCertificate, room.vek));
    return verify_chain(crypto, pool, vek, at, room.chain);
  };
  if (const auto verified = verify_its_chain(); !verified) {
    verdict.error = verified.error();
    return false;
  }
  MeasuredLogs logs;
  if (room.evidence.cc_eventlog && !room.event_log.empty()) {
    const auto decoded = room.evidence.event_log(room.event_log);
    if (!decoded) {
      verdict.error = decoded.error();
      return false;
    }
    logs.firmware = *decoded;
  }
  if (room.chain.chain)
    return verify_evidence(crypto, *room.chain.chain, room.evidence, challenge, policy, at, verdict, logs);
  verdict = room.chain.verdict;
  return false;
}

}  // namespace snpnv
