// SPDX-License-Identifier: Apache-2.0
// The step under way, for whoever has to tell why the tool did not end.
#pragma once

#include <string_view>

#include "failure.hpp"
#include "snpnv/tpm/tpm.hpp"
#include "transports/monotonic_clock.hpp"
#include "transports/open.hpp"

namespace snpnv::tool {

/// Writes what the tool is about to do, and may wait for, to the file that $SNPNV_STEP_FILE names, if any: in the
/// place of the step before. Nothing else of the tool can say it once the kernel holds the process.
void step(std::string_view text);

/// Fills the room with random octets: a step, since at boot the kernel may not have any yet.
[[nodiscard]] Outcome<void> random_octets(MutBytes out);

/// A transport whose commands are steps.
class SteppedTransport {
 public:
  explicit SteppedTransport(AnyTransport inner) : inner_(std::move(inner)) {}
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept;

 private:
  AnyTransport inner_;
};
static_assert(Transport<SteppedTransport>);

/// Opens the TPM that `tcti` names, for commands until `deadline`.
[[nodiscard]] Outcome<SteppedTransport> open_tpm(const std::string& tcti, Instant deadline);

using ToolTpm = Tpm<SteppedTransport, MonotonicClock>;

}  // namespace snpnv::tool
