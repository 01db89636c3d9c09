// What a user writes: a service that verifies evidence for the nonce that it gave out.
#include <cstdio>
#include <ctime>
#include <fstream>
#include <iterator>

#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/verify/evidence.hpp"

int main(int, char** argv) {  // EVIDENCE ASK NONCE
  const auto read = [](const char* path) {
    std::ifstream file(path, std::ios::binary);
    return std::string(std::istreambuf_iterator<char>(file), {});
  };
  const auto octets = [](const std::string& text) { return std::as_bytes(std::span(text)); };
  const std::string evidence = read(argv[1]), ask = read(argv[2]), nonce = argv[3];
  std::array<std::byte, 4096> room_for_ask;
  const auto der = snpnv::der_of(octets(ask), snpnv::kPemCertificate, room_for_ask);
  if (!der) return 2;
  const std::array issuers{snpnv::Issuer{{}, *der}};  // below one of AMD's roots
  snpnv::MbedCrypto crypto;
  static snpnv::EvidenceRoom room;
  static snpnv::Verdict verdict;
  const bool verified = snpnv::verify_evidence(crypto, octets(evidence), snpnv::Challenge(octets(nonce)), {issuers},
                                               snpnv::Policy{}, std::time(nullptr), room, verdict);
  const std::string_view why = verified        ? "verified"
                               : verdict.error ? name(verdict.error->code)
                                               : name(*verdict.first_failure());
  std::printf("%.*s\n", static_cast<int>(why.size()), why.data());
  return verified ? 0 : 1;
}
