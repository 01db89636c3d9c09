// SPDX-License-Identifier: Apache-2.0
// The JSON of a platform's certificate endpoint.
#include "fuzz/fuzz.hpp"
#include "snpnv/fetch/bundle.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<std::byte, 1 << 16> room;
  const ByteView in = fuzz::view(data, size);
  const auto found = parse_platform(in, room);
  if (!found) {
    REQUIRE(fuzz::inside(found.error(), size));
    return 0;
  }
  // Every part lies in the room, behind the one before.
  const std::byte* at = room.data();
  for (const ByteView part : {found->chain.ask, found->chain.ark, found->chain.vek}) {
    REQUIRE(part.data() >= at);
    at = part.data() + part.size();
  }
  REQUIRE(at <= room.data() + room.size());
  REQUIRE(found->chain.crl.empty());
  JsonReader json(in);
  json.skip();
  REQUIRE(json.finish(true).has_value());
  // With less room it is an error, not something else.
  const auto small = parse_platform(in, MutBytes(room).first(size / 2));
  REQUIRE(small || small.error().code == Code::wire_overflow);
  return 0;
}
