// SPDX-License-Identifier: Apache-2.0
// The checks of a quote: each alone, with a key of this process in claims that count as proven.
#include "snpnv/verify/quote.hpp"

#include "snpnv/wire/evidence.hpp"
#include "tests/verify/attestation_key.hpp"
#include "tests/verify/provider.hpp"

using namespace snpnv;
using test::claims_for;
using test::Key;

namespace {

const Key& attestation_key() {
  static const Key key(2048);
  return key;
}

// A quote that holds, to be broken in one place.
struct Case {
  TPMS_ATTEST attest;
  std::array<std::byte, 3> select{std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}};
  std::vector<PcrValue> pcrs = std::vector<PcrValue>(24);
  test::Octets nonce = test::hex("6e6f6e6365");
  test::Octets extra = nonce;
  test::Octets pcr_digest;
  std::string claims = claims_for(attestation_key());
  bool claims_proven = true;
  const Key* signer = &attestation_key();
  const EVP_MD* md = EVP_sha256();
  Policy policy;
  void (*damage)(test::Octets& message, test::Octets& signature) = nullptr;

  Case() {
    for (std::size_t i = 0; i < pcrs.size(); ++i) pcrs[i].fill(static_cast<std::byte>(i));
    attest.magic = 0xFF544347;
    attest.type = TPM_ST::ATTEST_QUOTE;
    attest.quote.pcrSelect.add({TPM_ALG_ID::SHA256, 3, {}});
    pcr_digest = digest_of_pcrs();
  }

  [[nodiscard]] test::Octets digest_of_pcrs() const {
    test::Octets all;
    for (const PcrValue& pcr : pcrs) all.insert(all.end(), pcr.begin(), pcr.end());
    test::Octets out(32);
    unsigned size = 0;
    REQUIRE(EVP_Digest(all.data(), all.size(), static_cast<unsigned char*>(static_cast<void*>(out.data())), &size,
                       EVP_sha256(), nullptr) == 1);
    return out;
  }

  // The names of the checks that fail, with what was skipped in brackets.
  [[nodiscard]] std::string failures() {
    attest.extraData = {extra};
    attest.quote.pcrDigest = {pcr_digest};
    for (std::size_t i = 0; i < attest.quote.pcrSelect.count; ++i)
      attest.quote.pcrSelect.entries[i].pcrSelect = ByteView(select).first(attest.quote.pcrSelect.entries[i].sizeofSelect);
    test::Octets message(2304);
    const auto text = marshal(attest, message);
    REQUIRE(text.has_value());
    message.resize(text->size());
    test::Octets signature = signer->sign(message, md);
    if (damage != nullptr) damage(message, signature);
    TestCrypto crypto;
    const std::optional<QuoteToVerify> quote{{message, signature, pcrs, ByteView(nonce)}};
    const std::optional<ByteView> claims_octets{test::view(claims)};
    detail::QuoteVerifier<TestCrypto> verifier(crypto, quote, claims_octets, claims_proven, policy);
    std::string out;
#define SNPNV_X(id, name, checks)                                                     \
  if (const CheckResult result = verifier.id(); result.outcome == CheckOutcome::fail) {         \
    out += std::string(out.empty() ? "" : " ") + name;                                        \
  } else if (result.outcome == CheckOutcome::skip && result.note != CheckResult::kNotAsked) {   \
    out += std::string(out.empty() ? "" : " ") + "(" + name + ")";                            \
  }
    SNPNV_QUOTE_CHECKS(SNPNV_X)
#undef SNPNV_X
    return out;
  }
};

const std::string kUnsigned = " (quote.nonce) (quote.pcr_selection) (quote.pcr_digest)";

}  // namespace

TEST_CASE("Quote_Good_Holds") {
  Case c;
  CHECK(c.failures() == "");
  c.policy.pcrs[4] = c.pcrs[4];
  c.policy.pcrs[23] = c.pcrs[23];
  CHECK(c.failures() == "");
}

TEST_CASE("Quote_Magic_FailsAlone") {
  Case c;
  c.attest.magic = 0xFF544348;
  CHECK(c.failures() == "quote.magic" + kUnsigned);
  // A structure of another type, signed by the same key: a certify structure instead of a quote.
  for (const TPM_ST type : {TPM_ST::ATTEST_CERTIFY, TPM_ST::ATTEST_NV, TPM_ST::ATTEST_TIME, TPM_ST::ATTEST_CREATION,
                            TPM_ST::ATTEST_COMMAND_AUDIT, TPM_ST::ATTEST_SESSION_AUDIT, TPM_ST::ATTEST_NV_DIGEST}) {
    Case other;
    other.attest.type = type;
    CHECK(other.failures() == "quote.magic" + kUnsigned);
    CHECK(attest_name(type).starts_with("TPM_ST_ATTEST_"));
  }
  Case trailing;
  trailing.damage = [](test::Octets& message, test::Octets& signature) {
    message.push_back(std::byte{0});
    signature = attestation_key().sign(message);
  };
  CHECK(trailing.failures() == "quote.magic" + kUnsigned);
}

TEST_CASE("Quote_Key_FailsAlone") {
  Case c;
  c.claims = R"({"keys":[]})";
  CHECK(c.failures() == "quote.key (quote.signature)" + kUnsigned);
  static const Key small(1024);
  Case other;
  other.claims = claims_for(small);
  other.signer = &small;
  CHECK(other.failures() == "quote.key (quote.signature)" + kUnsigned);
  static const Key smaller(2047);  // in 256 octets as well
  Case bits;
  bits.claims = claims_for(smaller);
  bits.signer = &smaller;
  CHECK(bits.failures() == "quote.key (quote.signature)" + kUnsigned);
  static const Key three(2048, 3);
  Case exponent;
  exponent.claims = claims_for(three, "", "Aw");
  exponent.signer = &three;
  CHECK(exponent.failures() == "quote.key (quote.signature)" + kUnsigned);
  Case curve;
  curve.claims = R"({"keys":[{"kid":"HCLAkPub","kty":"EC","crv":"P-256","x":"","y":""}]})";
  CHECK(curve.failures() == "quote.key (quote.signature)" + kUnsigned);
  Case padded;  // RSA-2048 is not what RSA-2040 with a zero before is
  padded.claims.replace(padded.claims.find("\"n\":\"") + 5, 2, "AA");
  CHECK(padded.failures() == "quote.key (quote.signature)" + kUnsigned);
  Case other_ek;  // another key's type has no say in this one's
  other_ek.claims.insert(other_ek.claims.find('[') + 1, R"({"kid":"HCLEkPub","kty":"EC"},)");
  CHECK(other_ek.failures() == "");
  Case unproven;
  unproven.claims_proven = false;
  CHECK(unproven.failures() == "(quote.key) (quote.signature)" + kUnsigned);
}

TEST_CASE("Quote_Signature_FailsAlone") {
  static const Key stranger(2048);
  Case other_key;
  other_key.signer = &stranger;
  CHECK(other_key.failures() == "quote.signature" + kUnsigned);
  Case other_machine;
  other_machine.claims = claims_for(stranger);
  CHECK(other_machine.failures() == "quote.signature" + kUnsigned);
  Case other_hash;
  other_hash.md = EVP_sha384();
  CHECK(other_hash.failures() == "quote.signature" + kUnsigned);
  for (const auto damage : {+[](test::Octets&, test::Octets& signature) { signature[0] ^= std::byte{1}; },
                            +[](test::Octets&, test::Octets& signature) { signature.pop_back(); },
                            +[](test::Octets&, test::Octets& signature) { signature.push_back(std::byte{0}); },
                            +[](test::Octets&, test::Octets& signature) { signature.clear(); },
                            +[](test::Octets&, test::Octets& signature) { signature.assign(256, std::byte{0xFF}); }}) {
    Case c;
    c.damage = damage;
    CHECK(c.failures() == "quote.signature" + kUnsigned);
  }
}

TEST_CASE("Quote_Nonce_FailsAlone") {
  for (const char* const extra : {"", "6e6f6e63", "6e6f6e636500", "6e6f6e6366", "006e6f6e6365"}) {
    Case c;
    c.extra = test::hex(extra);
    CHECK(c.failures() == "quote.nonce");
  }
}

TEST_CASE("Quote_PcrSelection_FailsAlone") {
  Case bank;
  bank.attest.quote.pcrSelect.entries[0].hash = TPM_ALG_ID::SHA1;
  CHECK(bank.failures() == "quote.pcr_selection");
  Case fewer;
  fewer.select[2] = std::byte{0x7F};
  CHECK(fewer.failures() == "quote.pcr_selection");
  Case two;
  two.attest.quote.pcrSelect.add({TPM_ALG_ID::SHA256, 3, {}});
  CHECK(two.failures() == "quote.pcr_selection");
  Case none;
  none.attest.quote.pcrSelect.count = 0;
  CHECK(none.failures() == "quote.pcr_selection");
  Case narrow;
  narrow.attest.quote.pcrSelect.entries[0].sizeofSelect = 2;
  CHECK(narrow.failures() == "quote.pcr_selection");
  // The list shortened or lengthened, with a digest that fits it.
  for (const std::size_t count : {std::size_t{23}, std::size_t{25}, std::size_t{0}}) {
    Case list;
    list.pcrs.resize(count);
    list.pcr_digest = list.digest_of_pcrs();
    CHECK(list.failures() == "quote.pcr_selection");
  }
}

TEST_CASE("Quote_PcrDigest_FailsAlone") {
  Case c;
  c.pcrs[7][31] ^= std::byte{1};
  CHECK(c.failures() == "quote.pcr_digest");
  Case swapped;
  std::swap(swapped.pcrs[0], swapped.pcrs[1]);
  CHECK(swapped.failures() == "quote.pcr_digest");
  Case cut;
  cut.pcr_digest.pop_back();
  CHECK(cut.failures() == "quote.pcr_digest");
}

TEST_CASE("Quote_Pcrs_FailAlone") {
  Case c;
  c.policy.pcrs[4] = c.pcrs[5];
  CHECK(c.failures() == "policy.pcrs");
}

// Values that nobody quoted: the digest fits the list, but the quote is over other PCRs.
TEST_CASE("Quote_Pcrs_WaitForSelectionAndDigest") {
  for (const auto damage : {+[](Case& c) { c.select[2] = std::byte{0x7F}; },
                            +[](Case& c) { c.attest.quote.pcrSelect.entries[0].hash = TPM_ALG_ID::SHA1; },
                            +[](Case& c) {
                              c.pcrs.resize(9);
                              c.pcr_digest = c.digest_of_pcrs();
                            }}) {
    Case c;
    c.policy.pcrs[4] = c.pcrs[4];
    damage(c);
    CHECK(c.failures() == "quote.pcr_selection (policy.pcrs)");
  }
  Case c;
  c.policy.pcrs[4] = c.pcrs[4];
  c.pcrs[7][31] ^= std::byte{1};
  CHECK(c.failures() == "quote.pcr_digest (policy.pcrs)");
}

TEST_CASE("Quote_Message_EveryBitFlipIsRejected") {
  Case c;
  c.damage = nullptr;
  static std::size_t bit;
  for (bit = 0; bit < 8 * 84; bit += 7) {
    c.damage = [](test::Octets& message, test::Octets&) {
      if (bit / 8 < message.size()) message[bit / 8] ^= static_cast<std::byte>(1U << (bit % 8));
    };
    CHECK(c.failures().find("quote.signature") != std::string::npos);
  }
}

TEST_CASE("Evidence_AzureMilanV1_QuoteHoldsAndReplayDoesNot") {
  const auto text = test::vector_file("azure-milan-evidence-v1/evidence.json");
  if (!text) return;
  const auto evidence = TrusteeEvidence::parse(*text);
  REQUIRE(evidence.has_value());
  CHECK(evidence->version == 1);
  CHECK(evidence->pcr_count == 24);
  CHECK(evidence->hcl_report.size == 2600);
  const auto attest = unmarshal<TPMS_ATTEST>(evidence->message.view());
  REQUIRE(attest.has_value());
  CHECK(test::text(attest->extraData.data) == "challenge");
  for (std::size_t n = 0; n < evidence->message.size; ++n)
    CHECK(!unmarshal<TPMS_ATTEST>(evidence->message.view().first(n)).has_value());
  for (std::size_t n = 0; n < text->size(); n += 13) CHECK(!TrusteeEvidence::parse(ByteView(*text).first(n)));
}

TEST_CASE("Evidence_AzureMilan2024_QuoteVerifiesByTheKeyOfItsEnvelope") {
  const auto content = test::vector_file("azure-milan-2024/nv-01400001.bin");
  const auto json_text = test::vector_file("azure-milan-2024/quote.json");
  if (!content || !json_text) return;
  test::Octets signature(512), message(2304);
  std::vector<PcrValue> pcrs;
  JsonReader json(*json_text);
  json.enter_object();
  for (JsonString member; json.next_member(member);) {
    if (member == "signature") {
      signature.resize(decode_hex(json.string().source(), signature)->size());
    } else if (member == "message") {
      message.resize(decode_hex(json.string().source(), message)->size());
    } else if (member == "pcrs") {
      json.enter_array();
      while (json.next_element()) REQUIRE(decode_hex(json.string().source(), pcrs.emplace_back()).has_value());
    } else {
      json.skip();
    }
  }
  REQUIRE(json.finish().has_value());
  const std::string claims(test::text(ByteView(*content).subspan(1236, 1110)));
  TestCrypto crypto;
  const test::Octets nonce = test::hex("6368616c6c656e6765");
  const std::optional<QuoteToVerify> quote{{message, signature, pcrs, ByteView(nonce)}};
  const std::optional<ByteView> claims_octets{test::view(claims)};
  const Policy policy;
  detail::QuoteVerifier<TestCrypto> verifier(crypto, quote, claims_octets, true, policy);
  CHECK(verifier.quote_magic().outcome == CheckOutcome::pass);
  CHECK(verifier.quote_key().outcome == CheckOutcome::pass);
  CHECK(verifier.quote_signature().outcome == CheckOutcome::pass);
  CHECK(verifier.quote_nonce().outcome == CheckOutcome::pass);
  CHECK(verifier.quote_pcr_selection().outcome == CheckOutcome::pass);
  CHECK(verifier.quote_pcr_digest().outcome == CheckOutcome::pass);
}
