// Text from outside in what the programs print.
#pragma once

#include <string>

#include "snpnv/core/escape.hpp"

namespace snpnv {

/// Text from outside, escaped for a line of text.
[[nodiscard]] inline std::string printable(std::string_view text) {
  std::string out(6 * text.size(), '\0');
  Writer writer(std::as_writable_bytes(std::span(out)));
  escape(writer, text, Escape::plain);
  out.resize(writer.size());
  return out;
}

}  // namespace snpnv
