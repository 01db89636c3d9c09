// SPDX-License-Identifier: Apache-2.0
// Says on a terminal what is waited for, once that has taken a second.
#pragma once

#include <signal.h>

#include <string_view>

namespace snpnv::tool {

/// While this lives, a second of it makes one line on standard error, if that is a terminal: an alarm writes it,
/// whatever call blocks. No other use of SIGALRM, such as OutputFiles, may lie within. Borrows `what`.
class Waiting {
 public:
  explicit Waiting(std::string_view what);
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;
  ~Waiting() { end(); }
  void end();

  /// Not with --quiet.
  static void allow(bool allowed);

 private:
  struct sigaction before_ {};
  bool ended_ = false;
};

}  // namespace snpnv::tool
