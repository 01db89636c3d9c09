// SPDX-License-Identifier: Apache-2.0
// A TCP connection with one deadline for all that happens on it, the search for its address included.
#pragma once

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "snpnv/core/stream.hpp"
#include "transports/bounded_call.hpp"
#include "transports/descriptor.hpp"

namespace snpnv {

/// Where a connection may go.
struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;

  explicit SocketAddress(ByteView octets) noexcept : size(static_cast<socklen_t>(octets.size())) {
    copy_to(std::as_writable_bytes(std::span(&storage, 1)), octets);
  }
  /// @returns nothing if `host` is not an address of IPv4 or IPv6, in digits.
  [[nodiscard]] static std::optional<SocketAddress> parse(std::string_view host, std::uint16_t port) {
    const std::string text(host);
    sockaddr_in ipv4{};
    if (::inet_pton(AF_INET, text.c_str(), &ipv4.sin_addr) == 1) {
      ipv4.sin_family = AF_INET;
      ipv4.sin_port = htons(port);
      return SocketAddress(std::as_bytes(std::span(&ipv4, 1)));
    }
    sockaddr_in6 ipv6{};
    if (::inet_pton(AF_INET6, text.c_str(), &ipv6.sin6_addr) != 1) return std::nullopt;
    ipv6.sin6_family = AF_INET6;
    ipv6.sin6_port = htons(port);
    return SocketAddress(std::as_bytes(std::span(&ipv6, 1)));
  }
};

class TcpStream {
 public:
  /// @returns the connection | io_failed - detail: errno | io_deadline.
  [[nodiscard]] static Result<TcpStream> connect(const SocketAddress& address, Instant deadline) noexcept {
    SNPNV_TRY(Descriptor fd, connect_until(address, deadline));
    return TcpStream(std::move(fd), deadline);
  }

  /// Connects to the first address of `host` that answers; each is given its share of the time.
  /// @returns the connection | io_name - detail: EAI, negated | io_deadline
  ///   | io_failed - detail: errno of the last address.
  [[nodiscard]] static Result<TcpStream> connect(std::string_view host, std::uint16_t port,
                                                 Instant deadline) noexcept {
    if (const auto address = SocketAddress::parse(host, port)) return connect(*address, deadline);
    const auto lookup = std::make_shared<Lookup>(host, port);
    SNPNV_CHECK(BoundedCall::run(lookup, deadline));
    if (lookup->error != 0) return fail(Code::io_name, 0, static_cast<std::uint32_t>(-lookup->error));
    MonotonicClock clock;
    Error last{Code::io_name};
    std::size_t untried = lookup->addresses.size();
    for (const SocketAddress& address : lookup->addresses) {
      const Instant now = clock.now();
      const Millis left = deadline > now ? deadline - now : 0;
      auto fd = connect_until(address, now + left / untried--);
      if (fd) return TcpStream(std::move(*fd), deadline);
      last = fd.error();
    }
    return fail(last);
  }

  [[nodiscard]] Result<std::size_t> read_some(MutBytes to) noexcept {
    while (true) {
      SNPNV_CHECK(in_time());  // a peer that never pauses is no reason to wait for ever
      const ssize_t n = ::recv(fd_.get(), to.data(), to.size(), 0);
      if (n >= 0) return static_cast<std::size_t>(n);
      SNPNV_CHECK(wait_after(errno, POLLIN));
    }
  }
  [[nodiscard]] Result<void> write_all(ByteView from) noexcept {
    while (!from.empty()) {
      SNPNV_CHECK(in_time());
      const ssize_t n = ::send(fd_.get(), from.data(), from.size(), MSG_NOSIGNAL);
      if (n >= 0) {
        from = from.subspan(static_cast<std::size_t>(n));
      } else {
        SNPNV_CHECK(wait_after(errno, POLLOUT));
      }
    }
    return {};
  }

 private:
  // getaddrinfo() knows no deadline.
  struct Lookup : BoundedCall {
    Lookup(std::string_view name, std::uint16_t number) : host(name), port(std::to_string(number)) {}

    void work() noexcept override {
      addrinfo hints{};
      hints.ai_socktype = SOCK_STREAM;
      hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG;
      addrinfo* found = nullptr;
      error = ::getaddrinfo(host.c_str(), port.c_str(), &hints, &found);
      if (error != 0) return;
      for (const addrinfo* one = found; one != nullptr; one = one->ai_next)
        if (one->ai_addrlen <= sizeof(sockaddr_storage))
          addresses.emplace_back(
              ByteView(static_cast<const std::byte*>(static_cast<const void*>(one->ai_addr)), one->ai_addrlen));
      ::freeaddrinfo(found);
    }

    std::string host;
    std::string port;
    int error = 0;
    std::vector<SocketAddress> addresses;
  };

  TcpStream(Descriptor fd, Instant deadline) noexcept : fd_(std::move(fd)), deadline_(deadline) {}

  static Result<Descriptor> connect_until(const SocketAddress& address, Instant deadline) noexcept {
    Descriptor fd(::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    if (fd.get() < 0) return io_failure(errno);
    constexpr int kOn = 1;
    ::setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &kOn, sizeof kOn);
    const auto* const generic = static_cast<const sockaddr*>(static_cast<const void*>(&address.storage));
    if (::connect(fd.get(), generic, address.size) == 0) return fd;
    if (errno != EINPROGRESS && errno != EINTR) return io_failure(errno);
    SNPNV_CHECK(await(fd.get(), POLLOUT, deadline));
    int error = 0;
    socklen_t size = sizeof error;
    if (::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
    if (error != 0) return io_failure(error);
    return fd;
  }

  Result<void> in_time() const noexcept {
    if (MonotonicClock().now() >= deadline_) return fail(Code::io_deadline);
    return {};
  }
  // After a call that did not do it at once.
  Result<void> wait_after(int error, short events) noexcept {
    if (error == EINTR) return {};
    if (error == ECONNRESET || error == EPIPE) return fail(Code::io_closed);
    if (error != EAGAIN && error != EWOULDBLOCK) return io_failure(error);
    SNPNV_CHECK(await(fd_.get(), events, deadline_));
    return {};
  }

  Descriptor fd_;
  Instant deadline_;
};
static_assert(Stream<TcpStream>);

}  // namespace snpnv
