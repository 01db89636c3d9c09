// SPDX-License-Identifier: Apache-2.0
// Tokens, their headers and claims, sets of keys, and what tokens are given for: whatever is accepted is bounded.
#include "fuzz/fuzz.hpp"
#include "snpnv/wire/evidence.hpp"
#include "snpnv/wire/jwt.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<std::byte, 8192> room;
  const ByteView in = fuzz::view(data, size);
  if (const auto jwt = Jwt::split(text_of(in))) {
    REQUIRE(jwt->header.size() + jwt->payload.size() + jwt->signature.size() + 2 == size);
    REQUIRE(jwt->signed_text.size() == jwt->header.size() + jwt->payload.size() + 1);
  } else {
    REQUIRE(fuzz::inside(jwt.error(), size));
  }
  if (const auto header = JwtHeader::parse(in); !header) REQUIRE(fuzz::inside(header.error(), size));
  if (const auto claims = MaaClaims::parse(in); !claims) REQUIRE(fuzz::inside(claims.error(), size));
  JsonString kid{in.first(std::min<std::size_t>(size, 2)), 0, true};
  if (const auto key = find_key(in, kid, room)) {
    REQUIRE(!*key || (*key)->size() <= size);
  } else {
    REQUIRE(fuzz::inside(key.error(), size));
  }
  if (const auto evidence = MaaEvidence::parse(in, room)) {
    REQUIRE(evidence->report.size() + evidence->chain_pem.size() + evidence->claims.size() <= 2 * size);
  } else {
    REQUIRE(fuzz::inside(evidence.error(), size));
  }
  return 0;
}
