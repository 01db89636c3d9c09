// SPDX-License-Identifier: Apache-2.0
// Certificates and revocation lists from files, PEM or DER.
#pragma once

#include "cli.hpp"
#include "snpnv/core/pem.hpp"
#include "snpnv/verify/certificate_pool.hpp"

namespace snpnv::tool {

/// Certificates or lists in DER.
using Ders = std::vector<std::vector<std::byte>>;

/// The content of a file: DER, or its PEM blocks with `label`, at least one, and none empty. What else is in the
/// text is passed over.
[[nodiscard]] Outcome<Ders> read_ders(std::string_view path, std::string_view label);

/// Each certificate or list in a file, DER too, and nothing else: what is passed over, or empty, would read like
/// a list that nobody gave.
[[nodiscard]] Outcome<Ders> read_all_der(std::string_view path, std::string_view label);

/// The certificate NAME.pem or NAME.der in a directory, the first of several, with a warning; empty if there is
/// no such file. Evidence: a file with another content is rejected.
[[nodiscard]] Outcome<std::vector<std::byte>> read_if_there(const Arguments& arguments, std::string_view directory,
                                                            std::string_view name);

/// The content of a file as one PEM block.
[[nodiscard]] std::string pem_of(ByteView der, std::string_view label);

/// --root and --crl, and AMD's roots.
class TrustFiles {
 public:
  TrustFiles() = default;
  TrustFiles(TrustFiles&&) = default;  // a copy would view the original's octets
  TrustFiles& operator=(TrustFiles&&) = default;
  [[nodiscard]] static Outcome<TrustFiles> read(const Arguments& arguments);
  /// The root that issued it, of --root and AMD's; see IssuerChoice.
  [[nodiscard]] ByteView root_of(ByteView certificate) const;
  [[nodiscard]] ByteView root_of_list(ByteView list) const;
  [[nodiscard]] Trust trust() const { return {digests_}; }
  /// They and the revocation lists, with these issuers.
  [[nodiscard]] CertificatePool pool(std::span<const Issuer> issuers) const { return {issuers, views_, crl_}; }

 private:
  std::vector<std::vector<std::byte>> roots_;
  std::vector<ByteView> views_;  // of roots_, whose octets stay where they are when this moves
  std::vector<SpkiDigest> digests_;
  std::vector<std::byte> crl_;
};

/// A directory as `snpguest fetch` lays it out: `ark`, `ask` and `vcek`, or `asvk` and `vlek`, each as
/// .pem or .der. Where it has both a VCEK and a VLEK, `prefer` decides. Where it has no `ark`, a root
/// stands in.
class ChainFiles {
 public:
  [[nodiscard]] static Outcome<ChainFiles> read(const Arguments& arguments, std::string_view directory,
                                                SIGNING_KEY prefer);
  [[nodiscard]] CertificateChain chain() const;
  [[nodiscard]] Trust trust() const { return trust_.trust(); }

 private:
  std::vector<std::byte> ark_;
  std::vector<std::byte> ask_;  // or ASVK
  std::vector<std::byte> vek_;  // VCEK or VLEK
  TrustFiles trust_;
};

/// What --certs directories hold above a VCEK or VLEK that comes with the evidence.
class IssuerFiles {
 public:
  [[nodiscard]] static Outcome<IssuerFiles> read(const Arguments& arguments);
  [[nodiscard]] CertificatePool pool() const { return trust_.pool(issuers_); }

 private:
  std::vector<std::vector<std::byte>> held_;
  std::vector<Issuer> issuers_;  // views of held_
  TrustFiles trust_;
};

}  // namespace snpnv::tool
