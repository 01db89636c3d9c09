// SPDX-License-Identifier: Apache-2.0
#include "certificates.hpp"

#include <unistd.h>

#include "describe.hpp"
#include "files.hpp"
#include "output.hpp"
#include "provider.hpp"

namespace snpnv::tool {
namespace {

// The file NAME.pem or NAME.der in the directory; empty if there is neither.
std::string find_file(std::string_view directory, std::string_view name) {
  for (const std::string_view extension : {".pem", ".der"}) {
    std::string path = join(directory, std::string(name) + std::string(extension));
    if (::access(path.c_str(), F_OK) == 0) return path;
  }
  return {};
}

bool is_text(ByteView content) {
  return std::ranges::all_of(text_of(content), [](char c) { return c == '\t' || c == '\n' || c == '\r' || static_cast<unsigned char>(c) >= 0x20; });
}

// A server's page or complaint, saved in place of what was asked for.
Failure text_instead(std::string_view path, ByteView content) {
  std::string_view text = text_of(content);
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  if (text.starts_with(kByteOrderMark)) text.remove_prefix(kByteOrderMark.size());
  text.remove_prefix(std::min(text.find_first_not_of(" \t\r\n"), text.size()));
  constexpr std::size_t kShown = 60;
  const std::string line(text.substr(0, std::min(text.find_first_of("\r\n"), kShown)));
  const bool html = text.starts_with('<');
  return {Exit::failed, std::string(path), (html ? "HTML, neither PEM nor DER: " : "text, neither PEM nor DER: ") + line,
          std::string(name(Code::pem_block)), "what a server said in place of a certificate was saved"};
}

std::unexpected<Failure> absent(std::string_view directory, std::string_view name) {
#ifdef SNPNV_FETCH
  constexpr std::string_view kHint = "snpnv fetch gets certificates from the platform or from AMD";
#else
  constexpr std::string_view kHint = "";
#endif
  return std::unexpected(Failure{Exit::failed, join(directory, name), "no such file, .pem or .der", "io_failed", kHint});
}

Outcome<std::vector<std::byte>> read_named(const Arguments& arguments, std::string_view directory,
                                           std::string_view name) {
  SNPNV_TRY(auto der, read_if_there(arguments, directory, name));
  if (der.empty()) return absent(directory, name);
  return der;
}

std::unexpected<Failure> refused(std::string_view path, std::string_view why) {
  return std::unexpected(Failure{Exit::failed, path, why, name(Code::pem_block)});
}

// The first PEM block that is none of `label`, as a reason to refuse the file; empty if there is none.
std::string other_block(ByteView content, std::string_view label) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  for (std::string_view rest = text_of(content); rest.contains(kBegin);) {
    rest.remove_prefix(rest.find(kBegin) + kBegin.size());
    const std::string_view line = rest.substr(0, rest.find_first_of("\r\n"));
    const std::string_view found = line.substr(0, line.rfind("-----"));
    if (found != label) return concat({"a PEM block of ", found, ", where ", label, " is needed"});
  }
  return {};
}

// What is in a file: DER, or the PEM blocks with `label`, at least one, and none empty.
Outcome<Ders> ders_in(std::string_view path, const std::vector<std::byte>& content, std::string_view label) {
  if (content.empty()) return library_failure(path, {Code::wire_short});
  if (!is_pem(content)) {
    if (is_text(content)) return std::unexpected(text_instead(path, content));
    return Ders{content};
  }
  Ders out;
  PemReader blocks(content, label);
  std::vector<std::byte> room(content.size());
  while (true) {
    const auto block = blocks.next(room);
    if (!block) return library_failure(path, block.error());
    if (!*block) break;
    if ((*block)->empty()) return library_failure(path, {Code::pem_block});
    out.emplace_back((*block)->begin(), (*block)->end());
  }
  if (out.empty()) return refused(path, other_block(content, label));
  return out;
}

}  // namespace

Outcome<std::vector<std::byte>> read_if_there(const Arguments& arguments, std::string_view directory,
                                              std::string_view name) {
  const std::string path = find_file(directory, name);
  if (path.empty()) return {};
  SNPNV_TRY(const std::vector<std::byte> content, read_file(path, kMostOctets));
  auto ders = ders_in(path, content, kPemCertificate);
  if (!ders) {
    ders.error().exit = Exit::rejected;  // as where the DER is malformed
    return std::unexpected(std::move(ders.error()));
  }
  if (ders->size() > 1)
    warn(arguments, path + format(": has %zu certificates, of which the first is taken", ders->size()));
  return std::move(ders->front());
}

Outcome<Ders> read_ders(std::string_view path, std::string_view label) {
  SNPNV_TRY(const std::vector<std::byte> content, read_file(path, kMostOctets));
  return ders_in(path, content, label);
}

Outcome<Ders> read_all_der(std::string_view path, std::string_view label) {
  SNPNV_TRY(const std::vector<std::byte> content, read_file(path, kMostOctets));
  SNPNV_TRY(Ders out, ders_in(path, content, label));
  if (!is_pem(content)) {
    out.clear();
    for (ByteView rest = content; !rest.empty();) {
      const ByteView der = first_der(rest);
      out.emplace_back(der.begin(), der.end());
      rest = rest.subspan(der.size());
    }
    return out;
  }
  // What is passed over might be the list that revokes.
  if (!is_text(content)) return refused(path, "neither all PEM nor all DER");
  if (const std::string other = other_block(content, label); !other.empty()) return refused(path, other);
  return out;
}

std::string pem_of(ByteView der, std::string_view label) {
  constexpr std::size_t kLine = 48;  // octets in a line of 64 digits
  std::string digits(der.size() / 3 * 4 + 4, '\0');
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t at = 0; at < der.size(); at += kLine) {
    ByteWriter writer(std::as_writable_bytes(std::span(digits)));
    encode_base64url(writer, der.subspan(at, std::min(kLine, der.size() - at)), Padding::padded);
    for (const char c : text_of(writer.written())) out += c == '-' ? '+' : c == '_' ? '/' : c;
    out += '\n';
  }
  return out + "-----END " + std::string(label) + "-----\n";
}

Outcome<TrustFiles> TrustFiles::read(const Arguments& arguments) {
  TrustFiles out;
  for (const std::string_view path : arguments.values("crl")) {
    SNPNV_TRY(const auto lists, read_all_der(path, kPemCrl));
    for (const std::vector<std::byte>& der : lists) out.crl_.insert(out.crl_.end(), der.begin(), der.end());
  }
  Provider crypto;
  for (const std::string_view path : arguments.values("root")) {
    SNPNV_TRY(auto roots, read_all_der(path, kPemCertificate));
    for (std::vector<std::byte>& der : roots) {
      const auto certificate = crypto.parse_certificate(der);
      if (!certificate) return library_failure(path, certificate.error());
      const auto digest = spki_digest(crypto, *certificate);
      if (!digest) return library_failure(path, digest.error());
      out.digests_.push_back(*digest);
      out.views_.push_back(out.roots_.emplace_back(std::move(der)));
    }
  }
  return out;
}

Outcome<ChainFiles> ChainFiles::read(const Arguments& arguments, std::string_view directory,
                                     SIGNING_KEY prefer) {
  ChainFiles out;
  SNPNV_CHECK(is_directory_name("DIR", directory));
  SNPNV_TRY(out.trust_, TrustFiles::read(arguments));
  const bool vcek = !find_file(directory, "vcek").empty();
  const bool vlek = !find_file(directory, "vlek").empty();
  const bool use_vlek = vlek && (!vcek || prefer == SIGNING_KEY::VLEK);
  SNPNV_TRY(out.vek_, read_named(arguments, directory, use_vlek ? "vlek" : "vcek"));
  SNPNV_TRY(out.ask_, read_named(arguments, directory, use_vlek ? "asvk" : "ask"));
  SNPNV_TRY(out.ark_, read_if_there(arguments, directory, "ark"));
  if (out.chain().ark.empty()) return absent(directory, "ark");
  return out;
}

ByteView TrustFiles::root_of(ByteView certificate) const {
  Provider crypto;
  return IssuerChoice(crypto, pool({})).root(Certificate::parse(certificate));
}

ByteView TrustFiles::root_of_list(ByteView list) const {
  Provider crypto;
  return IssuerChoice(crypto, pool({})).root(RevocationList::parse(list));
}

CertificateChain ChainFiles::chain() const {
  Provider crypto;
  const Issuer issuer{ark_, ask_};
  return IssuerChoice(crypto, trust_.pool({&issuer, 1})).chain(vek_);
}

Outcome<IssuerFiles> IssuerFiles::read(const Arguments& arguments) {
  IssuerFiles out;
  SNPNV_TRY(out.trust_, TrustFiles::read(arguments));
  // An empty view stays empty. Moving a vector leaves its octets where they are.
  const auto hold = [&](std::vector<std::byte>&& der) { return ByteView(out.held_.emplace_back(std::move(der))); };
  for (const std::string_view directory : arguments.values("certs")) {
    SNPNV_CHECK(is_directory_name("--certs", directory));
    SNPNV_TRY(auto own_ark, read_if_there(arguments, directory, "ark"));
    const ByteView ark = hold(std::move(own_ark));
    const std::size_t before = out.issuers_.size();
    for (const std::string_view name : {"ask", "asvk"}) {
      SNPNV_TRY(auto own, read_if_there(arguments, directory, name));
      if (own.empty()) continue;
      const ByteView ask = hold(std::move(own));
      if (ark.empty() && out.trust_.root_of(ask).empty()) return absent(directory, "ark");
      out.issuers_.push_back({ark, ask});
    }
    if (out.issuers_.size() == before) return absent(directory, "ask");
  }
  if (out.issuers_.empty()) return usage("--certs", "missing: a folder with ask or asvk");
  return out;
}

}  // namespace snpnv::tool
