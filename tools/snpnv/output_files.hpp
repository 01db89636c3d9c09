// SPDX-License-Identifier: Apache-2.0
// Files that a command writes: whole or not at all, and none in the place of another that it needs.
#pragma once

#include "files.hpp"

namespace snpnv::tool {

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

}  // namespace snpnv::tool
