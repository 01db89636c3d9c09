// SPDX-License-Identifier: Apache-2.0
// EXPECT: hex_digits_are_mistyped_or_not_as_many_as_the_octets_want
#include "snpnv/verify/trust.hpp"

using namespace snpnv;
inline constexpr auto kRight = octets_of_hex<3>("1249f6");
inline constexpr auto kWrong = octets_of_hex<3>("1249fg");  // WRONG
