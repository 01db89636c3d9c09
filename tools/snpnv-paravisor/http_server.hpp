// AMD's key distribution service and the platform's certificate endpoint, for the emulated chip.
#pragma once

#include <memory>
#include <string>

#include "snpnv/core/error.hpp"
#include "transports/paravisor/options.hpp"

namespace snpnv::paravisor {

struct TestPki;

/// What both servers give, and the requests that they have had: each is a line in a log file.
class CertificateService {
 public:
  /// `log` is made anew.
  /// @returns the service | io_failed - detail: errno of the log | the codes of certificates, of the PKI.
  [[nodiscard]] static Result<std::shared_ptr<CertificateService>> make(const TestPki& pki, const Options& options,
                                                                        const std::string& log);
  virtual ~CertificateService() = default;
};

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
