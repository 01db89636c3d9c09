#include "fetch_store.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

#include "files.hpp"
#include "lock.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::tool {
namespace {

template <class WritePath>
std::string path_of(const std::string& directory, const CertificateRequest& request, WritePath write) {
  std::array<std::byte, 512> octets;
  Writer writer(octets);
  write(writer, request);
  return join(directory, text_of(writer.written()));
}

Result<ByteView> read(const std::string& path, MutBytes room) {
  const Descriptor file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
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

Store::~Store() {
  if (lock_ >= 0) ::close(lock_);
}

Result<CertificateChain> Store::get(const CertificateRequest& request, MutBytes room) noexcept {
  auto content = read(path_of(directory_, request, write_store_path), room);
  if (!content && request.kind == CertificateKind::endorsement && content.error().detail == ENOENT)
    content = read(path_of(directory_, request, write_store_fallback), room);
  if (!content) return fail(content.error());
  room = room.subspan(content->size());
  if (request.kind == CertificateKind::issuers) return parse_issuers(*content, room);
  CertificateChain out;
  (request.kind == CertificateKind::endorsement ? out.vek : out.crl) = *content;
  return out;
}

Outcome<void> Store::put(const CertificateRequest& request, ByteView content) const {
  const std::string path = path_of(directory_, request, write_store_path);
  SNPNV_CHECK(make_directories(path.substr(0, path.rfind('/'))));
  OutputFiles files;
  SNPNV_CHECK(files.stage(path, content, 0644U));
  return files.commit();
}

Outcome<bool> Store::lock(Instant deadline) {
  if (lock_ >= 0) return true;
  if (!make_directories(directory_)) return false;
  const std::string path = join(directory_, ".snpnv.lock");
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return false;
  if (wait_for_lock(fd, deadline)) {
    lock_ = fd;
    return true;
  }
  ::close(fd);
  return std::unexpected(Failure{Exit::failed, path, "another process holds it until the deadline",
                                 "io_deadline", "that process is fetching from a busy server, or stuck"});
}

}  // namespace snpnv::tool
