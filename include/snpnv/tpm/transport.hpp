// SPDX-License-Identifier: Apache-2.0
// What the library needs of whatever carries TPM commands.
#pragma once

#include <concepts>

#include "snpnv/core/bytes.hpp"

namespace snpnv {

/// One round trip: sends `command` whole, receives one response into `response`, and returns the
/// part of `response` that was written. A response that does not fit is an error, never cut.
/// Transports know their own deadline, where they need one; they do not retry and do not interpret.
template <class T>
concept Transport = requires(T& transport, ByteView command, MutBytes response) {
  { transport.transact(command, response) } noexcept -> std::same_as<Result<ByteView>>;
};

}  // namespace snpnv
