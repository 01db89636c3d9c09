// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/tpm2_event_log.hpp"

#include "tests/event_log.hpp"

using namespace snpnv;
using test::event_log;
using test::hex;

namespace {

// All records of a log, or the error of the first that is none. Views look into `log`.
Result<std::vector<LoggedEvent>> read(ByteView log) {
  std::vector<LoggedEvent> out;
  EventLogReader reader;
  for (ByteView rest = log; !rest.empty(); rest = rest.subspan(reader.taken())) {
    SNPNV_TRY(out.emplace_back(), reader.next(rest));
  }
  return out;
}
Error error_of(ByteView log) {
  const auto out = read(log);
  REQUIRE(!out);
  return out.error();
}
// The log with octets at an offset replaced.
test::Octets with(std::size_t offset, std::string_view digits) {
  auto log = event_log();
  const auto octets = hex(digits);
  std::ranges::copy(octets, log.begin() + static_cast<std::ptrdiff_t>(offset));
  return log;
}

}  // namespace

TEST_CASE("EventLog_Records_AreReadWithTheirPlaces") {
  const auto log = event_log();
  REQUIRE(log.size() == test::kLogSize);
  const auto events = read(log);
  REQUIRE(events.has_value());
  REQUIRE(events->size() == std::size(test::kLogRecords));
  for (std::size_t i = 0; i < events->size(); ++i) {
    CAPTURE(i);
    const LoggedEvent& event = (*events)[i];
    CHECK(event.number == i);
    CHECK(event.offset == test::kLogRecords[i]);
    CHECK(equal(event.data, ByteView(log).subspan(event.data_offset, event.data.size())));
  }
  const LoggedEvent& secure_boot = (*events)[3];
  CHECK(secure_boot.pcrIndex == 7);
  CHECK(name(secure_boot.eventType) == "EV_EFI_VARIABLE_DRIVER_CONFIG");
  CHECK(secure_boot.digest(TPM_ALG_ID::SHA1).size() == 20);
  CHECK(secure_boot.digest(TPM_ALG_ID::SHA256).size() == 32);
  CHECK(secure_boot.digest(TPM_ALG_ID::SHA384).empty());
  const auto variable = UEFI_VARIABLE_DATA::parse(secure_boot.data, secure_boot.data_offset);
  REQUIRE(variable.has_value());
  CHECK(variable->named("SecureBoot"));
  CHECK(!variable->named("SecureBooT"));
  CHECK(!variable->named("SecureBoo"));
  CHECK(test::digits(variable->VariableName) == "61dfe48bca93d211aa0d00e098032b8c");
  CHECK(test::digits(variable->VariableData) == "01");
  CHECK(startup_locality((*events)[1]) == 3);
  CHECK(!startup_locality((*events)[2]));
  const auto tag = TaggedEvent::parse((*events)[9].data);
  REQUIRE(tag.has_value());
  CHECK(tag->taggedEventID == 0x8F3B22EC);
  CHECK(test::text(tag->taggedEventData) == std::string_view("quiet\0", 6));
}

TEST_CASE("EventLog_DigestsInAnotherOrder_AreFoundByAlgorithm") {
  const auto log = event_log();
  const auto events = read(log);
  REQUIRE(events.has_value());
  const LoggedEvent& tag = events->back();
  CHECK(tag.digests()[0].algorithm == TPM_ALG_ID::SHA256);
  CHECK(test::digits(tag.digest(TPM_ALG_ID::SHA1)) == "a5d99f00f0d8b8505ecf553a281246458018a6c6");
}

TEST_CASE("EventLog_Header_IsKept") {
  const auto log = event_log();
  EventLogReader reader;
  REQUIRE(reader.next(log).has_value());
  const SpecIdEvent& header = reader.header();
  CHECK(header.platformClass == 0);
  CHECK(header.specVersionMajor == 2);
  CHECK(header.specVersionMinor == 0);
  CHECK(header.uintnSize == 2);
  REQUIRE(header.banks().size() == 2);
  CHECK(header.banks()[1].algorithm == TPM_ALG_ID::SHA256);
  CHECK(header.banks()[1].size == 32);
}

// Whatever windows the log comes in, the records are the same: a window that is too small takes nothing.
TEST_CASE("EventLog_InPieces_IsTheSame") {
  const auto log = event_log();
  for (const std::size_t step : {1UL, 7UL, 100UL}) {
    EventLogReader reader;
    std::size_t begin = 0, end = 0, events = 0;
    while (begin < log.size()) {
      end = std::min(log.size(), end + step);
      const auto event = reader.next(ByteView(log).subspan(begin, end - begin));
      if (!event) {
        CHECK(event.error().code == Code::wire_short);
        CHECK(reader.taken() == 0);
        continue;
      }
      CHECK(event->offset == begin);
      begin += reader.taken();
      end = std::max(begin, end);
      if (begin == end && begin < log.size()) ++end;
      ++events;
    }
    CHECK(events == std::size(test::kLogRecords));
  }
}

TEST_CASE("EventLog_EveryTruncation_IsShortOrEndsBetweenRecords") {
  const auto log = event_log();
  for (std::size_t size = 1; size < log.size(); ++size) {
    CAPTURE(size);
    const auto events = read(ByteView(log).first(size));
    const bool between = std::ranges::find(test::kLogRecords, size) != std::end(test::kLogRecords);
    CHECK(events.has_value() == between);
    if (!events) CHECK(events.error().code == Code::wire_short);
  }
}

TEST_CASE("EventLog_EveryBitFlip_ReadsOrIsRefusedInside") {
  test::each_bit_flipped(event_log(), [](const test::Octets& log, std::size_t) {
    const auto events = read(log);
    if (!events) CHECK(events.error().where <= log.size());
  });
}

TEST_CASE("EventLog_Header_OtherForms") {
  CHECK(error_of(with(4, "04000000")) == Error{Code::eventlog_sha1, 0, 0});    // another type
  CHECK(error_of(with(0, "01000000")) == Error{Code::wire_value, 0, 1});       // of no PCR
  CHECK(error_of(with(8, "01")) == Error{Code::eventlog_sha1, 0, 0});          // with a digest
  CHECK(error_of(with(46, "32")) == Error{Code::eventlog_sha1, 0, 0});         // Spec ID Event02
  CHECK(error_of(with(56, "00000000")) == Error{Code::wire_value, 56, 0});     // no algorithm
  CHECK(error_of(with(56, "09000000")) == Error{Code::wire_value, 56, 9});     // too many
  CHECK(error_of(with(56, "010000000400140000")) == Error{Code::wire_trailing, 65, 4});  // fewer than there are
  CHECK(error_of(with(62, "1500")) == Error{Code::eventlog_algorithm, 60, 4});   // a SHA-1 of 21 octets
  CHECK(error_of(with(60, "0b002000")) == Error{Code::eventlog_algorithm, 64, 0x0B});  // SHA-256 twice
  CHECK(error_of(with(60, "12000000")) == Error{Code::eventlog_algorithm, 60, 0x12});  // SM3 of 0 octets
  CHECK(error_of(with(60, "12004100")) == Error{Code::eventlog_algorithm, 60, 0x12});  // of 65
}

TEST_CASE("EventLog_Records_ThatContradictTheHeader") {
  CHECK(error_of(with(158, "18000000")) == Error{Code::wire_value, 158, 24});      // PCR 24
  CHECK(error_of(with(166, "00000000")) == Error{Code::eventlog_digests, 166, 0});
  CHECK(error_of(with(166, "03000000")) == Error{Code::eventlog_digests, 166, 3});
  CHECK(error_of(with(166, "ffffffff")) == Error{Code::eventlog_digests, 166, 0xFFFFFFFF});
  CHECK(error_of(with(170, "0c00")) == Error{Code::eventlog_algorithm, 170, 0x0C});  // SHA-384 is not listed
  CHECK(error_of(with(192, "0400")) == Error{Code::eventlog_digests, 192, 2});       // SHA-1 twice
  CHECK(error_of(with(226, "ffffffff")).code == Code::wire_short);                  // an event beyond the end
  // An event that extends nothing may name any PCR.
  const auto anywhere = with(69, "ffffffff");
  CHECK(read(anywhere).has_value());
}

TEST_CASE("EventLog_LongerThanTheLimit_IsRefused") {
  const std::vector<std::byte> log(kMaxInput + 1);
  EventLogReader reader;
  CHECK(reader.next(log).error() == Error{Code::wire_too_large, kMaxInput, kMaxInput});
}

TEST_CASE("UefiVariable_SizesBeyondTheEvent_AreRefused") {
  const auto parse = [](std::string_view digits) {
    const auto octets = hex(digits);
    const auto out = UEFI_VARIABLE_DATA::parse(octets, 100);
    REQUIRE(!out);
    return out.error();
  };
  const std::string guid(32, '0');
  CHECK(parse(guid + "0100000000000000" "0000000000000000") == Error{Code::wire_size, 116, 1});
  CHECK(parse(guid + "0000000000000080" "0000000000000000") == Error{Code::wire_size, 116, 0});
  CHECK(parse(guid + "0000000000000000" "0100000000000000") == Error{Code::wire_size, 124, 1});
  CHECK(parse(guid + "0000000000000000" "0000000000000000" "00") == Error{Code::wire_trailing, 132, 1});
  CHECK(parse(guid + "00000000000000").code == Code::wire_short);
}

TEST_CASE("UefiVariable_AtTheFront_HasItsOwnSize") {
  const std::string variable = "00000000000000000000000000000000" "0100000000000000" "0100000000000000" "6400" "aa";
  const auto octets = hex(variable + "000000000000");
  const auto front = UEFI_VARIABLE_DATA::front(octets);
  REQUIRE(front.has_value());
  CHECK(front->named("d"));
  CHECK(test::digits(front->VariableData) == "aa");
  CHECK(UEFI_VARIABLE_DATA::front(ByteView(octets).first(34)).error() == Error{Code::wire_size, 24, 1});
}
