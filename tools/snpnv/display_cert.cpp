// snpnv display cert: what a certificate says. Showing is not verifying.
#include "certificates.hpp"
#include "commands.hpp"
#include "fields.hpp"
#include "provider.hpp"
#include "snpnv/wire/vek_certificate.hpp"

namespace snpnv::tool {
namespace {

struct Line {
  std::string_view name;  // in JSON
  std::string value;
  std::string_view shown = name;
};

std::string time_text(UnixTime time) {
  std::array<std::byte, 20> buffer{};
  Writer writer(buffer);
  encode_rfc3339(writer, time);
  return std::string(text_of(writer.written()));
}

std::string printable(ByteView octets) {
  std::string out;
  for (const std::byte octet : octets) {
    const auto c = std::to_integer<unsigned char>(octet);
    out += c >= 0x20 && c < 0x7F ? static_cast<char>(c) : '?';
  }
  return out;
}

// The extension's value in its own form, or why it has none; nothing if it is absent.
std::optional<std::string> extension_text(const VekCertificate& vek, VekExtension id) {
  if (const auto value = vek.value(id); !value) {
    if (value.error().code == Code::vek_missing) return std::nullopt;
    return std::string(text(value.error().code));
  }
  if (id == VekExtension::hw_id) {
    for (const Product product : {Product::milan, Product::turin})
      if (const auto hw_id = vek.hw_id(chip_id_size(product))) return hex(*hw_id);
    return "neither 64 nor 8 octets";
  }
  if (id == VekExtension::product_name || id == VekExtension::csp_id) {
    const auto value = vek.text(id);
    return value ? printable(*value) : std::string(text(value.error().code));
  }
  const auto value = vek.number(id);
  return value ? std::to_string(*value) : std::string(text(value.error().code));
}

Outcome<Exit> display_cert(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto der, read_der(path, kPemCertificate));
  Provider crypto;
  const auto certificate = crypto.parse_certificate(der);
  if (!certificate) return library_failure(path, certificate.error());
  const auto digest = spki_digest(crypto, *certificate);
  if (!digest) return library_failure(path, digest.error());

  const X509Key& key = certificate->key;
  std::vector<Line> lines{
      {"subject", printable(certificate->subject.common_name)},
      {"issuer", printable(certificate->issuer.common_name)},
      {"serial", hex(certificate->serial)},
      {"not_before", time_text(certificate->not_before)},
      {"not_after", time_text(certificate->not_after)},
      {"key", std::string(name(key.type)) +
                  (key.type == KeyType::rsa ? format("-%zu", key.rsa.bits()) : std::string())},
      {"key_sha384", hex(*digest)},
      {"signature", is_rsa_pss_sha384(certificate->signed_octets.algorithm)
                        ? "RSASSA-PSS, SHA-384, salt 48"
                        : "another algorithm"},
      {"ca", certificate->ca ? "true" : "false"},
  };
  for (const PinnedRoot& root : kPinnedRoots)
    if (root.spki_sha384 == *digest) lines.push_back({"pinned_root", std::string(name(root.product))});
  const VekCertificate vek(*certificate);
  for (const VekExtensionRow& extension : kVekExtensions)
    if (const auto value = extension_text(vek, extension.id))
      lines.push_back({extension.key, *value, extension.name});

  std::string text;
  if (arguments.json()) {
    JsonText out;
    out.json().begin_object();
    for (const Line& line : lines) {
      out.json().key(line.name);
      out.json().string(line.value);
    }
    out.json().end_object();
    SNPNV_TRY(text, out.finish());
  } else {
    for (const Line& line : lines) text += text_line(line.shown, line.value);
  }
  SNPNV_CHECK(print(text));
  return Exit::done;
}

}  // namespace

const CommandSpec kDisplayCert{
    "display cert",
    "FILE",
    "show a certificate",
    "Shows the certificate in FILE, PEM or DER, with AMD's extensions. Verifies nothing.",
    1,
    1,
    {},
    display_cert};

}  // namespace snpnv::tool
