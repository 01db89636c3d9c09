// SPDX-License-Identifier: Apache-2.0
#include "output_files.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

namespace snpnv::tool {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string name_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

// Where the links lead that a path ends in; directories in front of it may be links too.
std::string followed(std::string_view path) {
  constexpr int kMostLinks = 40;  // as in Linux
  std::string out(path);
  std::array<char, PATH_MAX> link;
  for (int i = 0; i < kMostLinks; ++i) {
    const ssize_t size = ::readlink(out.c_str(), link.data(), link.size());
    if (size <= 0) break;
    const std::string_view to(link.data(), static_cast<std::size_t>(size));
    out = to.starts_with('/') ? std::string(to) : join(directory_of(out), to);
  }
  return out;
}

// A file by its device and inode; one that is not there yet by its directory's, and its name.
struct FileId {
  struct stat status {};
  std::string name;

  FileId(std::string_view path, int dash);  // what "-" names
  bool operator==(const FileId& other) const {
    return name == other.name && status.st_dev == other.status.st_dev && status.st_ino == other.status.st_ino;
  }
};
FileId::FileId(std::string_view path, int dash) {
  const std::string whole(path);
  if ((path == "-" ? ::fstat(dash, &status) : ::stat(whole.c_str(), &status)) == 0) return;
  const std::string file = followed(path);
  name = ::stat(directory_of(file).c_str(), &status) == 0 ? name_of(file) : file;
}

}  // namespace

OutputFiles::~OutputFiles() {
  for (const Staged& file : staged_) {
    const int place = file.place.get();
    const char* const name = file.name.c_str();
    if (*name == '\0') continue;
    if (!file.beside.empty())
      ::unlinkat(place, file.beside.c_str(), 0);
    else if (file.kept.empty())
      ::unlinkat(place, name, 0);
    // rename() leaves two names of one file as they are.
    if (!file.kept.empty() && ::renameat(place, file.kept.c_str(), place, name) == 0)
      ::unlinkat(place, file.kept.c_str(), 0);
  }
  while (!made_.empty()) {
    ::rmdir(made_.back().c_str());
    made_.pop_back();
  }
}

Outcome<void> OutputFiles::stage(std::string_view path, ByteView content, std::optional<unsigned> mode) {
  const FileId there(path, STDOUT_FILENO);
  const bool standard_output = there == FileId("-", STDOUT_FILENO);
  if (!standard_output && (!there.name.empty() || S_ISREG(there.status.st_mode))) {
    const std::string target = followed(path);
    Descriptor directory(::open(directory_of(target).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    return stage_in(std::move(directory), name_of(target), path, content, mode);
  }
  Staged file{std::string(path)};
  file.content = text_of(content);
  if (!standard_output) {
    SNPNV_TRY(file.place, open_in_place(file.path));
  }
  staged_.push_back(std::move(file));
  return {};
}

Outcome<void> OutputFiles::stage_in(Descriptor directory, std::string_view name, std::string_view path,
                                    ByteView content, std::optional<unsigned> mode) {
  const int place = directory.get();
  if (place < 0) return os_failure(path, errno);
  Staged file{std::string(path), std::move(directory), std::string(name)};
  struct stat old {};
  if (::fstatat(place, file.name.c_str(), &old, AT_SYMLINK_NOFOLLOW) == 0) {
    if (S_ISDIR(old.st_mode)) return os_failure(path, EISDIR);
    if (!mode && S_ISREG(old.st_mode)) mode = old.st_mode & 07777;
  }
  // Not O_TMPFILE: giving such a file its name needs /proc, which an initramfs may lack.
  std::uint64_t suffix = 0;
  if (::getrandom(&suffix, sizeof suffix, 0) != sizeof suffix) return os_failure("getrandom", errno);
  file.beside = file.name + format(".snpnv-%016llx", static_cast<unsigned long long>(suffix));
  const Descriptor out(::openat(place, file.beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (out.get() < 0) return os_failure(path, errno);
  staged_.push_back(std::move(file));  // from here on the destructor removes it
  if (mode && ::fchmod(out.get(), *mode) != 0) return os_failure(path, errno);
  SNPNV_CHECK(write_all(path, out.get(), content));
  if (::fsync(out.get()) != 0) return os_failure(path, errno);
  return {};
}

// A second name keeps the older file, so that the first one is never without. Where the file system has no
// such thing, or the file is another user's, it gets another name.
Outcome<void> OutputFiles::put(Staged& file) {
  const int place = file.place.get();
  const char* const name = file.name.c_str();
  const std::string kept = file.beside + ".old";
  if (::linkat(place, name, place, kept.c_str(), 0) == 0 || ::renameat(place, name, place, kept.c_str()) == 0)
    file.kept = kept;
  else if (errno != ENOENT)
    return os_failure(file.path, errno);
  if (::renameat(place, file.beside.c_str(), place, name) != 0) return os_failure(file.path, errno);
  file.beside.clear();
  // The new name is durable once its directory is; a directory that cannot be opened for reading still
  // holds the new file.
  const Descriptor synced(::openat(place, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (synced.get() >= 0 && ::fsync(synced.get()) != 0 && errno != EINVAL) return os_failure(file.path, errno);
  return {};
}

Outcome<void> OutputFiles::commit() {
  if (DeferredSignals::caught()) return os_failure("signal", EINTR);
  for (Staged& file : staged_)
    if (!file.name.empty()) SNPNV_CHECK(put(file));
  for (const Staged& file : staged_)
    if (file.name.empty())
      SNPNV_CHECK(file.place.get() < 0 ? write_all("standard output", STDOUT_FILENO, octets_of(file.content))
                                       : write_all(file.path, file.place.get(), octets_of(file.content)));
  for (const Staged& file : staged_)
    if (!file.kept.empty()) ::unlinkat(file.place.get(), file.kept.c_str(), 0);
  staged_.clear();
  made_.clear();
  return {};
}

Outcome<void> OutputFiles::make_directories(std::string_view path) { return tool::make_directories(path, made_); }

Outcome<void> make_directories(std::string_view path, std::vector<std::string>& made) {
  const std::string whole(path);
  for (std::size_t end = whole.find('/', 1);; end = whole.find('/', end + 1)) {
    std::string part = whole.substr(0, end);
    struct stat there {};
    if (::mkdir(part.c_str(), 0755) == 0) {
      made.push_back(std::move(part));
    } else {
      const int error = errno;
      if (::stat(part.c_str(), &there) != 0 || !S_ISDIR(there.st_mode)) return os_failure(part, error);
    }
    if (end == std::string::npos) return {};
  }
}

Outcome<bool> check_outputs(std::string_view tcti, std::vector<std::string_view> outputs,
                            std::span<const InputFile> inputs) {
  for (std::size_t equals = 0; tcti.starts_with("record:") && (equals = tcti.find('=')) != std::string_view::npos;) {
    outputs.push_back(tcti.substr(7, equals - 7));
    tcti.remove_prefix(equals + 1);
  }
  const InputFile recording{"the recording", tcti.starts_with("replay:") ? tcti.substr(7) : std::string_view()};
  bool standard_output = false;
  for (std::size_t i = 0; i < outputs.size(); ++i) {
    const FileId output(outputs[i], STDOUT_FILENO);
    standard_output = standard_output || output == FileId("-", STDOUT_FILENO);
    const auto replaces = [&](const InputFile& input) {
      return (!output.name.empty() || S_ISREG(output.status.st_mode)) && !input.path.empty() &&
             output == FileId(input.path, STDIN_FILENO);
    };
    const InputFile* lost = replaces(recording) ? &recording : nullptr;
    for (const InputFile& input : inputs)
      if (replaces(input)) lost = &input;
    if (lost != nullptr) return usage(outputs[i], "would replace " + std::string(lost->what));
    for (std::size_t j = 0; j < i; ++j)
      if (output == FileId(outputs[j], STDOUT_FILENO)) return usage(outputs[i], "named for two outputs");
  }
  return standard_output;
}

}  // namespace snpnv::tool
