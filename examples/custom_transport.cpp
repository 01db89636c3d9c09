// SPDX-License-Identifier: Apache-2.0
// A transport of one's own, without an operating system (-ffreestanding): the board gives two functions, and gets one.
#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/mbedtls/crypto.hpp"

extern "C" {
std::uint64_t board_milliseconds(void);
std::size_t board_tpm(const void* command, std::size_t size, void* response, std::size_t room);  // 0: it failed
bool collect(const void* user_data, void* report);  // 64 octets in, 1184 octets out
}

struct Bus {
  snpnv::Result<snpnv::ByteView> transact(snpnv::ByteView command, snpnv::MutBytes response) noexcept {
    const std::size_t size = board_tpm(command.data(), command.size(), response.data(), response.size());
    if (size == 0 || size > response.size()) return snpnv::fail(snpnv::Code::io_failed);
    return response.first(size);
  }
};
struct BoardClock {
  snpnv::Instant now() noexcept { return board_milliseconds(); }
  void sleep(snpnv::Millis ms) noexcept {
    for (const snpnv::Instant end = now() + ms; now() < end;) continue;
  }
};

bool collect(const void* user_data, void* report) {
  snpnv::UserData wanted;
  __builtin_memcpy(wanted.data(), user_data, wanted.size());
  Bus bus;
  BoardClock clock;
  snpnv::Tpm tpm(bus, clock, clock.now() + 10'000);
  snpnv::MbedCrypto crypto;
  static std::array<std::byte, snpnv::kEnvelopeBuffer> buffer;
  const auto fresh = snpnv::ReportCollector(tpm, crypto, buffer).fresh_report(wanted);
  if (fresh) __builtin_memcpy(report, fresh->report.raw.data(), fresh->report.raw.size());
  return fresh.has_value();
}
