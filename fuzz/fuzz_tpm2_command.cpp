// SPDX-License-Identifier: Apache-2.0
// Commands, as an emulated paravisor meets them: what is accepted marshals to the same octets, where
// the authorization is the empty password. The first octet picks the command.
#include <algorithm>

#include "fuzz/fuzz.hpp"
#include "fuzz/tpm2_messages.hpp"

using namespace snpnv;

namespace {

// True if `message`, an accepted command, is authorized as this project does it: where an
// authorization is needed, by one session with the empty password.
template <class Command>
bool plainly_authorized(ByteView message) {
  constexpr std::array<std::uint8_t, 13> kPassword{0, 0, 0, 9, 0x40, 0, 0, 9};
  const auto tag = load<std::uint16_t, Endian::big>(message.first<2>());
  if (Command::kAuthHandles == 0) return tag == static_cast<std::uint16_t>(TPM_ST::NO_SESSIONS);
  std::array<std::byte, 8> room;
  ByteWriter handles(room);
  TpmWriter wire(handles);
  const Command command{};
  Command::handles(wire, command);
  return std::ranges::equal(message.subspan(TpmHeader::kSize + handles.size()).first(kPassword.size()),
                            std::as_bytes(std::span(kPassword)));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzz::Input input(fuzz::view(data, size));
  const ByteView message = input.octets;
  fuzz::with_command(input.which, [&](const auto& picked) {
    using Command = std::remove_cvref_t<decltype(picked)>;
    const auto command = unmarshal_command<Command>(message);
    if (!command) {
      REQUIRE(fuzz::inside(command.error(), message.size()));
      return;
    }
    // Room for the password session, where the message had none.
    std::array<std::byte, 8192> room;
    if (message.size() + 13 > room.size()) return;
    const auto again = marshal_command(*command, room);
    REQUIRE(again.has_value());
    if (plainly_authorized<Command>(message)) REQUIRE(equal(*again, message));
    const auto reread = unmarshal_command<Command>(*again);
    REQUIRE(reread.has_value());
    std::array<std::byte, 8192> room2;
    const auto third = marshal_command(*reread, room2);
    REQUIRE(third && equal(*third, *again));
  });
  return 0;
}
