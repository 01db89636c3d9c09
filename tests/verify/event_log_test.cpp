// SPDX-License-Identifier: Apache-2.0
#include "snpnv/verify/event_log.hpp"

#include "tests/event_log.hpp"
#include "tests/verify/provider.hpp"

using namespace snpnv;
using test::event_log;

namespace {

constexpr TPM_ALG_ID kBank = TPM_ALG_ID::SHA256;

// Calls with(event) for each record.
template <class With>
void each_event(ByteView log, With with) {
  EventLogReader reader;
  for (ByteView rest = log; !rest.empty(); rest = rest.subspan(reader.taken())) {
    const auto event = reader.next(rest);
    REQUIRE(event.has_value());
    with(*event);
  }
}
PcrReplay replay(ByteView log) {
  TestCrypto crypto;
  PcrReplay out(Hash::sha256);
  each_event(log, [&](const LoggedEvent& event) { REQUIRE(out.take(crypto, event, kBank).has_value()); });
  return out;
}
std::string proofs(ByteView log) {
  TestCrypto crypto;
  std::string out;
  each_event(log, [&](const LoggedEvent& event) {
    const auto content = event_content(crypto, event, kBank);
    REQUIRE(content.has_value());
    out += content->proof == EventProof::proven ? 'p' : content->proof == EventProof::unproven ? 'u' : '-';
  });
  return out;
}

}  // namespace

TEST_CASE("EventLog_Replay_LeadsToThePcrsOfTpm2Tools") {
  const auto log = event_log();
  const PcrReplay pcrs = replay(log);
  std::size_t extended = 0;
  for (const auto& [pcr, value] : test::kLogPcrs) {
    CAPTURE(pcr);
    CHECK(test::digits(pcrs[pcr]) == value);
    CHECK(pcrs.events(pcr) != 0);
    extended += pcrs.events(pcr);
  }
  CHECK(extended == std::size(test::kLogRecords) - 2);  // two extend nothing
  CHECK(all_zero(pcrs[2]));
  CHECK(test::digits(pcrs[17]) == std::string(64, 'f'));
  CHECK(test::digits(pcrs[22]) == std::string(64, 'f'));
  CHECK(all_zero(pcrs[23]));
}

TEST_CASE("EventLog_Locality_CountsBeforePcr0Alone") {
  auto log = event_log();
  log[157] = std::byte{0};  // the locality
  CHECK(test::digits(replay(log)[0]) != test::kLogPcrs[0].value);
  // The record moved behind the one that extends PCR 0.
  auto moved = event_log();
  std::ranges::rotate(moved.begin() + 69, moved.begin() + 158, moved.begin() + 238);
  TestCrypto crypto;
  PcrReplay pcrs(Hash::sha256);
  std::optional<Error> refused;
  each_event(moved, [&](const LoggedEvent& event) {
    if (const auto taken = pcrs.take(crypto, event, kBank); !taken && !refused) refused = taken.error();
  });
  CHECK(refused == Error{Code::wire_value, 221, 3});
}

TEST_CASE("EventLog_Proof_IsGivenWhereTheDigestCoversTheContent") {
  const auto log = event_log();
  // Spec ID, locality, version, SecureBoot, separator, Boot0001, image, command, file, tag.
  CHECK(proofs(log) == "--pppp-p-p");
  TestCrypto crypto;
  std::vector<std::string> contents;
  each_event(log, [&](const LoggedEvent& event) {
    contents.emplace_back(test::text(event_content(crypto, event, kBank)->content));
  });
  CHECK(contents[7] == "linux /vmlinuz");
  CHECK(contents[9] == std::string("quiet\0", 6));
  CHECK(contents[5] == std::string("\1\0\0\0", 4));
}

TEST_CASE("EventLog_ContentChanged_IsNotProven") {
  auto log = event_log();
  log[362] = std::byte{0};  // SecureBoot = 0
  CHECK(proofs(log) == "--pupp-p-p");
  CHECK(test::digits(replay(log)[7]) == test::kLogPcrs[3].value);  // the digest is what it was
  log = event_log();
  log[768 + 12 + 56 + 4] ^= std::byte{1};  // a file's name: its digest never covered it
  CHECK(proofs(log) == "--pppp-p-p");
}

TEST_CASE("EventLog_EveryBitOfADigest_IsFoundAtReplay") {
  const auto log = event_log();
  const PcrReplay whole = replay(log);
  const std::size_t at = 238 + 12 + 2 + 20 + 2;  // the SHA-256 of SecureBoot
  for (std::size_t bit = 0; bit < 256; ++bit) {
    auto flipped = log;
    flipped[at + bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    const PcrReplay pcrs = replay(flipped);
    CHECK(!equal(pcrs[7], whole[7]));
    CHECK(equal(pcrs[0], whole[0]));
    CHECK(proofs(flipped)[3] == 'u');
  }
}

TEST_CASE("EventLog_BankWithoutHash_IsNotReplayed") {
  CHECK(!bank_hash(TPM_ALG_ID::SHA1));
  CHECK(bank_hash(TPM_ALG_ID::SHA384) == Hash::sha384);
  const auto log = event_log();
  TestCrypto crypto;
  each_event(log, [&](const LoggedEvent& event) {
    CHECK(event_content(crypto, event, TPM_ALG_ID::SHA1)->proof == EventProof::digest_alone);
    CHECK(event_content(crypto, event, TPM_ALG_ID::SHA384)->proof == EventProof::digest_alone);
  });
}
