// SPDX-License-Identifier: Apache-2.0
// What every source of certificates is asked, and every answer is judged by.
#pragma once

#include "snpnv/wire/snp_report.hpp"

namespace snpnv {

enum class CertificateKind : std::uint8_t {
  issuers,      // the ARK, and ASK or ASVK
  endorsement,  // the VCEK
  revocation,   // the ARK's list
};

/// What is wanted. Borrows chip_id.
struct CertificateRequest {
  CertificateKind kind{};
  Product product{};
  SIGNING_KEY endorser = SIGNING_KEY::VCEK;  // of issuers and lists: whose
  ByteView chip_id = {};                     // of a VCEK: CHIP_ID of the report, all 64 octets
  TCB_VERSION tcb = {};                      // of a VCEK: REPORTED_TCB
};

}  // namespace snpnv
