// SPDX-License-Identifier: Apache-2.0
// Policy files: read whole, or refused with a place in the text.
#include <vector>

#include "fuzz/fuzz.hpp"
#include "snpnv/verify/policy_json.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Policy policy;
  std::vector<std::byte> room(size);  // enough, as parse_policy() says
  if (const auto read = parse_policy(fuzz::view(data, size), policy, room); !read) {
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
  for (std::size_t i = 0; i < policy.boot_events.count(); ++i)
    REQUIRE(policy.boot_events[i].pcr < kPcrNames.size() && policy.boot_events[i].digest.size() == kPcrSize);
  return 0;
}
