// Files: read with a bound, written whole or not at all.
#pragma once

#include <signal.h>

#include <array>

#include "cli.hpp"

namespace snpnv::tool {

/// The octets of a file, or of standard input for "-". More than `most` octets are an error.
[[nodiscard]] Outcome<std::vector<std::byte>> read_file(std::string_view path, std::size_t most);

/// Writes all of it to a descriptor. @returns false with errno set if that failed.
[[nodiscard]] bool write_all(int fd, ByteView content);

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
  static constexpr std::array kSignals{SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGALRM, SIGXCPU};
  std::array<struct sigaction, kSignals.size()> before_{};
};

/// Files that a command writes. Each is written beside its place and synced by stage(); commit()
/// renames them into place. Without commit() nothing is left and older files stay as they were. A
/// summary for standard output is staged like a file, so that failing to print it is a failure in time.
class OutputFiles {
 public:
  OutputFiles() = default;
  OutputFiles(const OutputFiles&) = delete;
  OutputFiles& operator=(const OutputFiles&) = delete;
  ~OutputFiles();

  /// "-" is standard output. Devices and pipes are written by commit(), in place. Without `mode`, a file
  /// has that of the one that it replaces, or what the umask leaves.
  [[nodiscard]] Outcome<void> stage(std::string_view path, ByteView content,
                                    std::optional<unsigned> mode = {});
  [[nodiscard]] Outcome<void> commit();

 private:
  struct Staged {
    std::string path;                // as the caller named it
    std::string target;              // what is replaced: links are followed
    std::string beside;              // the new file; empty: written in place by commit()
    std::vector<std::byte> content;  // for those
  };
  DeferredSignals signals_;  // the last to go: the files beside are removed by then
  std::vector<Staged> staged_;
};

/// Makes a directory and those above it, where they are missing.
[[nodiscard]] Outcome<void> make_directories(std::string_view path);

/// True if both paths name one file in the end, be it there already or not; "-" is a file of its own.
[[nodiscard]] bool same_file(std::string_view a, std::string_view b);

/// `name` in `directory`, as a path.
[[nodiscard]] std::string join(std::string_view directory, std::string_view name);

}  // namespace snpnv::tool
