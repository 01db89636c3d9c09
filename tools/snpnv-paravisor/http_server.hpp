// HTTP and HTTPS in front of a certificate service.
#pragma once

#include "certificate_service.hpp"

namespace snpnv::paravisor {

/// Serves HTTP, or HTTPS, until it is destroyed; every client in a thread of its own.
class HttpServer {
 public:
  /// @returns the server | io_failed - detail: errno.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(std::shared_ptr<CertificateService> service,
                                                                 const std::string& host, unsigned port, bool tls);
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual const std::string& url() const = 0;
};

}  // namespace snpnv::paravisor
