// SPDX-License-Identifier: Apache-2.0
#include "snpnv/verify/boot_facts.hpp"

#include "tests/event_log.hpp"
#include "tests/verify/provider.hpp"

using namespace snpnv;

namespace {

constexpr TPM_ALG_ID kBank = TPM_ALG_ID::SHA256;

struct Event {
  std::uint32_t pcr;
  EventType type;
  test::Octets data;
  bool changed = false;  // the digest is another content's
};

Event separator() { return {7, EventType::EV_SEPARATOR, test::hex("00000000")}; }
// UEFI_VARIABLE_DATA of a variable of EFI_GLOBAL_VARIABLE.
Event variable(std::string_view name, std::string_view data, std::uint32_t pcr = 7,
               EventType type = EventType::EV_EFI_VARIABLE_DRIVER_CONFIG) {
  std::string digits = "61dfe48bca93d211aa0d00e098032b8c";
  const auto number = [](std::size_t value) {
    const char* const hex = "0123456789abcdef";
    return std::string{hex[value >> 4], hex[value & 15]} + std::string(14, '0');
  };
  digits += number(name.size()) + number(data.size() / 2);
  for (const char c : name) digits += number(static_cast<unsigned char>(c)).substr(0, 4);
  return {pcr, type, test::hex(digits + std::string(data))};
}

// Calls with(event, content) for each.
template <class With>
void each(const std::vector<Event>& events, With with) {
  TestCrypto crypto;
  for (const Event& made : events) {
    auto hashed = made.data;
    if (made.changed) hashed.back() ^= std::byte{1};
    const auto digest = crypto.digest(Hash::sha256, hashed);
    REQUIRE(digest.has_value());
    LoggedEvent event;
    event.pcrIndex = made.pcr;
    event.eventType = made.type;
    event.data = made.data;
    event.held[event.count++] = {kBank, digest->view()};
    const auto content = event_content(crypto, event, kBank);
    REQUIRE(content.has_value());
    with(crypto, event, *content);
  }
}
std::optional<bool> secure_boot(const std::vector<Event>& events) {
  BootFacts facts;
  each(events, [&](TestCrypto& crypto, const LoggedEvent& event, const EventContent& content) {
    REQUIRE(facts.take(crypto, event, content, kBank).has_value());
  });
  return facts.secure_boot();
}
std::optional<std::string> command_line(const Event& made) {
  std::optional<std::string> out;
  each({made}, [&](TestCrypto&, const LoggedEvent& event, const EventContent& content) {
    if (const auto line = kernel_command_line(event, content)) out = test::text(line->text);
  });
  return out;
}

}  // namespace

TEST_CASE("BootFacts_SecureBoot_IsWhatFirmwareMeasured") {
  CHECK(secure_boot({variable("SecureBoot", "01"), variable("PK", ""), separator()}) == true);
  CHECK(secure_boot({variable("SecureBoot", "00"), separator()}) == false);
  CHECK(secure_boot({variable("SecureBoot", ""), separator()}) == false);
}

TEST_CASE("BootFacts_SecureBoot_IsNotSaidByAnythingElse") {
  const Event on = variable("SecureBoot", "01");
  CHECK(!secure_boot({separator()}));
  CHECK(!secure_boot({on}));                                             // the firmware's part has no end
  CHECK(!secure_boot({separator(), on}));                                 // measured later
  CHECK(!secure_boot({on, variable("SecureBoot", "00"), separator()}));   // both
  CHECK(!secure_boot({variable("SecureBoot", "01", 6), separator()}));    // another PCR
  CHECK(!secure_boot({variable("SecureBoot", "0100"), separator()}));     // no boolean
  CHECK(!secure_boot({variable("SecureBooT", "01"), separator()}));
  CHECK(!secure_boot({variable("SecureBoot", "01", 7, EventType::EV_NO_ACTION), separator()}));
  Event vendors = on;
  vendors.data[0] ^= std::byte{1};  // another GUID
  CHECK(!secure_boot({vendors, separator()}));
  Event changed = on;
  changed.changed = true;
  CHECK(!secure_boot({changed, separator()}));
}

TEST_CASE("BootFacts_TypesOfEvents_DecideNothing") {
  // Who writes the log gives other types to what the firmware measured, and measures his own later.
  Event hidden = variable("SecureBoot", "00");
  hidden.type = EventType::EV_EFI_PLATFORM_FIRMWARE_BLOB2;
  for (const std::string_view value : {"00000000", "ffffffff", "01000000"}) {
    const Event relabelled{7, EventType::EV_EFI_PLATFORM_FIRMWARE_BLOB2, test::hex(value)};
    CHECK(!secure_boot({hidden, relabelled, variable("SecureBoot", "01"), separator()}));
  }
}

TEST_CASE("BootFacts_KernelCommandLine_IsThatOfGrubOrSystemd") {
  const auto octets = [](std::string_view text) {
    test::Octets out;
    for (const char c : text) out.push_back(static_cast<std::byte>(c));
    return out;
  };
  using namespace std::string_view_literals;
  const Event grub{8, EventType::EV_IPL, octets("kernel_cmdline: /vmlinuz ro\0"sv)};
  CHECK(command_line(grub) == "/vmlinuz ro");
  const Event older{8, EventType::EV_IPL, octets("grub_kernel_cmdline /vmlinuz ro\0"sv)};
  CHECK(command_line(older) == "/vmlinuz ro");
  const Event stub{12, EventType::EV_IPL, octets("r\0o\0\0\0"sv)};
  CHECK(command_line(stub) == "r\0o\0"sv);
  CHECK(!command_line({8, EventType::EV_IPL, octets("grub_cmd: linux /vmlinuz ro\0"sv)}));
  CHECK(!command_line({9, EventType::EV_IPL, grub.data}));
  CHECK(!command_line({8, EventType::EV_NO_ACTION, grub.data}));
  Event changed = grub;
  changed.data.pop_back();
  changed.changed = true;
  CHECK(!command_line(changed));
}
