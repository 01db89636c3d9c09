// SPDX-License-Identifier: Apache-2.0
// board TCTI: what examples/custom_transport.cpp needs of a board, by a TPM of this machine. Prints whether it got a
// report, whose first octets are its version.
#include <cstdio>

#include "transports/open.hpp"

extern "C" {
std::uint64_t board_milliseconds(void);
std::size_t board_tpm(const void* command, std::size_t size, void* response, std::size_t room);
bool collect(const void* user_data, void* report);
}

namespace {
snpnv::MonotonicClock the_clock;
std::optional<snpnv::AnyTransport> the_tpm;
}  // namespace

std::uint64_t board_milliseconds() { return the_clock.now(); }
std::size_t board_tpm(const void* command, std::size_t size, void* response, std::size_t room) {
  const auto answer = the_tpm->transact({static_cast<const std::byte*>(command), size},
                                        {static_cast<std::byte*>(response), room});
  return answer ? answer->size() : 0;
}

int main(int count, char** arguments) {
  auto opened = snpnv::open_transport(count > 1 ? arguments[1] : "", the_clock.now() + 10'000);
  if (!opened) return 1;
  the_tpm.emplace(std::move(*opened));
  const std::array<std::byte, 64> challenge{};
  std::array<unsigned char, 1184> report;
  if (!collect(challenge.data(), report.data())) return 1;
  return std::printf("a report of version %d\n", report[0]) < 0;
}
