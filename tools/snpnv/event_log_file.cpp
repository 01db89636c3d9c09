// SPDX-License-Identifier: Apache-2.0
#include "event_log_file.hpp"

#include "files.hpp"

namespace snpnv::tool {

Outcome<std::vector<std::byte>> read_event_log(std::string_view path) {
  auto log = read_file(path, kMaxInput);
  if (!log) {
    Failure failure = log.error();
    if (path == kEventLogFile && failure.hint.empty())
      failure.hint = "root alone may read it; it is there where securityfs is mounted and the firmware measured into the TPM";
    return std::unexpected(failure);
  }
  if (log->empty())
    return std::unexpected(Failure{Exit::failed, path, "the event log is empty", "empty",
                                   "the firmware measured nothing, or the kernel did not get its log"});
  return log;
}

}  // namespace snpnv::tool
