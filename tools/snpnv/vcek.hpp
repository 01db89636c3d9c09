// SPDX-License-Identifier: Apache-2.0
// The VCEK that goes with a report: from a file, and what it is asked for by.
#pragma once

#include "certificates.hpp"
#include "snpnv/fetch/accept.hpp"

namespace snpnv::tool {

/// A VCEK or VLEK and its issuers, in DER. Without issuers ask and ark are empty.
struct VekFile {
  std::vector<std::byte> vek;
  std::vector<std::byte> ask;
  std::vector<std::byte> ark;
};

/// Reads one certificate, or PEM blocks: VCEK, ASK and ARK in this order.
[[nodiscard]] Outcome<VekFile> read_vek(std::string_view path);

/// Judges it as fetch judges what it gets: under its issuers where it has both, else by itself. An ARK that
/// nobody trusts gets a warning: who takes the evidence decides.
[[nodiscard]] Outcome<void> check_vek(const Arguments& arguments, std::string_view path, const VekFile& file,
                                      const ATTESTATION_REPORT& report, const TrustFiles& trust);

/// A request for the VCEK or VLEK of a report for each product that it can be of; `what` names the report in errors.
[[nodiscard]] Outcome<std::vector<CertificateRequest>> vek_requests(std::string_view what,
                                                                    const ATTESTATION_REPORT& report);

/// Whether a VCEK or VLEK says that it is issued for this product.
[[nodiscard]] bool issued_for(Product product, ByteView vek);

/// Why a certificate was refused, in words.
[[nodiscard]] std::string refusal_text(const Refusal& refusal);

}  // namespace snpnv::tool
