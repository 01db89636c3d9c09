// SPDX-License-Identifier: Apache-2.0
#include "snpnv/collect/quote.hpp"

#include "tests/paravisor/paravisor_fixture.hpp"

using namespace snpnv;
using test::Machine;

namespace {

// TPM2_PCR_Extend of a SHA-256 PCR, as another process of the guest sends it. Part 3, that clause.
void extend(Machine& machine, unsigned pcr, std::byte value) {
  std::array<std::byte, 256> command{};
  ByteWriter writer(command);
  writer.be<std::uint16_t>(0x8002);
  writer.be<std::uint32_t>(65);
  writer.be<std::uint32_t>(0x182);
  writer.be<std::uint32_t>(pcr);
  writer.be<std::uint32_t>(9);
  writer.be<std::uint32_t>(0x40000009);
  writer.zeros(5);
  writer.be<std::uint32_t>(1);
  writer.be<std::uint16_t>(0x000B);
  for (int i = 0; i < 32; ++i) writer.be(std::to_integer<std::uint8_t>(value));
  std::array<std::byte, 256> response{};
  const auto answer = machine.device().transact(writer.written(), response);
  REQUIRE(answer.has_value());
  REQUIRE(TpmHeader::parse(*answer)->code == 0);
}

// HCLAkPub as the claims of the machine's report name it.
ClaimsKey claimed_key(Machine& machine) {
  const auto content = machine.content();
  return RuntimeClaims::parse(HclReport::parse(content)->claims)->attestation_key;
}

struct Run {
  explicit Run(Machine& machine)
      : key(claimed_key(machine)), watched(machine.device()), tpm(watched, machine.clock, machine.clock.now() + 10000),
        collector(tpm, crypto) {}
  Result<QuoteEvidence> quote(ByteView nonce, const PcrSelection& selection) {
    return collector.quote(nonce, selection, key.rsa());
  }
  ClaimsKey key;
  test::Watched<Machine::Device> watched;
  Tpm<test::Watched<Machine::Device>, test::ManualClock> tpm;
  MbedCrypto crypto;
  QuoteCollector<decltype(tpm), MbedCrypto> collector;
};

test::Octets nonce(std::size_t size) { return test::Octets(size, std::byte{0x5A}); }

// The digest that the quote signs is that of the PCR values, computed here once more.
bool consistent(const QuoteEvidence& quote) {
  test::Octets all;
  for (std::size_t pcr = 0; pcr < PcrSelection::kPcrs; ++pcr)
    if (quote.pcrs.selection.selects(pcr)) all.insert(all.end(), quote.pcrs[pcr].begin(), quote.pcrs[pcr].end());
  MbedCrypto crypto;
  const auto attest = unmarshal<TPMS_ATTEST>(quote.message());
  return attest && equal(crypto.digest(Hash::sha256, all)->view(), attest->quote.pcrDigest.data);
}

}  // namespace

TEST_CASE("Quote_SteadyState_OneQuoteAndThreeReads") {
  Machine machine;
  extend(machine, 4, std::byte{0x11});
  Run run(machine);
  const auto quote = run.quote(nonce(50), {});
  REQUIRE(quote.has_value());
  CHECK(consistent(*quote));
  CHECK(run.watched.commands == std::vector{TPM_CC::Quote, TPM_CC::PCR_Read, TPM_CC::PCR_Read, TPM_CC::PCR_Read});
  CHECK(quote->signature_scheme == TPM_ALG_ID::RSASSA);
  CHECK(quote->signature_hash == TPM_ALG_ID::SHA256);
  CHECK(quote->signature().size() == 256);
  CHECK(unmarshal<TPMS_ATTEST>(quote->message())->extraData.data.size() == 50);
  CHECK_FALSE(all_zero(quote->pcrs[4]));
}

TEST_CASE("Quote_Selection_IsKept") {
  Machine machine;
  Run run(machine);
  const auto quote = run.quote(nonce(1), {TPM_ALG_ID::SHA256, 0x810001});
  REQUIRE(quote.has_value());
  CHECK(consistent(*quote));
  const auto attest = unmarshal<TPMS_ATTEST>(quote->message());
  CHECK(test::digits(attest->quote.pcrSelect.view()[0].pcrSelect) == "010081");
  CHECK(run.quote(nonce(1), {TPM_ALG_ID::SHA384, 0xFF}).has_value());
}

TEST_CASE("Quote_Nonce_OfOneToFiftyOctets") {
  Machine machine;
  Run run(machine);
  CHECK(run.quote({}, {}).error().code == Code::text_length);
  CHECK(run.quote(nonce(51), {}).error().code == Code::text_length);
  CHECK(run.watched.commands.empty());
}

TEST_CASE("Quote_PcrMovesInBetween_IsTakenAgain") {
  Machine machine;
  Run run(machine);
  run.watched.before = [&](std::size_t number, TPM_CC) {
    if (number == 2) extend(machine, 16, std::byte{0x22});
  };
  const auto quote = run.quote(nonce(32), {});
  REQUIRE(quote.has_value());
  CHECK(consistent(*quote));
  CHECK(run.watched.commands.size() == 8);
}

TEST_CASE("Quote_PcrMovesForEver_IsNamed") {
  Machine machine;
  Run run(machine);
  run.watched.before = [&](std::size_t, TPM_CC code) {
    if (code == TPM_CC::PCR_Read) extend(machine, 16, std::byte{0x22});
  };
  const auto quote = run.quote(nonce(32), {});
  REQUIRE(!quote);
  CHECK(quote.error().code == Code::quote_moving);
}

TEST_CASE("AttestationKey_IsTheOneThatTheClaimsName") {
  Machine machine;
  Run run(machine);
  CHECK(attestation_key(run.tpm) == run.key);
  run.key.modulus_octets[255] ^= std::byte{1};
  CHECK(attestation_key(run.tpm) != run.key);
}

TEST_CASE("Quote_ByAnotherKeyThanTheClaimsName_IsNamed") {
  Machine machine({.seed = 1});
  Machine another({.seed = 2});
  Run run(machine);
  const Error expected{Code::quote_key, 0, 0, 0x158, 0x81000003};
  run.key = claimed_key(another);
  CHECK(run.quote(nonce(32), {}).error() == expected);
  run.key = {};
  CHECK(run.quote(nonce(32), {}).error() == expected);
}

namespace {

// A TPM whose quotes are made, or told, otherwise than asked for.
struct Altering {
  Machine& machine;
  std::function<void(MutBytes)> command = [](MutBytes) {};
  std::function<void(MutBytes)> response = [](MutBytes) {};

  Result<ByteView> transact(ByteView sent, MutBytes room) noexcept {
    if (!unmarshal_command<Quote>(sent)) return machine.device().transact(sent, room);
    test::Octets octets(sent.begin(), sent.end());
    command(octets);
    const auto answer = machine.device().transact(octets, room);
    if (answer) response(room.first(answer->size()));
    return answer;
  }
  Code quoted(std::uint32_t mask) {
    Tpm tpm(*this, machine.clock, machine.clock.now() + 10000);
    MbedCrypto crypto;
    const auto out = QuoteCollector(tpm, crypto).quote(nonce(32), {TPM_ALG_ID::SHA256, mask}, claimed_key(machine).rsa());
    return out ? Code{} : out.error().code;
  }
};

}  // namespace

TEST_CASE("Quote_OtherwiseThanAskedFor_IsNamed") {
  Machine machine;
  CHECK(Altering{machine}.quoted(1) == Code{});
  // PCRs 0 and 1 are both zero, and have one digest.
  Altering other_pcr{machine, [](MutBytes command) { command[command.size() - 3] = std::byte{2}; }};
  CHECK(other_pcr.quoted(1) == Code::quote_selection);
  Altering more_pcrs{machine, [](MutBytes command) { command[command.size() - 3] = std::byte{3}; }};
  CHECK(more_pcrs.quoted(1) == Code::quote_selection);
  Altering other_bank{machine, [](MutBytes command) { command[command.size() - 5] = std::byte{0x0C}; }};
  CHECK(other_bank.quoted(1) == Code::quote_selection);
  Altering other_nonce{machine, [](MutBytes command) { command[command.size() - 13] = std::byte{0}; }};
  CHECK(other_nonce.quoted(1) == Code::tpm_answer);
}

TEST_CASE("Quote_SignedOtherwise_IsNamed") {
  Machine machine;
  // Behind the quote: sigAlg, hash, size and the 256 octets of the signature; then 5 of the session.
  constexpr std::size_t kBehind = 256 + 5;
  const auto altered = [&](std::size_t from_end, unsigned value) {
    return Altering{machine, [](MutBytes) {},
                    [=](MutBytes response) { response[response.size() - from_end] = static_cast<std::byte>(value); }}
        .quoted(1);
  };
  CHECK(altered(kBehind + 6, 0) == Code{});  // the upper octet of sigAlg, as it is
  CHECK(altered(kBehind + 5, 0x16) == Code::quote_scheme);  // RSAPSS
  CHECK(altered(kBehind + 5, 0x18) == Code::quote_scheme);  // ECDSA
  CHECK(altered(kBehind + 3, 0x0C) == Code::quote_scheme);  // SHA-384
  CHECK(altered(kBehind, 0) == Code::quote_key);
}
