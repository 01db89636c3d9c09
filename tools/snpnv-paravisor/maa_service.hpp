// SPDX-License-Identifier: Apache-2.0
// An attestation provider as Microsoft Azure Attestation is, for tests.
#pragma once

#include <memory>
#include <mutex>
#include <string>

#include "http_message.hpp"
#include "paravisor/options.hpp"
#include "snpnv/wire/evidence.hpp"

namespace snpnv::paravisor {

/// Verifies reports by the project's own verifier, and signs tokens by Mbed TLS. Each request is a line in a log file.
class MaaService {
 public:
  /// `log` is made anew.
  /// @returns the service | io_failed - detail: errno of the log | the codes of certificates and crypto_failed, of the
  ///   PKI.
  [[nodiscard]] static Result<std::shared_ptr<MaaService>> make(const TestPki& pki, const Options& options,
                                                                const std::string& log);
  MaaService(const MaaService&) = delete;
  MaaService& operator=(const MaaService&) = delete;
  ~MaaService() { mbedtls_pk_free(&key_); }

  /// Answers one request. Called by several threads.
  void serve(Connection& client);

 private:
  MaaService(const Options& options, RequestLog log) : options_(options), log_(std::move(log)) {
    mbedtls_pk_init(&key_);
  }
  HttpAnswer attest(const std::string& issuer, ByteView body);
  [[nodiscard]] HttpAnswer keys() const;
  [[nodiscard]] std::string why_refused(const MaaEvidence& evidence) const;
  Result<std::string> token(const std::string& issuer, const MaaEvidence& evidence);

  Options options_;
  RequestLog log_;
  std::string ark_;  // DER
  std::string ask_;
  std::string certificate_;  // of key_
  mbedtls_pk_context key_;
  std::mutex mutex_;  // around what requests change
  FaultCount busy_;
};

}  // namespace snpnv::paravisor
