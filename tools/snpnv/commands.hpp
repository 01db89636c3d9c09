// SPDX-License-Identifier: Apache-2.0
// The commands, and what several of them share.
#pragma once

#include "cli.hpp"

namespace snpnv::tool {

extern const CommandSpec kReport;
extern const CommandSpec kDisplayReport;
extern const CommandSpec kDisplayEnvelope;
extern const CommandSpec kDisplayClaims;
extern const CommandSpec kDisplayCert;
extern const CommandSpec kVerifyCerts;
extern const CommandSpec kVerifyAttestation;
extern const CommandSpec kVerifyEnvelope;
extern const CommandSpec kProbe;

extern const CommandSpec kQuote;
extern const CommandSpec kEvidence;
extern const CommandSpec kVerifyEvidence;
extern const CommandSpec kDisplayEvidence;
extern const CommandSpec kDisplayEventlog;

#ifdef SNPNV_FETCH
extern const CommandSpec kFetchCa;
extern const CommandSpec kFetchVcek;
extern const CommandSpec kFetchCrl;
extern const CommandSpec kKbs;
extern const CommandSpec kMaa;
#endif

/// The TCTI to use: --tcti, or the default of this machine.
[[nodiscard]] Outcome<std::string> tcti_name(const Arguments& arguments);

}  // namespace snpnv::tool
