// SPDX-License-Identifier: Apache-2.0
#include "network.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <cstring>

#include "describe.hpp"
#include "files.hpp"

namespace snpnv::tool {

std::uint64_t random_seed() {
  std::uint64_t out = 0;
  if (::getrandom(&out, sizeof out, GRND_NONBLOCK) != sizeof out) out = static_cast<std::uint64_t>(::getpid());
  return out;
}

bool shows_progress(const Arguments& arguments) { return !arguments.quiet() && ::isatty(STDERR_FILENO) == 1; }

void Told::operator()(const HttpPause& pause) const noexcept {
  if (!progress_) return;
  const std::string line =
      concat({"snpnv: ", who_, pause.status == 0 ? std::string(" cannot be reached") : format(" answers %u", pause.status),
              format("; asking again in %u.%u s, %u s left\n", static_cast<unsigned>(pause.length / 1000),
                     static_cast<unsigned>(pause.length / 100 % 10), static_cast<unsigned>((pause.left + 500) / 1000))});
  (void)::write(STDERR_FILENO, line.data(), line.size());
}

Failure describe_network(std::string_view what, const Error& error) {
  Failure out = describe(what, error);
  if (error.code == Code::io_failed) out.why = std::strerror(static_cast<int>(error.detail));
  if (error.code == Code::io_certificate) out.why = certificate_fault(error.detail);
  return out;
}

Outcome<void> read_authorities(std::string_view path, TlsTrust& trust) {
  SNPNV_TRY(auto pem, read_file(path, std::size_t{1} << 24));
  pem.push_back(std::byte{0});
  if (const auto added = trust.add(pem); !added) return library_failure(path, added.error());
  return {};
}

}  // namespace snpnv::tool
