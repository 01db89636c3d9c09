#include "lock.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "step.hpp"
#include "transports/monotonic_clock.hpp"

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

int open_lock(const std::string& path) {
  // Without O_CREAT first: in a sticky directory the kernel may refuse O_CREAT on another's file.
  int fd = ::open(path.c_str(), O_RDWR | O_CLOEXEC | O_NOFOLLOW);
  if (fd < 0) fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return -1;
  // A file that some other user owns could be held by that user for ever.
  struct stat info {};
  if (::fstat(fd, &info) == 0 && S_ISREG(info.st_mode) &&
      (info.st_uid == 0 || info.st_uid == ::geteuid()))
    return fd;
  ::close(fd);
  return -1;
}

int open_lock_file(std::string_view tcti) {
  const std::string name = file_name(tcti);
  const int fd = open_lock("/run/lock/" + name);
  if (fd >= 0) return fd;
  const char* const runtime = ::getenv("XDG_RUNTIME_DIR");
  return runtime != nullptr && *runtime == '/' ? open_lock(std::string(runtime) + "/" + name) : -1;
}

void wake(int) {}

}  // namespace

// Waits in flock(), woken by a timer at the deadline; the timer repeats, since its first signal
// may come just before flock() is entered.
bool wait_for_lock(int fd, Instant deadline) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0) return true;
  MonotonicClock clock;
  const Instant now = clock.now();
  if (now >= deadline) return false;
  struct sigaction action {};
  action.sa_handler = wake;
  struct sigaction old {};
  ::sigaction(SIGALRM, &action, &old);
  sigset_t alarm;  // whoever started this process may have blocked it
  sigset_t old_mask;
  ::sigemptyset(&alarm);
  ::sigaddset(&alarm, SIGALRM);
  ::sigprocmask(SIG_UNBLOCK, &alarm, &old_mask);
  const Millis left = deadline - now;
  itimerval timer{};
  timer.it_value.tv_sec = static_cast<time_t>(left / 1000);
  timer.it_value.tv_usec = static_cast<suseconds_t>(left % 1000 * 1000);
  timer.it_interval.tv_usec = 20000;
  ::setitimer(ITIMER_REAL, &timer, nullptr);
  int status = 0;
  do {
    status = ::flock(fd, LOCK_EX);
  } while (status != 0 && errno == EINTR && clock.now() < deadline);
  timer = {};
  ::setitimer(ITIMER_REAL, &timer, nullptr);
  ::sigprocmask(SIG_SETMASK, &old_mask, nullptr);
  ::sigaction(SIGALRM, &old, nullptr);
  return status == 0;
}

Outcome<Lock> Lock::acquire(std::string_view tcti, Instant deadline) {
  if (::getenv("SNPNV_NO_LOCK") != nullptr) return Lock(-1);  // for tests of what happens without it
  const int fd = open_lock_file(tcti);
  step("the lock: waiting for another process\n");
  if (fd < 0 || wait_for_lock(fd, deadline)) {
    step("the TPM: waiting until it can be opened\n");
    return Lock(fd);
  }
  ::close(fd);
  return std::unexpected(Failure{Exit::not_fresh, "lock", "another process holds it until the deadline",
                                 "io_deadline", "snpnv asks for one report at a time; try again"});
}

Lock::~Lock() {
  if (fd_ >= 0) ::close(fd_);
}

}  // namespace snpnv::tool
