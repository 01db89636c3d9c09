#include "step.hpp"

#include <fcntl.h>
#include <unistd.h>

#include "describe.hpp"
#include "files.hpp"
#include "snpnv/wire/tpm2_constants.hpp"

namespace snpnv::tool {
namespace {

const char* step_file() { return ::getenv("SNPNV_STEP_FILE"); }

std::uint32_t number_at(ByteView message, std::size_t at) {
  Reader reader(message);
  (void)reader.take(at);
  return reader.be<std::uint32_t>();
}

}  // namespace

void step(std::string_view text) {
  const char* const path = step_file();
  if (path == nullptr) return;
  const Descriptor file(::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() >= 0) (void)write_all(file.get(), octets_of(std::string(text) + "\n"));
}

// TPM 2.0 Library Part 1, "Command/Response Structure": the command code, then the handles. An authorization by
// the owner names the object second.
Result<ByteView> SteppedTransport::transact(ByteView command, MutBytes response) noexcept {
  if (step_file() != nullptr) {
    const std::uint32_t first = number_at(command, 10);
    const bool owner = first == static_cast<std::uint32_t>(TPM_RH::OWNER);
    step(std::string(name(static_cast<TPM_CC>(number_at(command, 6)))) + ", " +
         describe_handle(owner ? number_at(command, 14) : first) + ": waiting for the TPM");
  }
  return AnyTransport::transact(command, response);
}

Result<SteppedTransport> open_stepped(std::string_view tcti, Instant deadline) {
  step("opening " + std::string(tcti));
  SNPNV_TRY(AnyTransport transport, open_transport(tcti, deadline));
  return SteppedTransport(std::move(transport));
}

}  // namespace snpnv::tool
