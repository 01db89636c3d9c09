// SPDX-License-Identifier: Apache-2.0
// What the stack table of docs/size.md is about: each function is the way into one job, with everything large placed by
// its caller. Transport, clock and cryptography do nothing, so that the library's own frames are counted.
#include "tests/size/nothing.hpp"

extern "C" {

Result<BoundReport> collect_a_fresh_report(Collector& collector, const UserData& user_data) {
  return collector.fresh_report(user_data);
}

bool verify_a_chain(NoCrypto& crypto, const CertificateChain& certificates, const Trust& trust, ChainCheck& out) {
  return verify_chain(crypto, certificates, trust, kEarliestTime, out).has_value();
}

bool verify_a_report(NoCrypto& crypto, const VerifiedChain& chain, const Evidence& evidence, const Policy& policy,
                     Verdict& verdict) {
  return verify_report(crypto, chain, evidence, policy, kEarliestTime, CheckScope::all, verdict).has_value();
}

bool parse_a_policy(ByteView text, Policy& policy) { return parse_policy(text, policy).has_value(); }

bool verify_whole_evidence(NoCrypto& crypto, ByteView text, const Challenge& challenge, const CertificatePool& pool,
                           const Policy& policy, EvidenceRoom& room, Verdict& verdict) {
  return verify_evidence(crypto, text, challenge, pool, policy, kEarliestTime, room, verdict);
}

}
