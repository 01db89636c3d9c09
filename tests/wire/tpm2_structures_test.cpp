// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/tpm2_structures.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using test::hex;

namespace {

template <class T>
std::string marshaled(const T& value) {
  std::array<std::byte, 4096> room;
  const auto out = marshal(value, room);
  REQUIRE(out.has_value());
  return test::digits(*out);
}
template <class T>
Error marshal_error_of(const T& value) {
  std::array<std::byte, 4096> room;
  const auto out = marshal(value, room);
  REQUIRE(!out);
  return out.error();
}
template <class T>
Error error_of(std::string_view digits) {
  const auto octets = hex(digits);
  const auto out = unmarshal<T>(octets, 100);
  REQUIRE(!out);
  return out.error();
}

// `digits` are read, written again alike, and refused when cut anywhere or longer. The octets are
// laid out by hand after the tables of Part 2, unless said otherwise.
template <class T, class Check>
void exactly(std::string_view digits, Check check) {
  CAPTURE(digits);
  const auto octets = hex(digits);
  const auto value = unmarshal<T>(octets);  // Its views look into `octets`.
  REQUIRE(value.has_value());
  check(*value);
  CHECK(marshaled(*value) == digits);
  for (std::size_t n = 0; n < octets.size(); ++n) {
    const auto cut = unmarshal<T>(ByteView(octets).first(n), 100);
    REQUIRE(!cut);
    CHECK(cut.error().code == Code::wire_short);
    CHECK(cut.error().where >= 100);
    CHECK(cut.error().where <= 100 + n);
  }
  const std::size_t size = octets.size();
  auto longer = octets;
  longer.push_back(std::byte{0});
  CHECK(unmarshal<T>(longer).error() == Error{Code::wire_trailing, static_cast<std::uint32_t>(size), 1});
  // A buffer that is one octet too small is never overrun.
  test::Octets room(size, std::byte{0xEE});
  CHECK(marshal(*value, MutBytes(room).first(size - 1)).error().code == Code::wire_overflow);
  CHECK(room.back() == std::byte{0xEE});
}

// The same body at compile time and at run time.
constexpr bool nv_public_round_trips() {
  const TPMS_NV_PUBLIC area{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x00060006}, {}, 64};
  std::array<std::byte, 32> room{};
  const auto out = marshal(Sized<TPMS_NV_PUBLIC>{area}, room);
  if (!out || out->size() != 16 || room[1] != std::byte{14}) return false;
  const auto back = unmarshal<Sized<TPMS_NV_PUBLIC>>(*out);
  return back && back->value.nvIndex == vtpm::kUserDataIndex && back->value.dataSize == 64 &&
         !unmarshal<Sized<TPMS_NV_PUBLIC>>(out->first(15)).has_value();
}
static_assert(nv_public_round_trips());

}  // namespace

TEST_CASE("NvPublic_RoundTrip_AtRunTimeAsAtCompileTime") { CHECK(nv_public_round_trips()); }

TEST_CASE("Structures_Octets_AreThoseOfPart2") {
  exactly<TPMS_NV_PUBLIC>("01400002000b200600060002aabb0040", [](const TPMS_NV_PUBLIC& v) {
    CHECK(v.nvIndex == vtpm::kUserDataIndex);
    CHECK(v.nameAlg == TPM_ALG_ID::SHA256);
    CHECK(v.attributes.has(TPMA_NV::WRITTEN));
    CHECK(test::digits(v.authPolicy.data) == "aabb");
    CHECK(v.dataSize == 64);
  });
  exactly<TPMS_AUTH_COMMAND>("400000090002aabb010001cc", [](const TPMS_AUTH_COMMAND& v) {
    CHECK(v.sessionHandle == TPM_RH::PW);
    CHECK(test::digits(v.nonce.data) == "aabb");
    CHECK(v.sessionAttributes == 1);
    CHECK(test::digits(v.hmac.data) == "cc");
  });
  exactly<TPMS_AUTH_RESPONSE>("0001aa010002bbcc", [](const TPMS_AUTH_RESPONSE& v) {
    CHECK(test::digits(v.nonce.data) == "aa");
    CHECK(v.sessionAttributes == 1);
    CHECK(test::digits(v.hmac.data) == "bbcc");
  });
  exactly<TPMS_TAGGED_PROPERTY>("0000012c00000400", [](const TPMS_TAGGED_PROPERTY& v) {
    CHECK(v.property == TPM_PT::NV_BUFFER_MAX);
    CHECK(v.value == 1024);
  });
  exactly<TPMS_CAPABILITY_DATA>("00000001000000020140000101400002", [](const TPMS_CAPABILITY_DATA& v) {
    CHECK(v.handles.count == 2);
    CHECK(v.handles.view()[1] == vtpm::kUserDataIndex);
  });
  exactly<TPMS_CAPABILITY_DATA>("00000006000000010000012c00000400",
                                [](const TPMS_CAPABILITY_DATA& v) { CHECK(v.tpmProperties.count == 1); });
  exactly<TPMT_SIGNATURE>("0014000b0003aabbcc", [](const TPMT_SIGNATURE& v) {
    CHECK(v.hash == TPM_ALG_ID::SHA256);
    CHECK(test::digits(v.sig.data) == "aabbcc");
  });
  exactly<TPMT_SIGNATURE>("0016000c0001aa",
                          [](const TPMT_SIGNATURE& v) { CHECK(v.sigAlg == TPM_ALG_ID::RSAPSS); });
}

TEST_CASE("Selectors_EachUnion_HasItsOwnFields") {
  // Part 2, "TPMT_SYM_DEF_OBJECT": nothing follows TPM_ALG_NULL.
  exactly<TPMT_SYM_DEF_OBJECT>("0010", [](const TPMT_SYM_DEF_OBJECT& v) { CHECK(v.keyBits == 0); });
  exactly<TPMT_SYM_DEF_OBJECT>("000600800043", [](const TPMT_SYM_DEF_OBJECT& v) {
    CHECK(v.keyBits == 128);
    CHECK(v.mode == TPM_ALG_ID::CFB);
  });
  // Part 2, "TPMU_ASYM_SCHEME": RSAES and null are empty, the others hold a hash.
  exactly<TPMT_RSA_SCHEME>("0010", [](const TPMT_RSA_SCHEME&) {});
  exactly<TPMT_RSA_SCHEME>("0015", [](const TPMT_RSA_SCHEME&) {});
  for (const char* const digits : {"0014000b", "0016000b", "0017000b"})
    exactly<TPMT_RSA_SCHEME>(digits,
                             [](const TPMT_RSA_SCHEME& v) { CHECK(v.hashAlg == TPM_ALG_ID::SHA256); });
}

TEST_CASE("Selectors_Unknown_AreRefused") {
  CHECK(error_of<TPMT_SIGNATURE>("0018000b0000").code == Code::wire_value);
  CHECK(error_of<TPMS_CAPABILITY_DATA>("0000000000000000").code == Code::wire_value);
  CHECK(error_of<TPMS_CAPABILITY_DATA>("0000000500000000").code == Code::wire_value);
  CHECK(error_of<TPMT_PUBLIC>("0023000b000000000000001000100000000000000000").code == Code::wire_value);
  CHECK(marshal_error_of(TPMT_SIGNATURE{}).code == Code::wire_overflow);
  CHECK(marshal_error_of(TPMS_CAPABILITY_DATA{}).code == Code::wire_overflow);
  CHECK(marshal_error_of(TPMT_PUBLIC{}).code == Code::wire_overflow);
}

TEST_CASE("Tpm2b_Size_UpToItsLimit") {
  const test::Octets largest(64, std::byte{7});
  exactly<TPM2B_DIGEST>("0040" + test::digits(largest),
                        [](const TPM2B_DIGEST& v) { CHECK(v.data.size() == 64); });
  const test::Octets larger(65, std::byte{7});
  CHECK(error_of<TPM2B_DIGEST>("0041" + test::digits(larger)) == Error{Code::wire_size, 100, 65});
  CHECK(marshal_error_of(TPM2B_DIGEST{larger}).code == Code::wire_overflow);
}

TEST_CASE("Sized_Structure_FillsItsSizeExactly") {
  const std::string area = "01400002000b0006000600000040";
  exactly<Sized<TPMS_NV_PUBLIC>>("000e" + area,
                                 [](const Sized<TPMS_NV_PUBLIC>& v) { CHECK(v.value.dataSize == 64); });
  CHECK(error_of<Sized<TPMS_NV_PUBLIC>>("000d" + area).code == Code::wire_short);
  CHECK(error_of<Sized<TPMS_NV_PUBLIC>>("000f" + area + "00") == Error{Code::wire_trailing, 116, 1});
  CHECK(error_of<Sized<TPMS_NV_PUBLIC>>("0000").code == Code::wire_short);
}

TEST_CASE("List_Count_UpToItsLimit") {
  std::string eight = "00000008";
  for (int i = 0; i < 8; ++i) eight += "000101";
  exactly<TPML_DIGEST>(eight, [](const TPML_DIGEST& v) { CHECK(v.count == 8); });
  CHECK(error_of<TPML_DIGEST>("00000009" + eight.substr(8) + "000101") == Error{Code::wire_size, 100, 9});
  CHECK(error_of<TPML_HANDLE>("000000ff").code == Code::wire_size);
  CHECK(error_of<TPML_HANDLE>("ffffffff").code == Code::wire_size);
  exactly<TPML_HANDLE>("00000000", [](const TPML_HANDLE& v) { CHECK(v.view().empty()); });
}

TEST_CASE("PcrSelection_Bits_AreCountedFromTheFirstOctet") {
  exactly<TPMS_PCR_SELECTION>("000b03810080", [](const TPMS_PCR_SELECTION& v) {
    CHECK(v.count() == 3);
    for (std::size_t pcr = 0; pcr < 40; ++pcr) CHECK(v.selects(pcr) == (pcr == 0 || pcr == 7 || pcr == 23));
  });
  exactly<TPMS_PCR_SELECTION>("000b0401020304", [](const TPMS_PCR_SELECTION& v) { CHECK(v.count() == 5); });
  CHECK(error_of<TPMS_PCR_SELECTION>("000b050102030405").code == Code::wire_size);
}

TEST_CASE("PcrSelection_SizeUnlikeItsOctets_IsNotWritten") {
  const auto select = hex("0700");
  CHECK(marshaled(TPMS_PCR_SELECTION{TPM_ALG_ID::SHA256, 2, select}) == "000b020700");
  CHECK(marshal_error_of(TPMS_PCR_SELECTION{TPM_ALG_ID::SHA256, 1, select}).code == Code::wire_overflow);
  CHECK(marshal_error_of(TPMS_PCR_SELECTION{TPM_ALG_ID::SHA256, 3, select}).code == Code::wire_overflow);
}
