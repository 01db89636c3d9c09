// SPDX-License-Identifier: Apache-2.0
// One of each command, for the targets that try them all: call(command) for the one that `which` picks.
#pragma once

#include <vector>

#include "snpnv/wire/tpm2_messages.hpp"

namespace snpnv::fuzz {

inline constexpr std::size_t kCommandCount = 12;

template <class Call>
void with_command(std::size_t which, Call&& call) {
  switch (which % kCommandCount) {
    case 0: return call(Startup{});
    case 1: return call(NV_DefineSpace{});
    case 2: return call(NV_UndefineSpace{});
    case 3: return call(NV_ReadPublic{vtpm::kReportIndex});
    case 4: return call(NV_Write{});
    case 5: return call(NV_Read{TPM_RH::OWNER, vtpm::kReportIndex, 16, 0});
    case 6: return call(ReadPublic{});
    case 7: return call(Quote{});
    case 8: {
      constexpr std::array kFirstEight{std::byte{0xFF}, std::byte{0}, std::byte{0}};
      PCR_Read command;
      command.pcrSelectionIn.add({TPM_ALG_ID::SHA256, 3, kFirstEight});
      return call(command);
    }
    case 9: return call(GetCapability{TPM_CAP::HANDLES, 0x01000000, 254});
    case 10: return call(GetCapability{TPM_CAP::TPM_PROPERTIES, 0x100, 127});
    default: return call(GetRandom{32});
  }
}

/// An input: an octet that picks the command, and a message. With the octet's top bit set, the size in
/// the message's header is made right, so that what is behind the header is reached more often.
struct Input {
  constexpr explicit Input(ByteView in)
      : which(std::to_integer<std::size_t>(in[0] & std::byte{0x7F})), octets(in.begin() + 1, in.end()) {
    if ((in[0] & std::byte{0x80}) == std::byte{0} || octets.size() < TpmHeader::kSize) return;
    store<std::uint32_t, Endian::big>(MutBytes(octets).subspan(2).first<4>(),
                                      static_cast<std::uint32_t>(octets.size()));
  }

  std::size_t which;
  std::vector<std::byte> octets;  // of exactly the message's size: a read behind it is seen
};

}  // namespace snpnv::fuzz
