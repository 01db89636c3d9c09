// SPDX-License-Identifier: Apache-2.0
// The checks of a TPM quote by the key that the proven claims name.
#pragma once

#include "snpnv/verify/checks.hpp"
#include "snpnv/verify/crypto.hpp"
#include "snpnv/verify/policy.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/tpm2_attest.hpp"

namespace snpnv {

/// A quote as received. Borrows the octets.
struct QuoteToVerify {
  ByteView message;                  // TPMS_ATTEST
  ByteView signature;                // RSASSA, big-endian
  std::span<const PcrValue> pcrs;    // of the SHA-256 bank, PCR 0 first
  std::optional<ByteView> nonce;     // what extraData must be
};

namespace detail {

/// Runs the checks of SNPNV_QUOTE_CHECKS, each in a function of its name: in their order, since one uses another's result.
template <RsaVerifier C>
class QuoteVerifier {
 public:
  QuoteVerifier(C& crypto, const std::optional<QuoteToVerify>& quote,
                const std::optional<ByteView>& claims, bool claims_proven, const Policy& policy)
      : crypto_(crypto), quote_(quote), claims_(claims), claims_proven_(claims_proven), policy_(policy) {}

  CheckResult judge(Check check) {
    switch (check) {
      SNPNV_QUOTE_CHECKS(SNPNV_JUDGE)
      default: return {};
    }
  }

  CheckResult quote_magic() {
    if (!quote_) return none();
    const auto attest = unmarshal<TPMS_ATTEST>(quote_->message);
    if (!attest) return CheckResult::fail(kMessage, attest.error());
    if (attest->magic != TPMS_ATTEST::kGenerated)
      return CheckResult::fail("magic", "not made by a TPM", Finding::mask(TPMS_ATTEST::kGenerated),
                              Finding::mask(attest->magic));
    if (attest->type != TPM_ST::ATTEST_QUOTE)
      return CheckResult::fail("type", "not a quote", Finding::text(attest_name(TPM_ST::ATTEST_QUOTE)),
                              Finding::text(attest_name(attest->type)));
    attest_ = *attest;
    return CheckResult::pass("type", Finding::text(attest_name(attest->type)));
  }

  CheckResult quote_key() {
    if (!quote_) return none();
    if (!claims_) return CheckResult::fail("claims", "there are none to name the key");
    if (!claims_proven_) return CheckResult::skip("the claims are not proven");
    const auto claims = RuntimeClaims::parse(*claims_);
    if (!claims) return CheckResult::fail("claims", claims.error());
    const ClaimsKey& key = claims->attestation_key;
    if (!key.present()) return CheckResult::fail(kKey, "absent from the claims");
    if (!key.is_rsa()) return CheckResult::fail(kKey, "not an RSA key");
    constexpr std::size_t kBits = 2048;
    const RsaPublicKey numbers{key.modulus(), key.exponent()};
    if (numbers.bits() != kBits)
      return CheckResult::fail(kKey, "of another size, in bits", Finding::number(kBits),
                              Finding::number(numbers.bits()));
    if (!numbers.has_usual_exponent())
      return CheckResult::fail(kKey, "its exponent is not 65537", Finding::kNone, Finding::octets(numbers.exponent));
    key_ = key;
    return CheckResult::pass(kKey, Finding::number(kBits));
  }

  CheckResult quote_signature() {
    if (!quote_) return none();
    if (!key_) return CheckResult::skip("there is no key that is proven");
    const auto verified = verify_message(crypto_, key_->rsa(), Hash::sha256, quote_->message, quote_->signature);
    if (!verified) return CheckResult::fail(kMessage, verified.error());
    signed_ = attest_.has_value();
    return CheckResult::pass(kKey);
  }

  CheckResult quote_nonce() const {
    if (!quote_) return none();
    if (!signed_) return quote_->nonce ? unsigned_quote() : CheckResult::not_asked();
    const Finding found = Finding::octets(attest_->extraData.data);
    if (!quote_->nonce) {  // a stream of evidence has many nonces, and its reader wants to see them
      CheckResult result = CheckResult::not_asked();
      result.found = found;
      return result;
    }
    if (equal(attest_->extraData.data, *quote_->nonce)) return CheckResult::pass("extraData", found);
    return CheckResult::fail("extraData", "another nonce", Finding::octets(*quote_->nonce), found);
  }

  CheckResult quote_pcr_selection() {
    if (!quote_) return none();
    if (!signed_) return unsigned_quote();
    const auto selections = attest_->quote.pcrSelect.view();
    if (selections.size() != 1)
      return CheckResult::fail("pcrSelect", "not one bank", Finding::number(1), Finding::number(selections.size()));
    const TPMS_PCR_SELECTION& selection = selections[0];
    if (selection.hash != TPM_ALG_ID::SHA256)
      return CheckResult::fail("pcrSelect", "another bank", Finding::text(name(TPM_ALG_ID::SHA256)),
                              Finding::text(name(selection.hash)));
    const std::size_t count = quote_->pcrs.size();
    bool exact = count != 0;
    for (std::size_t pcr = 0; pcr < 8 * TPMS_PCR_SELECTION::kMaxSelect; ++pcr)
      exact = exact && selection.selects(pcr) == (pcr < count);
    if (!exact)
      return CheckResult::fail("pcrSelect", "not the PCRs of the list, 0 to its length", Finding::number(count),
                              Finding::octets(selection.pcrSelect));
    pcrs_selected_ = true;
    return CheckResult::pass("pcrSelect", Finding::octets(selection.pcrSelect));
  }

  CheckResult quote_pcr_digest() {
    if (!quote_) return none();
    if (!signed_) return unsigned_quote();
    std::array<std::byte, kPcrSize * 8 * TPMS_PCR_SELECTION::kMaxSelect> room{};
    ByteWriter writer(room);
    for (const PcrValue& pcr : quote_->pcrs) writer.bytes(pcr);
    const auto values = writer.finish();
    if (!values) return CheckResult::fail("PCR list", values.error());
    const auto digest = crypto_.digest(Hash::sha256, *values);
    if (!digest) return CheckResult::fail("PCR list", digest.error());
    const ByteView found = attest_->quote.pcrDigest.data;
    // Values are proven of the PCRs that the quote says to be over, and of no others.
    const bool same = equal(digest->view(), found);
    pcrs_proven_ = pcrs_selected_ && same;
    if (same) return CheckResult::pass("pcrDigest", Finding::octets(found));
    return CheckResult::fail("pcrDigest", "not the digest of the PCR list", Finding::octets(digest->view()),
                            Finding::octets(found));
  }

  CheckResult policy_pcrs() const {
    if (!asks_for_pcrs(policy_)) return quote_ ? CheckResult::not_asked() : none();
    if (!quote_) return CheckResult::fail("PCR", "there is no quote to vouch for any");
    if (!pcrs_proven_) return CheckResult::skip("the PCR list is not proven");
    for (std::size_t pcr = 0; pcr < policy_.pcrs.size(); ++pcr) {
      if (!policy_.pcrs[pcr]) continue;
      const Finding expected = Finding::octets(*policy_.pcrs[pcr]);
      if (pcr >= quote_->pcrs.size()) return CheckResult::fail(kPcrNames[pcr], "not in the list", expected);
      if (quote_->pcrs[pcr] != *policy_.pcrs[pcr])
        return CheckResult::fail(kPcrNames[pcr], "has another value", expected, Finding::octets(quote_->pcrs[pcr]));
    }
    return CheckResult::pass("PCR list");
  }

  /// The PCRs that the quote proves; nothing: none.
  [[nodiscard]] std::optional<std::span<const PcrValue>> proven_pcrs() const {
    return pcrs_proven_ ? std::optional(quote_->pcrs) : std::nullopt;
  }

 private:
  static constexpr std::string_view kMessage = "TPMS_ATTEST";
  static constexpr std::string_view kKey = "HCLAkPub";

  static CheckResult none() { return CheckResult::skip("there is no quote"); }
  static CheckResult unsigned_quote() { return CheckResult::skip("no signed quote says it"); }

  C& crypto_;
  const std::optional<QuoteToVerify>& quote_;
  const std::optional<ByteView>& claims_;
  bool claims_proven_;
  const Policy& policy_;
  std::optional<TPMS_ATTEST> attest_;
  std::optional<ClaimsKey> key_;
  bool signed_ = false;
  bool pcrs_selected_ = false;
  bool pcrs_proven_ = false;
};

}  // namespace detail

}  // namespace snpnv
