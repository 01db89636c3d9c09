// SPDX-License-Identifier: Apache-2.0
// Every bit of the evidence counts: flipped, one at a time, each one leads to a rejection.
#include <doctest/doctest.h>

#include <random>

#include "tests/verify/scene.hpp"

using namespace scene;

namespace {

void flip(Bytes& octets, std::size_t bit) {
  octets[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
}

}  // namespace

TEST_CASE("BitFlips_EveryBitOfTheReport_IsRejected") {
  Scene scene;
  scene.make();
  TestCrypto crypto;
  const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
  REQUIRE(checked->chain.has_value());
  const auto verified = [&] {
    return verify_report(crypto, *checked->chain, scene.evidence(), scene.policy, scene.time)->verified();
  };
  REQUIRE(verified());
  for (std::size_t bit = 0; bit < scene.report.size() * 8; ++bit) {
    flip(scene.report, bit);
    if (verified()) FAIL_CHECK("accepted with bit ", bit % 8, " of octet ", bit / 8, " flipped");
    flip(scene.report, bit);
  }
  CHECK(verified());
}

TEST_CASE("BitFlips_EveryBitOfTheClaims_IsRejected") {
  Scene scene;
  scene.make();
  TestCrypto crypto;
  const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
  REQUIRE(checked->chain.has_value());
  for (std::size_t bit = 0; bit < scene.claims.size() * 8; ++bit) {
    const auto flipped = [&] {
      scene.claims[bit / 8] = static_cast<char>(scene.claims[bit / 8] ^ (1 << (bit % 8)));
    };
    flipped();
    const auto verdict =
        verify_report(crypto, *checked->chain, scene.evidence(), scene.policy, scene.time);
    if (verdict->first_failure() != Check::binding_claims_digest)
      FAIL_CHECK("accepted with bit ", bit % 8, " of octet ", bit / 8, " of the claims flipped");
    flipped();
  }
}

TEST_CASE("BitFlips_4000BitsOfEachCertificate_AreRejected") {
  Scene scene;
  scene.crl = CrlSpec{.issuer = scene.ark.subject, .signer = scene.ark.key, .revoked = {7}};
  scene.make();
  TestCrypto crypto;
  for (Bytes Scene::*const certificate :
       {&Scene::ark_der, &Scene::ask_der, &Scene::vek_der, &Scene::crl_der}) {
    Bytes& octets = scene.*certificate;
    std::mt19937 random(20250601);  // any seed, but the same one every time
    std::uniform_int_distribution<std::size_t> choose(0, octets.size() * 8 - 1);
    for (int i = 0; i < 4000; ++i) {
      const std::size_t bit = choose(random);
      flip(octets, bit);
      const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
      if (checked->chain) FAIL_CHECK("accepted with bit ", bit % 8, " of octet ", bit / 8, " flipped");
      flip(octets, bit);
    }
    CHECK(verify_chain(crypto, scene.chain(), scene.trust(), scene.time)->chain.has_value());
  }
}
