// SPDX-License-Identifier: Apache-2.0
// What the verifier needs of a cryptographic library. The library itself comes from a provider.
#pragma once

#include "snpnv/core/rsa.hpp"
#include "snpnv/wire/x509_certificate.hpp"

namespace snpnv {

/// An ECDSA signature on P-384: r and s, big-endian, 48 octets each.
using EcdsaP384Signature = std::array<std::byte, 96>;

/// Checks signatures over digests, and reads certificates. Each check returns nothing if the
/// signature verifies, crypto_signature if it does not, and crypto_failed or crypto_unsupported if
/// the library could not tell: the verifier takes all of them for a failure.
///
/// verify_ecdsa_p384(point, digest, signature): point is 04h, X, Y in 97 octets.
/// verify_rsa_pss(key, hash, digest, signature): MGF1 with the same hash, a salt of the digest's size. A
///   key that is not sound is crypto_unsupported, here and below.
/// parse_certificate(der): the view that Certificate::parse() gives, for a certificate that the
/// library accepts too.
///
/// One that is a RsaVerifier too judges quotes and event logs. With one that is not, as a small image may have, a program
/// has no code for them: where there is one, or PCRs are asked for, their checks fail.
template <class C>
concept Crypto =
    Hasher<C> && requires(C& crypto, ByteView octets, const RsaPublicKey& key, Hash hash,
                          const Digest& digest, const EcdsaP384Signature& signature) {
      { crypto.verify_ecdsa_p384(octets, digest, signature) } noexcept -> std::same_as<Result<void>>;
      { crypto.verify_rsa_pss(key, hash, digest, octets) } noexcept -> std::same_as<Result<void>>;
      { crypto.parse_certificate(octets) } noexcept -> std::same_as<Result<Certificate>>;
    };

/// Knows a key again by its octets: providers keep the last one ready, since a VCEK signs many reports.
template <std::size_t Most>
class KeyOctets {
 public:
  [[nodiscard]] bool hold(ByteView first, ByteView second = {}) const {
    return !first.empty() && sizes_ == std::array{first.size(), second.size()} &&
           equal(ByteView(octets_).first(first.size()), first) &&
           equal(ByteView(octets_).subspan(first.size(), second.size()), second);
  }
  /// Keeps them, if there are no more than `Most`; otherwise none.
  void keep(ByteView first, ByteView second = {}) {
    forget();
    if (first.size() > Most || second.size() > Most - first.size()) return;
    copy_to(octets_, first);
    copy_to(MutBytes(octets_).subspan(first.size()), second);
    sizes_ = {first.size(), second.size()};
  }
  void forget() { sizes_ = {}; }

 private:
  std::array<std::byte, Most> octets_{};
  std::array<std::size_t, 2> sizes_{};  // both: octets behind each other can be cut in many places
};

}  // namespace snpnv
