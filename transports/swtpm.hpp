// A software TPM of its own: starts swtpm on a state folder and speaks to it over a socket pair.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <string>

#include "snpnv/tpm/transport.hpp"
#include "transports/descriptor.hpp"
#include "transports/message.hpp"

namespace snpnv {

/// The swtpm program as a transport. It ends with this object, and with this process.
class Swtpm {
 public:
  /// Longest time that swtpm may take for one command; making an RSA key takes the longest.
  static constexpr Millis kPatience = 60000;

  /// Starts swtpm on `folder`, which exists, and powers the TPM on; TPM2_Startup(CLEAR) is done.
  /// @returns the transport | io_failed - detail: errno; ENOENT: there is no swtpm program.
  [[nodiscard]] static Result<Swtpm> start(const std::string& folder) noexcept {
    int pair[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) return io_failure(errno);
    Descriptor ours(pair[0]);
    Descriptor theirs(pair[1]);
    int failed[2];  // tells whether exec failed: closed by a successful one
    if (::pipe2(failed, O_CLOEXEC) != 0) return io_failure(errno);
    Descriptor exec_failed(failed[0]);
    Descriptor exec_fails(failed[1]);
    const pid_t parent = ::getpid();
    const std::string state = "dir=" + folder;
    const std::string log = "file=" + folder + "/swtpm.log";
    const pid_t child = ::fork();
    if (child < 0) return io_failure(errno);
    if (child == 0) {
      run(theirs.get(), exec_fails.get(), parent, state.c_str(), log.c_str());
      ::_exit(127);
    }
    Swtpm out(std::move(ours), child, folder);
    theirs.reset();
    exec_fails.reset();
    int error = 0;
    if (::read(exec_failed.get(), &error, sizeof error) == sizeof error) return io_failure(error);
    return out;
  }

  Swtpm(Swtpm&& other) noexcept
      : fd_(std::move(other.fd_)), child_(std::exchange(other.child_, -1)), folder_(std::move(other.folder_)) {}
  Swtpm& operator=(Swtpm&&) = delete;
  ~Swtpm() { end(); }

  /// Switches the TPM off and on, as start() does; what is persistent stays. The swtpm then ends with
  /// the thread that calls this.
  /// @returns nothing | io_failed - detail: errno; the TPM stays off.
  [[nodiscard]] Result<void> power_cycle() noexcept {
    end();
    SNPNV_TRY(Swtpm next, start(folder_));
    std::swap(fd_, next.fd_);
    std::swap(child_, next.child_);
    return {};
  }

  /// @returns the response | io_failed, io_closed, io_deadline | wire_overflow.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    while (!command.empty()) {
      const ssize_t n = ::send(fd_.get(), command.data(), command.size(), MSG_NOSIGNAL);
      if (n < 0 && errno != EINTR) return io_failure(errno);
      if (n > 0) command = command.subspan(static_cast<std::size_t>(n));
    }
    MonotonicClock clock;
    const Instant deadline = clock.now() + kPatience;
    const auto read_some = [&](MutBytes to) -> Result<std::size_t> {
      while (true) {
        SNPNV_CHECK(await(fd_.get(), POLLIN, deadline));
        const ssize_t n = ::recv(fd_.get(), to.data(), to.size(), 0);
        if (n >= 0) return static_cast<std::size_t>(n);
        if (errno != EINTR) return io_failure(errno);
      }
    };
    return receive_response(read_some, response);
  }

 private:
  Swtpm(Descriptor fd, pid_t child, std::string folder) noexcept
      : fd_(std::move(fd)), child_(child), folder_(std::move(folder)) {}

  void end() noexcept {
    if (child_ < 0) return;
    fd_.reset();  // swtpm ends when its connection does
    ::kill(child_, SIGTERM);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }

  // In the child, between fork and exec.
  static void run(int socket, int failed, pid_t parent, const char* state, const char* log) noexcept {
    constexpr int kSocket = 3;
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) return;  // it died before prctl()
    ::setsid();                         // keys typed at the terminal are the parent's business
    sigset_t none;                      // the parent's threads may block SIGTERM
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    if (failed == kSocket) failed = ::fcntl(failed, F_DUPFD_CLOEXEC, kSocket + 1);
    if (socket == kSocket) {
      ::fcntl(socket, F_SETFD, 0);
    } else if (::dup2(socket, kSocket) < 0) {
      return;
    }
    ::execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--fd", "3", "--flags",
             "not-need-init,startup-clear", "--terminate", "--log", log,
             static_cast<char*>(nullptr));
    const int error = errno;
    (void)!::write(failed, &error, sizeof error);
  }

  Descriptor fd_;
  pid_t child_;
  std::string folder_;
};
static_assert(Transport<Swtpm>);

}  // namespace snpnv
