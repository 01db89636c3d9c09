// SPDX-License-Identifier: Apache-2.0
#include "snpnv/verify/event_log_checks.hpp"

#include "tests/event_log.hpp"
#include "tests/verify/provider.hpp"

using namespace snpnv;

namespace {

// A log and the PCRs that a quote proves: those to which the sample leads, by tpm2_eventlog.
struct Case {
  std::optional<test::Octets> log = test::event_log();
  std::optional<test::Octets> systemd;
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
    const auto view = [](const auto& octets) { return octets ? std::optional<ByteView>(*octets) : std::nullopt; };
    const MeasuredLogs logs{view(log), view(systemd)};
    const auto quoted = proven ? std::optional(std::span<const PcrValue>(pcrs)) : std::nullopt;
    detail::EventLogVerifier<TestCrypto> verifier(crypto, logs, quoted);
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
  CHECK(c.run() == "PASS  / PASS 0-1,4,7-9; zero 2-3,5-6,10-16,23");
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
    CHECK(c.run().starts_with("PASS  / PASS 0-1,4,7-9; not explained " + std::to_string(pcr) + "; zero "));
    CHECK((c.explained >> pcr & 1U) == 0);
  }
}

TEST_CASE("EventLogChecks_SystemdsLog_ExplainsWhatTheFirmwaresDoesNot") {
  Case c;  // PCR 11, by sha256sum: zeros and the digest of enter-initrd; that and the digest of leave-initrd
  const auto octets = test::hex("75df9c8b17d8a6465f2862028b892ea13a3d7c37685a945e5ff34fb44956c207");
  std::ranges::copy(octets, c.pcrs[11].begin());
  CHECK(c.run() == "PASS  / PASS 0-1,4,7-9; not explained 11; zero 2-3,5-6,10,12-16,23");
  const auto record = [](std::string_view digest, std::string_view text) {
    return "\x1e{\"pcr\":11,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" + std::string(digest) +
           "\"}],\"content_type\":\"systemd\",\"content\":{\"eventType\":\"phase\",\"string\":\"" + std::string(text) + "\"}}\n";
  };
  const std::string log = record("51e6b92f405d1f98d96e3de343d61d420ad6923b25de21d766f9298192f14fed", "enter-initrd") + record("3be261aff7db92bf507eae947f4003ffa2bcad0bffe3524601d62d0bc8be7135", "leave-initrd");
  c.systemd = test::Octets(test::view(log).begin(), test::view(log).end());
  CHECK(c.run() == "PASS  / PASS 0-1,4,7-9,11; zero 2-3,5-6,10,12-16,23");
  c.systemd->pop_back();
  CHECK(c.run() == "FAIL systemd's log: input ends before the field / SKIP : the log cannot be read");
  c.log.reset();
  CHECK(c.run() == "FAIL event log: there is systemd's alone / SKIP : not asked for");
}

TEST_CASE("EventLogChecks_PcrsThatAreNotQuoted_AreTold") {
  Case c;
  c.pcrs.resize(8);
  CHECK(c.run() == "PASS  / PASS 0-1,4,7; not quoted 8-9; zero 2-3,5-6");
}

TEST_CASE("EventLogChecks_EveryBitOfProvenContent_IsFoundAtItsDigest") {
  const auto good = test::event_log();
  auto log = good;
  TestCrypto crypto;
  // The judgement of the event with this number, whatever comes behind it.
  const auto proof_of = [&](std::uint32_t number) -> std::optional<EventProof> {
    EventLogReader reader;
    for (ByteView rest = log; !rest.empty(); rest = rest.subspan(reader.taken())) {
      const auto event = reader.next(rest);
      if (!event) return std::nullopt;
      if (event->number == number) return event_content(crypto, *event, TPM_ALG_ID::SHA256)->proof;
    }
    return std::nullopt;
  };
  std::size_t bits = 0;
  EventLogReader reader;
  for (ByteView rest = good; !rest.empty(); rest = rest.subspan(reader.taken())) {
    const auto event = reader.next(rest);
    REQUIRE(event.has_value());
    const auto content = event_content(crypto, *event, TPM_ALG_ID::SHA256);
    REQUIRE(content.has_value());
    if (content->proof != EventProof::proven) continue;
    const auto at = static_cast<std::size_t>(content->content.data() - good.data());
    for (std::size_t bit = 0; bit < 8 * content->content.size(); ++bit, ++bits) {
      log[at + bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
      CHECK(proof_of(event->number) != EventProof::proven);
      log[at + bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    }
  }
  CHECK(bits > 500);
}

TEST_CASE("EventLogChecks_EveryTruncationAndFlip_IsJudgedAndDoesNotCrash") {
  const auto good = test::event_log();
  Case c;
  for (std::size_t size = 0; size < good.size(); ++size) {
    c.log = test::Octets(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(size));
    CHECK_FALSE(c.run().starts_with("PASS  / PASS"));
  }
  c.log = good;
  std::size_t passed = 0;
  for (std::size_t bit = 0; bit < 8 * good.size(); ++bit) {
    (*c.log)[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    if (c.run().starts_with("PASS  / PASS")) ++passed;  // in what no digest of the bank covers
    (*c.log)[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
  }
  CHECK(passed < 8 * good.size());
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
