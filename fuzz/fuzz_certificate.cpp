// SPDX-License-Identifier: Apache-2.0
// Certificates, revocation lists and AMD's extensions. Views lie within the input, errors point into
// it, and what is signed is part of what was given.
#include "fuzz/fuzz.hpp"
#include "snpnv/wire/x509_revocation_list.hpp"
#include "snpnv/wire/vek_certificate.hpp"

using namespace snpnv;

namespace {

bool within(ByteView part, ByteView whole) {
  return part.empty() || (part.data() >= whole.data() &&
                          part.data() + part.size() <= whole.data() + whole.size());
}

void check_extensions(const Certificate& certificate, std::size_t size) {
  const VekCertificate vek(certificate);
  for (const VekExtensionRow& extension : kVekExtensions) {
    const auto value = vek.value(extension.id);
    if (!value) {
      REQUIRE(value.error().code == Code::vek_missing || value.error().code == Code::vek_duplicate);
      REQUIRE(value.error().detail == extension.last_arc);
      continue;
    }
    REQUIRE(within(value->content, certificate.raw));
    if (const auto number = vek.number(extension.id); !number)
      REQUIRE(fuzz::inside(number.error(), size));
    if (const auto text = vek.text(extension.id)) REQUIRE(within(*text, value->content));
  }
  for (const std::size_t hw_id_size : {8U, 64U})
    if (const auto id = vek.hw_id(hw_id_size)) REQUIRE(id->size() == hw_id_size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView in = fuzz::view(data, size);
  const auto certificate = Certificate::parse(in);
  if (certificate) {
    for (const ByteView part :
         {certificate->signed_octets.tbs, certificate->signed_octets.signature, certificate->serial,
          certificate->issuer.raw, certificate->subject.raw, certificate->key.spki,
          certificate->key.point, certificate->key.rsa.modulus, certificate->extensions.raw})
      REQUIRE(within(part, in));
    REQUIRE(!certificate->signed_octets.tbs.empty());
    REQUIRE(certificate->key.type != KeyType::p384 || certificate->key.point.size() == 97);
    REQUIRE(certificate->key.type != KeyType::rsa || certificate->key.rsa.bits() > 0);
    (void)is_rsa_pss_sha384(certificate->signed_octets.algorithm);
    check_extensions(*certificate, size);
  } else {
    REQUIRE(fuzz::inside(certificate.error(), size));
  }
  const auto list = RevocationList::parse(in);
  if (list) {
    REQUIRE(within(list->signed_octets.tbs, in));
    REQUIRE(within(list->revoked.raw, in));
    (void)list->names(in.first(std::min<std::size_t>(size, 3)));
  } else {
    REQUIRE(fuzz::inside(list.error(), size));
  }
  REQUIRE(!certificate || !list);
  return 0;
}
