// One of each command, for the targets that try them all: call(command) for the one that `which` picks.
#pragma once

#include "snpnv/wire/tpm2_commands.hpp"

namespace snpnv::fuzz {

inline constexpr std::size_t kCommandCount = 11;

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
    case 8: return call(PCR_Read{});
    case 9: return call(GetCapability{TPM_CAP::HANDLES, 0x01000000, 254});
    default: return call(GetRandom{32});
  }
}

}  // namespace snpnv::fuzz
