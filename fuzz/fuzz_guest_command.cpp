// SPDX-License-Identifier: Apache-2.0
// A guest's commands and the TPM's responses, taken apart without knowing their parameters: what is accepted is put
// together to the same octets. The first octet says how many handles there are, and whether a response makes one.
#include "fuzz/fuzz.hpp"
#include "paravisor/limits.hpp"

using namespace snpnv;
using namespace snpnv::paravisor;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kMaxTpmMessage) return 0;
  const ByteView in = fuzz::view(data, size);
  const auto handles = std::to_integer<std::size_t>(in[0] & std::byte{3});
  const ByteView message = in.subspan(1);
  std::array<std::byte, kMaxTpmMessage> room;
  std::array<std::byte, kMaxTpmMessage> told;
  if (const auto command = GuestCommand::parse(message, handles)) {
    REQUIRE(command->handles.size() == handles);
    const auto again = command->marshal(room);
    REQUIRE(again && equal(*again, message));
    (void)beyond_limits(*command);
  } else {
    REQUIRE(fuzz::inside(command.error(), message.size()));
  }
  if (const auto response = GuestResponse::parse(message, handles == 1)) {
    const auto again = response->marshal(room);
    REQUIRE(again && again->size() == message.size());
  } else {
    REQUIRE(fuzz::inside(response.error(), message.size()));
  }
  const auto limited = tell_limits({}, message, told);
  REQUIRE(limited || fuzz::inside(limited.error(), message.size()) || limited.error().code == Code::wire_overflow);
  return 0;
}
