// SPDX-License-Identifier: Apache-2.0
// The certificates that a relying party has at hand, and which of them a VCEK or VLEK leads to.
#pragma once

#include "snpnv/verify/chain.hpp"
#include "snpnv/verify/root_certificates.hpp"

namespace snpnv {

/// What stands above a VCEK or VLEK, in DER.
struct Issuer {
  ByteView ark;  // empty: a root of the pool, or AMD's
  ByteView ask;  // or ASVK
};

/// Everything in DER. Borrows it.
struct CertificatePool {
  std::span<const Issuer> issuers;
  std::span<const ByteView> roots = {};  // trusted beside AMD's three
  ByteView crl = {};                     // revocation lists, one behind the other; empty: none
};

/// Chooses among certificates. A choice only: verification proves it, whatever is chosen.
template <Crypto C>
class IssuerChoice {
 public:
  IssuerChoice(C& crypto, const CertificatePool& pool) : crypto_(crypto), pool_(pool) {}

  /// The chain of `vek`; if nobody has its issuer's name, by the first issuer.
  [[nodiscard]] CertificateChain chain(ByteView vek) {
    if (pool_.issuers.empty()) return {{}, {}, vek, pool_.crl};
    const auto ask = [&](std::size_t i) { return pool_.issuers[i].ask; };
    const auto below = Certificate::parse(vek);
    const Issuer& issuer = pool_.issuers[among(pool_.issuers.size(), ask, below).value_or(0)];
    return {issuer.ark.empty() ? root(Certificate::parse(issuer.ask)) : issuer.ark, issuer.ask, vek, pool_.crl};
  }
  /// The root that issued a certificate or revocation list, as parsed, of the pool's and AMD's; otherwise
  /// the pool's first; otherwise nothing.
  template <class Parsed>
  [[nodiscard]] ByteView root(const Result<Parsed>& below) {
    const std::size_t own = pool_.roots.size();
    const auto der = [&](std::size_t i) { return i < own ? pool_.roots[i] : kRootCertificates[i - own].der; };
    if (const auto found = among(own + kRootCertificates.size(), der, below)) return der(*found);
    return own == 0 ? ByteView() : pool_.roots[0];
  }

 private:
  // Which of `count` candidates issued it: the one with the issuer's name; where several have it, as a
  // test root has AMD's, the one whose key signed, or else the first.
  template <class Candidate, class Parsed>
  std::optional<std::size_t> among(std::size_t count, Candidate&& candidate, const Result<Parsed>& below) {
    if (!below) return std::nullopt;
    std::optional<std::size_t> first;
    std::size_t named = 0;
    for (const bool by_signature : {false, true}) {
      for (std::size_t i = 0; i < count; ++i) {
        const auto above = Certificate::parse(candidate(i));
        if (!above || !equal(above->subject.raw, below->issuer.raw)) continue;
        if (by_signature && signed_by(*above, below->signed_octets)) return i;
        if (!by_signature && named++ == 0) first = i;
      }
      if (named < 2) return first;
    }
    return first;
  }
  bool signed_by(const Certificate& above, const SignedOctets& what) {
    if (above.key.type != KeyType::rsa) return false;
    const auto digest = crypto_.digest(Hash::sha384, what.tbs);
    return digest && crypto_.verify_rsa_pss(above.key.rsa, Hash::sha384, *digest, what.signature);
  }

  C& crypto_;
  const CertificatePool& pool_;
};

/// Verifies the chain that `vek` leads to. Issuers, and an ARK that comes with them, are not trusted for
/// being in the pool: the ARK's key must be one of the pool's roots, or AMD's.
/// @returns nothing: `out` has the verdict, and the chain if it passed | verify_clock - as verify_chain()
///   | the errors of parse_certificate() - one of the pool's roots is no certificate.
template <Crypto C>
[[nodiscard]] Result<void> verify_chain(C& crypto, const CertificatePool& pool, ByteView vek, VerificationTime at,
                                        ChainCheck& out) {
  out.reset();
  const CertificateChain chain = IssuerChoice<C>(crypto, pool).chain(vek);
  std::array<SpkiDigest, 1> trusted{};
  std::size_t count = 0;
  const auto ark = crypto.parse_certificate(chain.ark);
  for (const ByteView der : pool.roots) {
    SNPNV_TRY(const Certificate& root, crypto.parse_certificate(der));
    if (!ark || !equal(root.key.spki, ark->key.spki)) continue;
    SNPNV_TRY(trusted[0], spki_digest(crypto, root));
    count = 1;
  }
  return verify_chain(crypto, chain, Trust{std::span(trusted).first(count)}, at, out);
}

}  // namespace snpnv
