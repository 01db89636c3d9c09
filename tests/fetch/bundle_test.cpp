// SPDX-License-Identifier: Apache-2.0
#include "snpnv/fetch/bundle.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

std::string pem(const std::string& file) { return std::string(text(*read_file(SNPNV_SOURCE_DIR "/tests/pki/" + file))); }
test::Octets der(const std::string& file) {
  const std::string text = pem(file);
  test::Octets out(text.size());
  const auto block = PemReader(view(text), kPemCertificate).next(out);
  REQUIRE((block && *block));
  out.resize((*block)->size());
  return out;
}
std::string escaped(std::string text) {
  for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 2) text.replace(at, 1, "\\n");
  return text;
}
// The shape that the endpoint's answers have.
std::string document(const std::string& vcek, const std::string& chain, const std::string& tcbm) {
  return R"({"vcekCert":")" + escaped(vcek) + R"(","tcbm":")" + tcbm + R"(","certificateChain":")" + escaped(chain) +
         R"(","cacheControl":"86400"})";
}
const std::string kChain = pem("milan/ask.pem") + pem("milan/ark.pem");
const std::string kDocument = document(pem("milan/vcek.pem"), kChain, "DB18000000000003");

test::Octets room(1 << 16);

}  // namespace

TEST_CASE("Issuers_Bundle_IsAskThenArk") {
  MutBytes left = room;
  const auto chain = parse_issuers(view("\n " + kChain + "\r\n\r\n"), left);
  REQUIRE(chain.has_value());
  CHECK(equal(chain->ask, der("milan/ask.pem")));
  CHECK(equal(chain->ark, der("milan/ark.pem")));
  CHECK(chain->vek.empty());
  CHECK(left.size() == room.size() - chain->ask.size() - chain->ark.size());
}

TEST_CASE("Issuers_OtherNumbers_AreErrors") {
  const auto error = [](const std::string& text) {
    MutBytes left = room;
    return parse_issuers(view(text), left).error().code;
  };
  CHECK(error("") == Code::pem_block);
  CHECK(error(pem("milan/ask.pem")) == Code::pem_block);
  CHECK(error(kChain + pem("milan/ark.pem")) == Code::wire_trailing);
  MutBytes small = MutBytes(room).first(2000);
  CHECK(parse_issuers(view(kChain), small).error().code == Code::wire_overflow);
}

TEST_CASE("Platform_Document_IsRead") {
  const auto found = parse_platform(view(kDocument), room);
  REQUIRE(found.has_value());
  CHECK(equal(found->chain.vek, der("milan/vcek.pem")));
  CHECK(equal(found->chain.ask, der("milan/ask.pem")));
  CHECK(equal(found->chain.ark, der("milan/ark.pem")));
  CHECK(digits(found->tcbm.octets) == "03000000000018db");  // microcode first in the text, last in the TCB
}

TEST_CASE("Platform_WhiteSpaceAndUnknownMembers_AreTaken") {
  const std::string text = R"( { "x":[1,{}], "tcbm":"db18000000000003", "vcekCert":"\r\n )" + escaped(pem("milan/vcek.pem")) +
                           R"( \n", "certificateChain":"\n)" + escaped(kChain) + R"(\n\n" } )";
  CHECK(parse_platform(view(text), room).has_value());
}

TEST_CASE("Platform_MissingOrWrongMembers_AreErrors") {
  const auto error = [](const std::string& text) { return parse_platform(view(text), room).error().code; };
  CHECK(error("{}") == Code::json_missing);
  for (const char* name : {"vcekCert", "certificateChain", "tcbm"}) {
    std::string text = kDocument;
    text.replace(text.find(name), 4, "gone");
    CHECK_MESSAGE(error(text) == Code::json_missing, name);
    const auto detail = parse_platform(view(text), room).error().detail;
    CHECK(snpnv::name(static_cast<JsonMember>(detail)) == name);
  }
  CHECK(error("[]") == Code::json_type);
  CHECK(error(R"({"tcbm":1})") == Code::json_type);
  CHECK(error(kDocument + "x") == Code::json_syntax);
  CHECK(error(R"({"tcbm":"","tcbm":""})") == Code::json_duplicate);
  const std::string vcek = pem("milan/vcek.pem");
  CHECK(error(document(vcek, kChain, "DB180000000003")) == Code::text_length);
  CHECK(error(document(vcek, kChain, "DB1800000000000300")) == Code::wire_overflow);
  CHECK(error(document(vcek, kChain, "DB1800000000000x")) == Code::text_hex);
  CHECK(error(document("", kChain, "DB18000000000003")) == Code::pem_block);
  CHECK(error(document(vcek + vcek, kChain, "DB18000000000003")) == Code::wire_trailing);
  CHECK(error(document(vcek, "", "DB18000000000003")) == Code::pem_block);
}

TEST_CASE("Platform_Truncations_AreErrors") {
  for (std::size_t size = 0; size < kDocument.size(); ++size) {
    const auto found = parse_platform(view(kDocument).first(size), room);
    REQUIRE_FALSE(found.has_value());
    CHECK(found.error().where <= size);
  }
}

TEST_CASE("Platform_BitFlips_LeaveTheRestAsItWas") {
  const test::Octets whole(view(kDocument).begin(), view(kDocument).end());
  const test::Octets vcek = der("milan/vcek.pem");
  std::size_t accepted = 0;
  std::size_t at = 0;
  // Every bit of what is not base64, and one bit in 64 of the rest, which is base64's own tests.
  each_bit_flipped(whole, [&](const test::Octets& flipped, std::size_t bit) {
    if (++at % 61 != 0 && bit / 8 > 80 && bit / 8 < whole.size() - 80) return;
    const auto found = parse_platform(flipped, room);
    if (!found) return;
    ++accepted;
    CHECK(found->chain.vek.size() == vcek.size());
  });
  CHECK(accepted > 0);
}
