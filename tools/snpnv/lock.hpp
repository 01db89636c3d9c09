// SPDX-License-Identifier: Apache-2.0
// A lock among cooperating processes: two that ask for reports at once would overwrite each other's
// user data. It is a courtesy: freshness never rests on it.
#pragma once

#include <sys/file.h>

#include "cli.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::tool {

class Lock {
 public:
  /// Waits for the lock of the TPM that `tcti` names, until `deadline` on the monotonic clock.
  /// Where no lock file can be made (a read-only /run, say) the lock is not held.
  [[nodiscard]] static Outcome<Lock> acquire(std::string_view tcti, Instant deadline);

 private:
  explicit Lock(Descriptor file) : file_(std::move(file)) {}
  Descriptor file_;
};

/// Opens a lock file, made if there is none, by the name of `path` in `directory`. None if that cannot be, and
/// if it is another user's, who could hold it for ever.
[[nodiscard]] Descriptor open_lock(int directory, const char* path);

/// Waits for a flock() on an open file, exclusive by default. False at the deadline on the monotonic clock.
[[nodiscard]] bool wait_for_lock(int fd, Instant deadline, int operation = LOCK_EX);

}  // namespace snpnv::tool
