// SPDX-License-Identifier: Apache-2.0
#include "event_log_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include "files.hpp"
#include "lock.hpp"
#include "step.hpp"
#include "transports/file.hpp"

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

Outcome<LockedLog> read_systemd_log(std::string_view path, Instant deadline) {
  const std::string name(path);
  LockedLog out;
  auto opened = open_file(name.c_str(), O_RDONLY, deadline);
  if (!opened) return file_failure(name, opened.error());
  out.lock = *std::move(opened);
  step("systemd's log: waiting until nobody measures\n");
  if (!wait_for_lock(out.lock.get(), deadline, LOCK_SH))
    return std::unexpected(Failure{Exit::not_fresh, path, "systemd holds its lock until the deadline", "io_deadline"});
  struct stat info {};
  if (::fstat(out.lock.get(), &info) == 0 && (info.st_mode & S_ISVTX) != 0)
    return std::unexpected(Failure{Exit::failed, path, "the log is marked as incomplete", "incomplete",
                                   "systemd began to measure and did not end, which the next boot mends"});
  SNPNV_TRY(out.octets, read_file(path, kMaxInput));
  if (out.octets.empty())
    return std::unexpected(Failure{Exit::failed, path, "the log is empty", "empty", "systemd measured nothing"});
  return out;
}

}  // namespace snpnv::tool
