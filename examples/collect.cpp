// SPDX-License-Identifier: Apache-2.0
// collect ENVELOPE [TCTI]: a fresh report over 64 octets of one's own, from /dev/tpmrm0.
#include <algorithm>
#include <cstdio>

#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "transports/open.hpp"

int main(int count, char** arguments) {
  if (count < 2) return 2;
  snpnv::UserData challenge{};  // what the verifier gave; here a text
  constexpr std::string_view kText = "a nonce of the verifier's";
  std::ranges::copy(std::as_bytes(std::span(kText)), challenge.begin());

  snpnv::MonotonicClock clock;
  const snpnv::Instant deadline = clock.now() + 10'000;  // milliseconds, for all of it
  auto transport = snpnv::open_transport(count > 2 ? arguments[2] : "device:/dev/tpmrm0", deadline);
  if (!transport) return std::puts("no TPM"), 1;
  snpnv::Tpm tpm(*transport, clock, deadline);
  snpnv::MbedCrypto crypto;
  static std::array<std::byte, snpnv::kEnvelopeBuffer> buffer;
  snpnv::ReportCollector collector(tpm, crypto, buffer);
  const auto fresh = collector.fresh_report(challenge);
  if (!fresh) {
    const auto why = text(fresh.error().code);
    return std::printf("%.*s\n", static_cast<int>(why.size()), why.data()), 1;
  }
  std::FILE* const out = std::fopen(arguments[1], "wb");  // the report, and the claims that it is bound to
  if (out == nullptr) return 1;
  const auto envelope = std::span(buffer).first(fresh->envelope.size());
  const bool whole = std::fwrite(envelope.data(), 1, envelope.size(), out) == envelope.size();
  return std::fclose(out) == 0 && whole ? std::puts("fresh") < 0 : 1;
}
