// SPDX-License-Identifier: Apache-2.0
// Errors of the library in words.
#pragma once

#include "cli.hpp"

namespace snpnv::tool {

/// WHAT, WHY, CODE, exit status and hint for an error about `what`.
[[nodiscard]] Failure describe(std::string_view what, const Error& error);

/// The same of a document in JSON, with the name of the member that the error is about.
[[nodiscard]] Failure describe_json(std::string_view what, ByteView text, const Error& error);

/// An error of the library about `what`, a file or a transport; the object that the error itself
/// names takes its place.
[[nodiscard]] std::unexpected<Failure> library_failure(std::string_view what, const Error& error);

/// The failure of a file that was given as a report: how long it is, and what else it seems to be.
[[nodiscard]] Failure not_a_report(std::string_view path, ByteView content, const Error& error);

/// "TPM_RC_HANDLE, handle 1"
[[nodiscard]] std::string describe_rc(std::uint32_t code);

/// "NV index 0x01400001 (attestation report)", "key 0x81000003 (attestation key)"
[[nodiscard]] std::string describe_handle(std::uint32_t handle);

}  // namespace snpnv::tool
