// SPDX-License-Identifier: Apache-2.0
#include "snpnv/snpnv.hpp"

const void* table_elsewhere();
const void* table_elsewhere() { return &snpnv::kTcbLayout; }
