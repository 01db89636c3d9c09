// SPDX-License-Identifier: Apache-2.0
#include "output.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include "describe.hpp"
#include "files.hpp"

namespace snpnv::tool {

Outcome<std::string> JsonText::finish() const {
  const auto text = writer_.finish();
  if (!text) return library_failure("standard output", text.error());
  return std::string(text_of(*text)) + "\n";
}

Outcome<void> print(std::string_view text) {
  return write_all("standard output", STDOUT_FILENO, octets_of(text));
}

namespace {
// Where standard error cannot be written either, nobody can be told.
void print_error(std::initializer_list<std::string_view> parts) {
  const std::string line = printable(concat(parts)) + "\n";
  [[maybe_unused]] const auto written = write_all("standard error", STDERR_FILENO, octets_of(line));
}
}  // namespace

void print_warning(std::initializer_list<std::string_view> text) { print_error({"snpnv: warning: ", concat(text)}); }

void warn(const Arguments& arguments, std::string_view text) {
  if (!arguments.quiet()) print_warning({text});
}

void print_failure(const Failure& failure) {
  print_error({"snpnv: ", failure.what, ": ", failure.why, " (", failure.code, ")"});
  if (!failure.hint.empty()) print_error({"hint: ", failure.hint});
}

std::size_t terminal_width(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col != 0 ? size.ws_col : 80;
}

}  // namespace snpnv::tool
