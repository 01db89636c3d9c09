// SPDX-License-Identifier: Apache-2.0
// Two translation units with the whole library make one program.
#include "snpnv/snpnv.hpp"

const void* table_elsewhere();

int main() {
  // A table of the library is one object.
  return table_elsewhere() == static_cast<const void*>(&snpnv::kTcbLayout) ? 0 : 1;
}
