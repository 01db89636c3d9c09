// SPDX-License-Identifier: Apache-2.0
// Certificates made by OpenSSL, each wrong in one point.
#include "snpnv/fetch/accept.hpp"

#include "tests/test.hpp"
#include "tests/verify/scene.hpp"

using namespace snpnv;
using scene::Scene;

namespace {

// The check that refuses; nothing if it is accepted.
std::optional<Check> refused_by(const Scene& scene, const CertificateRequest& request) {
  MbedCrypto crypto;
  const auto report = ATTESTATION_REPORT::parse(scene.report);
  REQUIRE(report.has_value());
  const auto accepted = accept(crypto, request, scene.chain(), *report, scene.trust(), scene.time);
  REQUIRE(accepted.has_value());
  if (*accepted) return std::nullopt;
  CHECK(accepted->error().result.outcome == CheckOutcome::fail);
  return accepted->error().check;
}

constexpr CertificateRequest kVcek{CertificateKind::endorsement, Product::milan};
constexpr CertificateRequest kIssuers{CertificateKind::issuers, Product::milan};
constexpr CertificateRequest kList{CertificateKind::revocation, Product::milan};

scene::CrlSpec list_of(const Scene& scene) {
  scene::CrlSpec list;
  list.issuer = scene.ark.subject;
  list.signer = scene.ark.key;
  return list;
}

}  // namespace

TEST_CASE("Accept_Right_Passes") {
  for (const Product product : kProducts) {
    Scene scene(product);
    scene.crl = list_of(scene);
    scene.make();
    for (const CertificateKind kind :
         {CertificateKind::issuers, CertificateKind::endorsement, CertificateKind::revocation})
      CHECK_FALSE(refused_by(scene, {kind, product}).has_value());
  }
}

TEST_CASE("Accept_ReportThatIsForged_IsNoMatterHere") {
  Scene scene;
  scene.make();
  scene.report[ATTESTATION_REPORT::MEASUREMENT.offset] ^= std::byte{1};
  CHECK_FALSE(refused_by(scene, kVcek).has_value());
}

TEST_CASE("Accept_UnknownRoot_IsRefused") {
  Scene scene;
  scene.crl = list_of(scene);
  scene.make();
  scene.roots.clear();
  for (const CertificateRequest& request : {kVcek, kIssuers, kList})
    CHECK(refused_by(scene, request) == Check::chain_root_pinned);
}

TEST_CASE("Accept_VcekOfAnotherTcb_IsRefused") {
  for (const char* arcs : {"3.1", "3.2", "3.3", "3.8"}) {
    Scene scene;
    scene.extension(arcs).value = scene::der_integer(99);
    scene.make();
    CHECK(refused_by(scene, kVcek) == Check::vek_tcb);
  }
  Scene turin(Product::turin);
  turin.extension("3.9").value = scene::der_integer(99);
  turin.make();
  CHECK(refused_by(turin, {CertificateKind::endorsement, Product::turin}) == Check::vek_tcb);
}

TEST_CASE("Accept_VcekOfAnotherChip_IsRefused") {
  Scene scene;
  scene.chip[5] ^= std::byte{1};
  scene.extension("4").value = scene.chip;
  scene.make();
  CHECK(refused_by(scene, kVcek) == Check::vek_hwid);
}

TEST_CASE("Accept_VcekOfAnotherProduct_IsRefused") {
  Scene scene;
  scene.extension("2").value = scene::ia5("Genoa-B1");
  scene.make();
  CHECK(refused_by(scene, kVcek) == Check::vek_product);
  Scene genoa(Product::genoa);
  genoa.make();
  CHECK(refused_by(genoa, kVcek) == Check::chain_roles);
}

TEST_CASE("Accept_VlekForAVcek_IsRefused") {
  Scene scene(Product::milan, SIGNING_KEY::VLEK);
  scene.put(ATTESTATION_REPORT::KEY_INFO, 0);
  scene.make();
  CHECK(refused_by(scene, kVcek) == Check::vek_signing_key);
}

TEST_CASE("Accept_Expired_IsRefused") {
  Scene vek;
  vek.vek.not_after = vek.time - 1;
  vek.make();
  CHECK(refused_by(vek, kVcek) == Check::chain_validity);
  CHECK_FALSE(refused_by(vek, kIssuers).has_value());
  Scene ask;
  ask.ask.not_after = ask.time - 1;
  ask.make();
  CHECK(refused_by(ask, kIssuers) == Check::chain_validity);
}

TEST_CASE("Accept_SignaturesOfOthers_AreRefused") {
  Scene vek;
  vek.vek.signer = vek.key("asvk");
  vek.make();
  CHECK(refused_by(vek, kVcek) == Check::chain_endorsement_signature);
  Scene ask;
  ask.ask.signer = ask.key("asvk");
  ask.make();
  CHECK(refused_by(ask, kIssuers) == Check::chain_intermediate_signature);
  Scene ark;
  ark.ark.signer = ark.key("asvk");
  ark.make();
  CHECK(refused_by(ark, kIssuers) == Check::chain_root_signature);
}

TEST_CASE("Accept_IssuersOfAnotherRole_AreRefused") {
  Scene scene;
  scene.make();
  CHECK(refused_by(scene, {CertificateKind::issuers, Product::genoa}) == Check::chain_roles);
  CHECK(refused_by(scene, {CertificateKind::issuers, Product::milan, SIGNING_KEY::VLEK}) == Check::chain_roles);
  Scene vlek(Product::milan, SIGNING_KEY::VLEK);
  vlek.make();
  CHECK(refused_by(vlek, kIssuers) == Check::chain_roles);
  CHECK_FALSE(refused_by(vlek, {CertificateKind::issuers, Product::milan, SIGNING_KEY::VLEK}).has_value());
  Scene no_ca;
  no_ca.ask.basic_constraints = "critical,CA:FALSE";
  no_ca.make();
  CHECK(refused_by(no_ca, kIssuers) == Check::chain_roles);
}

TEST_CASE("Accept_Lists_AreOfTheRootAndCurrent") {
  Scene signer;
  signer.crl = list_of(signer);
  signer.crl->signer = signer.ask.key;
  signer.make();
  CHECK(refused_by(signer, kList) == Check::chain_revocation);
  Scene old;
  old.crl = list_of(old);
  old.crl->next_update = old.time - 1;
  old.make();
  CHECK(refused_by(old, kList) == Check::chain_revocation);
  Scene another;
  another.crl = list_of(another);
  another.make();
  CHECK(refused_by(another, {CertificateKind::revocation, Product::genoa}) == Check::chain_roles);
  Scene none;
  none.make();
  CHECK(refused_by(none, kList) == Check::chain_revocation);
  Scene revoking;  // bad news is a good list
  revoking.crl = list_of(revoking);
  revoking.crl->revoked = {revoking.ask.serial};
  revoking.make();
  CHECK_FALSE(refused_by(revoking, kList).has_value());
}

TEST_CASE("Accept_ClockThatWasNeverSet_IsAnError") {
  Scene scene;
  scene.make();
  MbedCrypto crypto;
  for (const CertificateRequest& request : {kVcek, kIssuers, kList})
    CHECK(accept(crypto, request, scene.chain(), std::nullopt, scene.trust(), 0).error().code == Code::verify_clock);
}

TEST_CASE("Accept_VcekWithoutReport_IsRefused") {
  Scene scene;
  scene.make();
  MbedCrypto crypto;
  const auto accepted = accept(crypto, kVcek, scene.chain(), std::nullopt, scene.trust(), scene.time);
  REQUIRE(accepted.has_value());
  CHECK_FALSE(accepted->has_value());
}

TEST_CASE("VerifyIssuers_Verdict_IsNeverVerified") {
  Scene scene;
  scene.crl = list_of(scene);
  scene.make();
  MbedCrypto crypto;
  const auto checked = scene::verify_issuers(crypto, scene.chain(), scene.trust(), scene.time);
  REQUIRE(checked.has_value());
  CHECK(checked->issuers.has_value());
  CHECK_FALSE(checked->verdict.verified());
  CHECK(checked->verdict[Check::chain_endorsement_signature].outcome == CheckOutcome::skip);
  scene.crl->revoked = {scene.ask.serial};
  scene.make();
  CHECK_FALSE(scene::verify_issuers(crypto, scene.chain(), scene.trust(), scene.time)->issuers.has_value());
}

namespace {

// The same without issuers.
std::optional<Check> refused_unproven(const Scene& scene, Product product = Product::milan) {
  MbedCrypto crypto;
  const auto accepted =
      accept_unproven(crypto, product, scene.chain().vek, *ATTESTATION_REPORT::parse(scene.report));
  return accepted ? std::nullopt : std::optional(accepted.error().check);
}

}  // namespace

TEST_CASE("AcceptUnproven_Right_PassesWhoeverSigned") {
  for (const Product product : kProducts)
    for (const SIGNING_KEY key : {SIGNING_KEY::VCEK, SIGNING_KEY::VLEK}) {
      Scene scene(product, key);
      scene.vek.signer = scene.key(key == SIGNING_KEY::VLEK ? "ask" : "asvk");  // another's
      scene.make();
      CHECK_FALSE(refused_unproven(scene, product).has_value());
    }
}

TEST_CASE("AcceptUnproven_EachFault_IsRefused") {
  const auto changed = [](void (*change)(Scene&)) {
    Scene scene;
    change(scene);
    scene.make();
    return refused_unproven(scene);
  };
  CHECK(changed([](Scene& s) { s.vek.subject = "SEV-VLEK"; }) == Check::chain_roles);
  CHECK(changed([](Scene& s) { s.vek.issuer = "SEV-Genoa"; }) == Check::chain_roles);
  CHECK(changed([](Scene& s) { s.vek.issuer = "SEV-VLEK-Milan"; }) == Check::chain_roles);
  CHECK(changed([](Scene& s) { s.extension("2").value = scene::ia5("Genoa-B1"); }) == Check::vek_product);
  CHECK(changed([](Scene& s) { s.extension("3.8").value = scene::der_integer(99); }) == Check::vek_tcb);
  CHECK(changed([](Scene& s) {
          s.chip[5] ^= std::byte{1};
          s.extension("4").value = s.chip;
        }) == Check::vek_hwid);
}

TEST_CASE("AcceptUnproven_AnythingElse_IsRefused") {
  Scene scene;
  scene.make();
  const auto report = ATTESTATION_REPORT::parse(scene.report);
  MbedCrypto crypto;
  constexpr std::string_view kError = "404 - Not Found";
  for (const ByteView der : {scene.chain().ark, scene.chain().ask, ByteView{}, std::as_bytes(std::span(kError))})
    CHECK(accept_unproven(crypto, Product::milan, der, *report).error().check == Check::chain_roles);
}
