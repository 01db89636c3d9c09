// SPDX-License-Identifier: Apache-2.0
// Targets of requests to the key distribution service, in one spelling.
#pragma once

#include <algorithm>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace snpnv::paravisor {

/// The target with the members of its query in order and their numbers without leading zeros, and with the digits of
/// a hwID, the last part of the path, in lower case. Targets that the service does not tell apart become alike.
[[nodiscard]] inline std::string canonical_target(std::string_view target) {
  const std::size_t mark = target.find('?');
  std::string out(target.substr(0, mark));
  constexpr std::size_t kShortestHwId = 16;  // of Turin
  const auto digits = std::span(out).subspan(out.rfind('/') + 1);
  const auto is_hex = [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); };
  if (digits.size() >= kShortestHwId && std::ranges::all_of(digits, is_hex))
    for (char& c : digits)
      if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  if (mark == std::string_view::npos) return out;
  std::vector<std::string> members;
  for (std::string_view rest = target.substr(mark + 1);;) {
    const std::size_t end = rest.find('&');
    const std::string_view member = rest.substr(0, end);
    const std::size_t value = std::min(member.find('='), member.size() - 1) + 1;
    const std::size_t number = std::min(member.find_first_not_of('0', value), member.size());
    const bool is_number = member.find_first_not_of("0123456789", value) == std::string_view::npos;
    members.emplace_back(member.substr(0, value));
    members.back() += is_number && number > value
                          ? (number == member.size() ? std::string_view("0") : member.substr(number))
                          : member.substr(value);
    if (end == std::string_view::npos) break;
    rest.remove_prefix(end + 1);
  }
  std::ranges::sort(members);
  char separator = '?';
  for (const std::string& member : members) out += std::exchange(separator, '&') + member;
  return out;
}

}  // namespace snpnv::paravisor
