// SPDX-License-Identifier: Apache-2.0
// The roots that a chain may end at.
#pragma once

#include <optional>

#include "snpnv/core/digest.hpp"
#include "snpnv/core/encoding.hpp"
#include "snpnv/wire/snp_tcb.hpp"
#include "snpnv/wire/x509_certificate.hpp"

namespace snpnv {

/// SHA-384 of a root's SubjectPublicKeyInfo in DER.
using SpkiDigest = std::array<std::byte, 48>;

/// @returns the digest of the certificate's key | what the hasher returns.
template <Hasher H>
[[nodiscard]] Result<SpkiDigest> spki_digest(H& hasher, const Certificate& certificate) {
  SNPNV_TRY(const Digest& digest, hasher.digest(Hash::sha384, certificate.key.spki));
  SpkiDigest out{};
  copy_to(out, digest.view());
  return out;
}

struct PinnedRoot {
  Product product;
  SpkiDigest spki_sha384;
};

/// AMD's root keys, ARK-Milan, ARK-Genoa and ARK-Turin.
/// Source: the ARKs at https://kdsintf.amd.com/vcek/v1/{Milan,Genoa,Turin}/cert_chain, compared with
/// the copies in three independent verifiers. To repeat it: `openssl x509 -in ark.pem -noout -pubkey |
/// openssl pkey -pubin -outform DER | sha384sum`.
inline constexpr auto kPinnedRoots = std::to_array({
    PinnedRoot{Product::milan,
               octets_of_hex<48>("1249f67f15cf229a4069195e1a9ce537d1765ef706a1f4a1"
                                 "23c36be9518786515d25ecc007f366b564d2b3f31c48082e")},
    PinnedRoot{Product::genoa,
               octets_of_hex<48>("32ab53a6ce5ec14926207396e5c475ae768a6a9831b7e860"
                                 "b5acf2e1c1dff222bc5a8bfc43eb5e06393189c1f246d880")},
    PinnedRoot{Product::turin,
               octets_of_hex<48>("3475f08a9727f8ac9a1deaea5f2a2097aa59d64d05c2a678"
                                 "c229c873e6359d3a6926287a2a22cd5f88a385e333a2fcc5")},
});

/// Which root carried a chain.
enum class RootSource : std::uint8_t { none, pinned, additional };

[[nodiscard]] constexpr std::string_view name(RootSource source) {
  switch (source) {
    case RootSource::none: return "none";
    case RootSource::pinned: return "pinned";
    case RootSource::additional: return "additional";
  }
  return "unknown";
}

/// Whether the root's signature by itself is verified. It adds nothing to the trust in a key whose digest
/// is known; but without it the root's names, dates and flags are signed by nobody, so the digest alone
/// speaks for the root. A verdict then says SKIP.
enum class RootSignature : std::uint8_t { verify, skip };

/// The roots beside the pinned ones: none, unless the caller names them. Borrows the digests.
struct Trust {
  std::span<const SpkiDigest> additional_roots;
  RootSignature root_signature = RootSignature::verify;
};

}  // namespace snpnv
