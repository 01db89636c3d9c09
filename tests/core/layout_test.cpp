// SPDX-License-Identifier: Apache-2.0
#include "snpnv/core/layout.hpp"

#include <limits>

#include "tests/test.hpp"

using namespace snpnv;

namespace {

// A layout of 8 octets; each variant below differs from it in one thing.
template <std::size_t Size, class... Fields>
struct Layout {
  static constexpr std::size_t kSize = Size;
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    (visit(Fields{}), ...);
  }
};
template <std::size_t Offset, std::size_t Size>
using At = LayoutField<OctetArray<Size>, Offset>;

static_assert(tiles<Layout<8, At<0, 2>, At<2, 4>, At<6, 2>>>());
static_assert(!tiles<Layout<8, At<1, 1>, At<2, 4>, At<6, 2>>>(), "begins behind 0");
static_assert(!tiles<Layout<8, At<0, 2>, At<3, 3>, At<6, 2>>>(), "a gap");
static_assert(!tiles<Layout<8, At<0, 3>, At<2, 4>, At<6, 2>>>(), "an overlap");
static_assert(!tiles<Layout<8, At<0, 2>, At<6, 2>, At<2, 4>>>(), "out of order");
static_assert(!tiles<Layout<9, At<0, 2>, At<2, 4>, At<6, 2>>>(), "ends too soon");
static_assert(!tiles<Layout<7, At<0, 2>, At<2, 4>, At<6, 2>>>(), "ends too late");

static_assert(is_reserved<ReservedOctets<3>>);
static_assert(!is_reserved<OctetArray<3>> && !is_reserved<Le<std::uint32_t>>);

// The same body at compile time and at run time.
constexpr bool field_is_read_in_place() {
  std::array<std::byte, 8> octets{};
  for (std::size_t i = 0; i < octets.size(); ++i) octets[i] = static_cast<std::byte>(i + 1);
  const std::span<const std::byte, 8> in(octets);
  using Number = LayoutField<Le<std::uint32_t>, 2>;
  using Text = LayoutField<OctetArray<3>, 5>;
  return Number::offset == 2 && Number::size == 4 && Number::end == 6 &&
         Number::load(in) == 0x06050403 && Number::octets(in).data() == octets.data() + 2 &&
         Text::load(in).data() == octets.data() + 5 && Text::load(in).size() == 3 &&
         LayoutField<Le<std::uint64_t>, 0>::load(in) == 0x0807060504030201 &&
         LayoutField<Le<std::uint16_t>, 6>::load(in) == 0x0807 &&
         LayoutField<Le<std::uint8_t>, 7>::load(in) == 8;
}
static_assert(field_is_read_in_place());

constexpr std::uint64_t kOnes = std::numeric_limits<std::uint64_t>::max();
static_assert(extract(0xABCD, {4, 11, ""}) == 0xBC);
static_assert(extract(kOnes, {0, 63, ""}) == kOnes);
static_assert(extract(kOnes, {1, 63, ""}) == kOnes >> 1);
static_assert(extract(std::uint64_t{1} << 63, {63, 63, ""}) == 1);
static_assert(extract(~(std::uint64_t{1} << 19), {19, 19, ""}) == 0);

#define FIELDS(X)                                   \
  X(FIRST, Le<std::uint32_t>, 0, 2, "the first")    \
  X(SECOND, OctetArray<4>, 4, 5, "the second")
struct Declared {
  static constexpr std::size_t kSize = 8;
  FIELDS(SNPNV_FIELD_MEMBER)
  template <class Visit>
  static constexpr void for_each_field(Visit&& visit) {
    FIELDS(SNPNV_FIELD_VISIT)
  }
};
#undef FIELDS
static_assert(tiles<Declared>());

}  // namespace

TEST_CASE("Field_Load_ReadsInPlace") { CHECK(field_is_read_in_place()); }

TEST_CASE("FieldList_Declaration_KeepsNameVersionAndMeaning") {
  CHECK(Declared::FIRST.name == "FIRST");
  CHECK(Declared::FIRST.since == 2);
  CHECK(Declared::SECOND.meaning == "the second");
  std::string order;
  Declared::for_each_field([&](auto field) { order += std::string(field.name) + ' '; });
  CHECK(order == "FIRST SECOND ");
}
