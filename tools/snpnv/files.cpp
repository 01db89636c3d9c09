#include "files.hpp"

#include <fcntl.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstdio>
#include <cstdlib>
#include <optional>

namespace snpnv::tool {
namespace {

class Fd {
 public:
  explicit Fd(int fd) : fd_(fd) {}
  Fd(const Fd&) = delete;
  Fd& operator=(const Fd&) = delete;
  ~Fd() {
    if (fd_ > STDERR_FILENO) ::close(fd_);
  }
  [[nodiscard]] int get() const { return fd_; }
  // Closes now; a delayed write error shows here on some file systems.
  [[nodiscard]] bool close() {
    const int fd = fd_;
    fd_ = -1;
    return ::close(fd) == 0;
  }

 private:
  int fd_;
};

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::optional<std::string> real_path(const std::string& path) {
  char* const real = ::realpath(path.c_str(), nullptr);
  if (real == nullptr) return std::nullopt;
  std::string out = real;
  std::free(real);
  return out;
}

// The file that `path` names in the end, where links lead; if there is none yet, its place.
std::string resolve(const std::string& path) {
  if (auto real = real_path(path)) return *std::move(real);
  const auto directory = real_path(directory_of(path));
  return directory ? join(*directory, path.substr(path.rfind('/') + 1)) : path;
}

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

bool write_all(int fd, ByteView content) {
  while (!content.empty()) {
    const ssize_t n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR && !DeferredSignals::caught()) continue;
    if (n < 0) return false;
    content = content.subspan(static_cast<std::size_t>(n));
  }
  return true;
}

Outcome<std::vector<std::byte>> read_file(std::string_view path, std::size_t most) {
  const std::string name(path);
  const Fd file(path == "-" ? STDIN_FILENO : ::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  const std::string what = path == "-" ? "standard input" : name;
  if (file.get() < 0) return os_failure(what, errno);
  std::vector<std::byte> out;
  std::size_t size = 0;
  while (size <= most) {
    out.resize(size + std::min<std::size_t>(65536, most + 1 - size));
    const ssize_t n = ::read(file.get(), out.data() + size, out.size() - size);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return os_failure(what, errno);
    if (n == 0) break;
    size += static_cast<std::size_t>(n);
  }
  if (size > most)
    return library_failure(what, {Code::wire_too_large, static_cast<std::uint32_t>(most),
                                  static_cast<std::uint32_t>(most)});
  out.resize(size);
  return out;
}

OutputFiles::~OutputFiles() {
  for (const Staged& file : staged_)
    if (!file.beside.empty()) ::unlink(file.beside.c_str());
}

Outcome<void> OutputFiles::stage(std::string_view path, ByteView content, std::optional<unsigned> mode) {
  Staged file{std::string(path), {}, {}, {}};
  if (path != "-") file.target = resolve(file.path);
  struct stat old {};
  const bool exists = !file.target.empty() && ::stat(file.target.c_str(), &old) == 0;
  if (exists && S_ISDIR(old.st_mode)) return os_failure(path, EISDIR);
  if (path == "-" || (exists && !S_ISREG(old.st_mode))) {
    file.content.assign(content.begin(), content.end());
    staged_.push_back(std::move(file));
    return {};
  }
  // Not O_TMPFILE: giving such a file its name needs /proc, which an initramfs may lack.
  std::uint64_t suffix = 0;
  if (::getrandom(&suffix, sizeof suffix, 0) != sizeof suffix) return os_failure("getrandom", errno);
  const std::string beside =
      file.target + format(".snpnv-%016llx", static_cast<unsigned long long>(suffix));
  Fd out(::open(beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0666));
  if (out.get() < 0) return os_failure(path, errno);
  file.beside = beside;
  staged_.push_back(std::move(file));  // from here on the destructor removes it
  if (!mode && exists) mode = old.st_mode & 07777;
  if (mode && ::fchmod(out.get(), *mode) != 0) return os_failure(path, errno);
  if (!write_all(out.get(), content) || ::fsync(out.get()) != 0) return os_failure(path, errno);
  if (!out.close()) return os_failure(path, errno);
  if (DeferredSignals::caught()) return os_failure(path, EINTR);
  return {};
}

// What is written in place goes first: if that fails, every file is still the older one.
Outcome<void> OutputFiles::commit() {
  for (const Staged& file : staged_) {
    if (!file.beside.empty()) continue;
    if (file.path == "-") {
      SNPNV_CHECK(print(text_of(file.content)));
    } else {
      const Fd out(::open(file.target.c_str(), O_WRONLY | O_CLOEXEC));
      if (out.get() < 0 || !write_all(out.get(), file.content)) return os_failure(file.path, errno);
    }
  }
  for (Staged& file : staged_) {
    if (file.beside.empty()) continue;
    if (::rename(file.beside.c_str(), file.target.c_str()) != 0) return os_failure(file.path, errno);
    file.beside.clear();
    // The new name is durable once its directory is; a directory that cannot be opened for
    // reading still holds the new file.
    const Fd directory(::open(directory_of(file.target).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (directory.get() >= 0 && ::fsync(directory.get()) != 0 && errno != EINVAL)
      return os_failure(file.path, errno);
  }
  staged_.clear();
  return {};
}

Outcome<void> make_directories(std::string_view path) {
  std::string made(path);
  for (std::size_t end = made.find('/', 1);; end = made.find('/', end + 1)) {
    const std::string part = made.substr(0, end);
    struct stat there {};
    if (::mkdir(part.c_str(), 0755) != 0) {
      const int error = errno;
      if (::stat(part.c_str(), &there) != 0 || !S_ISDIR(there.st_mode)) return os_failure(part, error);
    }
    if (end == std::string::npos) return {};
  }
}

bool same_file(std::string_view a, std::string_view b) {
  if (a == "-" || b == "-") return a == b;
  return resolve(std::string(a)) == resolve(std::string(b));
}

std::string join(std::string_view directory, std::string_view name) {
  std::string out(directory);
  if (!out.empty() && out.back() != '/') out += '/';
  return out + std::string(name);
}

}  // namespace snpnv::tool
