#include "snpnv/collect/quote.hpp"

#include "tests/transports/paravisor_fixture.hpp"

using namespace snpnv;
using test::Machine;

namespace {

// TPM2_PCR_Extend of a SHA-256 PCR, as another process of the guest sends it. Part 3, that clause.
void extend(Machine& machine, unsigned pcr, std::byte value) {
  std::array<std::byte, 256> command{};
  Writer writer(command);
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

struct Run {
  explicit Run(Machine& machine)
      : watched(machine.device()), tpm(watched, machine.clock, machine.clock.now() + 10000), collector(tpm, crypto) {}
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
  const auto quote = run.collector.quote(nonce(50), {});
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
  const auto quote = run.collector.quote(nonce(1), {TPM_ALG_ID::SHA256, 0x810001});
  REQUIRE(quote.has_value());
  CHECK(consistent(*quote));
  const auto attest = unmarshal<TPMS_ATTEST>(quote->message());
  CHECK(test::digits(attest->quote.pcrSelect.view()[0].pcrSelect) == "010081");
  CHECK(run.collector.quote(nonce(1), {TPM_ALG_ID::SHA384, 0xFF}).has_value());
}

TEST_CASE("Quote_Nonce_OfOneToFiftyOctets") {
  Machine machine;
  Run run(machine);
  CHECK(run.collector.quote({}, {}).error().code == Code::text_length);
  CHECK(run.collector.quote(nonce(51), {}).error().code == Code::text_length);
  CHECK(run.watched.commands.empty());
}

TEST_CASE("Quote_PcrMovesInBetween_IsTakenAgain") {
  Machine machine;
  Run run(machine);
  run.watched.before = [&](std::size_t number, TPM_CC) {
    if (number == 2) extend(machine, 16, std::byte{0x22});
  };
  const auto quote = run.collector.quote(nonce(32), {});
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
  const auto quote = run.collector.quote(nonce(32), {});
  REQUIRE(!quote);
  CHECK(quote.error().code == Code::quote_moving);
}
