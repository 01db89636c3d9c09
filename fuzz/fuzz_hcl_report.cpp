// SPDX-License-Identifier: Apache-2.0
// The HCLA envelope: the parts of an accepted one cover the input without gap or overlap.
#include "fuzz/fuzz.hpp"
#include "snpnv/wire/hcl_report.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView in = fuzz::view(data, size);
  const auto announced = HclReport::announced_size(in);
  REQUIRE(announced || fuzz::inside(announced.error(), size));
  const auto envelope = HclReport::parse(in);
  if (!envelope) {
    REQUIRE(fuzz::inside(envelope.error(), size));
    return 0;
  }
  REQUIRE(announced && *announced == envelope->size());
  REQUIRE(envelope->raw.data() == in.data());
  REQUIRE(envelope->extension.size() == 0 || envelope->extension.size() == HclReport::kExtensionSize);
  REQUIRE(envelope->size() + envelope->padding.size() == size);
  REQUIRE(envelope->claims.data() + envelope->claims.size() == envelope->padding.data());
  REQUIRE(envelope->claims.size() == (*envelope)[HclReport::claims_size]);
  REQUIRE(envelope->snp_report().has_value() == (envelope->type() == HclReportType::snp));
  (void)envelope->hash();
  return 0;
}
