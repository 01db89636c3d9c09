// SPDX-License-Identifier: Apache-2.0
// What receiving a secret needs of a cryptographic library. The library itself comes from a provider.
#pragma once

#include "snpnv/core/wipe.hpp"
#include "snpnv/wire/kbs.hpp"

namespace snpnv {

/// An AES-256 key, or the secret that two keys of P-256 agree on.
inline constexpr std::size_t kSecretKeySize = 32;
using SecretKey = SecretOctets<kSecretKeySize>;
/// Each function returns nothing on success, and crypto_failed where the library could not; beside that:
///
/// make_key(): makes an ephemeral key on P-256, in the place of an older one, and returns its public point.
/// use_key(scalar): takes one that was made before, of 32 octets; for known answers.
/// agree(point, out): the X coordinate of ECDH by that key. crypto_point - not a point of the curve, or zero.
/// unwrap_key(kek, wrapped, out): AES key unwrap, RFC 3394. crypto_authentic - not wrapped by this key.
/// decrypt(key, iv, aad, octets, tag): AES-256-GCM, in place. crypto_authentic - not encrypted by this key with
///   this iv and aad; then the octets are zeros.
template <class C>
concept BrokerCrypto =
    Hasher<C> && requires(C& crypto, ByteView in, MutBytes out, const P256Point& point,
                          std::span<std::byte, kSecretKeySize> secret) {
      { crypto.make_key() } noexcept -> std::same_as<Result<P256Point>>;
      { crypto.use_key(in) } noexcept -> std::same_as<Result<P256Point>>;
      { crypto.agree(point, secret) } noexcept -> std::same_as<Result<void>>;
      { crypto.unwrap_key(secret, in, secret) } noexcept -> std::same_as<Result<void>>;
      { crypto.decrypt(secret, in, in, out, in) } noexcept -> std::same_as<Result<void>>;
    };

}  // namespace snpnv
