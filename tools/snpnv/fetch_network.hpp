// One GET over TCP, or over TLS.
#pragma once

#include <arpa/inet.h>

#include "snpnv/fetch/patience.hpp"
#include "snpnv/mbedtls/tls.hpp"
#include "step.hpp"
#include "transports/tcp.hpp"

namespace snpnv::tool {

class Network {
 public:
  explicit Network(const TlsTrust& trust) : trust_(trust) {}

  /// As the concept HttpClient says.
  [[nodiscard]] Result<HttpResponse> get(const Url& url, bool metadata, Instant deadline,
                                         std::span<std::byte, kHttpRoom> room) noexcept {
    step("GET " + std::string(url.authority) + std::string(url.target) + ": waiting for the server\n");
    SNPNV_TRY(TcpStream tcp, TcpStream::connect(url.host, url.port, deadline));
    const HttpGet get{url.authority, url.target.empty() ? std::string_view("/") : url.target, metadata};
    if (!url.tls) return http_get(tcp, get, room);
    TlsStream tls(tcp);
    std::array<std::byte, 16> address{};
    SNPNV_CHECK(tls.handshake(trust_, url.host, numeric(url.host, address)));
    return http_get(tls, get, room);
  }

 private:
  // The octets of a host that is an address; none of a name.
  static ByteView numeric(std::string_view host, std::array<std::byte, 16>& octets) noexcept {
    const std::string text(host);
    if (::inet_pton(AF_INET, text.c_str(), octets.data()) == 1) return ByteView(octets).first(4);
    if (::inet_pton(AF_INET6, text.c_str(), octets.data()) == 1) return octets;
    return {};
  }

  const TlsTrust& trust_;
};
static_assert(HttpClient<Network>);

}  // namespace snpnv::tool
