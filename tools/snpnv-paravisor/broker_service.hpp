// SPDX-License-Identifier: Apache-2.0
// Trustee's key broker, protocol 0.4.0, for tests and the demonstration.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "http_message.hpp"
#include "paravisor/options.hpp"
#include "snpnv/verify/policy.hpp"
#include "snpnv/wire/kbs.hpp"

namespace snpnv::paravisor {

/// What the broker is started with.
struct BrokerSettings {
  std::map<std::string, std::vector<std::byte>> resources;  // by repository/type/tag
  std::vector<std::byte> policy_room;  // what the policy borrows
  Policy policy;
};

/// Verifies evidence by the project's own verifier and a policy, and encrypts what it has by Mbed TLS. Each request
/// is a line in a log file.
class BrokerService {
 public:
  /// `log` is made anew.
  /// @returns the service | io_failed - detail: errno of the log | the codes of certificates, of the PKI.
  [[nodiscard]] static Result<std::shared_ptr<BrokerService>> make(const TestPki& pki, const Options& options,
                                                                   BrokerSettings settings, const std::string& log);

  /// Answers one request. Called by several threads.
  void serve(Connection& client);

 private:
  struct Session {
    std::string nonce;
    P256Point key{};
    bool attested = false;
  };

  BrokerService(const Options& options, BrokerSettings settings, RequestLog log)
      : options_(options), settings_(std::move(settings)), log_(std::move(log)) {}
  HttpAnswer begin();
  HttpAnswer attest(const std::string& session, std::string_view body);
  HttpAnswer release(const std::string& session, std::string_view resource);
  [[nodiscard]] std::string why_refused(const KbsAttestation& attestation, std::string_view nonce) const;

  Options options_;
  BrokerSettings settings_;
  RequestLog log_;
  std::string ark_;  // DER
  std::string ask_;
  std::mutex mutex_;
  std::map<std::string, Session> sessions_;
  FaultCount busy_;
  FaultCount expired_;
};

}  // namespace snpnv::paravisor
