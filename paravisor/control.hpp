// SPDX-License-Identifier: Apache-2.0
// Requests of swtpm's control protocol, as QEMU's `-tpmdev emulator` makes them. swtpm_ioctls(3).
#pragma once

#include <array>

#include "snpnv/core/bytes.hpp"

namespace snpnv::paravisor {

// X(name, code, octets of arguments, octets of the answer, its bit in the capabilities or 0)
// Sizes are those of the C structures that QEMU sends and reads, padding included. Commands without
// a bit are refused: the state of a paravisor does not migrate.
#define SNPNV_PARAVISOR_CONTROL(X)                     \
  X(GET_CAPABILITY, 0x01, 0, 8, 0)                     \
  X(INIT, 0x02, 4, 4, 1U << 0)                         \
  X(SHUTDOWN, 0x03, 0, 4, 1U << 1)                     \
  X(GET_TPMESTABLISHED, 0x04, 0, 8, 1U << 2)           \
  X(SET_LOCALITY, 0x05, 4, 4, 1U << 3)                 \
  X(CANCEL_TPM_CMD, 0x09, 0, 4, 1U << 5)               \
  X(RESET_TPMESTABLISHED, 0x0B, 4, 4, 1U << 7)         \
  X(GET_STATEBLOB, 0x0C, 12, 16, 0)                    \
  X(SET_STATEBLOB, 0x0D, 12, 4, 0)                     \
  X(STOP, 0x0E, 0, 4, 1U << 10)                        \
  X(GET_CONFIG, 0x0F, 0, 8, 1U << 11)                  \
  X(SET_DATAFD, 0x10, 0, 4, 1U << 12)                  \
  X(SET_BUFFERSIZE, 0x11, 4, 16, 1U << 13)             \
  X(GET_INFO, 0x12, 16, 12, 0)

enum class Control : std::uint32_t {
#define SNPNV_X(name, code, arguments, answer, bit) name = code,
  SNPNV_PARAVISOR_CONTROL(SNPNV_X)
#undef SNPNV_X
};

/// What GET_CAPABILITY answers.
inline constexpr std::uint32_t kControlCapabilities = 0
#define SNPNV_X(name, code, arguments, answer, bit) | (bit)
    SNPNV_PARAVISOR_CONTROL(SNPNV_X)
#undef SNPNV_X
    ;

/// One request. Big-endian: the command, then its arguments.
struct ControlRequest {
  static constexpr std::size_t kCommandSize = 4;
  static constexpr std::size_t kMaxSize = kCommandSize + 16;
  static constexpr std::size_t kMaxAnswer = 16;

  Control command{};
  std::size_t answer_size = 0;
  std::uint32_t number = 0;   // the first word of the arguments; INIT, SET_BUFFERSIZE
  std::uint8_t locality = 0;  // their first octet; SET_LOCALITY, RESET_TPMESTABLISHED

  /// How many octets the request has that begins with `command`.
  /// @returns the size, at most kMaxSize | wire_value - no such command; detail: its code.
  [[nodiscard]] static constexpr Result<std::size_t> size_of(std::span<const std::byte, kCommandSize> command) {
    const auto code = load<std::uint32_t, Endian::big>(command);
    switch (static_cast<Control>(code)) {
#define SNPNV_X(name, value, arguments, answer, bit) \
  case Control::name: static_assert(kCommandSize + (arguments) <= kMaxSize && (answer) <= kMaxAnswer); \
    return kCommandSize + (arguments);
      SNPNV_PARAVISOR_CONTROL(SNPNV_X)
#undef SNPNV_X
    }
    return fail(Code::wire_value, 0, code);
  }

  /// @returns the request | wire_short, wire_trailing, wire_value.
  [[nodiscard]] static constexpr Result<ControlRequest> parse(ByteView in) {
    if (in.size() < kCommandSize) return fail(Code::wire_short, in.size(), kCommandSize);
    SNPNV_TRY(const std::size_t size, size_of(in.first<kCommandSize>()));
    ByteReader reader(in);
    ControlRequest out{static_cast<Control>(reader.be<std::uint32_t>())};
    const ByteView arguments = reader.take(size - kCommandSize);
    if (arguments.size() >= 4) {
      out.number = load<std::uint32_t, Endian::big>(arguments.first<4>());
      out.locality = static_cast<std::uint8_t>(arguments[0]);
    }
    out.answer_size = answer_size_of(out.command);
    return reader.finish(out);
  }

 private:
  [[nodiscard]] static constexpr std::size_t answer_size_of(Control command) {
    switch (command) {
#define SNPNV_X(name, code, arguments, answer, bit) \
  case Control::name: return answer;
      SNPNV_PARAVISOR_CONTROL(SNPNV_X)
#undef SNPNV_X
    }
    return 0;
  }
};

}  // namespace snpnv::paravisor
