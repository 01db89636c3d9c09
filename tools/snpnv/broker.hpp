// SPDX-License-Identifier: Apache-2.0
// What the commands share that ask a service for something in return for evidence.
#pragma once

#include "network.hpp"

namespace snpnv::tool {

/// --url, which must be https.
[[nodiscard]] Outcome<Url> broker_url(const Arguments& arguments);
/// --vcek, or where it is to be got from, but not both.
[[nodiscard]] Outcome<void> check_vcek_options(const Arguments& arguments);
/// An error in the exchange with it, in words.
[[nodiscard]] std::unexpected<Failure> network_failure(std::string_view url, const Error& error);

}  // namespace snpnv::tool
