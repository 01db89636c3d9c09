// SPDX-License-Identifier: Apache-2.0
// AMD's key distribution service and the platform's certificate endpoint, for the emulated chip.
#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http_message.hpp"
#include "paravisor/options.hpp"

namespace snpnv::paravisor {

/// What both servers give, and the requests that they have had: each is a line in a log file.
class CertificateService {
 public:
  /// `log` is made anew.
  /// @returns the service | io_failed - detail: errno of the log | the codes of certificates, of the PKI.
  [[nodiscard]] static Result<std::shared_ptr<CertificateService>> make(const TestPki& pki, const Options& options,
                                                                        const std::string& log);
  CertificateService(const Options& options, RequestLog log) : options_(options), log_(std::move(log)) {}

  /// Answers one request. Called by several threads.
  void serve(Connection& client);

 private:
  struct Page {
    std::string target;
    std::string body;
    bool metadata = false;
  };

  Result<void> fill(const TestPki& pki);
  bool busy(const EndingFault& fault);
  void answer(Connection& client, int status, const std::string& body) const;

  Options options_;
  RequestLog log_;
  std::vector<Page> pages_;
  std::mutex mutex_;
  FaultCount count_;
};

}  // namespace snpnv::paravisor
