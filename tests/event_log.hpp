// SPDX-License-Identifier: Apache-2.0
// A small event log, made by a program of its own after the tables of PFP, of records of each kind that is told apart.
#pragma once

#include "tests/test.hpp"

namespace snpnv::test {

/// Where the records begin, the one that describes the log at 0; and the log's size.
inline constexpr std::uint32_t kLogRecords[] = {0, 69, 158, 238, 363, 439, 563, 671, 768, 849};
inline constexpr std::uint32_t kLogSize = 935;

/// The records: EV_NO_ACTION (StartupLocality 3), EV_S_CRTM_VERSION, SecureBoot = 1, EV_SEPARATOR in PCR 7, Boot0001 of
/// which the data alone is hashed, an image, a command of GRUB, a file of GRUB, and a tag whose digests stand the other
/// way round than in the header: SHA-1 and SHA-256.
inline Octets event_log() {
  const auto log = read_file(SNPNV_SOURCE_DIR "/tests/data/event_log.bin");
  REQUIRE(log.has_value());
  return *log;
}

/// What tpm2_eventlog of tpm2-tools 5.4 says of its SHA-256 bank; but for PCR 0, which that version does not begin with
/// the locality: SHA-256, by sha256sum, of 31 octets of zero, 3, and the event's digest.
struct LoggedPcr {
  std::size_t pcr;
  std::string_view value;
};
inline constexpr LoggedPcr kLogPcrs[] = {
    {0, "d3e975ebd27ca2a562cc93edc268b08cac915ef62c6278369ea116041e00c7bb"},
    {1, "486b106959e77e23f464fb8f443b36d47c32d396c08591c634fe92847c5b65c9"},
    {4, "946bff77273034f607e22918a0cbb7195f88d34c35b979e76cbefd6bff47f79e"},
    {7, "3a765fab0c4555e805964d8c75231894f45c5a6f2161738cf157015250a3e624"},
    {8, "b6519372bef8a5c9f04198d287182d4bdd60dca6499f05f87ebf3d4580fa9132"},
    {9, "f4296ac18bbd8fcff256cfa1f8ff96961f20de82587be3d7aa0ca173a2eec6d6"},
};

}  // namespace snpnv::test
