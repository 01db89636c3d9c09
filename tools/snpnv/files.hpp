// SPDX-License-Identifier: Apache-2.0
// Files: read with a bound, written whole or not at all, waited for until a deadline.
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

/// Files that a command writes: all of them or none. stage() writes each beside its place; commit() gives
/// them their names, then writes what has no name to give, and takes the names back if something fails.
/// Until it is done, every older file is kept.
class OutputFiles {
 public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles&) = delete;
  OutputFiles& operator=(const OutputFiles&) = delete;
  ~OutputFiles();

  /// "-" is standard output. It, devices and pipes are written by commit(), in place, in the order of
  /// stage(), behind all files: what is said of them is staged last. Without `mode`, a file has that of the
  /// one that it replaces, or what the umask leaves.
  [[nodiscard]] Outcome<void> stage(std::string_view path, ByteView content,
                                    std::optional<unsigned> mode = {});
  /// As `name` in an open directory, whatever stands there; a link is replaced, not followed.
  [[nodiscard]] Outcome<void> stage_in(Descriptor directory, std::string_view name, std::string_view path,
                                       ByteView content, std::optional<unsigned> mode = {});
  /// Makes a directory and those above it, where they are missing; without commit() they go again.
  [[nodiscard]] Outcome<void> make_directories(std::string_view path);
  [[nodiscard]] Outcome<void> commit();

 private:
  struct Staged {
    std::string path;                 // as the caller named it
    Descriptor place = Descriptor();  // the directory; else what is written in place, none: standard output
    std::string name = {};            // in the directory
    std::string beside = {};          // the new file there, until it has its name
    std::string kept = {};            // the older file, from then on
    std::string content = {};         // of what is written in place
  };
  [[nodiscard]] static Outcome<void> put(Staged& file);

  DeferredSignals signals_;  // the last to go: what was beside is removed by then
  std::vector<std::string> made_;
  std::vector<Staged> staged_;
};

/// Makes a directory and those above it, where they are missing. Adds those to `made`.
[[nodiscard]] Outcome<void> make_directories(std::string_view path, std::vector<std::string>& made);

/// A file that a command reads.
struct InputFile {
  std::string_view what;
  std::string_view path;  // "-": standard input; empty: none
};

/// No two outputs of a command may be one file, by device and inode and be it there already or not, recordings
/// of `tcti` included, and none a file that is read: one would be lost.
/// @returns whether standard output is among them, so that nothing else may be printed there | wrong usage.
[[nodiscard]] Outcome<bool> check_outputs(std::string_view tcti, std::vector<std::string_view> outputs,
                                          std::span<const InputFile> inputs = {});

/// Wrong usage where a directory is wanted and `path` is "-", which is none.
[[nodiscard]] Outcome<void> is_directory_name(std::string_view what, std::string_view path);

/// `name` in `directory`, as a path.
[[nodiscard]] std::string join(std::string_view directory, std::string_view name);

}  // namespace snpnv::tool
