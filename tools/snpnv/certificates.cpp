#include "certificates.hpp"

#include <unistd.h>

#include "files.hpp"
#include "provider.hpp"
#include "snpnv/core/pem.hpp"
#include "snpnv/verify/root_certificates.hpp"

namespace snpnv::tool {
namespace {

constexpr std::size_t kMostOctets = std::size_t{1} << 20;

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
  return std::unexpected(Failure{Exit::failed, join(directory, name), "no such file, .pem or .der", "io_failed",
                                 std::string(kHint)});
}

Outcome<std::vector<std::byte>> read_named(std::string_view directory, std::string_view name) {
  SNPNV_TRY(auto der, read_if_there(directory, name));
  if (der.empty()) return absent(directory, name);
  return der;
}

bool named_as_issuer(ByteView issuer, ByteView certificate) {
  const auto above = Certificate::parse(issuer);
  const auto below = Certificate::parse(certificate);
  return above && below && equal(above->subject.raw, below->issuer.raw);
}

bool signed_by(ByteView issuer, ByteView certificate) {
  const auto above = Certificate::parse(issuer);
  const auto below = Certificate::parse(certificate);
  if (!above || !below || above->key.type != KeyType::rsa) return false;
  Provider crypto;
  const auto digest = crypto.digest(Hash::sha384, below->signed_octets.tbs);
  return digest && crypto.verify_rsa_pss(above->key.rsa, Hash::sha384, *digest,
                                         below->signed_octets.signature);
}

// Which of `candidates` issued the certificate: the one with the issuer's name; where several have it,
// as a test root has AMD's, the one whose key signed, or else the first. Their number if none has it.
std::size_t issuer_among(std::span<const ByteView> candidates, ByteView certificate) {
  std::vector<std::size_t> named;
  for (std::size_t i = 0; i < candidates.size(); ++i)
    if (named_as_issuer(candidates[i], certificate)) named.push_back(i);
  if (named.empty()) return candidates.size();
  if (named.size() > 1)
    for (const std::size_t i : named)
      if (signed_by(candidates[i], certificate)) return i;
  return named.front();
}

}  // namespace

Outcome<std::vector<std::byte>> read_if_there(std::string_view directory, std::string_view name) {
  const std::string path = find_file(directory, name);
  if (path.empty()) return {};
  return read_der(path, kPemCertificate);
}

Outcome<std::vector<std::byte>> read_der(std::string_view path, std::string_view label) {
  SNPNV_TRY(std::vector<std::byte> content, read_file(path, kMostOctets));
  if (content.empty()) return library_failure(path, {Code::wire_short});
  if (!is_pem(content) && is_text(content)) return std::unexpected(text_instead(path, content));
  if (!is_pem(content)) return content;
  std::vector<std::byte> out(content.size());
  const auto block = PemReader(content, label).next(out);
  if (!block) return library_failure(path, block.error());
  if (!*block || (*block)->empty()) return library_failure(path, {Code::pem_block});
  out.resize((*block)->size());
  return out;
}

std::string pem_of(ByteView der, std::string_view label) {
  constexpr std::size_t kLine = 48;  // octets in a line of 64 digits
  std::string digits(der.size() / 3 * 4 + 4, '\0');
  std::string out = "-----BEGIN " + std::string(label) + "-----\n";
  for (std::size_t at = 0; at < der.size(); at += kLine) {
    Writer writer(std::as_writable_bytes(std::span(digits)));
    encode_base64url(writer, der.subspan(at, std::min(kLine, der.size() - at)), Padding::padded);
    for (const char c : text_of(writer.written())) out += c == '-' ? '+' : c == '_' ? '/' : c;
    out += '\n';
  }
  return out + "-----END " + std::string(label) + "-----\n";
}

Outcome<TrustFiles> TrustFiles::read(const Arguments& arguments) {
  TrustFiles out;
  if (const auto path = arguments.value("crl")) {
    SNPNV_TRY(out.crl_, read_der(*path, kPemCrl));
  }
  Provider crypto;
  for (const std::string_view path : arguments.values("root")) {
    SNPNV_TRY(auto der, read_der(path, kPemCertificate));
    const auto certificate = crypto.parse_certificate(der);
    if (!certificate) return library_failure(path, certificate.error());
    const auto digest = spki_digest(crypto, *certificate);
    if (!digest) return library_failure(path, digest.error());
    out.digests_.push_back(*digest);
    out.roots_.push_back(std::move(der));
  }
  return out;
}

ByteView TrustFiles::root_of(ByteView certificate) const {
  std::vector<ByteView> candidates(roots_.begin(), roots_.end());
  for (const RootCertificate& root : kRootCertificates) candidates.push_back(root.der);
  const std::size_t found = issuer_among(candidates, certificate);
  if (found < candidates.size()) return candidates[found];
  return roots_.empty() ? ByteView() : roots_.front();
}

Outcome<ChainFiles> ChainFiles::read(const Arguments& arguments, std::string_view directory,
                                     SIGNING_KEY prefer) {
  ChainFiles out;
  SNPNV_TRY(out.trust_, TrustFiles::read(arguments));
  const bool vcek = !find_file(directory, "vcek").empty();
  const bool vlek = !find_file(directory, "vlek").empty();
  const bool use_vlek = vlek && (!vcek || prefer == SIGNING_KEY::VLEK);
  SNPNV_TRY(out.vek_, read_named(directory, use_vlek ? "vlek" : "vcek"));
  SNPNV_TRY(out.ask_, read_named(directory, use_vlek ? "asvk" : "ask"));
  SNPNV_TRY(out.ark_, read_if_there(directory, "ark"));
  if (out.chain().ark.empty()) return absent(directory, "ark");
  return out;
}

ByteView TrustFiles::root_named(ByteView name) const {
  const auto named = [&](ByteView root) {
    const auto certificate = Certificate::parse(root);
    return certificate && equal(certificate->subject.raw, name);
  };
  for (const std::vector<std::byte>& root : roots_)
    if (named(root)) return root;
  for (const RootCertificate& root : kRootCertificates)
    if (named(root.der)) return root.der;
  return {};
}

Outcome<IssuerFiles> IssuerFiles::read(const Arguments& arguments) {
  IssuerFiles out;
  SNPNV_TRY(out.trust_, TrustFiles::read(arguments));
  for (const std::string_view directory : arguments.values("certs")) {
    SNPNV_TRY(const auto ark, read_if_there(directory, "ark"));
    const std::size_t before = out.issuers_.size();
    for (const std::string_view name : {"ask", "asvk"}) {
      SNPNV_TRY(auto ask, read_if_there(directory, name));
      if (ask.empty()) continue;
      if (ark.empty() && out.trust_.root_of(ask).empty()) return absent(directory, "ark");
      out.issuers_.push_back({ark, std::move(ask)});
    }
    if (out.issuers_.size() == before) return absent(directory, "ask");
  }
  if (out.issuers_.empty()) return usage("--certs", "missing: a folder with ask or asvk");
  return out;
}

CertificateChain IssuerFiles::chain(ByteView vek) const {
  std::vector<ByteView> candidates;
  for (const Issuer& issuer : issuers_) candidates.push_back(issuer.ask);
  const std::size_t found = issuer_among(candidates, vek);
  const Issuer& issuer = issuers_[found < issuers_.size() ? found : 0];
  return {issuer.ark.empty() ? trust_.root_of(issuer.ask) : ByteView(issuer.ark), issuer.ask, vek, trust_.crl()};
}

}  // namespace snpnv::tool
