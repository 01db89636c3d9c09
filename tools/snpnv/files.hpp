// SPDX-License-Identifier: Apache-2.0
// Files: read with a bound, waited for until a deadline or a signal.
#pragma once

#include <signal.h>

#include <array>

#include "cli.hpp"
#include "snpnv/core/clock.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::tool {

/// Starts the time that --timeout gives, or `seconds`. From then on no file is waited for any longer; without,
/// this program waits for the other end of a pipe as long as other filters do.
[[nodiscard]] Outcome<Instant> start_deadline(const Arguments& arguments, std::uint64_t seconds);

/// Wrong usage the second time: standard input can be read once.
[[nodiscard]] Outcome<void> take_standard_input();

/// What these commands read, in octets: files that are larger are none of their formats.
inline constexpr std::size_t kMostOctets = std::size_t{1} << 20;

/// What open_file(), read_some() and write_all() say of a file.
[[nodiscard]] std::unexpected<Failure> file_failure(std::string_view what, const Error& error);

/// The octets of a file, or of standard input for "-". More than `most` octets are an error.
[[nodiscard]] Outcome<std::vector<std::byte>> read_file(std::string_view path, std::size_t most);

/// A HEX value: digits, with or without 0x, or @FILE.
/// `what` names the option in errors; `size` is the number of octets needed, 0 for 1 to `most`.
[[nodiscard]] Outcome<std::vector<std::byte>> hex_value(std::string_view what, std::string_view text,
                                                        std::size_t size, std::size_t most = 4096);
/// Of such a value that is not what the option needs: wrong usage, or the failure of the file it is from.
[[nodiscard]] std::unexpected<Failure> wrong_value(std::string_view what, std::string_view text,
                                                   std::string why);

/// Opens what is there to be written in place: a device, or a pipe, whose other end is waited for.
[[nodiscard]] Outcome<Descriptor> open_in_place(const std::string& path);
/// Writes all of it to a descriptor, which `what` names in errors.
[[nodiscard]] Outcome<void> write_all(std::string_view what, int fd, ByteView content);

/// While this lives, SIGHUP, SIGINT and SIGTERM wait: they interrupt calls that block, and end the process
/// in the destructor, once what would be left behind is gone.
class DeferredSignals {
 public:
  DeferredSignals();
  DeferredSignals(const DeferredSignals&) = delete;
  DeferredSignals& operator=(const DeferredSignals&) = delete;
  ~DeferredSignals();
  [[nodiscard]] static bool caught();

 private:
  static constexpr auto kSignals = std::to_array({SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGXCPU});
  std::array<struct sigaction, kSignals.size()> before_{};
};

/// Wrong usage where a directory is wanted and `path` is "-", which is none.
[[nodiscard]] Outcome<void> is_directory_name(std::string_view what, std::string_view path);

/// `name` in `directory`, as a path.
[[nodiscard]] std::string join(std::string_view directory, std::string_view name);

}  // namespace snpnv::tool
