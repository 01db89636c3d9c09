// SPDX-License-Identifier: Apache-2.0
// EXPECT: field past the end of the structure
#include "snpnv/wire/snp_report.hpp"

inline constexpr snpnv::LayoutField<snpnv::OctetArray<2>, 0x49F> kField{"BEYOND", 2, ""};
std::byte first(const snpnv::ATTESTATION_REPORT& report) {
  (void)report[kField];  // WRONG
  return report.raw[0];
}
