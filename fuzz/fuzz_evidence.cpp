// Trustee evidence of every version: accepted evidence is JSON, and can be written as version 2 and read
// again with the same parts.
#include <memory>
#include <vector>

#include "fuzz/fuzz.hpp"
#include "snpnv/wire/evidence.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView text = fuzz::view(data, size);
  const auto evidence = std::make_unique<Result<TrusteeEvidence>>(TrusteeEvidence::parse(text));
  if (!*evidence) {
    REQUIRE(name(evidence->error().code) != "unknown");
    return 0;
  }
  const TrusteeEvidence& e = **evidence;
  JsonReader json(text);
  json.skip();
  REQUIRE(json.finish(true).has_value());
  std::vector<ByteView> pcrs;
  for (std::size_t i = 0; i < e.pcr_count; ++i) pcrs.push_back(e.pcrs[i]);
  std::vector<std::byte> room(std::size_t{1} << 17);
  Writer writer(room);
  write_trustee_evidence(writer, e.signature.view(), e.message.view(), pcrs, e.hcl_report.view(), e.vcek.view());
  const auto written = writer.finish();
  REQUIRE(written.has_value());
  const auto again = std::make_unique<Result<TrusteeEvidence>>(TrusteeEvidence::parse(*written));
  REQUIRE(again->has_value());
  const TrusteeEvidence& f = **again;
  REQUIRE(equal(e.signature.view(), f.signature.view()) && equal(e.message.view(), f.message.view()));
  REQUIRE(e.pcr_count == f.pcr_count && e.pcrs == f.pcrs);
  REQUIRE(equal(e.hcl_report.view(), f.hcl_report.view()) && equal(e.vcek.view(), f.vcek.view()));
  return 0;
}
