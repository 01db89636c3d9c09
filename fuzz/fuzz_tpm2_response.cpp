// Responses of the TPM: an accepted one is exactly what the command would get. The first octet picks
// the command.
#include "fuzz/fuzz.hpp"
#include "fuzz/tpm2_messages.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const ByteView message = fuzz::view(data + 1, size - 1);
  fuzz::with_command(data[0], [&](const auto& command) {
    using Command = std::remove_cvref_t<decltype(command)>;
    const auto response = unmarshal_response(command, message);
    if (!response) {
      REQUIRE(response.error().command == static_cast<std::uint32_t>(Command::kCode));
      REQUIRE(fuzz::inside(response.error(), message.size()) || response.error().code == Code::tpm_rc);
      return;
    }
    REQUIRE(command.answered_by(*response));
    // Writing it again gives the same message, up to the acknowledgement of the session.
    std::array<std::byte, 2 * kMaxTpmMessage> room;
    constexpr bool kSessions = Command::kAuthHandles > 0;
    const auto again = marshal_response(*response, kSessions ? TPM_ST::SESSIONS : TPM_ST::NO_SESSIONS,
                                        Command::kAuthHandles, room);
    if (!again) return;  // larger than a TPM's message
    REQUIRE(again->size() == message.size());
    const std::size_t same = message.size() - (kSessions ? 5 : 0);
    REQUIRE(equal(again->first(same), message.first(same)));
  });
  return 0;
}
