// SPDX-License-Identifier: Apache-2.0
// ATTESTATION_REPORT: every field of every accepted report can be read.
#include "fuzz/fuzz.hpp"
#include "snpnv/wire/snp_report.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView in = fuzz::view(data, size);
  const auto report = ATTESTATION_REPORT::parse(in);
  const bool whole = size == ATTESTATION_REPORT::kSize;
  REQUIRE(report.has_value() == (whole && load<std::uint32_t, Endian::little>(in.first<4>()) >= 2));
  if (!report) {
    REQUIRE(fuzz::inside(report.error(), size));
    return 0;
  }
  std::size_t octets = 0;
  ATTESTATION_REPORT::for_each_field([&](auto field) {
    (void)(*report)[field];
    octets += field.octets(report->raw).size();
  });
  REQUIRE(octets == size);
  const auto possible = products(*report);
  if (!possible) {
    REQUIRE(possible.error().code == Code::report_product);
    return 0;
  }
  bool any = false;
  for (const Product product : kProducts) {
    any = any || possible->has(product);
    for (const TcbLayoutEntry& entry : kTcbLayout) (void)(*report)[report->REPORTED_TCB].get(entry, product);
  }
  REQUIRE(any);
  (void)unnamed_bits((*report)[report->POLICY]);
  return 0;
}
