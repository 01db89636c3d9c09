// Certificates in a directory that other programs read and write too.
#pragma once

#include "cli.hpp"
#include "snpnv/core/clock.hpp"
#include "snpnv/fetch/sources.hpp"

namespace snpnv::tool {

class Store {
 public:
  /// `directory` is empty where there is no store.
  explicit Store(std::string directory) : directory_(std::move(directory)) {}
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;
  ~Store();

  [[nodiscard]] bool exists() const { return !directory_.empty(); }

  /// As the concept CertificateSource says.
  /// @returns the certificates | io_failed - detail: errno | wire_too_large | what parse_issuers() returns.
  [[nodiscard]] Result<CertificateChain> get(const CertificateRequest& request, MutBytes room) noexcept;

  /// Writes a certificate, list or bundle where get() finds it.
  [[nodiscard]] Outcome<void> put(const CertificateRequest& request, ByteView content) const;

  /// Takes the lock for as long as this object lasts: who holds it may ask the network. A store that
  /// cannot be written has none.
  /// @returns whether it is held | a failure at the deadline.
  [[nodiscard]] Outcome<bool> lock(Instant deadline);

 private:
  std::string directory_;
  int lock_ = -1;
};
static_assert(CertificateSource<Store>);

}  // namespace snpnv::tool
