// SPDX-License-Identifier: Apache-2.0
// What an event of a measured boot says, in words.
#pragma once

#include <string>

#include "snpnv/verify/boot_facts.hpp"

namespace snpnv::tool {

/// The event as far as it is text or has a known form; else its size.
[[nodiscard]] std::string event_text(const LoggedEvent& event);

[[nodiscard]] std::string_view proof_text(EventProof proof);

/// A kernel's command line as UTF-8.
[[nodiscard]] std::string command_line_text(const KernelCommandLine& line);

/// An UEFI variable with its value: certificates by their names.
[[nodiscard]] std::string variable_text(const UEFI_VARIABLE_DATA& variable);

/// The file that an image is from, as the event says.
[[nodiscard]] std::string image_text(const LoggedEvent& event);

}  // namespace snpnv::tool
