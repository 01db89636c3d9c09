// SPDX-License-Identifier: Apache-2.0
// Event logs in files, as the kernel shows them.
#pragma once

#include <vector>

#include "failure.hpp"
#include "snpnv/core/clock.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::tool {

/// Where Linux shows the log of the firmware, by the first TPM.
inline constexpr std::string_view kEventLogFile = "/sys/kernel/security/tpm0/binary_bios_measurements";

/// The octets of a log, whatever size the file is said to have. One of no octet is a failure.
[[nodiscard]] Outcome<std::vector<std::byte>> read_event_log(std::string_view path);

/// Where systemd logs what it measures.
inline constexpr std::string_view kSystemdLogFile = "/run/log/systemd/tpm2-measure.log";

/// systemd's log. As long as this stays, systemd waits with measuring: it holds a lock of its own meanwhile.
struct LockedLog {
  Descriptor lock;
  std::vector<std::byte> octets;
};
/// Waits for the lock, and reads the log. One of no octet is a failure, and one that is marked as incomplete.
[[nodiscard]] Outcome<LockedLog> read_systemd_log(std::string_view path, Instant deadline);

}  // namespace snpnv::tool
