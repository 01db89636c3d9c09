// SPDX-License-Identifier: Apache-2.0
// snpnv display cert: what a certificate says. Showing is not verifying.
#include "certificates.hpp"
#include "commands.hpp"
#include "describe.hpp"
#include "fields.hpp"
#include "output.hpp"
#include "provider.hpp"
#include "snpnv/wire/vek_certificate.hpp"

namespace snpnv::tool {
namespace {

std::string time_text(UnixTime time) {
  std::array<std::byte, 20> buffer{};
  ByteWriter writer(buffer);
  encode_rfc3339(writer, time);
  return std::string(text_of(writer.written()));
}

// The extension's value in its own form, or why it has none; nothing if it is absent.
void add_extension(Listing& out, const VekCertificate& vek, const VekExtensionRow& extension) {
  const auto unread = [&](const Error& error) { out.absent(extension.key, extension.name, text(error.code)); };
  const VekExtension id = extension.id;
  if (const auto value = vek.value(id); !value) {
    if (value.error().code != Code::vek_missing) unread(value.error());
  } else if (id == VekExtension::hw_id) {
    for (const Product product : {Product::milan, Product::turin})
      if (const auto hw_id = vek.hw_id(chip_id_size(product)))
        return out.text(extension.key, extension.name, hex(*hw_id));
    out.absent(extension.key, extension.name, "neither 64 nor 8 octets");
  } else if (id == VekExtension::product_name || id == VekExtension::csp_id) {
    const auto shown = vek.text(id);
    shown ? out.text(extension.key, extension.name, text_of(*shown)) : unread(shown.error());
  } else {
    const auto number = vek.number(id);
    number ? out.number(extension.key, extension.name, *number) : unread(number.error());
  }
}

Outcome<std::string> shown(std::string_view what, ByteView der, bool json) {
  Provider crypto;
  const auto certificate = crypto.parse_certificate(der);
  if (!certificate) return library_failure(what, certificate.error());
  const auto digest = spki_digest(crypto, *certificate);
  if (!digest) return library_failure(what, digest.error());

  Listing out;
  const auto add = [&](std::string_view key, std::string_view value) { out.text(key, key, value); };
  const X509Key& key = certificate->key;
  add("subject", text_of(certificate->subject.common_name));
  add("issuer", text_of(certificate->issuer.common_name));
  add("serial", hex(certificate->serial));
  add("not_before", time_text(certificate->not_before));
  add("not_after", time_text(certificate->not_after));
  add("key", std::string(name(key.type)) +
                 (key.type == KeyType::rsa ? format("-%zu", key.rsa.bits()) : std::string()));
  add("key_sha384", hex(*digest));
  add("signature", is_rsa_pss_sha384(certificate->signed_octets.algorithm) ? "RSASSA-PSS, SHA-384, salt 48"
                                                                           : "another algorithm");
  out.boolean("ca", "ca", certificate->ca);
  for (const PinnedRoot& root : kPinnedRoots)
    if (root.spki_sha384 == *digest) add("pinned_root", name(root.product));
  const VekCertificate vek(*certificate);
  for (const VekExtensionRow& extension : kVekExtensions) add_extension(out, vek, extension);
  return out.finish(json);
}

// One certificate is an object of JSON; several are its member `certificates`.
Outcome<Exit> display_cert(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  const bool json = arguments.json();
  SNPNV_TRY(const Ders ders, read_ders(path, kPemCertificate));
  const bool several = ders.size() > 1;
  std::string text = json && several ? "{\"certificates\":[" : "";
  for (std::size_t i = 0; i < ders.size(); ++i) {
    const std::string what = concat({path, several ? format(", certificate %zu", i + 1) : std::string()});
    SNPNV_TRY(std::string one, shown(what, ders[i], json));
    if (json && several) one.pop_back();  // its newline
    if (i != 0) text += json ? ',' : '\n';
    text += one;
  }
  if (json && several) text += "]}\n";
  SNPNV_CHECK(print(text));
  return Exit::done;
}

}  // namespace

const CommandSpec kDisplayCert{
    "display cert",
    "FILE",
    "show a certificate",
    "Shows the certificates in FILE, PEM or DER, with AMD's extensions. Verifies nothing.",
    1,
    1,
    {},
    display_cert};

}  // namespace snpnv::tool
