// SPDX-License-Identifier: Apache-2.0
// Text that is put together.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "snpnv/core/text.hpp"

namespace snpnv::tool {

/// Several texts as one; operators for that would be a good part of a small program.
[[nodiscard]] std::string concat(std::initializer_list<std::string_view> parts);
[[nodiscard]] inline std::string str(std::string_view text) { return std::string(text); }
/// What `write` writes, within `room` octets.
[[nodiscard]] std::string written(std::size_t room, auto&& write) {
  std::string out(room, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  write(writer);
  out.resize(writer.size());
  return out;
}
[[nodiscard]] std::string hex(ByteView octets);
[[nodiscard]] std::string lower(std::string_view text);
/// printf into a string: %s, %d, and %u and %x with l, ll or z; a width, - and 0.
[[nodiscard]] __attribute__((format(printf, 1, 2))) std::string format(const char* pattern, ...);

}  // namespace snpnv::tool
