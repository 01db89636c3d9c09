// SPDX-License-Identifier: Apache-2.0
// What a user writes: a fresh report from the machine's own TPM.
#include <cstdio>

#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "transports/open.hpp"

int main() {
  snpnv::MonotonicClock clock;
  const snpnv::Instant deadline = clock.now() + 10000;
  auto transport = snpnv::open_transport("replay:/nonexistent", deadline);
  if (!transport) return std::puts("no TPM"), 0;
  snpnv::Tpm tpm(*transport, clock, deadline);
  snpnv::MbedCrypto crypto;
  static std::array<std::byte, snpnv::kEnvelopeBuffer> buffer;
  snpnv::ReportCollector collector(tpm, crypto, buffer);
  return collector.fresh_report({}).has_value() ? 0 : 1;
}
