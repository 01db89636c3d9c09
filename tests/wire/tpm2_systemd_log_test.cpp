// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/tpm2_systemd_log.hpp"

#include "tests/test.hpp"

using namespace snpnv;

namespace {

constexpr std::string_view kSha256 = "5fe1e34fd1b2f67dcb1e4f14d9bb5ccf8bd0ea9e0e8ba5b1ca8e3a6e25b2c4a7";
const std::string kDigest = R"({"hashAlg":"sha256","digest":")" + std::string(kSha256) + R"("})";
std::string line(std::string_view json) { return "\x1e" + std::string(json) + "\n"; }
std::string record(std::string_view index, std::string_view digests) {
  return line("{" + std::string(index) + R"(,"digests":[)" + std::string(digests) +
              R"(],"content_type":"systemd","content":{"eventType":"phase","string":"enter-initrd","bootId":"0"}})");
}
const std::string kPhase = record(R"("pcr":11)", kDigest);

}  // namespace

TEST_CASE("SystemdLog_Records_AreReadOneByOne") {
  const std::string log = kPhase + record(R"("nv_index":30474755)", kDigest) +
                          record(R"("pcr":15)", R"({"hashAlg":"sm3_256","digest":"00"},)" + kDigest + R"(,{"digest":")" +
                                                    std::string(40, 'f') + R"(","hashAlg":"sha1"})");
  SystemdLogReader reader;
  ByteView rest = test::view(log);
  const auto phase = reader.next(rest);
  REQUIRE(phase.has_value());
  CHECK(phase->event.number == 0);
  CHECK(phase->event.offset == 0);
  CHECK(phase->event.pcrIndex == 11);
  CHECK(phase->event.eventType == EventType::EV_EVENT_TAG);
  CHECK(test::digits(phase->event.digest(TPM_ALG_ID::SHA256)) == kSha256);
  CHECK(phase->event.digest(TPM_ALG_ID::SHA1).empty());
  CHECK(phase->kind == "phase");
  CHECK(phase->text == "enter-initrd");
  CHECK(reader.taken() == kPhase.size());
  rest = rest.subspan(reader.taken());
  const auto index = reader.next(rest);
  REQUIRE(index.has_value());
  CHECK(index->event.number == 1);
  CHECK(index->event.offset == kPhase.size());
  CHECK(index->event.eventType == EventType::EV_NO_ACTION);  // extends no PCR
  rest = rest.subspan(reader.taken());
  const auto two = reader.next(rest);
  REQUIRE(two.has_value());
  CHECK(two->event.count == 2);
  CHECK(test::digits(two->event.digest(TPM_ALG_ID::SHA1)) == std::string(40, 'f'));
  CHECK(rest.size() == reader.taken());
  CHECK(reader.offset() == log.size());
}

TEST_CASE("SystemdLog_EveryTruncation_IsShortAndTakesNothing") {
  SystemdLogReader reader;
  for (std::size_t size = 1; size < kPhase.size(); ++size) {
    const auto cut = reader.next(test::view(kPhase).first(size));
    REQUIRE_FALSE(cut.has_value());
    CHECK(cut.error().code == Code::wire_short);
    CHECK(cut.error().where == size);
    CHECK(reader.taken() == 0);
  }
  CHECK(reader.next(test::view(kPhase)).has_value());
}

TEST_CASE("SystemdLog_EveryBitFlip_DoesNotCrash") {
  std::string log = kPhase;
  for (std::size_t bit = 0; bit < 8 * log.size(); ++bit) {
    log[bit / 8] = static_cast<char>(log[bit / 8] ^ (1 << (bit % 8)));
    SystemdLogReader reader;
    const auto read = reader.next(test::view(log));
    if (!read) CHECK(read.error().where <= log.size());
    log[bit / 8] = static_cast<char>(log[bit / 8] ^ (1 << (bit % 8)));
  }
}

TEST_CASE("SystemdLog_WrongRecords_AreRefusedWithTheirPlaceInTheLog") {
  struct Case {
    std::string record;
    Code code;
    std::uint32_t where;
  };
  const Case cases[] = {
      {"{}\n", Code::json_syntax, 0},
      {line("{"), Code::json_syntax, 2},
      {line("{} x"), Code::json_missing, 3},
      {line("[]"), Code::json_type, 1},
      {line(R"({"pcr":11})"), Code::json_missing, 11},
      {line(R"({"digests":[)" + kDigest + "]}"), Code::json_missing, 111},
      {line(R"({"pcr":24,"digests":[)" + kDigest + "]}"), Code::wire_value, 8},
      {line(R"({"pcr":-1,"digests":[)" + kDigest + "]}"), Code::json_number, 8},
      {line(R"({"pcr":1,"digests":[]})"), Code::eventlog_digests, 20},
      {line(R"({"pcr":1,"digests":[{"hashAlg":"sha256","digest":"00"}]})"), Code::eventlog_algorithm, 51},
      {line(R"({"pcr":1,"digests":[{"hashAlg":"sha256","digest":"0g"}]})"), Code::text_hex, 53},
      {line(R"({"pcr":1,"digests":[)" + kDigest + "," + kDigest + "]}"), Code::eventlog_digests, 130},
      {line(R"({"pcr":1,"pcr":1,"digests":[)" + kDigest + "]}"), Code::json_duplicate, 10},
  };
  for (const Case& one : cases) {
    CAPTURE(one.record);
    SystemdLogReader reader;
    const std::string log = kPhase + one.record;
    REQUIRE(reader.next(test::view(log)).has_value());
    const auto wrong = reader.next(test::view(log).subspan(reader.taken()));
    REQUIRE_FALSE(wrong.has_value());
    CHECK(name(wrong.error().code) == name(one.code));
    CHECK(wrong.error().where == kPhase.size() + one.where);
    CHECK(reader.taken() == 0);
  }
}
