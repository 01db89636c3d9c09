// SPDX-License-Identifier: Apache-2.0
// Recordings: whatever parses plays back exactly, and whatever does not names one of its lines.
#include <algorithm>
#include <cstdlib>

#include "transports/recorded.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace snpnv;
  const auto require = [](bool condition) {
    if (!condition) std::abort();
  };
  const std::string text(data, data + size);
  const auto exchanges = parse_recording(text);
  if (!exchanges) {
    const auto lines = std::ranges::count(text, '\n') + 1;
    require(exchanges.error().code == Code::record_syntax);
    require(exchanges.error().detail <= static_cast<std::uint64_t>(lines));
    return 0;
  }
  Replay replay(*exchanges);
  std::vector<std::byte> room(text.size());
  for (const RecordedExchange& exchange : *exchanges) {
    const Result<ByteView> answer = replay.transact(exchange.command, room);
    require(answer.has_value() == exchange.response.has_value());
    require(answer ? equal(*answer, *exchange.response)
                   : answer.error() == exchange.response.error());
  }
  const Result<ByteView> more = replay.transact({}, room);
  require(!more && more.error().code == Code::record_exhausted);
  return 0;
}
