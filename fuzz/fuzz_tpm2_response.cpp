// SPDX-License-Identifier: Apache-2.0
// Responses of the TPM: an accepted one is exactly what the command would get. The first octet picks
// the command.
#include "fuzz/fuzz.hpp"
#include "fuzz/tpm2_messages.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const fuzz::Input input(fuzz::view(data, size));
  const ByteView message = input.octets;
  fuzz::with_command(input.which, [&](const auto& command) {
    using Command = std::remove_cvref_t<decltype(command)>;
    const auto response = unmarshal_response(command, message);
    if (!response) {
      REQUIRE(response.error().command == static_cast<std::uint32_t>(Command::kCode));
      REQUIRE(fuzz::inside(response.error(), message.size()));
      REQUIRE(response.error().object == static_cast<std::uint32_t>(command.object()));
      // The TPM's error is reported if and only if the message is nothing but that error.
      if (response.error().code == Code::tpm_rc) {
        REQUIRE(message.size() == TpmHeader::kSize);
        REQUIRE(response.error().detail == load<std::uint32_t, Endian::big>(message.last<4>()));
      }
      return;
    }
    REQUIRE(command.answered_by(*response));
    // Writing it again gives the same message, up to the acknowledgement of the session.
    std::array<std::byte, 2 * kMaxTpmMessage> room;
    constexpr bool kSessions = Command::kAuthHandles > 0;
    const auto again = marshal_response(*response, kSessions ? TPM_ST::SESSIONS : TPM_ST::NO_SESSIONS,
                                        Command::kAuthHandles, room);
    if (message.size() > room.size()) return;
    REQUIRE(again.has_value());
    REQUIRE(again->size() == message.size());
    const std::size_t same = message.size() - (kSessions ? 5 : 0);
    REQUIRE(equal(again->first(same), message.first(same)));
  });
  return 0;
}
