// SPDX-License-Identifier: Apache-2.0
// Expected texts are written out by hand from AMD 57230, "KDS Interface", and from a store as other verifiers
// keep it.
#include "snpnv/fetch/kds.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

std::array<std::byte, 64> chip() {
  std::array<std::byte, 64> out{};
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(0xA0 + i % 16);
  return out;
}
const std::array<std::byte, 64> kChip = chip();
const std::string kHalf = "a0a1a2a3a4a5a6a7";
const std::string kWhole = [] {
  const std::string sixteen = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf";
  return sixteen + sixteen + sixteen + sixteen;
}();

CertificateRequest vcek(Product product, std::string_view tcb) {
  CertificateRequest request{CertificateKind::endorsement, product, SIGNING_KEY::VCEK, kChip, {}};
  REQUIRE(decode_hex(tcb, request.tcb.octets).has_value());
  return request;
}
template <class Write>
std::string written(Write write, const CertificateRequest& request) {
  std::array<std::byte, 512> room{};
  ByteWriter out(room);
  write(out, request);
  REQUIRE(out.ok());
  return std::string(text(out.written()));
}

}  // namespace

TEST_CASE("KdsTarget_Vcek_HasChipAndLevels") {
  CHECK(written(write_kds_target, vcek(Product::milan, "03000000000018db")) ==
        "/vcek/v1/Milan/" + kWhole + "?blSPL=03&teeSPL=00&snpSPL=24&ucodeSPL=219");
  CHECK(written(write_kds_target, vcek(Product::genoa, "0900000000001748")) ==
        "/vcek/v1/Genoa/" + kWhole + "?blSPL=09&teeSPL=00&snpSPL=23&ucodeSPL=72");
  CHECK(written(write_kds_target, vcek(Product::turin, "010203040000004b")) ==
        "/vcek/v1/Turin/" + kHalf + "?fmcSPL=01&blSPL=02&teeSPL=03&snpSPL=04&ucodeSPL=75");
}

TEST_CASE("KdsTarget_IssuersAndLists_AreOfTheFamily") {
  CHECK(written(write_kds_target, {CertificateKind::issuers, Product::milan}) == "/vcek/v1/Milan/cert_chain");
  CHECK(written(write_kds_target, {CertificateKind::issuers, Product::turin, SIGNING_KEY::VLEK}) ==
        "/vlek/v1/Turin/cert_chain");
  CHECK(written(write_kds_target, {CertificateKind::revocation, Product::genoa}) == "/vcek/v1/Genoa/crl");
  CHECK(written(write_kds_target, {CertificateKind::revocation, Product::genoa, SIGNING_KEY::VLEK}) ==
        "/vlek/v1/Genoa/crl");
}

TEST_CASE("StorePath_Vcek_IsWhereOthersKeepIt") {
  CHECK(written(write_store_path, vcek(Product::milan, "03000000000018db")) ==
        "vcek/" + kWhole + "/bl03_tee00_snp24_ucode219_vcek.der");
  CHECK(written(write_store_path, vcek(Product::turin, "010203040000004b")) ==
        "vcek/" + kHalf + "/bl02_tee03_snp04_ucode75_fmc01_vcek.der");
  CHECK(written(write_store_fallback, vcek(Product::turin, "010203040000004b")) == "vcek/" + kHalf + "/vcek.der");
}

TEST_CASE("StorePath_IssuersAndLists_MirrorTheService") {
  CHECK(written(write_store_path, {CertificateKind::issuers, Product::milan}) == "vcek/Milan/cert_chain.pem");
  CHECK(written(write_store_path, {CertificateKind::revocation, Product::milan, SIGNING_KEY::VLEK}) ==
        "vlek/Milan/crl.der");
}
