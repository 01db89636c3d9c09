// Commands, as an emulated paravisor meets them: what is accepted marshals to the same octets, where
// the authorization is the empty password. The first octet picks the command.
#include "fuzz/fuzz.hpp"
#include "fuzz/tpm2_messages.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView message = fuzz::view(data + 1, size - 1);
  fuzz::with_command(data[0], [&](const auto& picked) {
    using Command = std::remove_cvref_t<decltype(picked)>;
    const auto command = unmarshal_command<Command>(message);
    if (!command) {
      REQUIRE(fuzz::inside(command.error(), message.size()));
      return;
    }
    std::array<std::byte, 2 * kMaxTpmMessage> room;
    const auto again = marshal_command(*command, room);
    if (!again) return;
    const auto reread = unmarshal_command<Command>(*again);
    REQUIRE(reread.has_value());
    std::array<std::byte, 2 * kMaxTpmMessage> room2;
    const auto third = marshal_command(*reread, room2);
    REQUIRE(third && equal(*third, *again));
  });
  return 0;
}
