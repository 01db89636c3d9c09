// SPDX-License-Identifier: Apache-2.0
#include "paravisor/control.hpp"

#include <vector>

#include "tests/test.hpp"

namespace snpnv::paravisor {
namespace {

using test::hex;

TEST_CASE("Control_WhatQemuSends_IsRead") {
  // As QEMU 7.2 writes them: the command, and the C structure of its arguments.
  struct Case {
    const char* request;
    Control command;
    std::size_t answer_size;
    std::uint32_t number;
    std::uint8_t locality;
  };
  constexpr Case kCases[] = {
      {"00000001", Control::GET_CAPABILITY, 8, 0, 0},
      {"0000000200000001", Control::INIT, 4, 1, 0},
      {"00000003", Control::SHUTDOWN, 4, 0, 0},
      {"00000004", Control::GET_TPMESTABLISHED, 8, 0, 0},
      {"0000000503000000", Control::SET_LOCALITY, 4, 0x03000000, 3},
      {"00000009", Control::CANCEL_TPM_CMD, 4, 0, 0},
      {"0000000b04000000", Control::RESET_TPMESTABLISHED, 4, 0x04000000, 4},
      {"0000000c000000010000000200000000", Control::GET_STATEBLOB, 16, 1, 0},
      {"0000000d000000010000000200000010", Control::SET_STATEBLOB, 4, 1, 0},
      {"0000000e", Control::STOP, 4, 0, 0},
      {"0000000f", Control::GET_CONFIG, 8, 0, 0},
      {"00000010", Control::SET_DATAFD, 4, 0, 0},
      {"0000001100000f80", Control::SET_BUFFERSIZE, 16, 0xF80, 0},
      {"0000001200000000000000030000000000000000", Control::GET_INFO, 12, 0, 0},
  };
  for (const Case& expected : kCases) {
    CAPTURE(expected.request);
    const auto message = hex(expected.request);
    const auto request = ControlRequest::parse(message);
    REQUIRE(request.has_value());
    CHECK(request->command == expected.command);
    CHECK(request->answer_size == expected.answer_size);
    CHECK(request->number == expected.number);
    CHECK(request->locality == expected.locality);
    CHECK(*ControlRequest::size_of(ByteView(message).first<4>()) == message.size());
    for (std::size_t size = 0; size < message.size(); ++size) {
      const auto cut = ControlRequest::parse(ByteView(message).first(size));
      REQUIRE_FALSE(cut.has_value());
      CHECK(name(cut.error().code) == name(Code::wire_short));
      CHECK(cut.error().where <= size);
    }
    auto longer = message;
    longer.push_back(std::byte{0});
    const auto more = ControlRequest::parse(longer);
    REQUIRE_FALSE(more.has_value());
    CHECK(more.error() == Error{Code::wire_trailing, static_cast<std::uint32_t>(message.size()), 1});
  }
}

TEST_CASE("Control_UnknownCommand_IsRefused") {
  // 6, 7 and 8 measure a dynamic launch; 0x13 locks the storage of a TPM that migrates.
  for (const std::uint32_t code : {0U, 6U, 7U, 8U, 0x0AU, 0x13U, 0x01000000U, 0xFFFFFFFFU}) {
    CAPTURE(code);
    std::array<std::byte, 20> message{};
    store<std::uint32_t, Endian::big>(std::span(message).first<4>(), code);
    const auto request = ControlRequest::parse(message);
    REQUIRE_FALSE(request.has_value());
    CHECK(request.error() == Error{Code::wire_value, 0, code});
  }
}

TEST_CASE("ControlCapabilities_AreWhatQemuNeedsForTpm2AndNoMigration") {
  // QEMU, backends/tpm/tpm_emulator.c, tpm_emulator_check_caps(): INIT, SHUTDOWN, GET_TPMESTABLISHED,
  // SET_LOCALITY, RESET_TPMESTABLISHED, SET_DATAFD, STOP, SET_BUFFERSIZE.
  constexpr std::uint32_t kNeeded = 1U << 0 | 1U << 1 | 1U << 2 | 1U << 3 | 1U << 7 | 1U << 12 | 1U << 10 | 1U << 13;
  constexpr std::uint32_t kStateBlobs = 1U << 8 | 1U << 9;
  CHECK((kControlCapabilities & kNeeded) == kNeeded);
  CHECK((kControlCapabilities & kStateBlobs) == 0);
}

}  // namespace
}  // namespace snpnv::paravisor
