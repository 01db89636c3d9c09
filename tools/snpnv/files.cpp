// SPDX-License-Identifier: Apache-2.0
#include "files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "describe.hpp"
#include "snpnv/core/encoding.hpp"
#include "transports/file.hpp"

namespace snpnv::tool {
namespace {

Instant file_deadline = ~Instant{0};

volatile sig_atomic_t caught_signal = 0;
void catch_signal(int number) { caught_signal = number; }

}  // namespace

DeferredSignals::DeferredSignals() {
  struct sigaction action {};
  action.sa_handler = catch_signal;
  for (std::size_t i = 0; i < kSignals.size(); ++i) {
    ::sigaction(kSignals[i], nullptr, &before_[i]);
    if (before_[i].sa_handler != SIG_IGN) ::sigaction(kSignals[i], &action, nullptr);
  }
}

DeferredSignals::~DeferredSignals() {
  for (std::size_t i = 0; i < kSignals.size(); ++i) ::sigaction(kSignals[i], &before_[i], nullptr);
  if (caught()) ::raise(caught_signal);
}

bool DeferredSignals::caught() { return caught_signal != 0; }

Outcome<Instant> start_deadline(const Arguments& arguments, std::uint64_t seconds) {
  if (const auto text = arguments.value("timeout")) {
    SNPNV_TRY(seconds, number("--timeout", *text, 1, 86400));
  }
  file_deadline = MonotonicClock().now() + seconds * 1000;
  return file_deadline;
}

Outcome<std::vector<std::byte>> hex_value(std::string_view what, std::string_view text,
                                          std::size_t size, std::size_t most) {
  std::vector<std::byte> out;
  if (text.starts_with('@')) {
    SNPNV_TRY(out, read_file(text.substr(1), most));
  } else {
    std::string_view digits = text;
    if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
    out.resize(digits.size() / 2);
    const auto decoded = decode_hex(digits, out);
    if (!decoded) return usage(what, "not an even number of hexadecimal digits");
  }
  if (size != 0 && out.size() != size)
    return wrong_value(what, text, format("needs %zu octets, not %zu", size, out.size()));
  if (out.empty() || out.size() > most)
    return wrong_value(what, text, format("needs 1 to %zu octets, not %zu", most, out.size()));
  return out;
}

std::unexpected<Failure> wrong_value(std::string_view what, std::string_view text, std::string why) {
  if (!text.starts_with('@')) return usage(what, why);
  return std::unexpected(Failure{Exit::failed, text.substr(1), concat({what, " ", why}), "text_length"});
}

Outcome<Descriptor> open_in_place(const std::string& path) {
  auto opened = open_file(path.c_str(), O_WRONLY, file_deadline, DeferredSignals::caught);
  if (!opened) return file_failure(path, opened.error());
  return *std::move(opened);
}

Outcome<void> write_all(std::string_view what, int fd, ByteView content) {
  const auto written = snpnv::write_all(fd, content, file_deadline, DeferredSignals::caught);
  if (!written) return file_failure(what, written.error());
  return {};
}

Outcome<void> take_standard_input() {
  static bool taken = false;
  if (std::exchange(taken, true)) return usage("-", "standard input is named for two inputs");
  return {};
}

std::unexpected<Failure> file_failure(std::string_view what, const Error& error) {
  if (error.code != Code::io_deadline) return os_failure(what, static_cast<int>(error.detail));
  return std::unexpected(Failure{Exit::failed, what, "nothing at its other end before the deadline", "io_deadline"});
}

#if SNPNV_VERIFY
// Whether it is standard input by another name, as /dev/stdin, and what the one reads the other lacks: a regular file
// is read from its beginning by each.
static bool is_stream_of_standard_input(int fd) {
  struct stat file {};
  struct stat input {};
  return ::fstat(fd, &file) == 0 && ::fstat(STDIN_FILENO, &input) == 0 && file.st_dev == input.st_dev &&
         file.st_ino == input.st_ino && (S_ISFIFO(file.st_mode) || ::isatty(fd) == 1);
}
#endif

Outcome<std::vector<std::byte>> read_file(std::string_view path, std::size_t most) {
  const std::string what = path == "-" ? "standard input" : std::string(path);
  Descriptor file;
  if (path != "-") {
    auto opened = open_file(what.c_str(), O_RDONLY, file_deadline);
    if (!opened) return file_failure(what, opened.error());
    file = *std::move(opened);
  }
  const int fd = path == "-" ? STDIN_FILENO : file.get();
#if SNPNV_VERIFY  // other commands have one input at most
  if (path == "-" || is_stream_of_standard_input(fd)) SNPNV_CHECK(take_standard_input());
#endif
  std::vector<std::byte> out;
  std::size_t size = 0;
  while (size <= most) {
    // Most files fit in this; a larger one doubles it. What is not read into costs time, too: it is zeroed.
    if (size == out.size()) out.resize(std::min(most + 1, std::max<std::size_t>(4096, 2 * size)));
    const auto n = read_some(fd, MutBytes(out).subspan(size), file_deadline);
    if (!n) return file_failure(what, n.error());
    if (*n == 0) break;
    size += *n;
  }
  if (size > most)
    return library_failure(what, {Code::wire_too_large, static_cast<std::uint32_t>(most),
                                  static_cast<std::uint32_t>(most)});
  out.resize(size);
  return out;
}

Outcome<void> is_directory_name(std::string_view what, std::string_view path) {
  if (path == "-") return usage(what, "needs a directory, not standard input or output");
  return {};
}

std::string join(std::string_view directory, std::string_view name) {
  std::string out(directory);
  if (!out.empty() && out.back() != '/') out += '/';
  return out + std::string(name);
}

}  // namespace snpnv::tool
