// SPDX-License-Identifier: Apache-2.0
// EXPECT: Challenge.*private|private constructor of class .*Challenge
// Whoever asks for no nonce says so.
#include "snpnv/verify/evidence.hpp"

[[maybe_unused]] const snpnv::Challenge none_said = snpnv::Challenge::none();
[[maybe_unused]] const snpnv::Challenge left_out{};  // WRONG
