// SPDX-License-Identifier: Apache-2.0
// Lines in, lines out: the loop of commands that answer a stream.
#pragma once

#include <functional>

#include "cli.hpp"

namespace snpnv::tool {

/// The answer to one line.
struct LineAnswer {
  std::string text;  // with a newline
  bool good = false;
};

/// Gets the line without its newline and its number, from 1; wire_too_large where it is longer than
/// kMostInLine octets.
using LineAnswerer = std::function<Outcome<LineAnswer>(Result<ByteView> line, std::uint64_t number)>;
inline constexpr std::size_t kMostInLine = std::size_t{1} << 20;

struct LineCounts {
  std::uint64_t lines = 0;
  bool all_good = true;
};

/// Answers every line of a descriptor on standard output, in order, as it comes, in memory that does
/// not grow with the stream. More than one job: that many processes, each of which answers every so
/// many-th line.
[[nodiscard]] Outcome<LineCounts> answer_lines(int input, unsigned jobs, const LineAnswerer& answerer);

}  // namespace snpnv::tool
