// SPDX-License-Identifier: Apache-2.0
#include "secret.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>

#include "output_files.hpp"
#include "transports/file.hpp"

namespace snpnv::tool {
namespace {

constexpr unsigned kOwnerAlone = 0600;

std::unexpected<Failure> output_failure(std::string_view what, const Error& error) {
  if (error.code != Code::io_deadline) return os_failure(what, static_cast<int>(error.detail));
  return std::unexpected(Failure{Exit::failed, what, "nobody took the secret before the deadline", "io_deadline"});
}

Result<Descriptor> connect_to(const std::string& path, Instant deadline) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return io_failure(ENAMETOOLONG);
  path.copy(address.sun_path, path.size());
  Descriptor out(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (out.get() < 0) return io_failure(errno);
  const auto* const generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  while (::connect(out.get(), generic, sizeof address) != 0) {
    if (errno != EAGAIN && errno != EINTR) return io_failure(errno);  // EAGAIN: its queue is full
    SNPNV_CHECK(pause(deadline));
  }
  return out;
}

}  // namespace

void protect_memory() {
  constexpr rlimit kNone{0, 0};
  ::setrlimit(RLIMIT_CORE, &kNone);
  ::prctl(PR_SET_DUMPABLE, 0);
  // Keys stand on the stack and on the heap. Under a limit, what is locked could make either of them fail to grow.
  constexpr rlimit kUnlimited{RLIM_INFINITY, RLIM_INFINITY};
  if (::setrlimit(RLIMIT_MEMLOCK, &kUnlimited) == 0) (void)::mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

SecretMemory::SecretMemory(std::size_t size) noexcept {
  constexpr std::size_t kAllowedAnywhere = std::size_t{1} << 16;  // RLIMIT_MEMLOCK of older systems
  void* const pages = ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (pages == MAP_FAILED) return;
  octets_ = {static_cast<std::byte*>(pages), size};
  ::madvise(pages, size, MADV_DONTDUMP);
  if (::mlock(pages, size) != 0) (void)::mlock(pages, std::min(size, kAllowedAnywhere));
}
SecretMemory::~SecretMemory() {
  if (octets_.empty()) return;
  wipe(octets_);
  ::munmap(octets_.data(), octets_.size());
}

Outcome<SecretOutput> SecretOutput::open(std::string_view name, std::string_view tcti) {
  if (name == "-") return SecretOutput(Kind::descriptor, "standard output", STDOUT_FILENO);
  if (name.starts_with("fd:")) {
    SNPNV_TRY(const std::uint64_t fd, number("--out", name.substr(3), 0, 1 << 20));
    const int flags = ::fcntl(static_cast<int>(fd), F_GETFL);
    if (flags < 0 || (flags & O_ACCMODE) == O_RDONLY)
      return usage("--out", concat({name, " is not a descriptor that can be written"}));
    return SecretOutput(Kind::descriptor, name, static_cast<int>(fd));
  }
  if (name.starts_with("unix:")) {
    if (name.size() - 5 >= sizeof(sockaddr_un::sun_path) || name.size() == 5)
      return usage("--out", "unix: needs the path of a socket, of up to 107 characters");
    return SecretOutput(Kind::socket, name.substr(5));
  }
  if (name.empty()) return usage("--out", "needs a file, unix:PATH, fd:N or -");
  SNPNV_CHECK(check_outputs(tcti, {name}));
  return SecretOutput(Kind::file, name);
}

Outcome<void> SecretOutput::write(ByteView secret, Instant deadline) const {
  if (kind_ == Kind::descriptor) return write_all(name_, fd_, secret);
  if (kind_ == Kind::socket) {
    const auto socket = connect_to(name_, deadline);
    if (!socket) return output_failure(name_, socket.error());
    return write_all(name_, socket->get(), secret);
  }
  struct stat there {};
  if (::stat(name_.c_str(), &there) != 0 || S_ISREG(there.st_mode)) {
    OutputFiles files;
    SNPNV_CHECK(files.stage(name_, secret, kOwnerAlone));
    return files.commit();
  }
  // Not by OutputFiles, which would keep a copy of it until a pipe or device takes it.
  const auto file = open_file(name_.c_str(), O_WRONLY, deadline);
  if (!file) return output_failure(name_, file.error());
  return write_all(name_, file->get(), secret);
}

}  // namespace snpnv::tool
