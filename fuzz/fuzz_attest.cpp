// SPDX-License-Identifier: Apache-2.0
// TPMS_ATTEST and TPMT_SIGNATURE: what is accepted marshals to the same octets.
#include "fuzz/fuzz.hpp"
#include "snpnv/wire/tpm2_attest.hpp"

using namespace snpnv;

namespace {
template <class T>
void round_trip(ByteView in) {
  const auto value = unmarshal<T>(in);
  if (!value) {
    REQUIRE(fuzz::inside(value.error(), in.size()));
    return;
  }
  std::array<std::byte, 8192> room;
  const auto again = marshal(*value, room);
  REQUIRE(in.size() > room.size() || (again && equal(*again, in)));
}
}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView in = fuzz::view(data, size);
  round_trip<TPMS_ATTEST>(in);
  round_trip<TPMT_SIGNATURE>(in);
  return 0;
}
