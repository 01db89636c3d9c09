// SPDX-License-Identifier: Apache-2.0
// Trustee evidence of every version: accepted evidence is JSON, and can be written as version 2 and read
// again with the same parts. Whole verification of it says why it is not verified: no signature is valid.
#include <memory>
#include <vector>

#include "fuzz/bundle_crypto.hpp"
#include "snpnv/verify/evidence.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView text = fuzz::view(data, size);
  static EvidenceRoom verifier_room;
  static std::array<std::byte, std::size_t{1} << 16> log_room;
  verifier_room.event_log = log_room;
  static Verdict verdict;
  fuzz::BundleCrypto crypto(false);
  const std::array issuers{Issuer{{}, kArkMilan}, Issuer{kArkGenoa, kArkTurin}};
  REQUIRE(!verify_evidence(crypto, text, Challenge(text.first(std::min<std::size_t>(size, 64))),
                           CertificatePool{issuers}, Policy{}, kEarliestTime, verifier_room, verdict));
  REQUIRE(verdict.error.has_value() != verdict.first_failure().has_value());
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
  std::vector<std::byte> log(e.cc_eventlog ? size : 0);
  std::vector<std::byte> log_again(log.size());
  const auto decoded = e.cc_eventlog ? e.event_log(log) : Result<ByteView>(ByteView());
  const ByteView event_log = decoded ? *decoded : ByteView();
  std::vector<std::byte> room((std::size_t{1} << 17) + 2 * size);
  ByteWriter writer(room);
  write_trustee_evidence(writer, e.signature.view(), e.message.view(), pcrs, e.hcl_report.view(), e.vcek.view(),
                         event_log);
  const auto written = writer.finish();
  REQUIRE(written.has_value());
  const auto again = std::make_unique<Result<TrusteeEvidence>>(TrusteeEvidence::parse(*written));
  REQUIRE(again->has_value());
  const TrusteeEvidence& f = **again;
  REQUIRE(equal(e.signature.view(), f.signature.view()) && equal(e.message.view(), f.message.view()));
  REQUIRE(e.pcr_count == f.pcr_count && e.pcrs == f.pcrs);
  REQUIRE(equal(e.hcl_report.view(), f.hcl_report.view()) && equal(e.vcek.view(), f.vcek.view()));
  REQUIRE(f.cc_eventlog.has_value() == !event_log.empty());
  if (f.cc_eventlog) REQUIRE(equal(*f.event_log(log_again), event_log));
  return 0;
}
