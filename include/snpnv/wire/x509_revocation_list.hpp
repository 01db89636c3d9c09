// SPDX-License-Identifier: Apache-2.0
// X.509 revocation lists, as far as the ARK issues them.
#pragma once

#include "snpnv/wire/x509.hpp"

namespace snpnv {

/// A version-2 revocation list. A view: borrows the octets, owns nothing.
/// Source: RFC 5280, "CRL and CRL Extensions Profile".
struct RevocationList {
  SignedOctets signed_octets;
  X509Name issuer;
  UnixTime this_update = 0;
  UnixTime next_update = 0;
  DerElement revoked;  // SEQUENCE OF entries; raw is empty if there are none

  /// True if the list names the serial number, given as INTEGER content octets.
  [[nodiscard]] constexpr bool names(ByteView serial) const {
    bool found = false;
    for (DerReader in(revoked); !in.at_end();) {
      DerReader entry = in.enter(DerTag::sequence);
      found = found || equal(entry.integer(), serial);
      (void)detail::read_time(entry);
      while (!entry.at_end()) (void)entry.any();
    }
    return found;
  }

  /// Reads a list that fills `in`. One without nextUpdate, or with a critical extension, is not accepted;
  /// nor is a delta, partial or indirect one, whether it says so critically or not.
  /// @returns a view | the codes of Certificate::parse() | crl_extension - one of these; where: offset of its value,
  ///   detail: last octet of its OID.
  [[nodiscard]] static constexpr Result<RevocationList> parse(ByteView in) {
    RevocationList out;
    DerReader reader(in);
    DerReader list = reader.enter(DerTag::sequence);
    const std::size_t begin = list.offset();
    DerReader tbs = list.enter(DerTag::sequence);
    out.signed_octets.tbs = list.since(begin);

    constexpr std::uint32_t kVersion2 = 1;
    const std::size_t version_at = tbs.offset();
    if (tbs.unsigned_integer(kVersion2) != kVersion2) tbs.fail_at(Code::wire_value, version_at);
    const AlgorithmIdentifier algorithm = detail::read_algorithm(tbs);
    out.issuer = detail::read_name(tbs);
    out.this_update = detail::read_time(tbs);
    out.next_update = detail::read_time(tbs);
    if (tbs.next_is(DerTag::sequence)) {
      DerReader entries = tbs;
      out.revoked = tbs.any();
      DerReader inner = entries.enter(DerTag::sequence);
      while (!inner.at_end()) {
        DerReader entry = inner.enter(DerTag::sequence);
        (void)entry.integer();
        (void)detail::read_time(entry);
        if (!entry.at_end()) check_extensions(entry);
        inner.close(entry);
      }
      if (!inner.ok()) tbs.close(inner);
    }
    if (!tbs.at_end()) {
      DerReader outer = tbs.enter(context_tag(0));
      check_extensions(outer);
      tbs.close(outer);
    }
    list.close(tbs);
    out.signed_octets.read_signature(list, algorithm);
    reader.close(list);
    return reader.finish(out);
  }

 private:
  // RFC 5280, "Delta CRL Indicator", "Issuing Distribution Point", "Certificate Issuer": whoever passes
  // over one of these takes a part of the revocations, or those of another issuer, for all of the ARK's.
  static constexpr void check_extensions(DerReader& in) {
    detail::read_extensions(in, [](DerReader& list, const X509Extension& extension) {
      const auto is = [&](ByteView oid) { return equal(extension.oid, oid); };
      if (extension.critical || is(oid::kDeltaCrlIndicator) || is(oid::kIssuingDistributionPoint) ||
          is(oid::kCertificateIssuer))
        list.fail_at(Code::crl_extension, extension.value.offset,
                     extension.oid.empty() ? 0 : std::to_integer<std::uint32_t>(extension.oid.back()));
      const auto read = detail::check_value(extension);
      if (!read) list.fail_at(read.error().code, read.error().where, read.error().detail);
    });
  }
};

}  // namespace snpnv
