#include "snpnv/snpnv.hpp"

const void* table_elsewhere();
const void* table_elsewhere() { return &snpnv::kTcbLayout; }
