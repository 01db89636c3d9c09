// SPDX-License-Identifier: Apache-2.0
// What is told: results on standard output, warnings and failures on standard error.
#pragma once

#include <memory>

#include "cli.hpp"
#include "snpnv/core/json_writer.hpp"
#include "tools/printable.hpp"

namespace snpnv::tool {

/// One JSON object for standard output.
class JsonText {
 public:
  /// `size`: octets that it may have.
  explicit JsonText(std::size_t size = kSize)
      : buffer_(new std::byte[size]), writer_({buffer_.get(), size}), json_(writer_) {}
  [[nodiscard]] JsonWriter& json() { return json_; }
  /// The text with a newline, once the document is complete.
  [[nodiscard]] Outcome<std::string> finish() const;

 private:
  static constexpr std::size_t kSize = std::size_t{1} << 20;
  std::unique_ptr<std::byte[]> buffer_;  // not cleared: a stream makes many
  ByteWriter writer_;
  JsonWriter json_;
};

/// Prints to standard output, and tells if that failed.
[[nodiscard]] Outcome<void> print(std::string_view text);
/// Prints `snpnv: warning: …` to standard error, unless quiet.
void warn(const Arguments& arguments, std::string_view text);
void print_warning(std::initializer_list<std::string_view> text);
void print_failure(const Failure& failure);

/// Columns of the terminal that a descriptor, standard output, is; 0 if it is none.
[[nodiscard]] std::size_t terminal_width(int fd = 1);

}  // namespace snpnv::tool
