// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/der.hpp"

#include <doctest/doctest.h>

#include <initializer_list>
#include <optional>
#include <vector>

using namespace snpnv;

namespace {

using Bytes = std::vector<std::byte>;
Bytes bytes(std::initializer_list<unsigned> values) {
  Bytes out;
  for (const unsigned v : values) out.push_back(static_cast<std::byte>(v));
  return out;
}

template <class Read>
std::optional<Error> error_of(const Bytes& in, Read&& read) {
  DerReader reader(in);
  read(reader);
  const auto result = reader.finish(0);
  return result ? std::nullopt : std::optional(result.error());
}

}  // namespace

TEST_CASE("Der_Lengths_OnlyTheShortestFormIsAccepted") {
  const auto any = [](DerReader& r) { (void)r.any(); };
  CHECK_FALSE(error_of(bytes({0x04, 0x00}), any));
  Bytes in = bytes({0x04, 0x81, 0x80});  // X.690, 8.1.3: 128 needs the long form
  in.resize(in.size() + 128);
  CHECK_FALSE(error_of(in, any));
  in = bytes({0x04, 0x82, 0x01, 0x00});
  in.resize(in.size() + 256);
  CHECK_FALSE(error_of(in, any));

  const Bytes malformed[] = {
      bytes({0x04, 0x81, 0x01, 0x00}),                    // 1 in the long form
      bytes({0x04, 0x81, 0x7F}),                          // 127 in the long form
      bytes({0x04, 0x82, 0x00, 0x80}),                    // leading zero
      bytes({0x30, 0x80, 0x00, 0x00}),                    // indefinite
      bytes({0x04, 0x85, 0x01, 0x00, 0x00, 0x00, 0x00}),  // more than 32 bits
      bytes({0x04, 0xFF}),                                // reserved
      bytes({0x1F, 0x01, 0x00}),                          // tag number above 30
  };
  for (const Bytes& one : malformed) {
    const auto error = error_of(one, any);
    REQUIRE(error.has_value());
    CHECK(error->code == Code::der_encoding);
    CHECK(error->where == 0);
    CHECK(error->detail == std::to_integer<std::uint32_t>(one[0]));
  }
  CHECK(error_of(bytes({0x04, 0x02, 0x00}), any)->code == Code::wire_short);
  CHECK(error_of(bytes({0x04}), any)->code == Code::wire_short);
  CHECK(error_of(bytes({0x04, 0x00, 0x00}), any)->code == Code::wire_trailing);
}

TEST_CASE("Der_Integer_OnlyCanonicalOnesAreAccepted") {
  const auto number = [](std::uint32_t most, const Bytes& in) -> Result<std::uint32_t> {
    DerReader reader(in);
    const std::uint32_t value = reader.unsigned_integer(most);
    return reader.finish(value);
  };
  // X.690, 8.3: content octets by value.
  CHECK(number(255, bytes({0x02, 0x01, 0x00})) == 0U);
  CHECK(number(255, bytes({0x02, 0x01, 0x7F})) == 127U);
  CHECK(number(255, bytes({0x02, 0x02, 0x00, 0x80})) == 128U);
  CHECK(number(255, bytes({0x02, 0x02, 0x00, 0xFF})) == 255U);
  CHECK(number(0xFFFFFFFF, bytes({0x02, 0x05, 0x00, 0xFF, 0xFF, 0xFF, 0xFF})) == 0xFFFFFFFFU);
  CHECK(number(255, bytes({0x02, 0x02, 0x01, 0x00})).error().code == Code::wire_value);
  CHECK(number(255, bytes({0x02, 0x01, 0x80})).error().code == Code::wire_value);  // -128
  CHECK(number(255, bytes({0x02, 0x01, 0xFF})).error().code == Code::wire_value);  // -1
  CHECK(number(255, bytes({0x02, 0x00})).error().code == Code::der_encoding);
  CHECK(number(255, bytes({0x02, 0x02, 0x00, 0x7F})).error().code == Code::der_encoding);
  CHECK(number(255, bytes({0x02, 0x02, 0xFF, 0x80})).error().code == Code::der_encoding);
  CHECK(number(255, bytes({0x02, 0x06, 1, 0, 0, 0, 0, 0})).error().code == Code::wire_value);
  CHECK(number(255, bytes({0x04, 0x01, 0x01})).error() == Error{Code::der_tag, 0, 4});
}

TEST_CASE("Der_BooleanAndBitString_OnlyCanonicalOnesAreAccepted") {
  const auto boolean = [](DerReader& r) { (void)r.boolean(); };
  CHECK_FALSE(error_of(bytes({0x01, 0x01, 0xFF}), boolean));
  CHECK_FALSE(error_of(bytes({0x01, 0x01, 0x00}), boolean));
  CHECK(error_of(bytes({0x01, 0x01, 0x01}), boolean)->code == Code::der_encoding);
  CHECK(error_of(bytes({0x01, 0x00}), boolean)->code == Code::der_encoding);

  const auto bits = [](DerReader& r) {
    unsigned unused = 0;
    (void)r.bit_string(unused);
  };
  CHECK_FALSE(error_of(bytes({0x03, 0x02, 0x01, 0x06}), bits));  // keyCertSign, cRLSign
  CHECK_FALSE(error_of(bytes({0x03, 0x01, 0x00}), bits));
  CHECK(error_of(bytes({0x03, 0x02, 0x01, 0x07}), bits)->code == Code::der_encoding);
  CHECK(error_of(bytes({0x03, 0x02, 0x08, 0x00}), bits)->code == Code::der_encoding);
  CHECK(error_of(bytes({0x03, 0x01, 0x01}), bits)->code == Code::der_encoding);
  CHECK(error_of(bytes({0x03, 0x00}), bits)->code == Code::der_encoding);
}

TEST_CASE("Der_Oid_ConstantsAreWhatOpensslEncodes") {
  // openssl asn1parse -genstr OID:1.3.6.1.4.1.3704.1.3.8 -out /dev/stdout
  CHECK(equal(kOid<1, 3, 6, 1, 4, 1, 3704, 1, 3, 8>,
              bytes({0x2B, 0x06, 0x01, 0x04, 0x01, 0x9C, 0x78, 0x01, 0x03, 0x08})));
  // openssl asn1parse -genstr OID:1.2.840.113549.1.1.10 -out /dev/stdout
  CHECK(equal(kOid<1, 2, 840, 113549, 1, 1, 10>,
              bytes({0x2A, 0x86, 0x48, 0x86, 0xF7, 0x0D, 0x01, 0x01, 0x0A})));
  const auto oid = [](DerReader& r) { (void)r.oid(); };
  CHECK_FALSE(error_of(bytes({0x06, 0x03, 0x55, 0x04, 0x03}), oid));
  CHECK(error_of(bytes({0x06, 0x00}), oid)->code == Code::der_encoding);
  CHECK(error_of(bytes({0x06, 0x02, 0x55, 0x84}), oid)->code == Code::der_encoding);  // cut off
  CHECK(error_of(bytes({0x06, 0x03, 0x55, 0x80, 0x01}), oid)->code == Code::der_encoding);  // padded
}

TEST_CASE("Der_NestedElements_KeepAbsoluteOffsets") {
  const Bytes in = bytes({0x30, 0x05, 0x30, 0x03, 0x02, 0x01, 0x81});
  DerReader reader(in, 100);
  DerReader outer = reader.enter(DerTag::sequence);
  DerReader inner = outer.enter(DerTag::sequence);
  CHECK(inner.offset() == 104);
  CHECK(inner.unsigned_integer(255) == 0);
  outer.close(inner);
  reader.close(outer);
  CHECK(reader.finish(0).error().code == Code::wire_value);
  CHECK(reader.finish(0).error().where == 104);
}
