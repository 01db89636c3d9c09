// SPDX-License-Identifier: Apache-2.0
#include "snpnv/core/civil_time.hpp"

#include <doctest/doctest.h>

using namespace snpnv;

TEST_CASE("Rfc3339_ValidTimes_AreWhatDateSays") {
  // date -u -d TIME +%s
  CHECK(parse_rfc3339("1970-01-01T00:00:00Z") == 0);
  CHECK(parse_rfc3339("2000-02-29T23:59:59Z") == 951868799);
  CHECK(parse_rfc3339("2025-01-31T12:00:00+01:00") == 1738321200);
  CHECK(parse_rfc3339("2025-01-31T12:00:00.999-05:30") == 1738344600);
  CHECK(parse_rfc3339("1969-12-31t23:59:59z") == -1);
  CHECK(parse_rfc3339("0000-01-01T00:00:00Z") == -62167219200);
  CHECK(parse_rfc3339("9999-12-31T23:59:59Z") == 253402300799);
  // RFC 3339, "Examples": leap seconds at the end of a day of UTC.
  CHECK(parse_rfc3339("1990-12-31T23:59:60Z") == 662688000);
  CHECK(parse_rfc3339("1990-12-31T15:59:60-08:00") == 662688000);
}

TEST_CASE("Rfc3339_OtherText_IsRefused") {
  for (const std::string_view text :
       {"", "2025", "2025-01-31", "2025-01-31T12:00:00", "2025-01-31T12:00Z", "2025-02-29T00:00:00Z",
        "2025-13-01T00:00:00Z", "2025-00-01T00:00:00Z", "2025-01-00T00:00:00Z", "2025-01-31T24:00:00Z",
        "2025-01-31T12:60:00Z", "2025-01-31T12:00:60Z", "2025-01-31T12:59:60Z",
        "1990-12-31T23:59:60-08:00", "1990-12-31T23:59:61Z", "2025-01-31T12:00:00.Z",
        "2025-01-31T12:00:00+0100", "2025-01-31T12:00:00+01:00 ", "2025-01-31T12:00:00Zx",
        "1900-02-29T00:00:00Z", "-025-01-31T12:00:00Z"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_rfc3339(text).has_value());
  }
}

TEST_CASE("CivilTime_EveryDayOf800Years_ReturnsToItself") {
  for (std::uint32_t year = 1600; year < 2400; ++year)
    for (std::uint32_t month = 1; month <= 12; ++month)
      for (std::uint32_t day = 1; day <= days_in_month(year, month); ++day) {
        const auto time = unix_time({year, month, day, 1, 2, 3});
        const CivilTime back = civil_time(*time);
        if (back.year != year || back.month != month || back.day != day || back.hour != 1 ||
            back.minute != 2 || back.second != 3)
          FAIL("not itself: ", year, "-", month, "-", day);
      }
  CHECK(*unix_time({2400, 1, 1, 0, 0, 0}) - *unix_time({1600, 1, 1, 0, 0, 0}) ==
        std::int64_t{86400} * (800 * 365 + 194));
}

TEST_CASE("EncodeRfc3339_ReadBack_IsTheSame") {
  std::array<std::byte, 20> buffer{};
  ByteWriter writer(buffer);
  encode_rfc3339(writer, 1738321200);
  const std::string_view expected = "2025-01-31T11:00:00Z";
  CHECK(equal(writer.written(), std::as_bytes(std::span(expected))));
}
