// SPDX-License-Identifier: Apache-2.0
// Decryption of the secret that a broker encrypted to our ephemeral key.
#pragma once

#include "snpnv/broker/crypto.hpp"

namespace snpnv {

/// The key that two parties derive from what they agreed on: one round of the Concat KDF with SHA-256, without
/// names of the parties.
/// Source: RFC 7518, "Key Derivation for ECDH Key Agreement"; NIST SP 800-56A, "Single-Step Key-Derivation Function".
template <Hasher H>
[[nodiscard]] Result<void> concat_kdf(H& hasher, std::string_view algorithm, ByteView apu, ByteView apv, ByteView agreed,
                                      std::uint32_t bits, MutBytes out) noexcept {
  SecretOctets<256> room;
  ByteWriter input(room.octets());
  input.be(std::uint32_t{1});  // the round
  input.bytes(agreed);
  input.be(static_cast<std::uint32_t>(algorithm.size()));
  input.text(algorithm);
  for (const ByteView party : {apu, apv}) {
    input.be(static_cast<std::uint32_t>(party.size()));
    input.bytes(party);
  }
  input.be(bits);
  SNPNV_TRY(const ByteView& whole, input.finish());
  SNPNV_TRY(Digest&& digest, hasher.digest(Hash::sha256, whole));  // no copy: what is wiped is the only one
  if (out.size() > digest.size) return fail(Code::wire_overflow, 0, static_cast<std::uint32_t>(out.size()));
  copy_to(out, digest.view().first(out.size()));
  wipe(digest.octets);
  return {};
}

/// Decrypts a secret to the front of `out`, where the ciphertext must fit.
/// @returns the secret | crypto_point, crypto_authentic, crypto_failed - of the steps
///   | text_base64, wire_overflow - of the ciphertext. Then nothing of it is in `out`.
/// Source: RFC 7516, "Message Decryption".
template <BrokerCrypto C>
[[nodiscard]] Result<MutBytes> decrypt_secret(C& crypto, const KbsSecret& secret, MutBytes out) noexcept {
  SecretKey agreed;
  SecretKey kek;
  SecretKey cek;
  SNPNV_CHECK(crypto.agree(secret.header.epk, agreed.octets()));
  SNPNV_CHECK(concat_kdf(crypto, kbs::kKeyAgreement, {}, {}, agreed.octets(), 8 * kSecretKeySize, kek.octets()));
  SNPNV_CHECK(crypto.unwrap_key(kek.octets(), secret.wrapped_key, cek.octets()));
  SNPNV_TRY(const ByteView& ciphertext, decode_base64url(secret.ciphertext.source(), out));
  const MutBytes octets = out.first(ciphertext.size());
  SNPNV_CHECK(crypto.decrypt(cek.octets(), secret.iv, octets_of(secret.protected_text), octets,
                             secret.tag));
  return octets;
}

}  // namespace snpnv
