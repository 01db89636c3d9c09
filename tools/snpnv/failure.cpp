// SPDX-License-Identifier: Apache-2.0
#include "failure.hpp"

#include <cstring>

namespace snpnv::tool {

Failure::Failure(Exit status, std::string_view about, std::string_view reason, std::string_view name,
                 std::string_view advice)
    : exit(status), what(about), why(reason), code(name), hint(advice) {}
Failure::Failure(const Failure& other) = default;
Failure::Failure(Failure&& other) noexcept = default;
Failure& Failure::operator=(const Failure& other) = default;
Failure& Failure::operator=(Failure&& other) noexcept = default;
Failure::~Failure() = default;

std::unexpected<Failure> usage(std::string_view what, std::string_view why, std::string_view hint) {
  return std::unexpected(Failure{Exit::usage, what, why, "usage", hint});
}

std::unexpected<Failure> os_failure(std::string_view what, int error) {
  return std::unexpected(Failure{Exit::failed, what, std::strerror(error), format("errno %d", error)});
}

}  // namespace snpnv::tool
