// SPDX-License-Identifier: Apache-2.0
// X.509 certificates, as far as a chain of three with known roles needs them.
#pragma once

#include "snpnv/wire/x509.hpp"

namespace snpnv {

/// A version-3 certificate. A view: borrows the octets, owns nothing.
/// Source: RFC 5280, "Certificate".
struct Certificate {
  ByteView raw;
  SignedOctets signed_octets;
  ByteView serial;  // INTEGER content octets
  X509Name issuer;
  X509Name subject;
  UnixTime not_before = 0;
  UnixTime not_after = 0;  // inclusive
  X509Key key;
  DerElement extensions;  // SEQUENCE OF Extension; raw is empty if there are none
  bool ca = false;        // basicConstraints
  std::optional<std::uint32_t> path_length;
  std::optional<std::uint16_t> key_usage;  // bit n of KeyUsage as bit n
  bool unknown_critical = false;  // a critical extension that is neither of these two

  [[nodiscard]] constexpr bool may(KeyUsage usage) const {
    return key_usage && (*key_usage & static_cast<std::uint16_t>(usage)) != 0;
  }

  /// Calls visit(extension) for each.
  template <class Visit>
  constexpr void for_each_extension(Visit&& visit) const {
    for (DerReader in(extensions); !in.at_end();) visit(detail::read_extension(in));
  }

  /// Reads a certificate that fills `in`.
  /// @returns a view | der_encoding, der_tag, wire_short, wire_trailing - not DER, or not a version-3
  ///   certificate | wire_value - a value that RFC 5280 does not allow; where: offset.
  [[nodiscard]] static constexpr Result<Certificate> parse(ByteView in) {
    Certificate out;
    out.raw = in;
    DerReader reader(in);
    DerReader certificate = reader.enter(DerTag::sequence);
    const std::size_t begin = certificate.offset();
    DerReader tbs = certificate.enter(DerTag::sequence);
    out.signed_octets.tbs = certificate.since(begin);

    constexpr std::uint32_t kVersion3 = 2;
    DerReader version = tbs.enter(context_tag(0));
    const std::size_t version_at = version.offset();
    if (version.unsigned_integer(kVersion3) != kVersion3)
      version.fail_at(Code::wire_value, version_at);
    tbs.close(version);
    out.serial = tbs.integer();
    const AlgorithmIdentifier algorithm = detail::read_algorithm(tbs);
    out.issuer = detail::read_name(tbs);
    DerReader validity = tbs.enter(DerTag::sequence);
    out.not_before = detail::read_time(validity);
    out.not_after = detail::read_time(validity);
    tbs.close(validity);
    out.subject = detail::read_name(tbs);
    out.key = detail::read_key(tbs);
    if (!tbs.at_end()) {
      DerReader outer = tbs.enter(context_tag(3));
      DerReader list = outer;
      out.extensions = list.any();
      out.read_standard_extensions(outer);
      tbs.close(outer);
    }
    certificate.close(tbs);
    out.signed_octets.read_signature(certificate, algorithm);
    reader.close(certificate);
    return reader.finish(out);
  }

 private:
  constexpr void read_standard_extensions(DerReader& outer) {
    detail::read_extensions(outer, [this](DerReader& list, const X509Extension& extension) {
      const auto read = read_value(extension);
      if (!read) list.fail_at(read.error().code, read.error().where, read.error().detail);
    });
  }
  constexpr Result<void> read_value(const X509Extension& extension) {
    DerReader value(extension.value);
    if (equal(extension.oid, oid::kBasicConstraints)) {
      DerReader constraints = value.enter(DerTag::sequence);
      ca = constraints.false_by_default();
      if (ca && !constraints.at_end()) path_length = constraints.unsigned_integer(0xFFFF);
      value.close(constraints);
      return value.finish();
    }
    if (equal(extension.oid, oid::kKeyUsage)) {
      key_usage = read_key_usage(value);
      return value.finish();
    }
    unknown_critical = unknown_critical || extension.critical;
    return detail::check_value(extension);
  }
  // AMD's ASK and ASVK have a zero bit behind keyCertSign.
  static constexpr std::uint16_t read_key_usage(DerReader& value) {
    constexpr std::array kOfAmd{std::byte{0x03}, std::byte{0x02}, std::byte{0x01}, std::byte{0x04}};
    DerReader whole = value;
    unsigned unused = 0;
    const ByteView bits =
        equal(whole.any().raw, kOfAmd) ? value.bit_string(unused) : value.named_bits();
    std::uint16_t usage = 0;
    for (std::size_t i = 0; i < std::min<std::size_t>(16, bits.size() * 8); ++i)
      if ((std::to_integer<unsigned>(bits[i / 8]) >> (7 - i % 8) & 1U) != 0)
        usage = static_cast<std::uint16_t>(usage | 1U << i);
    return usage;
  }
};

}  // namespace snpnv
