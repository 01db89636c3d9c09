// SPDX-License-Identifier: Apache-2.0
// verify_report FILE VCEK ASK POLICY [ARK]: verifies a report, or an envelope with its claims, by a policy in JSON.
#include <cstdio>
#include <ctime>
#include <vector>

#include "file.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/verify/evidence.hpp"
#include "snpnv/verify/policy_json.hpp"

int main(int count, char** arguments) {
  if (count < 5) return 2;
  const std::string in = file(arguments[1]), rules = file(arguments[4]);
  const CertificateFile vcek(arguments[2]), ask(arguments[3]);
  snpnv::Policy policy;
  std::vector<std::byte> room(rules.size());  // of what the policy borrows
  if (!snpnv::parse_policy(octets(rules), policy, room)) return std::puts("not a policy"), 2;

  snpnv::Evidence evidence{octets(in), {}, {}};  // a report alone
  if (in.size() != snpnv::ATTESTATION_REPORT::kSize) {
    const auto whole = snpnv::evidence_of(octets(in));
    if (!whole) return std::puts("neither a report nor an envelope"), 1;
    evidence = *whole;
  }
  // Below one of AMD's roots, or below the ARK that the caller trusts.
  const CertificateFile ark(count > 5 ? arguments[5] : "");
  const std::array issuers{snpnv::Issuer{ark.der, ask.der}};
  const std::array roots{ark.der};
  const snpnv::CertificatePool pool{issuers, std::span(roots).first(count > 5 ? 1 : 0)};

  snpnv::MbedCrypto crypto;
  static snpnv::ChainCheck out;
  const bool verified = verify(crypto, pool, vcek.der, evidence, policy, std::time(nullptr), out);
  return print(out.verdict), verified ? 0 : 1;
}
