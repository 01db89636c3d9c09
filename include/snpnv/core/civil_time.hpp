// SPDX-License-Identifier: Apache-2.0
// Points in time as certificates and RFC 3339 write them. UTC throughout; seconds are those of POSIX, in
// which a leap second is the first one of the next day. Not by <chrono>, which freestanding libraries refuse.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "snpnv/core/encoding.hpp"

namespace snpnv {

/// Seconds since 1970-01-01T00:00:00Z.
using UnixTime = std::int64_t;

struct CivilTime {
  std::uint32_t year = 1970;  // 0 to 9999
  std::uint32_t month = 1;    // 1 to 12
  std::uint32_t day = 1;      // 1 to 31
  std::uint32_t hour = 0;
  std::uint32_t minute = 0;
  std::uint32_t second = 0;  // 0 to 59
};

/// Days in a month of the Gregorian calendar; 0 if there is no such month.
[[nodiscard]] constexpr std::uint32_t days_in_month(std::uint32_t year, std::uint32_t month) {
  constexpr std::array<std::uint32_t, 12> kDays{31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  if (month < 1 || month > 12) return 0;
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  return kDays[month - 1] + (month == 2 && leap ? 1U : 0U);
}

namespace detail {

/// Days from 1970-01-01 to the first day of a year's month.
[[nodiscard]] constexpr std::int64_t days_before(std::uint32_t year, std::uint32_t month) {
  const std::int64_t y = static_cast<std::int64_t>(year) - 1;  // whole years since year 1
  std::int64_t days = y * 365 + y / 4 - y / 100 + y / 400;
  if (year == 0) days = -366;
  for (std::uint32_t m = 1; m < month; ++m) days += days_in_month(year, m);
  constexpr std::int64_t kEpoch = 719162;  // 0001-01-01 to 1970-01-01
  return days - kEpoch;
}

}  // namespace detail

/// @returns nothing if no such date or time of day exists.
[[nodiscard]] constexpr std::optional<UnixTime> unix_time(const CivilTime& t) {
  if (t.year > 9999 || t.day < 1 || t.day > days_in_month(t.year, t.month) || t.hour > 23 ||
      t.minute > 59 || t.second > 59)
    return std::nullopt;
  const std::int64_t days = detail::days_before(t.year, t.month) + static_cast<std::int64_t>(t.day) - 1;
  return ((days * 24 + t.hour) * 60 + t.minute) * 60 + t.second;
}

/// The date and time of day. Times outside the years 0 to 9999 give the nearest of these.
[[nodiscard]] constexpr CivilTime civil_time(UnixTime time) {
  constexpr UnixTime kFirst = detail::days_before(0, 1) * 86400;
  constexpr UnixTime kLast = (detail::days_before(9999, 12) + 31) * 86400 - 1;
  time = std::clamp(time, kFirst, kLast);
  std::int64_t days = time / 86400 - (time % 86400 < 0 ? 1 : 0);
  const auto rest = static_cast<std::uint32_t>(time - days * 86400);
  CivilTime t;
  t.year = static_cast<std::uint32_t>(std::max<std::int64_t>(0, 1970 + days / 366 - 1));
  if (days < 0) t.year = static_cast<std::uint32_t>(std::max<std::int64_t>(0, 1970 + days / 365 - 1));
  while (t.year < 9999 && detail::days_before(t.year + 1, 1) <= days) ++t.year;
  while (t.month < 12 && detail::days_before(t.year, t.month + 1) <= days) ++t.month;
  t.day = static_cast<std::uint32_t>(days - detail::days_before(t.year, t.month)) + 1;
  t.hour = rest / 3600;
  t.minute = rest / 60 % 60;
  t.second = rest % 60;
  return t;
}

namespace detail {

/// Reads a run of decimal digits from the front of `text`, and nothing if there are fewer.
[[nodiscard]] constexpr std::optional<std::uint32_t> take_digits(std::string_view& text,
                                                                 std::size_t count) {
  if (text.size() < count) return std::nullopt;
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < count; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + static_cast<std::uint32_t>(text[i] - '0');
  }
  text.remove_prefix(count);
  return value;
}

}  // namespace detail

/// Reads a time such as 2025-01-31T12:00:00Z or 2025-01-31T13:00:00.5+01:00; fractions of a second
/// are dropped.
/// @returns nothing if it is not one.
/// Source: RFC 3339, "Internet Date/Time Format".
[[nodiscard]] constexpr std::optional<UnixTime> parse_rfc3339(std::string_view text) {
  const auto skip = [&](std::string_view any_of) {
    if (text.empty() || any_of.find(text.front()) == std::string_view::npos) return false;
    text.remove_prefix(1);
    return true;
  };
  const auto year = detail::take_digits(text, 4);
  if (!year || !skip("-")) return std::nullopt;
  const auto month = detail::take_digits(text, 2);
  if (!month || !skip("-")) return std::nullopt;
  const auto day = detail::take_digits(text, 2);
  if (!day || !skip("Tt ")) return std::nullopt;
  const auto hour = detail::take_digits(text, 2);
  if (!hour || !skip(":")) return std::nullopt;
  const auto minute = detail::take_digits(text, 2);
  if (!minute || !skip(":")) return std::nullopt;
  const auto second = detail::take_digits(text, 2);
  if (!second) return std::nullopt;
  const bool leap = *second == 60;
  auto time = unix_time({*year, *month, *day, *hour, *minute, leap ? 59 : *second});
  if (!time) return std::nullopt;
  if (skip(".")) {
    if (!detail::take_digits(text, 1)) return std::nullopt;
    while (detail::take_digits(text, 1)) {
    }
  }
  // Leap seconds end a day of UTC.
  const auto utc = [leap](UnixTime t) -> std::optional<UnixTime> {
    if (!leap) return t;
    if ((t + 1) % 86400 != 0) return std::nullopt;
    return t + 1;
  };
  if (text == "Z" || text == "z") return utc(*time);
  const bool west = text.starts_with('-');
  if (!skip("+-")) return std::nullopt;
  const auto hours = detail::take_digits(text, 2);
  if (!hours || *hours > 23 || !skip(":")) return std::nullopt;
  const auto minutes = detail::take_digits(text, 2);
  if (!minutes || *minutes > 59 || !text.empty()) return std::nullopt;
  const std::int64_t offset = (static_cast<std::int64_t>(*hours) * 60 + *minutes) * 60;
  return utc(*time + (west ? offset : -offset));
}

/// Appends a time as 2025-01-31T12:00:00Z.
constexpr void encode_rfc3339(ByteWriter& out, UnixTime time) {
  const CivilTime t = civil_time(time);
  const auto digits = [&](std::uint32_t value, std::size_t count, std::string_view behind) {
    encode_number(out, value, 10, count);
    out.text(behind);
  };
  digits(t.year, 4, "-");
  digits(t.month, 2, "-");
  digits(t.day, 2, "T");
  digits(t.hour, 2, ":");
  digits(t.minute, 2, ":");
  digits(t.second, 2, "Z");
}

}  // namespace snpnv
