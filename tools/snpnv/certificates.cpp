#include "certificates.hpp"

#include <unistd.h>

#include "files.hpp"
#include "snpnv/core/pem.hpp"

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

Outcome<std::vector<std::byte>> read_named(std::string_view directory, std::string_view name) {
  const std::string path = find_file(directory, name);
  if (path.empty())
    return std::unexpected(Failure{Exit::failed, join(directory, name), "no such file, .pem or .der",
                                   "io_failed",
                                   "snpnv fetch gets certificates from the platform or from AMD"});
  return read_der(path, kPemCertificate);
}

}  // namespace

Outcome<std::vector<std::byte>> read_der(std::string_view path, std::string_view label) {
  SNPNV_TRY(std::vector<std::byte> content, read_file(path, kMostOctets));
  if (!is_pem(content)) return content;
  std::vector<std::byte> out(content.size());
  const auto block = PemReader(content, label).next(out);
  if (!block) return library_failure(path, block.error());
  if (!*block) return library_failure(path, {Code::pem_block});
  out.resize((*block)->size());
  return out;
}

Outcome<CertificateFiles> read_certificates(std::string_view directory, SIGNING_KEY prefer) {
  const bool vcek = !find_file(directory, "vcek").empty();
  const bool vlek = !find_file(directory, "vlek").empty();
  const bool use_vlek = vlek && (!vcek || prefer == SIGNING_KEY::VLEK);
  SNPNV_TRY(auto vek, read_named(directory, use_vlek ? "vlek" : "vcek"));
  return read_issuers(directory, std::move(vek), use_vlek ? SIGNING_KEY::VLEK : SIGNING_KEY::VCEK);
}

Outcome<CertificateFiles> read_issuers(std::string_view directory, std::vector<std::byte> vek,
                                       SIGNING_KEY signing_key) {
  CertificateFiles out;
  out.vek = std::move(vek);
  SNPNV_TRY(out.ask, read_named(directory, signing_key == SIGNING_KEY::VLEK ? "asvk" : "ask"));
  if (!find_file(directory, "ark").empty()) {
    SNPNV_TRY(out.ark, read_named(directory, "ark"));
  }
  return out;
}

}  // namespace snpnv::tool
