// SPDX-License-Identifier: Apache-2.0
// HTTP and HTTPS in front of a service.
#pragma once

#include <functional>
#include <memory>

#include "connection.hpp"

namespace snpnv::paravisor {

/// Serves HTTP, or HTTPS, until it is destroyed; every client in a thread of its own.
class HttpServer {
 public:
  /// Answers one request. Called by several threads.
  using Service = std::function<void(Connection&)>;

  /// @returns the server | io_failed - detail: errno.
  [[nodiscard]] static Result<std::unique_ptr<HttpServer>> start(Service service, const std::string& host,
                                                                 unsigned port, bool tls);
  virtual ~HttpServer() = default;
  [[nodiscard]] virtual const std::string& url() const = 0;
};

}  // namespace snpnv::paravisor
