// SPDX-License-Identifier: Apache-2.0
// What X.509 certificates and revocation lists have in common, as far as a chain of three with known roles needs it.
// Nothing is decided here but whether the octets are what RFC 5280 says.
#pragma once

#include <optional>

#include "snpnv/core/civil_time.hpp"
#include "snpnv/core/rsa.hpp"
#include "snpnv/wire/vek_extensions.hpp"

namespace snpnv {

namespace oid {
inline constexpr auto kRsaEncryption = kOid<1, 2, 840, 113549, 1, 1, 1>;
inline constexpr auto kMgf1 = kOid<1, 2, 840, 113549, 1, 1, 8>;
inline constexpr auto kRsassaPss = kOid<1, 2, 840, 113549, 1, 1, 10>;
inline constexpr auto kEcPublicKey = kOid<1, 2, 840, 10045, 2, 1>;
inline constexpr auto kSecp384r1 = kOid<1, 3, 132, 0, 34>;
inline constexpr auto kSha384 = kOid<2, 16, 840, 1, 101, 3, 4, 2, 2>;
inline constexpr auto kCommonName = kOid<2, 5, 4, 3>;
inline constexpr auto kKeyUsage = kOid<2, 5, 29, 15>;
inline constexpr auto kBasicConstraints = kOid<2, 5, 29, 19>;
inline constexpr auto kSubjectKeyIdentifier = kOid<2, 5, 29, 14>;
inline constexpr auto kSubjectAlternativeName = kOid<2, 5, 29, 17>;
inline constexpr auto kDeltaCrlIndicator = kOid<2, 5, 29, 27>;
inline constexpr auto kIssuingDistributionPoint = kOid<2, 5, 29, 28>;
inline constexpr auto kCertificateIssuer = kOid<2, 5, 29, 29>;
inline constexpr auto kCrlDistributionPoints = kOid<2, 5, 29, 31>;
inline constexpr auto kCertificatePolicies = kOid<2, 5, 29, 32>;
inline constexpr auto kAuthorityKeyIdentifier = kOid<2, 5, 29, 35>;
inline constexpr auto kExtendedKeyUsage = kOid<2, 5, 29, 37>;
inline constexpr auto kNetscapeCertType = kOid<2, 16, 840, 1, 113730, 1, 1>;
}  // namespace oid

/// RFC 5280, "Certificate Fields", AlgorithmIdentifier.
struct AlgorithmIdentifier {
  ByteView raw;
  ByteView oid;
  DerElement parameters;  // raw is empty if they are absent
};

/// A distinguished name: all of it for comparisons, and its common name.
struct X509Name {
  ByteView raw;
  ByteView common_name;  // UTF-8 or ASCII; empty if there is none
};

enum class KeyType : std::uint8_t { other, rsa, p384 };

[[nodiscard]] constexpr std::string_view name(KeyType type) {
  switch (type) {
    case KeyType::rsa: return "RSA";
    case KeyType::p384: return "P-384";
    case KeyType::other: return "another type";
  }
  return "unknown";
}

/// SubjectPublicKeyInfo.
struct X509Key {
  ByteView spki;
  KeyType type = KeyType::other;
  RsaPublicKey rsa;  // for KeyType::rsa
  ByteView point;    // for KeyType::p384: 04h, X, Y; 97 octets
};

struct X509Extension {
  ByteView oid;
  bool critical = false;
  DerElement value;  // the OCTET STRING around the extension's own value
};

/// Bits of KeyUsage. RFC 5280, "Key Usage".
enum class KeyUsage : std::uint16_t { key_cert_sign = 1U << 5, crl_sign = 1U << 6 };

namespace detail {

/// Reads one AlgorithmIdentifier.
[[nodiscard]] constexpr AlgorithmIdentifier read_algorithm(DerReader& in) {
  AlgorithmIdentifier out;
  const std::size_t begin = in.offset();
  DerReader inner = in.enter(DerTag::sequence);
  out.oid = inner.oid();
  if (!inner.at_end()) out.parameters = inner.any();
  in.close(inner);
  out.raw = in.since(begin);
  return out;
}

}  // namespace detail

/// True for RSASSA-PSS with SHA-384, MGF1 with SHA-384 and a salt of 48 octets. Hash parameters may
/// be NULL or absent, and the trailer field written out although 1 is its default: AMD does both.
/// Source: RFC 4055, "RSASSA-PSS Public Keys".
[[nodiscard]] constexpr bool is_rsa_pss_sha384(const AlgorithmIdentifier& algorithm) {
  if (!equal(algorithm.oid, oid::kRsassaPss) || algorithm.parameters.tag != DerTag::sequence)
    return false;
  const auto is_sha384 = [](const AlgorithmIdentifier& hash) {
    return equal(hash.oid, oid::kSha384) &&
           (hash.parameters.raw.empty() ||
            (hash.parameters.tag == DerTag::null && hash.parameters.content.empty()));
  };
  DerReader in(algorithm.parameters);
  DerReader hash = in.enter(context_tag(0));
  bool as_required = is_sha384(detail::read_algorithm(hash));
  in.close(hash);
  DerReader mask = in.enter(context_tag(1));
  const AlgorithmIdentifier mgf = detail::read_algorithm(mask);
  DerReader mgf_hash(mgf.parameters.raw);
  as_required = as_required && equal(mgf.oid, oid::kMgf1) &&
                is_sha384(detail::read_algorithm(mgf_hash)) && mgf_hash.ok();
  in.close(mask);
  DerReader salt = in.enter(context_tag(2));
  as_required = as_required && salt.unsigned_integer(0xFFFF) == 48;
  in.close(salt);
  if (in.next_is(context_tag(3))) {
    DerReader trailer = in.enter(context_tag(3));
    as_required = as_required && trailer.unsigned_integer(0xFFFF) == 1;
    in.close(trailer);
  }
  return in.finish(as_required).value_or(false);
}

namespace detail {

/// Reads a Name. More than one common name is wire_value, and so is a value that is not text.
[[nodiscard]] constexpr X509Name read_name(DerReader& in) {
  X509Name out;
  const std::size_t begin = in.offset();
  DerReader sets = in.enter(DerTag::sequence);
  while (!sets.at_end()) {
    DerReader set = sets.enter(DerTag::set);
    do {
      const std::size_t begin_of_pair = set.offset();
      DerReader pair = set.enter(DerTag::sequence);
      const ByteView type = pair.oid();
      const DerElement value = pair.text();
      if (equal(type, oid::kCommonName)) {
        const bool text = value.tag == DerTag::utf8_string || value.tag == DerTag::printable_string;
        if (!text || value.content.empty() || !out.common_name.empty())
          pair.fail_at(Code::wire_value, value.offset, static_cast<std::uint8_t>(value.tag));
        out.common_name = value.content;
      }
      set.close(pair);
      if (!set.at_end()) set.require_above(set.since(begin_of_pair));
    } while (!set.at_end());
    sets.close(set);
  }
  in.close(sets);
  out.raw = in.since(begin);
  return out;
}

/// Reads a UTCTime or GeneralizedTime of the form that RFC 5280 allows: with seconds, in Z.
/// Source: RFC 5280, "Validity".
[[nodiscard]] constexpr UnixTime read_time(DerReader& in) {
  const bool two_digits = in.next_is(DerTag::utc_time);
  const DerElement element = two_digits ? in.expect(DerTag::utc_time)
                                        : in.expect(DerTag::generalized_time);
  if (!in.ok()) return 0;
  std::array<char, 15> buffer{};
  const std::size_t expected = two_digits ? 13 : 15;
  for (std::size_t i = 0; i < std::min(buffer.size(), element.content.size()); ++i)
    buffer[i] = static_cast<char>(element.content[i]);
  std::string_view text(buffer.data(), expected - 1);
  const bool framed = element.content.size() == expected && buffer[expected - 1] == 'Z';
  CivilTime t;
  bool digits = framed;
  const auto field = [&](std::uint32_t& to, std::size_t count) {
    const auto value = take_digits(text, count);
    digits = digits && value.has_value();
    to = value.value_or(0);
  };
  field(t.year, two_digits ? 2 : 4);
  if (two_digits) t.year += t.year < 50 ? 2000 : 1900;
  field(t.month, 2);
  field(t.day, 2);
  field(t.hour, 2);
  field(t.minute, 2);
  field(t.second, 2);
  const auto time = unix_time(t);
  if (!digits || !time) {
    in.fail_at(Code::wire_value, element.offset, static_cast<std::uint8_t>(element.tag));
    return 0;
  }
  return *time;
}

/// Reads one Extension. RFC 5280, "Extensions".
[[nodiscard]] constexpr X509Extension read_extension(DerReader& in) {
  X509Extension out;
  DerReader inner = in.enter(DerTag::sequence);
  out.oid = inner.oid();
  out.critical = inner.false_by_default();
  out.value = inner.expect(DerTag::octet_string);
  in.close(inner);
  return out;
}

/// Reads Extensions and calls visit(extension) for each. None at all, more than 64, and the same twice
/// are wire_value. Only one of AMD's may stand there twice: VekCertificate says which, by name.
/// Source: RFC 5280, "Extensions".
template <class Visit>
constexpr void read_extensions(DerReader& in, Visit&& visit) {
  std::array<ByteView, 64> seen;
  std::size_t count = 0;
  DerReader list = in.enter(DerTag::sequence);
  if (list.at_end()) list.fail(Code::wire_value);
  while (!list.at_end()) {
    const X509Extension extension = read_extension(list);
    if (!list.ok()) break;
    const auto known = std::span(seen).first(count);
    // Most of a certificate's extensions differ in their last arc alone, and at the same length.
    const auto same = [&](ByteView other) {
      return other.back() == extension.oid.back() && equal(other, extension.oid);
    };
    const bool twice = std::ranges::any_of(known, same) && vek_extension(extension.oid) == nullptr;
    if (twice || count == seen.size()) list.fail_at(Code::wire_value, extension.value.offset);
    if (!list.ok()) break;
    seen[count++] = extension.oid;
    visit(list, extension);
  }
  in.close(list);
}

/// Passes over a GeneralName: one of the types that have a use beside a certificate of this kind.
/// Source: RFC 5280, "Subject Alternative Name".
constexpr void skip_general_name(DerReader& in) {
  constexpr auto kEmail = static_cast<DerTag>(0x81), kDnsName = static_cast<DerTag>(0x82),
                 kUri = static_cast<DerTag>(0x86), kAddress = static_cast<DerTag>(0x87);
  constexpr DerTag kDirectoryName = context_tag(4);
  if (in.next_is(kDirectoryName)) {
    DerReader name = in.enter(kDirectoryName);
    (void)read_name(name);
    return in.close(name);
  }
  const DerElement name = in.any();
  const bool text = name.tag == kEmail || name.tag == kDnsName || name.tag == kUri;
  const bool ascii =
      std::ranges::all_of(name.content, [](std::byte octet) { return octet < std::byte{0x80}; });
  if (in.ok() && !(text ? ascii : name.tag == kAddress)) in.fail_at(Code::wire_value, name.offset);
}

/// Passes over the elements of a SEQUENCE OF, or of a `tag` in its place, of which there is at least one.
template <class Read>
constexpr void skip_list(DerReader& in, DerTag tag, Read&& read) {
  DerReader list = in.enter(tag);
  do read(list);
  while (!list.at_end());
  in.close(list);
}

/// Checks the value of an extension that decides nothing here. Those that libraries read on their own
/// have the form that RFC 5280 gives them, so that no library finds another one.
/// @returns nothing | der_ and wire_ codes.
/// Source: RFC 5280, "Standard Extensions".
[[nodiscard]] constexpr Result<void> check_value(const X509Extension& extension) {
  DerReader value(extension.value);
  const auto is = [&](ByteView oid) { return equal(extension.oid, oid); };
  if (is(oid::kSubjectKeyIdentifier)) {
    if (value.expect(DerTag::octet_string).content.empty()) value.fail(Code::wire_value);
  } else if (is(oid::kAuthorityKeyIdentifier)) {
    constexpr auto kKey = static_cast<DerTag>(0x80), kSerial = static_cast<DerTag>(0x82);
    constexpr DerTag kIssuer = context_tag(1);
    DerReader fields = value.enter(DerTag::sequence);
    if (fields.next_is(kKey)) (void)fields.any();
    if (!fields.at_end()) {  // issuer and serial number: both or neither
      skip_list(fields, kIssuer, skip_general_name);
      (void)fields.integer(kSerial);
    }
    value.close(fields);
  } else if (is(oid::kExtendedKeyUsage)) {
    skip_list(value, DerTag::sequence, [](DerReader& in) { (void)in.oid(); });
  } else if (is(oid::kSubjectAlternativeName)) {
    skip_list(value, DerTag::sequence, skip_general_name);
  } else if (is(oid::kCertificatePolicies)) {
    skip_list(value, DerTag::sequence, [](DerReader& in) {
      DerReader policy = in.enter(DerTag::sequence);
      (void)policy.oid();
      if (!policy.at_end()) (void)policy.expect(DerTag::sequence);
      in.close(policy);
    });
  } else if (is(oid::kCrlDistributionPoints)) {
    skip_list(value, DerTag::sequence, [](DerReader& in) {  // a fullName of one point
      DerReader point = in.enter(DerTag::sequence);
      DerReader name = point.enter(context_tag(0));
      skip_list(name, context_tag(0), skip_general_name);
      point.close(name);
      in.close(point);
    });
  } else if (is(oid::kNetscapeCertType)) {
    (void)value.named_bits();
  } else {
    return {};
  }
  return value.finish();
}

/// Reads a SubjectPublicKeyInfo. Keys of other types than RSA and P-384 are left as KeyType::other.
[[nodiscard]] constexpr X509Key read_key(DerReader& in) {
  X509Key out;
  const std::size_t begin = in.offset();
  DerReader inner = in.enter(DerTag::sequence);
  const AlgorithmIdentifier algorithm = read_algorithm(inner);
  const std::size_t at = inner.offset();
  const ByteView key = inner.octet_aligned_bits();
  in.close(inner);
  out.spki = in.since(begin);
  if (!in.ok()) return out;
  if (equal(algorithm.oid, oid::kRsaEncryption)) {
    out.type = KeyType::rsa;
    DerReader outer(key, at);
    DerReader numbers = outer.enter(DerTag::sequence);
    out.rsa.modulus = numbers.positive();
    out.rsa.exponent = numbers.positive();
    if (numbers.ok() && !out.rsa.is_sound()) numbers.fail_at(Code::wire_value, at);
    outer.close(numbers);
    const auto read = outer.finish();
    const bool null = algorithm.parameters.tag == DerTag::null && algorithm.parameters.content.empty();
    if (!null) in.fail_at(Code::wire_value, at);  // RFC 4055, "RSA Public Keys"
    if (!read) in.fail_at(read.error().code, read.error().where, read.error().detail);
  } else if (equal(algorithm.oid, oid::kEcPublicKey) &&
             algorithm.parameters.tag == DerTag::oid &&
             equal(algorithm.parameters.content, oid::kSecp384r1)) {
    constexpr std::size_t kPointSize = 1 + 2 * 48;
    const bool uncompressed = key.size() == kPointSize && key[0] == std::byte{0x04};
    if (!uncompressed) in.fail_at(Code::wire_value, at, static_cast<std::uint32_t>(key.size()));
    out.type = KeyType::p384;
    out.point = key;
  }
  return out;
}

}  // namespace detail

/// What a certificate and a revocation list have in common: signed octets, and how.
struct SignedOctets {
  ByteView tbs;
  AlgorithmIdentifier algorithm;
  ByteView signature;

  /// Reads what stands behind the signed octets. The algorithm within them, `inner`, is signed and the one outside is
  /// not: they must agree.
  constexpr void read_signature(DerReader& in, const AlgorithmIdentifier& inner) {
    const std::size_t at = in.offset();
    algorithm = detail::read_algorithm(in);
    if (!equal(algorithm.raw, inner.raw)) in.fail_at(Code::wire_value, at);
    signature = in.octet_aligned_bits();
  }
};

}  // namespace snpnv
