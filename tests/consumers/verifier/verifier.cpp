// SPDX-License-Identifier: Apache-2.0
// What a user writes: a verifier. Without certificates it says that the root is not trusted.
#include <cstdio>

#ifdef BY_openssl
#include "snpnv/openssl/crypto.hpp"
using Crypto = snpnv::OpenSslCrypto;
#else
#include "snpnv/nettle/crypto.hpp"
using Crypto = snpnv::NettleCrypto;
#endif
#include "snpnv/verify/verify.hpp"

int main() {
  Crypto crypto;
  static snpnv::ChainCheck out;
  if (!snpnv::verify_chain(crypto, {}, {}, snpnv::kEarliestTime, out) || out.chain) return 1;
  const std::string_view failed = name(*out.verdict.first_failure());
  return std::printf("%.*s\n", static_cast<int>(failed.size()), failed.data()) < 0;
}
