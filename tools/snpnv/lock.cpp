#include "lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "transports/bounded_call.hpp"

namespace snpnv::tool {
namespace {

// One lock for the machine's own TPM, whatever its spelling; one for each other TCTI, recorded or not.
std::string file_name(std::string_view tcti) {
  while (tcti.starts_with("record:") && tcti.contains('=')) tcti.remove_prefix(tcti.find('=') + 1);
  std::string name = "snpnv";
  if (!tcti.starts_with("device") && !tcti.starts_with("/dev/")) {
    name += '-';
    for (const char c : tcti.substr(0, 200)) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      name += plain ? c : '_';
    }
  }
  return name + ".lock";
}

int open_lock_file(std::string_view tcti) {
  const std::string name = file_name(tcti);
  const int fd = open_lock(AT_FDCWD, ("/run/lock/" + name).c_str());
  if (fd >= 0) return fd;
  const char* const runtime = ::getenv("XDG_RUNTIME_DIR");
  return runtime != nullptr && *runtime == '/'
             ? open_lock(AT_FDCWD, (std::string(runtime) + "/" + name).c_str())
             : -1;
}

struct Locking final : BoundedCall {
  int fd = -1;
  bool locked = false;
  void work() noexcept override {
    while (!(locked = ::flock(fd, LOCK_EX) == 0) && errno == EINTR) {
    }
  }
};

}  // namespace

int open_lock(int directory, const char* path) {
  // Without O_CREAT first: in a sticky directory the kernel may refuse O_CREAT on another's file.
  int fd = ::openat(directory, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) fd = ::openat(directory, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return -1;
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
      (info.st_uid == 0 || info.st_uid == ::geteuid()))
    return fd;
  ::close(fd);
  return -1;
}

bool wait_for_lock(int fd, Instant deadline) {
  const auto call = std::make_shared<Locking>();
  call->fd = fd;
  return ::flock(fd, LOCK_EX | LOCK_NB) == 0 || (BoundedCall::run(call, deadline) && call->locked);
}

Outcome<Lock> Lock::acquire(std::string_view tcti, Instant deadline) {
  if (::getenv("SNPNV_NO_LOCK") != nullptr) return Lock(-1);  // for tests of what happens without it
  const int fd = open_lock_file(tcti);
  if (fd < 0 || wait_for_lock(fd, deadline)) return Lock(fd);
  ::close(fd);
  return std::unexpected(Failure{Exit::not_fresh, "lock", "another process holds it until the deadline",
                                 "io_deadline", "snpnv asks for one report at a time; try again"});
}

Lock::~Lock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace snpnv::tool
