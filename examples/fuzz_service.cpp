// SPDX-License-Identifier: Apache-2.0
// A fuzz harness of one's own, for what a service does with the octets that arrive: with libFuzzer,
//   clang++-19 -fsanitize=fuzzer,address,undefined fuzz_service.cpp $(pkg-config --cflags --libs snpnv-mbedtls)
//   mkdir found && ./a.out found fuzz/corpus/evidence     # new inputs go to the first folder
// Nobody's evidence is verified for a nonce that nobody was given.
#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/verify/evidence.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::array<std::byte, 32> kNonce{std::byte{0x5E}, std::byte{0xC2}};
  snpnv::MbedCrypto crypto;
  static snpnv::EvidenceRoom room;
  static snpnv::Verdict verdict;
  const bool verified = snpnv::verify_evidence(crypto, std::as_bytes(std::span(data, size)), snpnv::Challenge(kNonce),
                                               {}, snpnv::Policy{}, snpnv::kEarliestTime, room, verdict);
  const bool says_why = verdict.error || verdict.first_failure();
  if (verified || !says_why) __builtin_trap();
  return 0;
}
