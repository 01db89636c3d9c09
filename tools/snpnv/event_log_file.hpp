// SPDX-License-Identifier: Apache-2.0
// Event logs in files, as the kernel shows them.
#pragma once

#include <vector>

#include "failure.hpp"

namespace snpnv::tool {

/// Where Linux shows the log of the firmware, by the first TPM.
inline constexpr std::string_view kEventLogFile = "/sys/kernel/security/tpm0/binary_bios_measurements";

/// The octets of a log, whatever size the file is said to have. One of no octet is a failure.
[[nodiscard]] Outcome<std::vector<std::byte>> read_event_log(std::string_view path);

}  // namespace snpnv::tool
