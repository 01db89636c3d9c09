// SPDX-License-Identifier: Apache-2.0
// Certificates in a directory that other programs read and write too. Below it no link is followed: who
// may write there could point anywhere.
#pragma once

#include "cli.hpp"
#include "snpnv/core/clock.hpp"
#include "snpnv/fetch/sources.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::tool {

class Store {
 public:
  /// `directory` is empty where there is no store.
  explicit Store(std::string directory) : directory_(std::move(directory)) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] bool exists() const { return !directory_.empty(); }

  /// As the concept CertificateSource says.
  /// @returns the certificates | io_failed - detail: errno | wire_too_large | what parse_issuers() returns.
  [[nodiscard]] Result<CertificateChain> get(const CertificateRequest& request, MutBytes room) noexcept;

  /// Writes a certificate, list or bundle where get() finds it.
  [[nodiscard]] Outcome<void> put(const CertificateRequest& request, ByteView content) const;

  /// Takes the lock for as long as this object lasts, so that of many processes one asks the network.
  /// A store that cannot be written, or whose lock is another user's, has none.
  /// @returns false if another process held it until `deadline`.
  [[nodiscard]] bool lock(Instant deadline);

 private:
  std::string directory_;
  Descriptor lock_;
};
static_assert(CertificateSource<Store>);

}  // namespace snpnv::tool
