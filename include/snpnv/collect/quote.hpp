// SPDX-License-Identifier: Apache-2.0
// A TPM quote over PCRs, with PCR values that match it.
#pragma once

#include <optional>

#include "snpnv/core/rsa.hpp"
#include "snpnv/tpm/nv.hpp"
#include "snpnv/wire/der.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/tpm2_attest.hpp"

namespace snpnv {

/// PCRs of one bank: bit n is PCR n. 24 PCRs, as PC clients have them.
struct PcrSelection {
  static constexpr std::size_t kPcrs = 24;
  static constexpr std::uint32_t kAll = 0xFFFFFF;
  TPM_ALG_ID bank = TPM_ALG_ID::SHA256;
  std::uint32_t mask = kAll;

  [[nodiscard]] constexpr bool selects(std::size_t pcr) const { return (mask >> pcr & 1U) != 0; }
  /// As TPMS_PCR_SELECTION.pcrSelect.
  [[nodiscard]] constexpr std::array<std::byte, 3> octets() const {
    return {static_cast<std::byte>(mask & 0xFFU), static_cast<std::byte>(mask >> 8 & 0xFFU),
            static_cast<std::byte>(mask >> 16 & 0xFFU)};
  }
  /// Whether a quote is over these PCRs and no others.
  [[nodiscard]] constexpr bool is(const TPML_PCR_SELECTION& quoted) const {
    const auto banks = quoted.view();
    if (banks.size() != 1 || banks[0].hash != bank) return false;
    for (std::size_t pcr = 0; pcr < 8 * TPMS_PCR_SELECTION::kMaxSelect; ++pcr)
      if (banks[0].selects(pcr) != selects(pcr)) return false;
    return true;
  }
};

/// The digest size of a PCR bank in octets, 0 for a bank that is not known.
[[nodiscard]] constexpr std::size_t pcr_size(TPM_ALG_ID bank) {
  switch (bank) {
    case TPM_ALG_ID::SHA1: return 20;
    case TPM_ALG_ID::SHA256: return 32;
    case TPM_ALG_ID::SHA384: return 48;
    case TPM_ALG_ID::SHA512: return 64;
    default: return 0;
  }
}

/// PCR values of one bank. A PCR that is not selected is zero.
struct PcrValues {
  PcrSelection selection;
  std::array<std::array<std::byte, 64>, PcrSelection::kPcrs> octets{};

  [[nodiscard]] constexpr ByteView operator[](std::size_t pcr) const {
    return ByteView(octets[pcr]).first(pcr_size(selection.bank));
  }
};

/// A quote with what it takes to check it. Owns all that it holds.
struct QuoteEvidence {
  std::array<std::byte, 2304> message_octets{};
  std::size_t message_size = 0;
  std::array<std::byte, 512> signature_octets{};
  std::size_t signature_size = 0;
  TPM_ALG_ID signature_scheme{};
  TPM_ALG_ID signature_hash{};
  PcrValues pcrs;

  /// TPMS_ATTEST as signed.
  [[nodiscard]] constexpr ByteView message() const { return ByteView(message_octets).first(message_size); }
  /// The signature itself, big-endian.
  [[nodiscard]] constexpr ByteView signature() const {
    return ByteView(signature_octets).first(signature_size);
  }
};

/// Octets of a nonce in a quote at most: the vTPM refuses longer ones, and padding breaks verifiers.
inline constexpr std::size_t kMaxQuoteNonce = 50;

/// An RSA key of the TPM as claims name keys.
[[nodiscard]] constexpr ClaimsKey key_of(const TPMT_PUBLIC& area) {
  std::array<std::byte, 4> exponent{};
  store<std::uint32_t, Endian::big>(exponent, area.exponent != 0 ? area.exponent : 65537);
  const auto first = std::ranges::find_if(exponent, [](std::byte octet) { return octet != std::byte{0}; });
  ClaimsKey out;
  out.modulus_size = copy_to(out.modulus_octets, area.unique.data).size();
  out.exponent_size = copy_to(out.exponent_octets, ByteView(first, exponent.end())).size();
  return out;
}

/// The public part of the attestation key at 0x81000003. Another program may have put it there, so what
/// it is worth only proven claims tell: theirs must be the same.
/// @returns the key | wire_value - not an RSA key | what Tpm::execute() returns.
template <TpmClient Tpm>
[[nodiscard]] constexpr Result<ClaimsKey> attestation_key(Tpm& tpm) {
  SNPNV_TRY(const auto& response, tpm.execute(ReadPublic{vtpm::kAttestationKey}));
  return key_of(response.outPublic.value);
}

/// Gets quotes by the attestation key. Tpm is snpnv::Tpm or alike.
template <TpmClient Tpm, RsaVerifier V>
class QuoteCollector {
 public:
  /// Quotes in a row of which a PCR moved before it was read.
  static constexpr unsigned kTries = 8;

  constexpr QuoteCollector(Tpm& tpm, V& verifier) : tpm_(tpm), verifier_(verifier) {}

  /// Quotes the selected PCRs with `nonce`, 1 to 50 octets, and reads them: one TPM2_Quote and, for 24
  /// PCRs, three TPM2_PCR_Read. If a PCR moves in between, both are done again. `key` is HCLAkPub of the
  /// claims that the quote goes with.
  /// @returns the quote, signed by `key` over the selected PCRs, whose digest is that of the PCR values and
  ///   whose extraData is the nonce
  ///   | text_length - the nonce is empty or too long; detail: 50 | quote_moving - detail: tries
  ///   | quote_key - signed by another key | quote_scheme - otherwise than by RSASSA with SHA-256; detail: TPM_ALG_ID
  ///   | quote_bank - the bank is not allocated; detail: TPM_ALG_ID | quote_selection - over other PCRs than asked for
  ///   | tpm_answer - no quote, another nonce, or values of PCRs that were not asked for
  ///   | what Tpm::execute() and the verifier return.
  [[nodiscard]] constexpr Result<QuoteEvidence> quote(ByteView nonce, const PcrSelection& selection,
                                                      const RsaPublicKey& key) {
    if (nonce.empty() || nonce.size() > kMaxQuoteNonce) return fail(Code::text_length, 0, kMaxQuoteNonce);
    for (unsigned i = 0; i < kTries && (i == 0 || tpm_.now() < tpm_.deadline()); ++i) {
      QuoteEvidence out;
      SNPNV_TRY(const Digest& signed_digest, take_quote(out, nonce, selection, key));
      SNPNV_CHECK(read_pcrs(out.pcrs, selection));
      SNPNV_TRY(const Digest& digest, pcr_digest(out.pcrs, signed_digest.size));
      if (equal(digest.view(), signed_digest.view())) return out;
    }
    return fail(Code::quote_moving, 0, kTries);
  }

 private:
  [[nodiscard]] static constexpr Error unfit(Code code = Code::tpm_answer, TPM_ALG_ID detail = {}) {
    return {code, 0, static_cast<std::uint32_t>(detail), static_cast<std::uint32_t>(TPM_CC::Quote),
            static_cast<std::uint32_t>(vtpm::kAttestationKey)};
  }

  [[nodiscard]] static constexpr Error no_bank(const PcrSelection& selection) {
    return unfit(Code::quote_bank, selection.bank);
  }
  // What OpenHCL's says of a hash that it does not implement.
  [[nodiscard]] static constexpr bool refuses_bank(const Error& error) {
    return error.code == Code::tpm_rc && decode(error.detail).rc == TPM_RC::HASH;
  }
  template <class Banks>
  [[nodiscard]] static constexpr bool has_none(const Banks& banks) {
    return std::ranges::all_of(banks.view(), [](const TPMS_PCR_SELECTION& bank) { return all_zero(bank.pcrSelect); });
  }

  // Asks for the quote, and returns the digest over the PCRs that it signs.
  [[nodiscard]] constexpr Result<Digest> take_quote(QuoteEvidence& out, ByteView nonce,
                                                    const PcrSelection& selection, const RsaPublicKey& key) {
    const auto select = selection.octets();
    Quote command{vtpm::kAttestationKey, {nonce}, {}, {}};
    command.PCRselect.add({selection.bank, static_cast<std::uint8_t>(select.size()), select});
    const auto response = tpm_.execute(command);
    // Such a value is the algorithm of a key that is not an RSA key.
    if (!response && response.error().code == Code::wire_value) return fail(unfit(Code::quote_scheme));
    if (!response && refuses_bank(response.error())) return fail(no_bank(selection));
    if (!response) return fail(response.error());
    out.message_size = copy_to(out.message_octets, response->quoted.data).size();
    out.signature_size = copy_to(out.signature_octets, response->signature.sig.data).size();
    out.signature_scheme = response->signature.sigAlg;
    out.signature_hash = response->signature.hash;
    SNPNV_CHECK(check_signature(out, key));
    const auto attest = unmarshal<TPMS_ATTEST>(out.message());
    if (!attest || !attest->is_quote() || !equal(attest->extraData.data, nonce)) return fail(unfit());
    // Another TPM leaves out of the selection what it does not have. Part 3, "TPM2_Quote".
    if (has_none(attest->quote.pcrSelect)) return fail(no_bank(selection));
    if (!selection.is(attest->quote.pcrSelect)) return fail(unfit(Code::quote_selection));
    Digest digest;
    digest.size = copy_to(digest.octets, attest->quote.pcrDigest.data).size();
    return digest;
  }

  [[nodiscard]] constexpr Result<void> check_signature(const QuoteEvidence& quote, const RsaPublicKey& key) {
    if (quote.signature_scheme != TPM_ALG_ID::RSASSA || quote.signature_hash != TPM_ALG_ID::SHA256)
      return fail(unfit(Code::quote_scheme, quote.signature_scheme));
    if (key.modulus.empty()) return fail(unfit(Code::quote_key));
    const auto verified = verify_message(verifier_, key, Hash::sha256, quote.message(), quote.signature());
    if (!verified && verified.error().code == Code::crypto_signature) return fail(unfit(Code::quote_key));
    return verified;
  }

  [[nodiscard]] constexpr Result<void> read_pcrs(PcrValues& out, const PcrSelection& selection) {
    out.selection = selection;
    PcrSelection left = selection;
    while (left.mask != 0) {
      const auto select = left.octets();
      PCR_Read command;
      command.pcrSelectionIn.add({left.bank, static_cast<std::uint8_t>(select.size()), select});
      SNPNV_TRY(const auto& response, tpm_.execute(command));
      std::size_t next = 0;
      std::uint32_t got = 0;
      for (const TPMS_PCR_SELECTION& bank : response.pcrSelectionOut.view()) {
        for (std::size_t pcr = 0; pcr < 8 * bank.pcrSelect.size(); ++pcr) {
          if (!bank.selects(pcr)) continue;
          const ByteView value = response.pcrValues.entries[next++].data;
          if (bank.hash != left.bank || pcr >= PcrSelection::kPcrs || !left.selects(pcr) ||
              value.size() != pcr_size(left.bank))
            return fail(unfit());
          copy_to(out.octets[pcr], value);
          got |= 1U << pcr;
        }
      }
      if (got == 0) return fail(no_bank(selection));
      left.mask &= ~got;
    }
    return {};
  }

  // The digest of the selected values in their order. Part 1, "Selecting Multiple PCR".
  [[nodiscard]] constexpr Result<Digest> pcr_digest(const PcrValues& pcrs, std::size_t size) {
    std::array<std::byte, 64 * PcrSelection::kPcrs> room{};
    ByteWriter writer(room);
    for (std::size_t pcr = 0; pcr < PcrSelection::kPcrs; ++pcr)
      if (pcrs.selection.selects(pcr)) writer.bytes(pcrs[pcr]);
    for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512})
      if (digest_size(hash) == size) return verifier_.digest(hash, writer.written());
    return fail(unfit());
  }

  Tpm& tpm_;
  V& verifier_;
};

/// Reads the certificate of the attestation key into `out`, without the padding of its index. Not
/// needed to trust the key, which the claims vouch for.
/// @returns the certificate in DER | nothing, where there is none: the platform issues it when it likes
///   | der_encoding - the index holds something else | wire_overflow - detail: size of the certificate
///   | what Tpm::execute() returns.
template <TpmClient Tpm>
[[nodiscard]] constexpr Result<std::optional<ByteView>> attestation_key_certificate(Tpm& tpm, MutBytes out) {
  NvReader index(tpm, vtpm::kAkCertificateIndex);
  std::array<std::byte, 4> front{};
  const auto read = index.read(0, front);
  if (!read && (is_rc(read.error(), TPM_RC::HANDLE) || is_rc(read.error(), TPM_RC::NV_UNINITIALIZED)))
    return std::nullopt;
  if (!read) return fail(read.error());
  if (all_zero(front)) return std::nullopt;
  SNPNV_TRY(const std::size_t size, DerReader::announced_size(front));
  if (size > out.size() || size < front.size())
    return fail(Code::wire_overflow, 0, static_cast<std::uint32_t>(size));
  copy_to(out, front);
  SNPNV_CHECK(index.read(front.size(), out.subspan(front.size(), size - front.size())));
  return ByteView(out).first(size);
}

}  // namespace snpnv
