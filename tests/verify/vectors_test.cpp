// SPDX-License-Identifier: Apache-2.0
// What real machines reported, and AMD published, gets the verdict that it should.
#include "tests/verify/vectors.hpp"

#include "snpnv/verify/verify.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "tests/verify/scene.hpp"

using namespace scene;

namespace {

struct Chain {
  Bytes ark, ask, vek;
  [[nodiscard]] CertificateChain view() const { return {ark, ask, vek, {}}; }
};
Chain chain(const std::string& ark, const std::string& ask, const std::string& vek) {
  return {vectors::read_der(ark), vectors::read_der(ask), vectors::read_der(vek)};
}

const UnixTime kMiddleOf2025 = *parse_rfc3339("2025-06-01T00:00:00Z");

// Verdict on NV content, with the user data that its claims are expected to carry.
Result<Verdict> verify_content(const Chain& certificates, const Bytes& content,
                               const std::optional<UserData>& user_data, UnixTime at) {
  SNPNV_TRY(const HclReport envelope, HclReport::parse(content));
  SNPNV_TRY(const auto report, envelope.snp_report());
  SNPNV_TRY(const Hash hash, envelope.hash());
  TestCrypto crypto;
  return verify(crypto, certificates.view(), Trust{}, Evidence{report, envelope.claims, hash, user_data},
                Policy{}, at);
}

}  // namespace

TEST_CASE("Vectors_Roots_ArePinnedAndSignTheirIntermediates") {
  if (vectors::absent()) return;
  TestCrypto crypto;
  for (const Product product : kProducts) {
    std::string lower(name(product));
    lower[0] = static_cast<char>(lower[0] - 'A' + 'a');
    for (const std::string intermediate : {"ask-", "asvk-"}) {
      CAPTURE(intermediate + lower);
      // Without a leaf, the first check that fails is the leaf's.
      const Chain certificates{vectors::read_der("roots/ark-" + lower + ".pem"),
                               vectors::read_der("roots/" + intermediate + lower + ".pem"),
                               {}};
      const auto checked = verify_chain(crypto, certificates.view(), Trust{}, kMiddleOf2025);
      REQUIRE(checked.has_value());
      CHECK(checked->verdict[Check::chain_root_pinned].outcome == CheckOutcome::pass);
      CHECK(checked->verdict.root == RootSource::pinned);
      CHECK(checked->verdict[Check::chain_intermediate_signature].outcome == CheckOutcome::pass);
      CHECK(checked->verdict.first_failure() == Check::chain_endorsement_signature);
    }
  }
}

// The VCEK of this capture is another chip's: its hwID begins with da8a, CHIP_ID with 3a5d, and
// `openssl dgst -sha384 -verify` finds the signature wrong too.
TEST_CASE("Vectors_AzureMilan2023_ChainHoldsButTheVcekIsOfAnotherChip") {
  if (vectors::absent()) return;
  const Chain certificates =
      chain("azure-milan-2023/ark.pem", "azure-milan-2023/ask.pem", "azure-milan-2023/vcek.pem");
  const Bytes content = vectors::read("azure-milan-2023/nv-01400001.bin");
  const auto verdict = verify_content(certificates, content, {}, kMiddleOf2025);
  REQUIRE(verdict.has_value());
  CHECK(verdict->first_failure() == Check::report_signature);
  CHECK(verdict->root == RootSource::pinned);
  TestCrypto crypto;
  const auto checked = verify_chain(crypto, certificates.view(), Trust{}, kMiddleOf2025);
  REQUIRE(checked->chain.has_value());
  CHECK(hex_of(VekCertificate(checked->chain->vek()).hw_id(64)->first(2)) == "da8a");
  for (const std::string_view outside : {"2023-01-01T00:00:00Z", "2030-01-02T00:00:00Z"})
    CHECK(verify_content(certificates, content, {}, *parse_rfc3339(outside))->first_failure() ==
          Check::chain_validity);
}

TEST_CASE("Vectors_AzureMilan2024_VerifiesWithUserDataOfZeros") {
  if (vectors::absent()) return;
  const Chain certificates =
      chain("roots/ark-milan.pem", "roots/ask-milan.pem", "azure-milan-2024/vcek.pem");
  const Bytes content = vectors::read("azure-milan-2024/nv-01400001.bin");
  const auto verdict = verify_content(certificates, content, UserData{}, kMiddleOf2025);
  REQUIRE(verdict.has_value());
  CHECK(verdict->verified());
  CHECK(verdict->product == Product::milan);
  CHECK((*verdict)[Check::binding_user_data].outcome == CheckOutcome::pass);
  UserData other{};
  other[0] = std::byte{1};
  CHECK(verify_content(certificates, content, other, kMiddleOf2025)->first_failure() ==
        Check::binding_user_data);
}

TEST_CASE("Vectors_AzureMilan2024WithGenoaChain_IsRejected") {
  if (vectors::absent()) return;
  const Chain certificates =
      chain("roots/ark-genoa.pem", "roots/ask-genoa.pem", "azure-milan-2024/vcek.pem");
  const auto verdict = verify_content(
      certificates, vectors::read("azure-milan-2024/nv-01400001.bin"), {}, kMiddleOf2025);
  CHECK(verdict->first_failure() == Check::chain_endorsement_signature);
}

TEST_CASE("Vectors_AzureTdx_IsRefusedByItsType") {
  if (vectors::absent()) return;
  const auto verdict =
      verify_content({}, vectors::read("azure-tdx/nv-01400001.bin"), {}, kMiddleOf2025);
  REQUIRE_FALSE(verdict.has_value());
  CHECK(verdict.error() == Error{Code::hcl_report_type, 1224, 4});
}

TEST_CASE("Vectors_AwsMilanVlek_VerifiesWithinItsYear") {
  if (vectors::absent()) return;
  const Chain certificates =
      chain("roots/ark-milan.pem", "roots/asvk-milan.pem", "aws-milan-vlek/vlek.der");
  const Bytes report = vectors::read("aws-milan-vlek/report.bin");
  TestCrypto crypto;
  const auto at = [&](std::string_view time) {
    return verify(crypto, certificates.view(), Trust{}, Evidence{report, {}, {}, {}}, Policy{},
                  *parse_rfc3339(time));
  };
  const auto verdict = at("2025-06-01T00:00:00Z");
  CHECK(verdict->verified());
  CHECK((*verdict)[Check::vek_hwid].outcome == CheckOutcome::skip);
  CHECK((*verdict)[Check::vek_signing_key].outcome == CheckOutcome::pass);
  CHECK(at("2024-12-10T22:14:20Z")->first_failure() == Check::chain_validity);
  CHECK(at("2024-12-10T22:14:21Z")->verified());
  CHECK(at("2025-12-10T22:14:21Z")->verified());
  CHECK(at("2025-12-10T22:14:22Z")->first_failure() == Check::chain_validity);
}

TEST_CASE("Vectors_TurinVcek_ChainHoldsAndExtensionsAreRead") {
  if (vectors::absent()) return;
  const Chain certificates =
      chain("roots/ark-turin.pem", "roots/ask-turin.pem", "turin-vcek/vcek.der");
  TestCrypto crypto;
  const auto checked = verify_chain(crypto, certificates.view(), Trust{}, kMiddleOf2025);
  REQUIRE(checked->chain.has_value());
  CHECK(checked->chain->product() == Product::turin);
  const VekCertificate vek(checked->chain->vek());
  // As `openssl x509 -text` shows them.
  CHECK(vek.number(VekExtension::struct_version) == 1);
  CHECK(vek.number(VekExtension::fmc_spl) == 0);
  CHECK(vek.number(VekExtension::ucode_spl) == 9);
  CHECK(vek.number(VekExtension::spl_4).error() == Error{Code::vek_missing, 0, 4});
  CHECK(hex_of(*vek.hw_id(8)) == "1e550a8ee5cf9f4d");
}
