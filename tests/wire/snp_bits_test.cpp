// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/snp_bits.hpp"

#include "tests/test.hpp"

using namespace snpnv;

namespace {

struct Expected {
  const char* name;
  unsigned first, last;
};

// Each bit of the integer is seen under the one name that the table gives it, or is unnamed.
template <class Bits, std::size_t N>
void each_bit(const Expected (&table)[N], unsigned width) {
  CHECK(Bits::kBits.size() == N);
  for (unsigned bit = 0; bit < width; ++bit) {
    CAPTURE(bit);
    Bits bits;
    bits.value = static_cast<decltype(bits.value)>(std::uint64_t{1} << bit);
    bool named = false;
    for (std::size_t i = 0; i < N; ++i) {
      const bool here = bit >= table[i].first && bit <= table[i].last;
      named = named || here;
      CHECK(Bits::kBits[i].name == table[i].name);
      CHECK(bits[Bits::kBits[i]] == (here ? std::uint64_t{1} << (bit - table[i].first) : 0));
    }
    CHECK(unnamed_bits(bits) == (named ? 0 : std::uint64_t{1} << bit));
  }
}

}  // namespace

// AMD 56860, "Guest Policy".
TEST_CASE("GuestPolicy_EachBit_HasItsName") {
  each_bit<GuestPolicy>({{"ABI_MINOR", 0, 7},
                         {"ABI_MAJOR", 8, 15},
                         {"SMT", 16, 16},
                         {"RESERVED_17", 17, 17},
                         {"MIGRATE_MA", 18, 18},
                         {"DEBUG", 19, 19},
                         {"SINGLE_SOCKET", 20, 20},
                         {"CXL_ALLOW", 21, 21},
                         {"MEM_AES_256_XTS", 22, 22},
                         {"RAPL_DIS", 23, 23},
                         {"CIPHERTEXT_HIDING_DRAM", 24, 24},
                         {"PAGE_SWAP_DISABLE", 25, 25}},
                        64);
}

// AMD 56860, "ATTESTATION_REPORT", PLATFORM_INFO.
TEST_CASE("PlatformInfo_EachBit_HasItsName") {
  each_bit<PlatformInfo>({{"SMT_EN", 0, 0},
                          {"TSME_EN", 1, 1},
                          {"ECC_EN", 2, 2},
                          {"RAPL_DIS", 3, 3},
                          {"CIPHERTEXT_HIDING_DRAM_EN", 4, 4},
                          {"ALIAS_CHECK_COMPLETE", 5, 5},
                          {"TIO_EN", 7, 7}},
                         64);
}

// AMD 56860, "ATTESTATION_REPORT", offset 48h.
TEST_CASE("KeyInfo_EachBit_HasItsName") {
  each_bit<KeyInfo>({{"AUTHOR_KEY_EN", 0, 0}, {"MASK_CHIP_KEY", 1, 1}, {"SIGNING_KEY", 2, 4}}, 32);
}

TEST_CASE("Bits_Load_IsLittleEndian") {
  const auto octets = test::hex("1f00030000000080");
  CHECK(GuestPolicy::load(std::span<const std::byte, 8>(octets)).value == 0x800000000003001F);
}

TEST_CASE("SigningKey_Name_OfEachValue") {
  CHECK(name(static_cast<SIGNING_KEY>(0)) == "VCEK");
  CHECK(name(static_cast<SIGNING_KEY>(1)) == "VLEK");
  CHECK(name(static_cast<SIGNING_KEY>(7)) == "none");
  for (const int reserved : {2, 3, 4, 5, 6}) CHECK(name(static_cast<SIGNING_KEY>(reserved)) == "unknown");
}
