// SPDX-License-Identifier: Apache-2.0
// How a verdict is told.
#pragma once

#include "cli.hpp"
#include "snpnv/verify/verify.hpp"

namespace snpnv::tool {

/// A failure of evidence, JSON or not, that cannot even be read: rejected, not failed.
[[nodiscard]] std::unexpected<Failure> malformed(std::string_view what, const Error& error, ByteView text = {});
/// The same of a verification without verdict, where the clock may be to blame.
[[nodiscard]] std::unexpected<Failure> not_judged(std::string_view what, const Error& error);

/// The verdict as one line of JSON, on the checks with which `covers` agrees and on all that fail. `line`: of a stream.
[[nodiscard]] Outcome<std::string> verdict_json(const Verdict& verdict, bool (*covers)(Check),
                                                std::optional<std::uint64_t> line = {});

/// Prints the verdict, as text or JSON, on the same checks.
[[nodiscard]] Outcome<Exit> tell(const Arguments& arguments, const Verdict& verdict,
                                 bool (*covers)(Check));

}  // namespace snpnv::tool
