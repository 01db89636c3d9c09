// SPDX-License-Identifier: Apache-2.0
// PEM bundles: two certificates, no more and no less.
#include "fuzz/fuzz.hpp"
#include "snpnv/fetch/bundle.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<std::byte, 1 << 16> room;
  const ByteView in = fuzz::view(data, size);
  MutBytes left = room;
  const auto chain = parse_issuers(in, left);
  std::size_t blocks = 0;
  bool good = true;
  PemReader pem(in, kPemCertificate);
  while (good) {
    static std::array<std::byte, 1 << 16> other;
    const auto block = pem.next(other);
    good = block.has_value();
    if (!good || !*block) break;
    ++blocks;
  }
  if (!chain) {
    REQUIRE(fuzz::inside(chain.error(), size));
    REQUIRE(blocks != 2 || !good || size > room.size());
    return 0;
  }
  REQUIRE(blocks == 2 && good);
  REQUIRE(chain->ask.data() == room.data());
  REQUIRE(chain->ark.data() == chain->ask.data() + chain->ask.size());
  REQUIRE(left.size() == room.size() - chain->ask.size() - chain->ark.size());
  REQUIRE(is_pem(in));
  return 0;
}
