// SPDX-License-Identifier: Apache-2.0
#include "qemu.hpp"

#include <fcntl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <atomic>
#include <cstring>
#include <optional>
#include <thread>

#include "paravisor/control.hpp"
#include "snpnv/wire/tpm2_messages.hpp"

namespace snpnv::paravisor {
namespace {

// Results of control commands are response codes; swtpm says "unknown" and "failed" as TPM 1.2 does.
constexpr std::uint32_t kSuccess = 0;
constexpr std::uint32_t kFail = 0x09;        // TPM_FAIL
constexpr std::uint32_t kBadOrdinal = 0x0A;  // TPM_BAD_ORDINAL
constexpr std::uint32_t code(TPM_RC rc) { return static_cast<std::uint32_t>(rc); }

/// What control and commands of one machine share.
struct Power {
  std::atomic<bool> on = false;
  std::atomic<bool> startup_due = false;  // the machine has not sent TPM2_Startup since INIT
};

// Waits until `fd` is readable or hung up. False: `stop` came first.
bool readable(int fd, int stop) {
  pollfd entries[] = {{fd, POLLIN, 0}, {stop, POLLIN, 0}};
  while (::poll(entries, 2, -1) < 0) {
    if (errno != EINTR && errno != EAGAIN) return false;
  }
  return entries[1].revents == 0;
}

/// The connection for TPM commands, and the thread that serves it.
class CommandChannel {
 public:
  CommandChannel(Descriptor fd, const Execute& execute, Power& power)
      : fd_(std::move(fd)), cancel_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)), execute_(execute), power_(power),
        thread_([this] {
          serve();
          ::shutdown(fd_.get(), SHUT_RDWR);
        }) {}
  CommandChannel(const CommandChannel&) = delete;
  CommandChannel& operator=(const CommandChannel&) = delete;
  ~CommandChannel() {
    gone_ = true;
    ::shutdown(fd_.get(), SHUT_RDWR);
    cancel();
    thread_.join();
  }
  /// A command that the TPM stays silent to ends with TPM_RC_CANCELED; others end by themselves.
  void cancel() { (void)::eventfd_write(cancel_.get(), 1); }

 private:
  void serve() {
    std::array<std::byte, kMaxTpmMessage> command;
    std::array<std::byte, kMaxTpmMessage> response;
    while (true) {
      eventfd_t earlier = 0;
      (void)::eventfd_read(cancel_.get(), &earlier);  // meant for a command that is over
      const auto whole = receive_command(fd_.get(), command);
      if (!whole) return;
      const auto answer = answer_to(*whole, response);
      if (!answer || !send_all(fd_.get(), *answer)) return;
    }
  }
  Result<ByteView> answer_to(ByteView command, MutBytes response) {
    if (!power_.on) return marshal_error(code(TPM_RC::INITIALIZE), response);
    const auto answer = execute_(command, response);
    if (answer) {
      const auto startup = unmarshal_command<Startup>(command);
      const auto header = TpmHeader::parse(*answer);
      const bool started_before = startup && startup->startupType == TPM_SU::CLEAR && header &&
                                  header->code == code(TPM_RC::INITIALIZE);
      if (!started_before || !power_.startup_due.exchange(false)) return answer;
      return marshal_error(kSuccess, response);
    }
    if (answer.error().code != Code::io_deadline) return marshal_error(code(TPM_RC::FAILURE), response);
    if (gone_) return fail(Code::io_closed);
    pollfd entry{cancel_.get(), POLLIN, 0};  // silence, until somebody has enough of it
    while (::poll(&entry, 1, -1) < 0) {
    }
    return marshal_error(code(TPM_RC::CANCELED), response);
  }

  Descriptor fd_, cancel_;
  const Execute& execute_;
  Power& power_;
  std::atomic<bool> gone_ = false;  // the machine, so that nobody will cancel any more
  std::thread thread_;
};

/// One QEMU, over its control connection.
class Machine {
 public:
  Machine(int control, const Execute& execute, const std::function<Result<void>()>& power_cycle, int stop)
      : control_(control), execute_(execute), power_cycle_(power_cycle), stop_(stop) {}

  void serve() {
    while (true) {
      std::array<std::byte, ControlRequest::kMaxSize> room;
      const auto front = MutBytes(room).first<ControlRequest::kCommandSize>();
      passed_.reset();
      if (!receive(front)) return;
      const auto size = ControlRequest::size_of(front);
      if (!size) {
        (void)reply(kBadOrdinal, 4);
        return;  // nobody knows where the next request begins
      }
      if (!receive(MutBytes(room).subspan(front.size(), *size - front.size()))) return;
      const auto request = ControlRequest::parse(ByteView(room).first(*size));
      if (!request || !execute(*request)) return;
    }
  }

 private:
  // False: the connection is of no more use.
  bool execute(const ControlRequest& request) {
    const auto done = [&](std::uint32_t result, std::initializer_list<std::uint32_t> more = {}) {
      return reply(result, request.answer_size, more);
    };
    switch (request.command) {
      case Control::GET_CAPABILITY: return done(kSuccess, {kControlCapabilities});
      case Control::INIT: return done(init());
      case Control::SHUTDOWN:
      case Control::STOP: return power_.on = false, done(kSuccess);
      case Control::SET_LOCALITY: return done(request.locality == 0 ? kSuccess : code(TPM_RC::LOCALITY));
      case Control::CANCEL_TPM_CMD:
        if (commands_) commands_->cancel();
        return done(kSuccess);
      case Control::GET_TPMESTABLISHED:  // never: it belongs to a dynamic root of trust
      case Control::RESET_TPMESTABLISHED:
      case Control::GET_CONFIG: return done(kSuccess);
      case Control::SET_DATAFD: return done(take_commands());
      case Control::SET_BUFFERSIZE:
        // As it is, and so are the least and the largest; the request is a wish.
        return done(kSuccess, {kMaxTpmMessage, kMaxTpmMessage, kMaxTpmMessage});
      case Control::GET_STATEBLOB:
      case Control::GET_INFO: return done(kFail);
      case Control::SET_STATEBLOB: return done(kFail), false;  // the blob follows unasked
    }
    return false;
  }
  std::uint32_t init() {
    power_.on = false;
    if (!power_cycle_()) return kFail;
    power_.startup_due = true;
    power_.on = true;
    return kSuccess;
  }
  std::uint32_t take_commands() {
    int type = 0;
    socklen_t size = sizeof type;
    if (commands_ || passed_.get() < 0 ||
        ::getsockopt(passed_.get(), SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_STREAM)
      return kFail;
    const int flags = ::fcntl(passed_.get(), F_GETFL);
    if (flags < 0 || ::fcntl(passed_.get(), F_SETFL, flags & ~O_NONBLOCK) != 0) return kFail;
    commands_.emplace(std::move(passed_), execute_, power_);
    return kSuccess;
  }

  // Fills `out`; keeps one descriptor that came along. False: closed, failed or stopped.
  bool receive(MutBytes out) {
    while (!out.empty()) {
      if (!readable(control_, stop_)) return false;
      iovec part{out.data(), out.size()};
      alignas(cmsghdr) std::array<std::byte, CMSG_SPACE(sizeof(int))> room{};
      msghdr message{};
      message.msg_iov = &part;
      message.msg_iovlen = 1;
      message.msg_control = room.data();
      message.msg_controllen = room.size();
      const ssize_t n = ::recvmsg(control_, &message, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
      if (n < 0 && (errno == EINTR || errno == EAGAIN)) continue;
      if (n <= 0) return false;
      keep_descriptor(message);
      out = out.subspan(static_cast<std::size_t>(n));
    }
    return true;
  }
  void keep_descriptor(msghdr& message) {
    for (cmsghdr* part = CMSG_FIRSTHDR(&message); part != nullptr; part = CMSG_NXTHDR(&message, part)) {
      if (part->cmsg_level != SOL_SOCKET || part->cmsg_type != SCM_RIGHTS) continue;
      for (std::size_t at = 0; at + sizeof(int) <= part->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
        int fd = -1;
        std::memcpy(&fd, CMSG_DATA(part) + at, sizeof fd);
        passed_ = Descriptor(fd);  // alignment leaves room for a second one, which is closed here
      }
    }
  }
  bool reply(std::uint32_t result, std::size_t size, std::initializer_list<std::uint32_t> more = {}) {
    std::array<std::byte, ControlRequest::kMaxAnswer> answer{};
    ByteWriter writer(answer);
    writer.be(result);
    for (const std::uint32_t word : more) writer.be(word);
    const ssize_t n = ::send(control_, answer.data(), size, MSG_NOSIGNAL | MSG_DONTWAIT);
    return n == static_cast<ssize_t>(size);  // a peer that lets answers pile up is given up
  }

  int control_;
  const Execute& execute_;
  const std::function<Result<void>()>& power_cycle_;
  int stop_;
  Power power_;
  Descriptor passed_;
  std::optional<CommandChannel> commands_;
};

}  // namespace

Result<QemuSocket> QemuSocket::listen_at(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof address.sun_path) return io_failure(ENAMETOOLONG);
  std::ranges::copy(path, address.sun_path);
  const auto* const generic = static_cast<const sockaddr*>(static_cast<const void*>(&address));
  Descriptor fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd.get() < 0) return io_failure(errno);
  if (::bind(fd.get(), generic, sizeof address) != 0) {
    if (errno != EADDRINUSE) return io_failure(errno);
    const Descriptor probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    struct stat file{};
    if (::lstat(path.c_str(), &file) != 0 || !S_ISSOCK(file.st_mode) ||
        ::connect(probe.get(), generic, sizeof address) == 0 || errno != ECONNREFUSED)
      return io_failure(EADDRINUSE);
    if (::unlink(path.c_str()) != 0 || ::bind(fd.get(), generic, sizeof address) != 0) return io_failure(errno);
  }
  QemuSocket out(std::move(fd), path);
  if (::listen(out.get(), 4) != 0) return io_failure(errno);
  return out;
}

QemuSocket::~QemuSocket() {
  if (!path_.empty()) ::unlink(path_.c_str());
}

void serve_qemu(const QemuSocket& socket, const Execute& execute,
                const std::function<Result<void>()>& power_cycle, int stop, bool once) {
  while (readable(socket.get(), stop)) {
    const Descriptor control(::accept4(socket.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (control.get() < 0) continue;
    Machine(control.get(), execute, power_cycle, stop).serve();
    if (once) return;
  }
}

}  // namespace snpnv::paravisor
