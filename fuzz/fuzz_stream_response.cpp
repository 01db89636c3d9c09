// SPDX-License-Identifier: Apache-2.0
// A TPM's response from a stream that comes in pieces, whose size the first octet says, into a buffer whose size
// the second says: it is what the header announces, and nothing behind the piece that completes it is taken.
#include "fuzz/fuzz.hpp"
#include "snpnv/tpm/message.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size < 2) return 0;
  const ByteView in = fuzz::view(data, size).subspan(2);
  const std::size_t piece = std::size_t{data[0]} + 1;
  static std::array<std::byte, 255 * 32> room;
  const MutBytes response = MutBytes(room).first(std::size_t{data[1]} * 32);

  ByteView rest = in;
  const auto read_some = [&](MutBytes to) -> Result<std::size_t> {
    REQUIRE(!to.empty());
    const ByteView now = rest.first(std::min({piece, to.size(), rest.size()}));
    rest = rest.subspan(copy_to(to, now).size());
    return now.size();
  };
  const Result<ByteView> got = receive_response(read_some, response);

  const std::size_t taken = in.size() - rest.size();
  if (in.size() < TpmHeader::kSize) {
    REQUIRE(!got && got.error().code == Code::io_closed);
    return 0;
  }
  const std::size_t announced = load<std::uint32_t, Endian::big>(in.subspan<2, 4>());
  const std::size_t wanted = std::max(announced, TpmHeader::kSize);
  if (announced > kMaxTpmMessage) {
    REQUIRE(!got && got.error() == Error{Code::wire_overflow, static_cast<std::uint32_t>(response.size()),
                                         static_cast<std::uint32_t>(announced)});
  } else if (in.size() < wanted) {
    REQUIRE(!got && got.error().code == Code::io_closed);
  } else {
    REQUIRE(taken >= wanted && taken < wanted + piece);
    REQUIRE(got.has_value() == (taken <= response.size()));
    REQUIRE(!got || equal(*got, in.first(taken)));
    REQUIRE(got || got.error().code == Code::wire_overflow);
  }
  return 0;
}
