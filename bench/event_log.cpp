// SPDX-License-Identifier: Apache-2.0
// bench_event_log FILE: reads an event log through a window that is as large as its largest record at least, replays
// the SHA-256 bank, and prints the PCRs as tpm2_eventlog does, and the peak of memory. bench_event_log_nettle is the same
// with Nettle's SHA-256.
#include <cstdio>
#include <cstring>
#include <memory>
#include <vector>

#ifdef SNPNV_BENCH_NETTLE
#include "snpnv/nettle/crypto.hpp"
#else
#include "snpnv/mbedtls/crypto.hpp"
#endif
#include "snpnv/verify/event_log.hpp"

using namespace snpnv;

namespace {

#ifdef SNPNV_BENCH_NETTLE
using Provider = NettleCrypto;
#else
using Provider = MbedCrypto;
#endif

// Octets of a file, the front of which is taken.
class Window {
 public:
  explicit Window(std::FILE* file) : file_(file) { fill(); }
  [[nodiscard]] ByteView view() const { return ByteView(octets_).subspan(begin_, end_ - begin_); }
  void take(std::size_t size) { begin_ += size; }
  // Whether there was more of the file.
  bool fill() {
    std::memmove(octets_.data(), octets_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
    if (end_ == octets_.size()) octets_.resize(2 * octets_.size());
    const std::size_t more = std::fread(octets_.data() + end_, 1, octets_.size() - end_, file_);
    end_ += more;
    return more != 0;
  }

 private:
  std::FILE* file_;
  std::vector<std::byte> octets_ = std::vector<std::byte>(std::size_t{1} << 16);
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(argc == 2 ? std::fopen(argv[1], "rb") : nullptr, std::fclose);
  if (!file) return 2;
  Provider crypto;
  PcrReplay pcrs(Hash::sha256);
  EventLogReader reader;
  Window window(file.get());
  while (true) {
    if (window.view().empty() && !window.fill()) break;
    const auto event = reader.next(window.view());
    if (!event) {
      if (event.error().code == Code::wire_short && window.fill()) continue;
      std::fprintf(stderr, "%s\n", std::string(text(event.error().code)).c_str());
      return 1;
    }
    if (!pcrs.take(crypto, *event, TPM_ALG_ID::SHA256)) return 1;
    window.take(reader.taken());
  }
  for (std::size_t pcr = 0; pcr < EventLogReader::kPcrs; ++pcr) {
    if (pcrs.events(pcr) == 0) continue;
    std::printf("%-2zu : 0x", pcr);
    for (const std::byte octet : pcrs[pcr]) std::printf("%02x", std::to_integer<unsigned>(octet));
    std::printf("\n");
  }
  // The peak of memory, of this program alone: what wait4() tells has its parent's before exec() too.
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> status(std::fopen("/proc/self/status", "r"), std::fclose);
  for (char line[256]; status && std::fgets(line, sizeof line, status.get());)
    if (std::strncmp(line, "VmHWM:", 6) == 0) std::fputs(line, stdout);
}
