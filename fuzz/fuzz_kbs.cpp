// SPDX-License-Identifier: Apache-2.0
// Messages of a key broker: whatever is accepted is bounded, and is what it was once it is written again.
#include "fuzz/fuzz.hpp"
#include "snpnv/wire/kbs.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<std::byte, std::size_t{1} << 21> room;
  const ByteView in = fuzz::view(data, size);
  if (const auto challenge = KbsChallenge::parse(in)) {
    ByteWriter out(room);
    write_runtime_data(out, challenge->nonce(), P256Point{std::byte{4}});
    const auto text = out.finish();
    REQUIRE(text && text->size() == 244);
  } else {
    REQUIRE(fuzz::inside(challenge.error(), size));
  }
  if (const auto error = KbsError::parse(in)) {
    REQUIRE(!error->name().empty() && error->name().size() <= 64);
  } else {
    REQUIRE(fuzz::inside(error.error(), size));
  }
  if (const auto token = parse_token(in); !token) REQUIRE(fuzz::inside(token.error(), size));
  if (const auto attestation = KbsAttestation::parse(in)) {
    REQUIRE(!attestation->evidence.empty() && attestation->evidence.size() < size);
    std::array<std::byte, 44> nonce;
    const auto text = attestation->nonce.copy(nonce);
    if (text && attestation->nonce.plain) {
      ByteWriter out(room);
      write_kbs_attestation(out, text_of(*text),
                            attestation->key, attestation->evidence);
      const auto again = KbsAttestation::parse(*out.finish());
      REQUIRE(again && again->key == attestation->key && again->nonce == attestation->nonce &&
              equal(again->evidence, attestation->evidence));
    }
  } else {
    REQUIRE(fuzz::inside(attestation.error(), size));
  }
  if (const auto secret = KbsSecret::parse(in)) {
    REQUIRE(secret->protected_text.size() < size);
    if (const auto ciphertext = decode_base64url(secret->ciphertext.source(), MutBytes(room).first(size))) {
      ByteWriter out(MutBytes(room).subspan(size));
      write_kbs_secret(out, secret->protected_text, secret->wrapped_key, secret->iv, *ciphertext, secret->tag);
      const auto again = KbsSecret::parse(*out.finish());
      REQUIRE(again && again->header.epk == secret->header.epk && again->tag == secret->tag &&
              again->iv == secret->iv && again->wrapped_key == secret->wrapped_key);
    }
  } else {
    // In the header errors are counted as it decodes, which is not longer than it stands there.
    REQUIRE(fuzz::inside(secret.error(), size));
  }
  return 0;
}
