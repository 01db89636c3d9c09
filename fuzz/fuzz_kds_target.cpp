// SPDX-License-Identifier: Apache-2.0
// Targets of requests to the emulated key distribution service: one spelling stays as it is.
#include "fuzz/fuzz.hpp"
#include "paravisor/kds_target.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string target(data, data + size);
  const std::string once = paravisor::canonical_target(target);
  REQUIRE(once.size() <= target.size());
  REQUIRE(paravisor::canonical_target(once) == once);
  return 0;
}
