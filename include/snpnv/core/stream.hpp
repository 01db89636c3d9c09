// SPDX-License-Identifier: Apache-2.0
// What is needed of whatever carries octets both ways.
#pragma once

#include <concepts>

#include "snpnv/core/bytes.hpp"

namespace snpnv {

/// A connection in octets. Each call ends at a deadline that the stream knows.
/// read_some(to) returns how many octets it wrote, 0 at the orderly end; write_all(from) takes all.
template <class S>
concept Stream = requires(S& stream, MutBytes to, ByteView from) {
  { stream.read_some(to) } noexcept -> std::same_as<Result<std::size_t>>;
  { stream.write_all(from) } noexcept -> std::same_as<Result<void>>;
};

}  // namespace snpnv
