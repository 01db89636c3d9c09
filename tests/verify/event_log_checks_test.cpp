// SPDX-License-Identifier: Apache-2.0
#include "snpnv/verify/event_log_checks.hpp"

#include "tests/event_log.hpp"
#include "tests/verify/provider.hpp"

using namespace snpnv;

namespace {

// A log and the PCRs that a quote proves: those to which the sample leads, by tpm2_eventlog.
struct Case {
  std::optional<test::Octets> log = test::event_log();
  std::vector<PcrValue> pcrs = std::vector<PcrValue>(24);
  bool proven = true;
  std::uint32_t explained = 0;

  Case() {
    for (std::size_t pcr = 17; pcr <= 22; ++pcr) pcrs[pcr].fill(std::byte{0xFF});
    for (const auto& [pcr, value] : test::kLogPcrs) {
      const auto octets = test::hex(value);
      std::ranges::copy(octets, pcrs[pcr].begin());
    }
  }

  // The outcome of both, with what the failed one says.
  std::string run() {
    TestCrypto crypto;
    const std::optional<ByteView> view = log ? std::optional<ByteView>(*log) : std::nullopt;
    const auto quoted = proven ? std::optional(std::span<const PcrValue>(pcrs)) : std::nullopt;
    EventLogVerifier<TestCrypto> verifier(crypto, view, quoted);
    const CheckResult format = verifier.eventlog_format();
    const CheckResult replay = verifier.eventlog_replay();
    explained = verifier.pcrs().explained.mask;
    return told(format) + " / " + told(replay);
  }
  static std::string told(const CheckResult& result) {
    std::string out(name(result.outcome));
    if (result.outcome == CheckOutcome::pass)
      return out + " " + std::string(test::text(result.found.octets()));
    out += " " + std::string(result.subject) + ": " + std::string(result.reason());
    if (result.found.kind == Finding::Kind::number) out += " " + std::to_string(result.found.value);
    return out;
  }
};

}  // namespace

TEST_CASE("EventLogChecks_Good_Holds") {
  Case c;
  CHECK(c.run() == "PASS  / PASS 0-1,4,7-9");
  CHECK(c.explained == (1U << 0 | 1U << 1 | 1U << 4 | 1U << 7 | 1U << 8 | 1U << 9));
}

TEST_CASE("EventLogChecks_Format_FailsAlone") {
  Case c;
  c.log->pop_back();
  CHECK(c.run() == "FAIL event log: input ends before the field / SKIP : the log cannot be read");
  CHECK(c.explained == 0);
  c.log->clear();
  CHECK(c.run() == "FAIL event log: is empty: nothing was logged / SKIP : the log cannot be read");
  c.log.reset();
  CHECK(c.run() == "SKIP : not asked for / SKIP : not asked for");
}

TEST_CASE("EventLogChecks_BankThatIsNotFilled_FailsTheFormat") {
  Case c;
  EventLogReader reader;
  for (ByteView rest = *c.log; !rest.empty(); rest = rest.subspan(reader.taken())) {
    const auto event = reader.next(rest);
    REQUIRE(event.has_value());
    const ByteView digest = event->digest(TPM_ALG_ID::SHA256);
    if (digest.empty()) continue;
    const auto at = digest.data() - c.log->data();
    std::fill_n(c.log->begin() + at, digest.size(), std::byte{0});
  }
  CHECK(c.run() == "FAIL event log: has no digest of the quoted bank / SKIP : the log cannot be read");
}

TEST_CASE("EventLogChecks_WithoutProvenPcrs_ReplayIsSkipped") {
  Case c;
  c.proven = false;
  CHECK(c.run() == "PASS  / SKIP : the PCR list is not proven");
  CHECK(c.explained == 0);
}

TEST_CASE("EventLogChecks_Replay_FailsAlone") {
  Case c;
  c.pcrs[4][0] ^= std::byte{1};
  CHECK(c.run() == "PASS  / FAIL PCR 4: the events lead to another value than the quoted one");
  CHECK(c.explained == (1U << 0 | 1U << 1 | 1U << 7 | 1U << 8 | 1U << 9));  // the others still count
  Case unlogged;
  unlogged.pcrs[2][0] = std::byte{1};
  CHECK(unlogged.run() == "PASS  / FAIL PCR 2: was extended, and the log has no event of it");
}

TEST_CASE("EventLogChecks_ChangedEvent_IsNamed") {
  Case c;
  (*c.log)[238 + 12 + 2 + 20 + 2] ^= std::byte{1};  // the SHA-256 of SecureBoot
  CHECK(c.run() == "PASS  / FAIL PCR 7: the digest of an event is not that of what it says, by number 3");
}

TEST_CASE("EventLogChecks_EventsBehindTheQuote_AreNamed") {
  Case c;  // PCR 7 of the quote is that before its second event: SHA-256 by sha256sum, of zeros and SecureBoot's digest
  const auto octets = test::hex("e58ada1ba75f2e4722b539824598ad5e10c55f2e4aeab2033f3b0a8ee3f3eca6");
  std::ranges::copy(octets, c.pcrs[7].begin());
  CHECK(c.run() == "PASS  / FAIL PCR 7: the log goes on behind the event, by number, that leads to the quoted value 3");
}

TEST_CASE("EventLogChecks_WhatTheSystemExtends_IsNotExplainedAndNoMore") {
  for (const std::size_t pcr : {10U, 11U, 15U, 16U, 23U}) {
    Case c;
    c.pcrs[pcr].fill(std::byte{1});
    CHECK(c.run() == "PASS  / PASS 0-1,4,7-9; not explained " + std::to_string(pcr));
    CHECK((c.explained >> pcr & 1U) == 0);
  }
}

TEST_CASE("EventLogChecks_PcrsThatAreNotQuoted_AreTold") {
  Case c;
  c.pcrs.resize(8);
  CHECK(c.run() == "PASS  / PASS 0-1,4,7; not quoted 8-9");
}

TEST_CASE("EventLogChecks_EveryBitOfADigest_IsFound") {
  const auto good = test::event_log();
  Case c;
  EventLogReader reader;
  for (ByteView rest = good; !rest.empty(); rest = rest.subspan(reader.taken())) {
    const auto event = reader.next(rest);
    REQUIRE(event.has_value());
    if (event->eventType == EventType::EV_NO_ACTION) continue;
    const auto at = static_cast<std::size_t>(event->digest(TPM_ALG_ID::SHA256).data() - good.data());
    for (std::size_t bit = 0; bit < 256; ++bit) {
      (*c.log)[at + bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      CHECK(c.run().starts_with("PASS  / FAIL PCR " + std::to_string(event->pcrIndex) + ":"));
      (*c.log)[at + bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
  }
}
