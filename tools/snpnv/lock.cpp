// SPDX-License-Identifier: Apache-2.0
#include "lock.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <memory>
#include <utility>

#include "step.hpp"
#include "transports/bounded_call.hpp"
#include "waiting.hpp"

namespace snpnv::tool {
namespace {

bool is_the_machines(std::string_view tcti) { return tcti.starts_with("device") || tcti.starts_with("/dev/"); }

// One lock for the machine's own TPM, whatever its spelling; one for each other TCTI.
std::string file_name(std::string_view tcti) {
  std::string name = "/snpnv";
  if (!is_the_machines(tcti)) {
    name += '-';
    for (const char c : tcti.substr(0, 200)) {
      const bool plain = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
      name += plain ? c : '_';
    }
  }
  return name + ".lock";
}

// The machine's TPM is everybody's, any other its user's: one on some port now is another one tomorrow.
Descriptor open_lock_file(std::string_view tcti) {
  while (tcti.starts_with("record:") && tcti.contains('=')) tcti.remove_prefix(tcti.find('=') + 1);
  const std::string name = file_name(tcti);
  const char* const own = ::getenv("XDG_RUNTIME_DIR");
  const char* folders[] = {"/run/lock", own != nullptr && *own == '/' ? own : nullptr};
  if (!is_the_machines(tcti)) std::swap(folders[0], folders[1]);
  for (const char* const folder : folders) {
    if (folder == nullptr) continue;
    Descriptor file = open_lock(AT_FDCWD, (folder + name).c_str());
    if (file.get() >= 0) return file;
  }
  return Descriptor();
}

struct Locking final : BoundedCall {
  int fd = -1;
  int operation = LOCK_EX;
  bool locked = false;
  void work() noexcept override {
    while (!(locked = ::flock(fd, operation) == 0) && errno == EINTR) {
    }
  }
};

}  // namespace

Descriptor open_lock(int directory, const char* path) {
  // Without O_CREAT first: in a sticky directory the kernel may refuse O_CREAT on another's file.
  Descriptor file(::openat(directory, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW));
  if (file.get() < 0) file = Descriptor(::openat(directory, path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  struct stat info {};
  if (::fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode) ||
      (info.st_uid != 0 && info.st_uid != ::geteuid()))
    file.reset();
  return file;
}

bool wait_for_lock(int fd, Instant deadline, int operation) {
  if (::flock(fd, operation | LOCK_NB) == 0) return true;
  const Waiting waiting("another process, which holds the lock");
  const auto call = std::make_shared<Locking>();
  call->fd = fd;
  call->operation = operation;
  return BoundedCall::run(call, deadline) && call->locked;
}

Outcome<Lock> Lock::acquire(std::string_view tcti, Instant deadline) {
  if (::getenv("SNPNV_NO_LOCK") != nullptr) return Lock(Descriptor());  // for tests of what happens without it
  Descriptor file = open_lock_file(tcti);
  step("the lock: waiting for another process\n");
  if (file.get() < 0 || wait_for_lock(file.get(), deadline)) {
    step("the TPM: waiting until it can be opened\n");
    return Lock(std::move(file));
  }
  return std::unexpected(Failure{Exit::not_fresh, "lock", "another process holds it until the deadline",
                                 "io_deadline", "snpnv asks for one report at a time; try again"});
}

}  // namespace snpnv::tool
