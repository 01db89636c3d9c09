// Certificates and revocation lists from files, PEM or DER.
#pragma once

#include "cli.hpp"
#include "snpnv/verify/chain.hpp"

namespace snpnv::tool {

inline constexpr std::string_view kPemCertificate = "CERTIFICATE";
inline constexpr std::string_view kPemCrl = "X509 CRL";

/// The DER octets of a file with one certificate or list: DER, or the first PEM block with `label`.
[[nodiscard]] Outcome<std::vector<std::byte>> read_der(std::string_view path, std::string_view label);

/// The certificates of a directory as `snpguest fetch` lays it out.
struct CertificateFiles {
  std::vector<std::byte> ark;  // empty: the directory has none
  std::vector<std::byte> ask;  // or ASVK
  std::vector<std::byte> vek;  // VCEK or VLEK
};

/// Reads `ark`, `ask` and `vcek`, or `asvk` and `vlek`, each as .pem or .der. Where the directory has
/// both a VCEK and a VLEK, `prefer` decides.
[[nodiscard]] Outcome<CertificateFiles> read_certificates(std::string_view directory,
                                                          SIGNING_KEY prefer);

/// Reads the certificates above `vek`, which came with the evidence: `ark`, and `ask` or `asvk` as
/// `signing_key` wants.
[[nodiscard]] Outcome<CertificateFiles> read_issuers(std::string_view directory,
                                                     std::vector<std::byte> vek,
                                                     SIGNING_KEY signing_key);

}  // namespace snpnv::tool
