// SPDX-License-Identifier: Apache-2.0
// A scripted TPM with NV indices, and what it answers.
#pragma once

#include "snpnv/tpm/nv.hpp"
#include "tests/tpm/scripted.hpp"

namespace snpnv::test {

struct Bench {
  ScriptedTpm transport;
  ManualClock clock;
  Tpm<ScriptedTpm, ManualClock> tpm{transport, clock, 2000};

  /// The codes of the commands sent so far.
  std::string commands() const {
    std::string out;
    for (const std::string& message : transport.sent) out += message.substr(16, 4) + ' ';
    return out;
  }
};

inline constexpr std::uint32_t kNoIndex = 0x18B;  // TPM_RC_HANDLE, handle 1
inline constexpr std::uint32_t kNoIndex2 = 0x28B;  // handle 2, as NV_Write has it
inline constexpr std::uint32_t kNvRange = 0x146;
inline constexpr std::uint32_t kValue = 0x1C4;     // TPM_RC_VALUE, parameter 1

// Answers an NV_Read from `content`, as a TPM whose limit for one read is `limit`.
inline ScriptedTpm::Answer read_from(const Octets& content, std::size_t limit) {
  return [&content, limit](ByteView command, MutBytes response) -> Result<ByteView> {
    const auto read = unmarshal_command<NV_Read>(command);
    REQUIRE(read.has_value());
    CHECK(read->authHandle == TPM_RH::OWNER);
    CHECK(read->nvIndex == vtpm::kReportIndex);
    if (read->size > limit) return marshal_error(kValue, response);
    if (std::size_t{read->offset} + read->size > content.size()) return marshal_error(kNvRange, response);
    return marshal_response(NV_Read::Response{{ByteView(content).subspan(read->offset, read->size)}},
                            TPM_ST::SESSIONS, 1, response);
  };
}
inline ScriptedTpm::Answer buffer_max(std::uint32_t value, TPM_PT property = TPM_PT::NV_BUFFER_MAX) {
  return [=](ByteView command, MutBytes response) {
    CHECK(digits(command) == "8001000000160000017a000000060000012c00000001");
    GetCapability::Response out;
    out.capabilityData.capability = TPM_CAP::TPM_PROPERTIES;
    out.capabilityData.tpmProperties.add({property, value});
    return marshal_response(out, TPM_ST::NO_SESSIONS, 0, response);
  };
}
inline Octets numbered(std::size_t size) {
  Octets out(size);
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<std::byte>(i * 7 + i / 256);
  return out;
}

inline NV_ReadPublic::Response area(std::uint16_t size, std::uint32_t attributes,
                             TPM_ALG_ID hash = TPM_ALG_ID::SHA256) {
  return {{{vtpm::kUserDataIndex, hash, {attributes}, {}, size}}, {}};
}
// OWNERWRITE, AUTHWRITE, OWNERREAD, AUTHREAD, and WRITTEN.
inline constexpr std::uint32_t kRight = 0x20060006;

}  // namespace snpnv::test
