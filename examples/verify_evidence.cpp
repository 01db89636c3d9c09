// SPDX-License-Identifier: Apache-2.0
// verify_evidence EVIDENCE ASK NONCE [ARK]: a service that verifies whole evidence for the nonce that it gave out.
#include <ctime>

#include "file.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/verify/evidence.hpp"

int main(int count, char** arguments) {
  if (count < 4) return 2;
  const std::string evidence = file(arguments[1]), nonce = arguments[3];
  const CertificateFile ask(arguments[2]), ark(count > 4 ? arguments[4] : "");
  const std::array issuers{snpnv::Issuer{ark.der, ask.der}};  // below one of AMD's roots, or below this ARK
  const std::array roots{ark.der};
  const snpnv::CertificatePool pool{issuers, std::span(roots).first(count > 4 ? 1 : 0)};
  snpnv::MbedCrypto crypto;
  static snpnv::EvidenceRoom room;
  static snpnv::Verdict verdict;
  const bool verified = snpnv::verify_evidence(crypto, octets(evidence), snpnv::Challenge(octets(nonce)), pool,
                                               snpnv::Policy{}, std::time(nullptr), room, verdict);
  return print(verdict), verified ? 0 : 1;
}
