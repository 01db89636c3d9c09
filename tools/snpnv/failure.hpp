// SPDX-License-Identifier: Apache-2.0
// Failures and exit statuses.
#pragma once

#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

#include "snpnv/words/error.hpp"
#include "words.hpp"

namespace snpnv::tool {

/// Exit statuses; scripts rely on them.
enum class Exit : int {
  done = 0,       // for verify: verified
  rejected = 1,   // the evidence was rejected
  usage = 2,      // wrong usage
  failed = 3,     // a file, the TPM or the network failed
  not_fresh = 4,  // no fresh report before the deadline
};

/// Printed as `snpnv: WHAT: WHY (CODE)` and `hint: HINT`, with what is from outside escaped only then.
struct Failure {
  Failure(Exit status, std::string_view about, std::string_view reason, std::string_view name,
          std::string_view advice = {});
  // Every call that can fail has code for these; inlined, they would be a good part of the program.
  Failure(const Failure& other);
  Failure(Failure&& other) noexcept;
  Failure& operator=(const Failure& other);
  Failure& operator=(Failure&& other) noexcept;
  ~Failure();

  [[nodiscard]] ErrorWords words() const { return {what, why, code, hint}; }

  Exit exit;
  std::string what;
  std::string why;
  std::string code;
  std::string hint;
};

template <class T>
using Outcome = std::expected<T, Failure>;

[[nodiscard]] std::unexpected<Failure> usage(std::string_view what, std::string_view why,
                                             std::string_view hint = {});
/// A failure of the operating system, with errno's text.
[[nodiscard]] std::unexpected<Failure> os_failure(std::string_view what, int error);

}  // namespace snpnv::tool
