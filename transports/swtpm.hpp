// SPDX-License-Identifier: Apache-2.0
// A software TPM of its own: starts swtpm on a state folder and speaks to it over a socket pair.
#pragma once

#include <fcntl.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <string>
#include <vector>

#include "snpnv/tpm/message.hpp"
#include "snpnv/tpm/transport.hpp"
#include "transports/descriptor.hpp"

namespace snpnv {

/// The swtpm program as a transport. It ends with this object, and with this process.
class Swtpm {
 public:
  /// Longest time that swtpm may take for one command; making an RSA key takes the longest.
  static constexpr Millis kPatience = 60000;

  /// Starts swtpm on `folder`, which exists, and powers the TPM on; TPM2_Startup(CLEAR) is done.
  /// @returns the transport | io_failed - detail: errno; ENOENT: there is no swtpm program.
  [[nodiscard]] static Result<Swtpm> start(const std::string& folder) noexcept {
    int pairs[2][2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[0]) != 0) return io_failure(errno);
    Descriptor commands(pairs[0][0]);
    Descriptor their_commands(pairs[0][1]);
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pairs[1]) != 0) return io_failure(errno);
    Descriptor control(pairs[1][0]);
    Descriptor their_control(pairs[1][1]);
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
      run(their_commands.get(), their_control.get(), exec_fails.get(), parent, state.c_str(), log.c_str());
      ::_exit(127);
    }
    Swtpm out(std::move(commands), std::move(control), child, folder);
    their_commands.reset();
    their_control.reset();
    exec_fails.reset();
    int error = 0;
    if (::read(exec_failed.get(), &error, sizeof error) == sizeof error) return io_failure(error);
    return out;
  }

  Swtpm(Swtpm&& other) noexcept
      : fd_(std::move(other.fd_)), control_(std::move(other.control_)), child_(std::exchange(other.child_, -1)),
        folder_(std::move(other.folder_)) {}
  Swtpm& operator=(Swtpm&&) = delete;
  ~Swtpm() { end(); }

  /// Switches the TPM off and on, as start() does; what is persistent stays. The swtpm then ends with
  /// the thread that calls this.
  /// @returns nothing | io_failed - detail: errno; the TPM stays off.
  [[nodiscard]] Result<void> power_cycle() noexcept {
    end();
    SNPNV_TRY(Swtpm next, start(folder_));
    std::swap(fd_, next.fd_);
    std::swap(control_, next.control_);
    std::swap(child_, next.child_);
    return {};
  }

  /// @returns the response | io_failed, io_closed, io_deadline | wire_overflow.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    SNPNV_CHECK(send_all(fd_.get(), command));
    const Instant deadline = MonotonicClock().now() + kPatience;
    return receive_response([&](MutBytes to) { return read_some(fd_.get(), to, deadline); }, response);
  }

  /// What of its state swtpm gives away. swtpm_ioctls(3), "PTM_GET_STATEBLOB".
  enum class State : std::uint32_t { permanent = 1, is_volatile = 2 };

  /// The TPM's state with all its secrets, as libtpms marshals it.
  /// @returns the octets | io_failed, io_closed, io_deadline | wire_overflow - detail: the size it announces.
  [[nodiscard]] Result<std::vector<std::byte>> state(State which) noexcept {
    constexpr std::uint32_t kGetStateBlob = 0x0C;
    constexpr std::uint32_t kDecrypted = 1;
    constexpr std::uint32_t kMost = 1 << 20;
    std::array<std::byte, 16> words{};  // of the request, then of the answer
    ByteWriter writer(words);
    for (const std::uint32_t word : {kGetStateBlob, kDecrypted, static_cast<std::uint32_t>(which), 0U}) writer.be(word);
    SNPNV_CHECK(send_all(control_.get(), words));
    const Instant deadline = MonotonicClock().now() + kPatience;
    const auto read_all = [&](MutBytes to) -> Result<void> {
      while (!to.empty()) {
        SNPNV_TRY(const std::size_t n, read_some(control_.get(), to, deadline));
        if (n == 0) return fail(Code::io_closed);
        to = to.subspan(n);
      }
      return {};
    };
    SNPNV_CHECK(read_all(words));
    ByteReader answer(words);
    const auto result = answer.be<std::uint32_t>();
    (void)answer.take(8);  // flags; the size of the whole, of which all comes at once
    const auto size = answer.be<std::uint32_t>();
    if (result != 0) return io_failure(EPROTO);
    if (size > kMost) return fail(Code::wire_overflow, 0, size);
    std::vector<std::byte> out(size);
    SNPNV_CHECK(read_all(out));
    return out;
  }

 private:
  Swtpm(Descriptor fd, Descriptor control, pid_t child, std::string folder) noexcept
      : fd_(std::move(fd)), control_(std::move(control)), child_(child), folder_(std::move(folder)) {}

  static Result<std::size_t> read_some(int fd, MutBytes to, Instant deadline) noexcept {
    while (true) {
      SNPNV_CHECK(await(fd, POLLIN, deadline));
      const ssize_t n = ::recv(fd, to.data(), to.size(), 0);
      if (n >= 0) return static_cast<std::size_t>(n);
      if (errno != EINTR) return io_failure(errno);
    }
  }

  void end() noexcept {
    if (child_ < 0) return;
    fd_.reset();  // swtpm ends when its connection does
    control_.reset();
    ::kill(child_, SIGTERM);
    while (::waitpid(child_, nullptr, 0) < 0 && errno == EINTR) {
    }
    child_ = -1;
  }

  // In the child, between fork and exec.
  static void run(int commands, int control, int failed, pid_t parent, const char* state, const char* log) noexcept {
    constexpr int kCommands = 3;
    constexpr int kControl = 4;
    ::prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (::getppid() != parent) return;  // it died before prctl()
    ::setsid();                         // keys typed at the terminal are the parent's business
    sigset_t none;                      // the parent's threads may block SIGTERM
    ::sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    for (int* const fd : {&commands, &control, &failed})  // out of the way of each other
      if (*fd <= kControl) *fd = ::fcntl(*fd, F_DUPFD_CLOEXEC, kControl + 1);
    if (::dup2(commands, kCommands) < 0 || ::dup2(control, kControl) < 0) return;
    ::execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state, "--fd", "3", "--ctrl",
             "type=unixio,clientfd=4", "--flags", "not-need-init,startup-clear", "--terminate", "--log", log,
             static_cast<char*>(nullptr));
    const int error = errno;
    (void)!::write(failed, &error, sizeof error);
  }

  Descriptor fd_, control_;
  pid_t child_;
  std::string folder_;
};
static_assert(Transport<Swtpm>);

}  // namespace snpnv
