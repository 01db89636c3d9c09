// SPDX-License-Identifier: Apache-2.0
// systemd's log: records tile it, whatever windows they are read from.
#include "fuzz/fuzz.hpp"
#include "snpnv/wire/tpm2_systemd_log.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView log = fuzz::view(data, size);
  SystemdLogReader whole;
  SystemdLogReader pieces;
  std::size_t at = 0;
  while (at < log.size()) {
    const auto record = whole.next(log.subspan(at));
    if (!record) {
      REQUIRE(fuzz::inside(record.error(), size));
      REQUIRE(whole.taken() == 0 && whole.offset() == at);
      break;
    }
    REQUIRE(record->event.offset == at && record->event.count != 0 && record->event.pcrIndex < EventLogReader::kPcrs);
    // One octet less is too short, and takes nothing; exactly as much is enough.
    const auto cut = pieces.next(log.subspan(at, whole.taken() - 1));
    REQUIRE(!cut && pieces.taken() == 0);
    REQUIRE(pieces.next(log.subspan(at, whole.taken())) && pieces.taken() == whole.taken());
    at += whole.taken();
  }
  return 0;
}
