// SPDX-License-Identifier: Apache-2.0
// A real swtpm on two TCP ports, as the swtpm TCTI expects it, and helpers to make peers that fail.
#pragma once

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <string>

#include "tests/transports/patience.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::testing {

/// A folder that lasts as long as this object.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "snpnv-test-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    path_ = name;
  }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  [[nodiscard]] std::string operator/(const std::string& file) const {
    return (path_ / file).string();
  }

 private:
  std::filesystem::path path_;
};

inline sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}
inline const sockaddr* generic(const sockaddr_in& address) {
  return static_cast<const sockaddr*>(static_cast<const void*>(&address));
}

/// Has the port for itself; 0 is one that the system chooses. Until somebody listens there, connections are
/// refused. -1 inside if another has it.
inline Descriptor bind_to(std::uint16_t port) {
  Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  if (::bind(fd.get(), generic(address), sizeof address) != 0) fd.reset();
  return fd;
}
inline std::uint16_t port_of(const Descriptor& fd) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  void* const anything = &address;
  REQUIRE(::getsockname(fd.get(), static_cast<sockaddr*>(anything), &size) == 0);
  return ntohs(address.sin_port);
}
inline Descriptor listen_on(std::uint16_t port, int backlog = 8) {
  Descriptor fd = bind_to(port);
  if (fd.get() >= 0 && ::listen(fd.get(), backlog) != 0) fd.reset();
  return fd;
}

/// -1 inside if nobody listens there.
inline Descriptor connect_to(std::uint16_t port) {
  Descriptor fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const sockaddr_in address = loopback(port);
  if (::connect(fd.get(), generic(address), sizeof address) != 0) fd.reset();
  return fd;
}

/// True if somebody listens there. Nobody is asked: swtpm serves one connection, and ends after it.
inline bool listens(std::uint16_t port) {
  std::array<char, 40> wanted{};  // local address, any remote one, state LISTEN
  std::snprintf(wanted.data(), wanted.size(), ": 0100007F:%04X 00000000:0000 0A", port);
  std::ifstream table("/proc/net/tcp");
  for (std::string line; std::getline(table, line);)
    if (line.find(wanted.data()) != std::string::npos) return true;
  return false;
}

/// Two neighbouring ports that nobody else has: the swtpm TCTI takes the second for control.
struct BoundPair {
  Descriptor data, control;
  std::uint16_t port = 0;

  BoundPair() {
    do {
      data = bind_to(0);
      port = port_of(data);
      control = bind_to(static_cast<std::uint16_t>(port + 1));
    } while (control.get() < 0);
  }
  [[nodiscard]] std::string tcti(const std::string& kind = "swtpm") const {
    return kind + ":host=127.0.0.1,port=" + std::to_string(port);
  }
};

/// The same, listened on.
struct PortPair : BoundPair {
  PortPair() {
    REQUIRE(::listen(data.get(), 8) == 0);
    REQUIRE(::listen(control.get(), 8) == 0);
  }
};

class TcpSwtpm {
 public:
  TcpSwtpm() {
    // swtpm binds what is bound here already: SO_REUSEADDR, at both sides, allows that until somebody listens.
    const BoundPair ports;
    port_ = ports.port;
    tcti_ = ports.tcti();
    const std::string state = "dir=" + folder_ / "";
    const std::string server = "type=tcp,port=" + std::to_string(port_);
    const std::string control = "type=tcp,port=" + std::to_string(port_ + 1);
    pid_ = ::fork();
    REQUIRE(pid_ >= 0);
    if (pid_ == 0) {
      ::prctl(PR_SET_PDEATHSIG, SIGKILL);
      ::execlp("swtpm", "swtpm", "socket", "--tpm2", "--tpmstate", state.c_str(), "--server",
               server.c_str(), "--ctrl", control.c_str(), "--flags", "not-need-init,startup-clear",
               "--log", "level=0", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    // swtpm tells nobody when it listens.
    MonotonicClock clock;
    const Instant deadline = clock.now() + kPatience;
    while (!listens(port_) || !listens(static_cast<std::uint16_t>(port_ + 1))) {
      REQUIRE_MESSAGE(::waitpid(pid_, nullptr, WNOHANG) == 0, "swtpm ended; is it installed?");
      REQUIRE_MESSAGE(clock.now() < deadline, "swtpm does not listen");
      clock.sleep(5);
    }
  }
  TcpSwtpm(const TcpSwtpm&) = delete;
  TcpSwtpm& operator=(const TcpSwtpm&) = delete;
  ~TcpSwtpm() {
    ::kill(pid_, SIGKILL);
    ::waitpid(pid_, nullptr, 0);
  }

  [[nodiscard]] const std::string& tcti() const { return tcti_; }
  [[nodiscard]] std::uint16_t port() const { return port_; }
  /// From now on it answers nothing, with its connections open.
  void stop() const { signal_and_wait(SIGSTOP, WUNTRACED); }
  /// Its connections are closed when this returns.
  void die() const {
    siginfo_t info{};
    ::kill(pid_, SIGKILL);
    ::waitid(P_PID, static_cast<id_t>(pid_), &info, WEXITED | WNOWAIT);
  }

 private:
  void signal_and_wait(int signal, int event) const {
    ::kill(pid_, signal);
    ::waitpid(pid_, nullptr, event);
  }

  Folder folder_;
  std::uint16_t port_ = 0;
  std::string tcti_;
  pid_t pid_ = -1;
};

}  // namespace snpnv::testing
