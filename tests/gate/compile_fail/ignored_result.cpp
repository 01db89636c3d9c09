// SPDX-License-Identifier: Apache-2.0
// EXPECT: nodiscard|unused
#include "snpnv/wire/snp_report.hpp"

using namespace snpnv;
bool accepted(ByteView in) {
  ATTESTATION_REPORT::parse(in);  // WRONG
  return ATTESTATION_REPORT::parse(in).has_value();
}
