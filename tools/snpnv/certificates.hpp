// Certificates and revocation lists from files, PEM or DER.
#pragma once

#include "cli.hpp"
#include "snpnv/verify/chain.hpp"

namespace snpnv::tool {

inline constexpr std::string_view kPemCertificate = "CERTIFICATE";
inline constexpr std::string_view kPemCrl = "X509 CRL";

/// The DER octets of a file with one certificate or list: DER, or the first PEM block with `label`.
/// Never empty: that would read like a list that nobody gave.
[[nodiscard]] Outcome<std::vector<std::byte>> read_der(std::string_view path, std::string_view label);

/// The certificate NAME.pem or NAME.der in a directory; empty if there is none. Evidence: a file with another
/// content is rejected.
[[nodiscard]] Outcome<std::vector<std::byte>> read_if_there(std::string_view directory, std::string_view name);

/// The content of a file as one PEM block.
[[nodiscard]] std::string pem_of(ByteView der, std::string_view label);

/// --root and --crl, and AMD's roots.
class TrustFiles {
 public:
  [[nodiscard]] static Outcome<TrustFiles> read(const Arguments& arguments);
  /// The root that issued `certificate`, of --root and AMD's, by name and, among those of one name, by
  /// signature; else the first --root; else nothing. A choice only: verification proves it.
  [[nodiscard]] ByteView root_of(ByteView certificate) const;
  /// The root of that name, a DER Name; nothing if there is none.
  [[nodiscard]] ByteView root_named(ByteView name) const;
  [[nodiscard]] Trust trust() const { return {digests_}; }
  [[nodiscard]] ByteView crl() const { return crl_; }

 private:
  std::vector<std::vector<std::byte>> roots_;
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
  [[nodiscard]] CertificateChain chain() const {
    return {ark_.empty() ? trust_.root_of(ask_) : ByteView(ark_), ask_, vek_, trust_.crl()};
  }
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
  /// The chain of `vek`, chosen as root_of() does; the first one if nobody has that name.
  [[nodiscard]] CertificateChain chain(ByteView vek) const;
  [[nodiscard]] Trust trust() const { return trust_.trust(); }

 private:
  struct Issuer {
    std::vector<std::byte> ark;  // empty: a root stands in
    std::vector<std::byte> ask;  // or ASVK
  };
  std::vector<Issuer> issuers_;
  TrustFiles trust_;
};

}  // namespace snpnv::tool
