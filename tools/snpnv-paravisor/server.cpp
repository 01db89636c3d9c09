// SPDX-License-Identifier: Apache-2.0
#include "server.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <list>
#include <thread>

#include "paravisor/control.hpp"
#include "snpnv/wire/tpm2_messages.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::paravisor {
namespace {

bool receive(int fd, MutBytes out) {
  while (!out.empty()) {
    const ssize_t n = ::recv(fd, out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

// One connection to the command port. `executed` is set with its first command.
void serve_commands(int fd, const Execute& execute, std::atomic<bool>& executed) {
  std::array<std::byte, kMaxTpmMessage> command;
  std::array<std::byte, kMaxTpmMessage> response;
  while (true) {
    const auto whole = receive_command(fd, command);
    if (!whole) return;
    executed = true;
    const Result<ByteView> answer = execute(*whole, response);
    if (!answer && answer.error().code == Code::io_deadline) continue;  // silence, on purpose
    if (!answer || !send_all(fd, *answer)) return;
  }
}

// One connection to the control port. Commands that would stop or reset the TPM are acknowledged
// and have no effect: the paravisor owns it. swtpm_ioctls(3), "CONTROL CHANNEL".
void serve_control(int fd) {
  while (true) {
    std::array<std::byte, 4> word{};
    if (!receive(fd, word)) return;
    std::size_t arguments = 0;
    std::size_t results = 4;
    switch (static_cast<Control>(load<std::uint32_t, Endian::big>(word))) {
      case Control::GET_CAPABILITY: results = 12; break;
      case Control::INIT: arguments = 4; break;
      case Control::SET_LOCALITY: arguments = 1; break;
      case Control::SHUTDOWN:
      case Control::CANCEL_TPM_CMD:
      case Control::STOP: break;
      default: return;
    }
    std::array<std::byte, 4> ignored{};
    constexpr std::array<std::byte, 12> kAnswer{};
    if (!receive(fd, MutBytes(ignored).first(arguments))) return;
    if (!send_all(fd, ByteView(kAnswer).first(results))) return;
  }
}

}  // namespace

Result<Descriptor> bind_to(const std::string& host, unsigned port) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  if (::getaddrinfo(host.c_str(), std::to_string(port).c_str(), &hints, &found) != 0)
    return io_failure(EADDRNOTAVAIL);
  Descriptor fd(::socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  constexpr int kOn = 1;
  int error = 0;
  if (fd.get() < 0 || ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &kOn, sizeof kOn) != 0 ||
      ::bind(fd.get(), found->ai_addr, found->ai_addrlen) != 0 || ::listen(fd.get(), 64) != 0)
    error = errno;
  ::freeaddrinfo(found);
  if (error != 0) return io_failure(error);
  return fd;
}

unsigned port_of(int fd) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  if (::getsockname(fd, static_cast<sockaddr*>(static_cast<void*>(&address)), &size) != 0) return 0;
  if (address.ss_family == AF_INET6)
    return ntohs(static_cast<const sockaddr_in6*>(static_cast<const void*>(&address))->sin6_port);
  return ntohs(static_cast<const sockaddr_in*>(static_cast<const void*>(&address))->sin_port);
}

namespace {

// A connection and its thread.
struct Client {
  Descriptor fd;
  std::thread thread;
  std::atomic<bool> executed = false;
  std::atomic<bool> gone = false;
};

}  // namespace

Result<Listener> listen_on(const std::string& host, unsigned port) {
  constexpr int kTries = 64;  // for a free pair of ports
  for (int i = 0;; ++i) {
    SNPNV_TRY(Descriptor commands, bind_to(host, port));
    const unsigned bound = port_of(commands.get());
    auto control = bind_to(host, bound + 1);
    if (control) return Listener{::dup(commands.get()), ::dup(control->get()), host, bound};
    if (port != 0 || i == kTries) return fail(control.error());
  }
}

std::optional<ByteView> receive_command(int fd, MutBytes room) {
  const MutBytes front = room.first(TpmHeader::kSize);
  if (!receive(fd, front)) return {};
  const auto header = unmarshal<TpmHeader>(front);
  if (!header || header->size < front.size() || header->size > room.size()) return {};
  const MutBytes whole = room.first(header->size);
  if (!receive(fd, whole.subspan(front.size()))) return {};
  return whole;
}

void serve(const Listener& listener, const Execute& execute, int stop, bool once) {
  std::list<Client> clients;
  const Descriptor client_gone(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  bool served = false;
  while (true) {
    pollfd entries[] = {{listener.commands, POLLIN, 0},
                        {listener.control, POLLIN, 0},
                        {stop, POLLIN, 0},
                        {client_gone.get(), POLLIN, 0}};
    // A TCTI opens a connection for each command, so "gone" is a while without any.
    constexpr int kGoneMs = 1000;
    const int ready = ::poll(entries, 4, once && served && clients.empty() ? kGoneMs : -1);
    if (ready < 0) continue;
    if (ready == 0) break;
    if (entries[2].revents != 0) break;
    if (entries[3].revents != 0) {
      eventfd_t count = 0;
      (void)::eventfd_read(client_gone.get(), &count);
      for (auto client = clients.begin(); client != clients.end();) {
        if (!client->gone) {
          ++client;
          continue;
        }
        served = served || client->executed;
        client->thread.join();
        client = clients.erase(client);
      }
    }
    for (const int i : {0, 1}) {
      if (entries[i].revents == 0) continue;
      const int fd = ::accept4(entries[i].fd, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      constexpr int kOn = 1;
      ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
      Client& client = clients.emplace_back();
      client.fd = Descriptor(fd);
      client.thread = std::thread([&, commands = i == 0] {
        if (commands) {
          serve_commands(client.fd.get(), execute, client.executed);
        } else {
          serve_control(client.fd.get());
        }
        client.gone = true;
        (void)::eventfd_write(client_gone.get(), 1);
      });
    }
  }
  for (Client& client : clients) {
    ::shutdown(client.fd.get(), SHUT_RDWR);
    client.thread.join();
  }
}

}  // namespace snpnv::paravisor
