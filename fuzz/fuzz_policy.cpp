// SPDX-License-Identifier: Apache-2.0
// Policy files: read whole, or refused with a place in the text.
#include "fuzz/fuzz.hpp"
#include "snpnv/verify/policy_json.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Policy policy;
  if (const auto read = parse_policy(fuzz::view(data, size), policy); !read) {
    REQUIRE(fuzz::inside(read.error(), size));
    return 0;
  }
  const auto fits = [](const auto& item) {
    if constexpr (requires { item.kMax; }) return item.count <= item.kMax;
    return true;
  };
#define SNPNV_X(member, Kind, path, option, help, check) REQUIRE(fits(policy.member));
  SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
  REQUIRE(policy.vmpl.value_or(0) <= 3);
  return 0;
}
