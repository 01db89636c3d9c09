// SPDX-License-Identifier: Apache-2.0
#include "fetch_store.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "lock.hpp"
#include "output_files.hpp"

namespace snpnv::tool {
namespace {

template <class WritePath>
std::string path_of(const CertificateRequest& request, WritePath write) {
  std::array<std::byte, 512> octets;
  ByteWriter writer(octets);
  write(writer, request);
  return std::string(text_of(writer.written()));
}

enum class Missing : std::uint8_t { fails, is_made };

// Part after part, so that none can be a link.
Result<Descriptor> open_parent(const std::string& root, std::string_view path, Missing missing) {
  Descriptor at(::open(root.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t slash = 0; at.get() >= 0 && (slash = path.find('/')) != std::string_view::npos;
       path.remove_prefix(slash + 1)) {
    const std::string part(path.substr(0, slash));
    if (missing == Missing::is_made && ::mkdirat(at.get(), part.c_str(), 0755) != 0 && errno != EEXIST)
      return io_failure(errno);
    at = Descriptor(::openat(at.get(), part.c_str(), O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
  }
  if (at.get() < 0) return io_failure(errno);
  return at;
}

std::string_view name_in(std::string_view path) { return path.substr(path.rfind('/') + 1); }

Result<ByteView> read(const std::string& root, const std::string& path, MutBytes room) {
  SNPNV_TRY(const Descriptor parent, open_parent(root, path, Missing::fails));
  const Descriptor file(::openat(parent.get(), std::string(name_in(path)).c_str(),
                                 O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOFOLLOW));
  if (file.get() < 0) return io_failure(errno);
  std::size_t size = 0;
  while (size < room.size()) {
    const ssize_t n = ::read(file.get(), room.data() + size, room.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return io_failure(errno);
    if (n == 0) return ByteView(room.first(size));
    size += static_cast<std::size_t>(n);
  }
  return fail(Code::wire_too_large, size, static_cast<std::uint32_t>(room.size()));
}

}  // namespace

Result<CertificateChain> Store::get(const CertificateRequest& request, MutBytes room) noexcept {
  const auto first = read(directory_, path_of(request, write_store_path), room);
  const bool elsewhere = !first && request.kind == CertificateKind::endorsement && first.error().detail == ENOENT;
  const auto content = elsewhere ? read(directory_, path_of(request, write_store_fallback), room) : first;
  if (!content) return fail(content.error());
  if (!is_like(request.kind, *content)) return fail(Code::fetch_content);
  room = room.subspan(content->size());
  if (request.kind == CertificateKind::issuers) return parse_issuers(*content, room);
  CertificateChain out;
  (request.kind == CertificateKind::endorsement ? out.vek : out.crl) = *content;
  return out;
}

Outcome<void> Store::put(const CertificateRequest& request, ByteView content) const {
  const std::string path = path_of(request, write_store_path);
  const std::string shown = join(directory_, path);
  std::vector<std::string> made;
  SNPNV_CHECK(make_directories(directory_, made));
  auto parent = open_parent(directory_, path, Missing::is_made);
  if (!parent) return os_failure(shown, static_cast<int>(parent.error().detail));
  OutputFiles files;
  SNPNV_CHECK(files.stage_in(*std::move(parent), name_in(path), shown, content, 0644U));
  return files.commit();
}

bool Store::lock(Instant deadline) {
  std::vector<std::string> made;
  if (lock_.get() >= 0 || !make_directories(directory_, made)) return true;
  const Descriptor directory(::open(directory_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
  Descriptor lock = open_lock(directory.get(), ".snpnv.lock");
  if (lock.get() >= 0 && !wait_for_lock(lock.get(), deadline)) return false;
  lock_ = std::move(lock);
  return true;
}

}  // namespace snpnv::tool
