// SPDX-License-Identifier: Apache-2.0
#include "snpnv/core/bytes.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using test::hex;

TEST_CASE("Load_BothEndians_SameOctets") {
  const auto octets = hex("0102030405060708");
  const std::span<const std::byte, 8> in(octets.data(), 8);
  CHECK(load<std::uint64_t, Endian::big>(in) == 0x0102030405060708);
  CHECK(load<std::uint64_t, Endian::little>(in) == 0x0807060504030201);
  CHECK(load<std::uint16_t, Endian::big>(in.first<2>()) == 0x0102);
  CHECK(load<std::uint16_t, Endian::little>(in.first<2>()) == 0x0201);
  CHECK(load<std::uint8_t, Endian::big>(in.first<1>()) == 1);
}

TEST_CASE("Reader_Fields_InOrder") {
  const auto octets = hex("0a 0102 03040506 ffff aabb");
  ByteReader reader(octets);
  CHECK(reader.be<std::uint8_t>() == 0x0A);
  CHECK(reader.be<std::uint16_t>() == 0x0102);
  CHECK(reader.le<std::uint32_t>() == 0x06050403);
  CHECK(reader.take(2).size() == 2);
  CHECK(reader.remaining() == 2);
  CHECK(reader.offset() == 9);
  CHECK(reader.be<std::uint16_t>() == 0xAABB);
  CHECK(reader.finish(5) == 5);
}

TEST_CASE("Reader_EveryTruncation_SaysWhere") {
  const auto octets = hex("0102030405060708");
  for (std::size_t n = 0; n < octets.size(); ++n) {
    ByteReader reader(ByteView(octets).first(n), 100);
    (void)reader.be<std::uint32_t>();
    (void)reader.be<std::uint32_t>();
    const auto out = reader.finish(0);
    REQUIRE(!out);
    CHECK(out.error().code == Code::wire_short);
    CHECK(out.error().where == (n < 4 ? 100 : 104));
    CHECK(out.error().detail == 4);
  }
}

TEST_CASE("Reader_AfterAnError_YieldsZerosAndKeepsTheFirstError") {
  const auto octets = hex("01020304");
  ByteReader reader(octets);
  (void)reader.take(3);
  CHECK(reader.be<std::uint32_t>() == 0);
  CHECK(reader.be<std::uint8_t>() == 0);
  CHECK(reader.take(1).empty());
  CHECK(reader.remaining() == 0);
  reader.fail(Code::wire_value);
  CHECK(reader.finish(1).error() == Error{Code::wire_short, 3, 4});
}

TEST_CASE("Reader_Leftover_IsAnError") {
  const auto octets = hex("0102");
  ByteReader reader(octets);
  (void)reader.be<std::uint8_t>();
  CHECK(reader.finish(1).error() == Error{Code::wire_trailing, 1, 1});
}

TEST_CASE("Reader_Sub_KeepsAbsoluteOffsetsAndItsLeftoverIsAnError") {
  const auto octets = hex("00 0102 03");
  ByteReader reader(octets);
  (void)reader.be<std::uint8_t>();
  ByteReader inner = reader.sub(2);
  CHECK(inner.offset() == 1);
  CHECK(inner.be<std::uint8_t>() == 1);
  ByteReader copy = reader;
  copy.close(inner);
  CHECK(copy.finish(0).error() == Error{Code::wire_trailing, 2, 1});
  CHECK(inner.be<std::uint8_t>() == 2);
  reader.close(inner);
  CHECK(reader.be<std::uint8_t>() == 3);
  CHECK(reader.finish(0).has_value());
}

TEST_CASE("Reader_Peek_TakesNothing") {
  const auto octets = hex("01");
  ByteReader reader(octets);
  CHECK(reader.peek() == std::byte{1});
  CHECK(reader.offset() == 0);
  CHECK(reader.be<std::uint8_t>() == 1);
  CHECK(!reader.peek());
  ByteReader failed(octets);
  failed.fail(Code::wire_value);
  CHECK(!failed.peek());
}

TEST_CASE("Reader_Since_IsWhatWasTaken") {
  const auto octets = hex("00 0102 03");
  ByteReader reader(octets);
  (void)reader.be<std::uint8_t>();
  ByteReader inner = reader.sub(2);
  (void)inner.be<std::uint8_t>();
  const std::size_t begin = inner.offset();  // absolute
  CHECK(inner.since(begin).empty());
  (void)inner.be<std::uint8_t>();
  CHECK(equal(inner.since(begin), hex("02")));
  CHECK(equal(reader.since(1), hex("0102")));
  reader.fail(Code::wire_value);
  CHECK(reader.since(1).empty());
}

TEST_CASE("Reader_SubBeyondTheEnd_InheritsTheError") {
  const auto octets = hex("0102");
  ByteReader reader(octets);
  ByteReader inner = reader.sub(3);
  CHECK(!inner.ok());
  CHECK(inner.finish(0).error() == Error{Code::wire_short, 0, 3});
}

TEST_CASE("Reader_ErrorOfASub_IsTakenOver") {
  const auto octets = hex("0102 03");
  ByteReader reader(octets);
  ByteReader inner = reader.sub(2);
  (void)inner.be<std::uint8_t>();
  inner.fail(Code::wire_value, 7);
  reader.close(inner);
  CHECK(reader.finish(0).error() == Error{Code::wire_value, 1, 7});
}

TEST_CASE("Reader_TooLarge_IsRefused") {
  // Only the size is looked at, so the octets behind the first need not exist.
  const std::byte one{};
  ByteReader reader(ByteView(&one, kMaxInput + 1));
  CHECK(reader.finish(0).error().code == Code::wire_too_large);
  ByteReader far(ByteView(&one, 1), kMaxInput + 1);
  CHECK(far.finish(0).error().code == Code::wire_too_large);
}

TEST_CASE("Writer_Fields_AsRead") {
  std::array<std::byte, 9> room{};
  ByteWriter writer(room);
  writer.be<std::uint16_t>(0x0102);
  writer.le<std::uint32_t>(0x03040506);
  writer.text("A");
  writer.zeros(1);
  writer.bytes(hex("ff"));
  CHECK(test::digits(*writer.finish()) == "010206050403" "4100ff");
}

TEST_CASE("Writer_Overflow_SticksAndWritesNothingMore") {
  std::array<std::byte, 3> room{std::byte{9}, std::byte{9}, std::byte{9}};
  ByteWriter writer(room);
  writer.be<std::uint8_t>(1);
  writer.be<std::uint32_t>(0xFFFFFFFF);
  writer.be<std::uint8_t>(2);
  CHECK(writer.finish().error() == Error{Code::wire_overflow, 1, 5});
  CHECK(test::digits(room) == "010909");
}

// The same at compile time: an access out of bounds would not compile.
static_assert([] {
  std::array<std::byte, 4> room{};
  ByteWriter writer(room);
  writer.be<std::uint32_t>(0x01020304);
  ByteReader reader(room);
  return reader.be<std::uint16_t>() == 0x0102 && reader.le<std::uint16_t>() == 0x0403 &&
         reader.finish().has_value() && all_zero(ByteView(room).first(0)) && !all_zero(room);
}());
