// SPDX-License-Identifier: Apache-2.0
// Secrets: kept where nothing else sees them, and given to whom they are for.
#pragma once

#include "cli.hpp"
#include "snpnv/core/clock.hpp"
#include "snpnv/core/wipe.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::tool {

/// From now on this process leaves no core dump, no other process of its user may look into it, and all its memory is
/// locked if it has the privilege.
void protect_memory();

/// Pages that are locked where that is allowed, are in no core dump, and are overwritten at the end.
class SecretMemory {
 public:
  explicit SecretMemory(std::size_t size) noexcept;
  SecretMemory(const SecretMemory&) = delete;
  SecretMemory& operator=(const SecretMemory&) = delete;
  ~SecretMemory();
  /// None where the system gave none.
  [[nodiscard]] MutBytes octets() const { return octets_; }

 private:
  MutBytes octets_;
};

/// Where a secret goes: `-`, `fd:N`, `unix:PATH` or a file.
class SecretOutput {
 public:
  /// What is wrong with it is said before the secret is asked for.
  [[nodiscard]] static Outcome<SecretOutput> open(std::string_view name, std::string_view tcti);
  [[nodiscard]] bool is_standard_output() const { return kind_ == Kind::descriptor && fd_ == 1; }
  /// Writes it there, and nowhere else. A file that is not there yet gets mode 0600.
  [[nodiscard]] Outcome<void> write(ByteView secret, Instant deadline) const;

 private:
  enum class Kind : std::uint8_t { descriptor, socket, file };
  SecretOutput(Kind kind, std::string_view name, int fd = -1) : kind_(kind), name_(name), fd_(fd) {}

  Kind kind_;
  std::string name_;  // without what stands before the colon
  int fd_;
};

}  // namespace snpnv::tool
