// SPDX-License-Identifier: Apache-2.0
// Runtime claims: accepted ones are JSON, and what was decoded keeps its limits.
#include "fuzz/fuzz.hpp"
#include "snpnv/wire/hcl_claims.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  constexpr std::size_t kBase = 1236;  // where claims stand in an envelope
  const ByteView text = fuzz::view(data, size);
  const auto claims = RuntimeClaims::parse(text, kBase);
  if (!claims) {
    REQUIRE(fuzz::inside(claims.error(), size, kBase));
    return 0;
  }
  JsonReader json(text);
  json.skip();
  REQUIRE(json.finish(true).has_value());
  REQUIRE(claims->user_data().size() <= kUserDataSize);
  for (const ClaimsKey* const key : {&claims->attestation_key, &claims->endorsement_key}) {
    REQUIRE(key->modulus().size() <= ClaimsKey::kMaxModulus);
    REQUIRE(key->is_rsa() == !key->exponent().empty());
    REQUIRE(!key->is_rsa() || (key->modulus()[0] != std::byte{0} && key->exponent()[0] != std::byte{0}));
  }
  UserData same{};
  copy_to(same, claims->user_data());
  REQUIRE(claims->carries(same) == (claims->user_data_size == kUserDataSize));
  return 0;
}
