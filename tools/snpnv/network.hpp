// SPDX-License-Identifier: Apache-2.0
// What commands share that ask over the network: one exchange over TCP, or over TLS; whom it trusts; what is told of
// pauses.
#pragma once

#include <arpa/inet.h>

#include "cli.hpp"
#include "snpnv/fetch/retry.hpp"
#include "snpnv/mbedtls/tls.hpp"
#include "step.hpp"
#include "transports/tcp.hpp"

namespace snpnv::tool {

class Network {
 public:
  explicit Network(const TlsTrust& trust) : trust_(trust) {}

  /// As the concept HttpClient says.
  [[nodiscard]] Result<HttpResponse> exchange(const Url& url, const HttpMessage& message, Instant deadline,
                                              std::span<std::byte, kHttpRoom> room) noexcept {
    step((message.json ? "POST " : "GET ") + std::string(url.authority) + std::string(url.target) +
         ": waiting for the server\n");
    SNPNV_TRY(TcpStream tcp, TcpStream::connect(url.host, url.port, deadline));
    const HttpRequest request{url.authority, url.target.empty() ? std::string_view("/") : url.target, message};
    if (!url.tls) return http_exchange(tcp, request, room);
    TlsStream tls(tcp);
    std::array<std::byte, 16> address{};
    SNPNV_CHECK(tls.handshake(trust_, url.host, numeric(url.host, address)));
    return http_exchange(tls, request, room);
  }

 private:
  // The octets of a host that is an address; none of a name.
  static ByteView numeric(std::string_view host, std::array<std::byte, 16>& octets) noexcept {
    const std::string text(host);
    in_addr ipv4{};  // in every form that resolves to one, such as 127.1
    if (::inet_aton(text.c_str(), &ipv4) != 0) {
      const auto address = std::bit_cast<std::array<std::byte, 4>>(ipv4);
      copy_to(octets, address);
      return ByteView(octets).first(address.size());
    }
    if (::inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
    return {};
  }

  const TlsTrust& trust_;
};
static_assert(HttpClient<Network>);

/// Where Debian and others keep the authorities that a system trusts.
inline constexpr std::string_view kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

[[nodiscard]] std::uint64_t random_seed();

/// Whether there is somebody to tell of pauses.
[[nodiscard]] bool shows_progress(const Arguments& arguments);

/// Says why nothing happens for a while, if `progress`.
class Told {
 public:
  Told(bool progress, std::string_view who) : progress_(progress), who_(who) {}
  void operator()(const HttpPause& pause) const noexcept;

 private:
  bool progress_;
  std::string_view who_;
};

/// An error of the network, or of what came over it, in words: as describe(), and what the system or the check of the
/// server's certificate says.
[[nodiscard]] Failure describe_network(std::string_view what, const Error& error);

/// Reads authorities from a file in PEM.
[[nodiscard]] Outcome<void> read_authorities(std::string_view path, TlsTrust& trust);

}  // namespace snpnv::tool
