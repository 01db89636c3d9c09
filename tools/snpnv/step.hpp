// The step under way, for whoever has to tell why the tool did not end.
#pragma once

#include <string_view>

#include "transports/open.hpp"

namespace snpnv::tool {

/// Writes what the tool is about to do, and may wait for, to the file that $SNPNV_STEP_FILE names, if any: in the
/// place of the step before. Nothing else of the tool can say it once the kernel holds the process.
void step(std::string_view text);

/// A transport whose commands are steps.
class SteppedTransport : public AnyTransport {
 public:
  explicit SteppedTransport(AnyTransport inner) : AnyTransport(std::move(inner)) {}
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept;
};
static_assert(Transport<SteppedTransport>);

/// open_transport() as a step.
[[nodiscard]] Result<SteppedTransport> open_stepped(std::string_view tcti, Instant deadline);

}  // namespace snpnv::tool
