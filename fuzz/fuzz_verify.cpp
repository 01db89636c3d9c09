// SPDX-License-Identifier: Apache-2.0
// Verification of a hostile bundle: four parts, each behind its size in two octets, little-endian:
// ARK, ASK or ASVK, VCEK or VLEK, report; what is left are the claims, and once more revocation lists.
// Signatures count as valid, so that everything behind them is reached; and with no signature valid,
// nothing may pass.
#include "fuzz/bundle_crypto.hpp"
#include "snpnv/verify/verify.hpp"

using namespace snpnv;

namespace {

ByteView part(ByteReader& in) { return in.take(std::min<std::size_t>(in.le<std::uint16_t>(), in.remaining())); }

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  ByteReader in(fuzz::view(data, size));
  CertificateChain chain;
  chain.ark = part(in);
  chain.ask = part(in);
  chain.vek = part(in);
  Evidence evidence;
  evidence.report = part(in);
  evidence.claims = in.take(in.remaining());
  evidence.user_data = UserData{};
  Policy policy;
  policy.min_tcb.values[0] = std::uint8_t{1};
  policy.platform_info.required = 4;
  policy.mitigations = 1;
  policy.vm.secure_boot = true;
  policy.vm.console_enabled = false;
  constexpr UnixTime kAt = kEarliestTime + 86400 * 365;

  for (const auto& [valid, listed] : {std::pair(true, false), {true, true}, {false, false}}) {
    chain.crl = listed ? *evidence.claims : ByteView();
    fuzz::BundleCrypto crypto(valid);
    // The root is whatever the bundle says, so that trust does not end it at once.
    std::array<SpkiDigest, 1> roots{};
    if (const auto ark = crypto.parse_certificate(chain.ark))
      if (const auto digest = spki_digest(crypto, *ark)) roots[0] = *digest;
    static ChainCheck out;
    const auto judged = verify(crypto, chain, Trust{roots}, evidence, policy, kAt, CheckScope::all, out);
    const Verdict& verdict = out.verdict;
    if (!judged) {
      REQUIRE(judged.error().code == Code::wire_short || judged.error().code == Code::wire_trailing);
      REQUIRE(!verdict.verified());
      REQUIRE(valid);
      continue;
    }
    REQUIRE(valid || !verdict.verified());
    REQUIRE(verdict.complete || verdict.first_failure());
    for (const CheckRow& check : kChecks) {
      const CheckResult& result = verdict[check.id];
      REQUIRE(result.outcome != CheckOutcome::fail || !result.reason().empty());
      REQUIRE(valid || check.id < Check::chain_root_signature ||
              result.outcome != CheckOutcome::pass);
    }
  }
  return 0;
}
