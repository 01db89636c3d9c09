// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/vek_certificate.hpp"

#include "snpnv/core/pem.hpp"
#include "tests/test.hpp"

using namespace snpnv;

namespace {

test::Octets from_pki(const std::string& name) {
  const auto text = test::read_file(SNPNV_SOURCE_DIR "/tests/pki/" + name);
  REQUIRE(text.has_value());
  test::Octets out(text->size());
  const auto block = PemReader(*text, "CERTIFICATE").next(out);
  REQUIRE(block.has_value());
  REQUIRE(block->has_value());
  out.resize((*block)->size());
  return out;
}

}  // namespace

TEST_CASE("VekCertificate_OfTheTestPki_HasWhatMakeShAskedFor") {
  struct Expected {
    std::string file;
    std::string product_name;
    std::array<int, 5> spl;  // fmc, bl, tee, snp, ucode; -1: absent
    std::size_t hw_id_size;
  };
  for (const Expected& expected : {Expected{"milan/vcek.pem", "Milan-B0", {-1, 3, 0, 24, 219}, 64},
                                   Expected{"genoa/vcek.pem", "Genoa-B1", {-1, 9, 0, 23, 72}, 64},
                                   Expected{"turin/vcek.pem", "Turin", {1, 1, 1, 4, 75}, 8},
                                   Expected{"milan/vlek.pem", "Milan", {-1, 3, 0, 24, 219}, 0}}) {
    CAPTURE(expected.file);
    const test::Octets der = from_pki(expected.file);
    const auto certificate = Certificate::parse(der);
    REQUIRE(certificate.has_value());
    const VekCertificate vek(*certificate);
    CHECK(test::text(*vek.text(VekExtension::product_name)) == expected.product_name);
    for (std::size_t i = 0; i < kTcbLayout.size(); ++i) {
      const auto spl = vek.number(spl_extension(kTcbLayout[i].component));
      CHECK((spl ? int{*spl} : -1) == expected.spl[i]);
    }
    for (const std::size_t size : {8U, 64U})
      CHECK(vek.hw_id(size).has_value() == (size == expected.hw_id_size));
    CHECK(vek.text(VekExtension::csp_id).has_value() == (expected.hw_id_size == 0));
  }
}

TEST_CASE("VekCertificate_WithoutAmdsExtensions_NamesEachByItsLastArc") {
  const test::Octets der = from_pki("milan/ask.pem");
  const auto certificate = Certificate::parse(der);
  REQUIRE(certificate.has_value());
  const VekCertificate vek(*certificate);
  // AMD 57230, "VCEK Certificate Extensions".
  const std::pair<VekExtension, std::uint32_t> arcs[] = {
      {VekExtension::struct_version, 1}, {VekExtension::product_name, 2}, {VekExtension::bl_spl, 1},
      {VekExtension::tee_spl, 2},        {VekExtension::snp_spl, 3},      {VekExtension::spl_4, 4},
      {VekExtension::spl_7, 7},          {VekExtension::ucode_spl, 8},    {VekExtension::fmc_spl, 9},
      {VekExtension::hw_id, 4},          {VekExtension::csp_id, 5}};
  for (const auto& [extension, arc] : arcs)
    CHECK(vek.value(extension).error() == Error{Code::vek_missing, 0, arc});
}
