// SPDX-License-Identifier: Apache-2.0
#include "step.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

#include "describe.hpp"
#include "snpnv/wire/tpm2_constants.hpp"

namespace snpnv::tool {
namespace {

const char* step_file() { return ::getenv("SNPNV_STEP_FILE"); }

std::uint32_t number_at(ByteView message, std::size_t at) {
  std::uint32_t out = 0;
  for (std::size_t i = at; i < at + 4 && i < message.size(); ++i)
    out = out << 8 | std::to_integer<std::uint32_t>(message[i]);
  return out;
}

}  // namespace

void step(std::string_view text) {
  const char* const path = step_file();
  if (path == nullptr) return;
  const Descriptor file(::open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (file.get() >= 0) (void)!::write(file.get(), text.data(), text.size());
}

Outcome<void> random_octets(MutBytes out) {
  step("random octets: waiting for the kernel\n");
  while (!out.empty()) {
    const ssize_t n = ::getrandom(out.data(), out.size(), 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_failure("getrandom", errno);
    out = out.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

Outcome<SteppedTransport> open_tpm(const std::string& tcti, Instant deadline) {
  auto transport = open_transport(tcti, deadline);
  if (!transport) return library_failure(tcti, transport.error());
  return SteppedTransport(*std::move(transport));
}

// TPM 2.0 Library Part 1, "Command/Response Structure": the command code, then the handles. An authorization by
// the owner names the object second.
Result<ByteView> SteppedTransport::transact(ByteView command, MutBytes response) noexcept {
  if (step_file() != nullptr) {
    std::uint32_t object = number_at(command, 10);
    if (TPM_HANDLE{object} == TPM_RH::OWNER) object = number_at(command, 14);
    step(format("%s, %s: waiting for the TPM\n", std::string(name(TPM_CC{number_at(command, 6)})).c_str(),
                describe_handle(object).c_str()));
  }
  return inner_.transact(command, response);
}

}  // namespace snpnv::tool
