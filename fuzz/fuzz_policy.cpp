// Policy files: read whole, or refused with a place in the text.
#include "fuzz/fuzz.hpp"
#include "snpnv/verify/policy_json.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto policy = parse_policy(fuzz::view(data, size));
  if (!policy) {
    REQUIRE(fuzz::inside(policy.error(), size));
    return 0;
  }
#define SNPNV_X(member, FIELD, SHORT) REQUIRE(policy->member.count <= policy->member.kMax);
  SNPNV_POLICY_ALLOW_LISTS(SNPNV_X)
#undef SNPNV_X
  REQUIRE(policy->vmpl.value_or(0) <= 3);
  return 0;
}
