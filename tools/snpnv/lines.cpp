// SPDX-License-Identifier: Apache-2.0
#include "lines.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "files.hpp"
#include "output.hpp"

namespace snpnv::tool {
namespace {

constexpr std::byte kNewline{'\n'};
constexpr std::string_view kInput = "standard input";
constexpr std::string_view kOutput = "standard output";
constexpr std::string_view kWorker = "worker process";

// Octets as they come from a descriptor.
class Source {
 public:
  explicit Source(int fd) : fd_(fd) {}

  [[nodiscard]] int fd() const { return fd_; }
  [[nodiscard]] ByteView pending() const { return ByteView(octets_).subspan(at_, size_ - at_); }
  [[nodiscard]] bool ended() const { return ended_; }
  void take(std::size_t count) { at_ += count; }

  // Reads more once all that is pending was taken.
  Outcome<void> fill(std::string_view what) {
    if (at_ != size_ || ended_) return {};
    ssize_t n = 0;
    do {
      n = ::read(fd_, octets_.data(), octets_.size());
    } while (n < 0 && errno == EINTR);
    if (n < 0) return os_failure(what, errno);
    at_ = 0;
    size_ = static_cast<std::size_t>(n);
    ended_ = n == 0;
    return {};
  }

 private:
  int fd_;
  std::array<std::byte, 65536> octets_;
  std::size_t at_ = 0;
  std::size_t size_ = 0;
  bool ended_ = false;
};

// How many of the octets belong to the line that they begin in, newline included.
std::size_t up_to_newline(ByteView octets) {
  const auto end = std::ranges::find(octets, kNewline);
  return static_cast<std::size_t>(end - octets.begin()) + (end != octets.end() ? 1 : 0);
}

// Answers line after line: `first`, and then every `stride`-th of the stream.
Outcome<LineCounts> answer_all(int input, int output, std::uint64_t first, std::uint64_t stride,
                               const LineAnswerer& answerer) {
  LineCounts out;
  Source source(input);
  std::vector<std::byte> line;
  bool begun = false;
  bool too_long = false;
  while (true) {
    SNPNV_CHECK(source.fill(kInput));
    ByteView part = source.pending().first(up_to_newline(source.pending()));
    source.take(part.size());
    const bool whole = !part.empty() && part.back() == kNewline;
    if (whole) part = part.first(part.size() - 1);
    too_long = too_long || line.size() + part.size() > kMostInLine;
    if (!too_long) line.insert(line.end(), part.begin(), part.end());
    begun = begun || whole || !part.empty();
    if (!whole && !source.ended()) continue;
    if (!begun) return out;
    const Result<ByteView> read =
        too_long ? Result<ByteView>(fail(Code::wire_too_large, kMostInLine, kMostInLine)) : ByteView(line);
    SNPNV_TRY(const LineAnswer answer, answerer(read, first + out.lines * stride));
    SNPNV_CHECK(write_all(kOutput, output, octets_of(answer.text)));
    ++out.lines;
    out.all_good = out.all_good && answer.good;
    line.clear();
    begun = too_long = false;
  }
}

struct Pipe {
  Descriptor read, write;

  static Outcome<Pipe> make() {
    std::array<int, 2> ends{};
    if (::pipe2(ends.data(), O_CLOEXEC) != 0) return os_failure(kWorker, errno);
    return Pipe{Descriptor(ends[0]), Descriptor(ends[1])};
  }
};

// A process that answers every so many-th line, and the pipes to it.
struct Worker {
  pid_t pid;
  Descriptor input, output;
  std::unique_ptr<Source> answers = std::make_unique<Source>(output.get());
};

// Deals lines out to workers in turn, and gathers their answers in the same order. It holds no line: the
// pipes do, and once they are full it reads no further.
class Dealer {
 public:
  Dealer() = default;
  Dealer(const Dealer&) = delete;
  Dealer& operator=(const Dealer&) = delete;
  ~Dealer() {  // after a failure; otherwise there are none left
    for (Worker& worker : workers_) {
      ::kill(worker.pid, SIGKILL);
      release(worker);
    }
  }

  Outcome<void> start(unsigned jobs, const LineAnswerer& answerer) {
    for (unsigned i = 0; i < jobs; ++i) {
      SNPNV_TRY(Pipe in, Pipe::make());
      SNPNV_TRY(Pipe out, Pipe::make());
      const pid_t pid = ::fork();
      if (pid < 0) return os_failure(kWorker, errno);
      if (pid == 0) {
        workers_.clear();  // or their input would never end
        in.write.reset();
        out.read.reset();
        work(in.read.get(), out.write.get(), i + 1, jobs, answerer);
      }
      ::fcntl(in.write.get(), F_SETFL, O_NONBLOCK);
      workers_.push_back({pid, std::move(in.write), std::move(out.read)});
    }
    return {};
  }

  Outcome<LineCounts> run(int input) {
    Source source(input);
    while (!all_answered_) {
      SNPNV_CHECK(await(source));
      SNPNV_CHECK(deal(source));
      SNPNV_CHECK(gather());
    }
    LineCounts out{gathered_, true};
    while (!workers_.empty()) {
      const int status = release(workers_.back());
      workers_.pop_back();
      if (!WIFEXITED(status) || WEXITSTATUS(status) > static_cast<int>(Exit::rejected)) return ended_early();
      out.all_good = out.all_good && WEXITSTATUS(status) == 0;
    }
    return out;
  }

 private:
  [[noreturn]] static void work(int input, int output, std::uint64_t first, std::uint64_t stride,
                                const LineAnswerer& answerer) {
    const auto done = answer_all(input, output, first, stride, answerer);
    if (!done) print_failure(done.error());
    ::_exit(static_cast<int>(!done ? done.error().exit : done->all_good ? Exit::done : Exit::rejected));
  }
  static int release(Worker& worker) {
    worker.input.reset();
    worker.output.reset();
    int status = 0;
    while (::waitpid(worker.pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
  }
  static std::unexpected<Failure> ended_early() {
    return std::unexpected(Failure{Exit::failed, kWorker, "ended early", "worker"});
  }

  Worker& worker_of(std::uint64_t line) { return workers_[static_cast<std::size_t>(line % workers_.size())]; }
  Worker& next_to_deal() { return worker_of(dealt_); }
  Worker& next_to_gather() { return worker_of(gathered_); }

  // Until there is something to deal, room to deal it to, or an answer.
  Outcome<void> await(const Source& source) {
    const bool dealing = !source.pending().empty();
    std::array<pollfd, 2> fds{};
    fds[0] = dealing ? pollfd{next_to_deal().input.get(), POLLOUT, 0}
                     : pollfd{source.ended() ? -1 : source.fd(), POLLIN, 0};
    fds[1] = {next_to_gather().output.get(), POLLIN, 0};
    while (::poll(fds.data(), fds.size(), -1) < 0)
      if (errno != EINTR) return os_failure(kWorker, errno);
    may_deal_ = fds[0].revents != 0;
    may_gather_ = fds[1].revents != 0;
    return {};
  }

  Outcome<void> deal(Source& source) {
    if (!may_deal_) return {};
    SNPNV_CHECK(source.fill(kInput));
    while (!source.pending().empty()) {
      const ByteView part = source.pending().first(up_to_newline(source.pending()));
      const ssize_t n = ::write(next_to_deal().input.get(), part.data(), part.size());
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) return {};
      if (n < 0) return ended_early();
      line_open_ = part[static_cast<std::size_t>(n) - 1] != kNewline;
      if (!line_open_) ++dealt_;
      source.take(static_cast<std::size_t>(n));
    }
    if (source.ended()) {
      dealt_ += line_open_ ? 1 : 0;  // a last line without newline is a line
      line_open_ = false;
      for (Worker& worker : workers_) worker.input.reset();
      input_ended_ = true;
    }
    return {};
  }

  Outcome<void> gather() {
    if (may_gather_) SNPNV_CHECK(next_to_gather().answers->fill(kWorker));
    while (true) {
      Source& from = *next_to_gather().answers;
      const ByteView part = from.pending().first(up_to_newline(from.pending()));
      if (part.empty()) {
        all_answered_ = from.ended() && input_ended_ && gathered_ == dealt_;
        if (from.ended() && !all_answered_) return ended_early();
        return {};
      }
      SNPNV_CHECK(write_all(kOutput, STDOUT_FILENO, part));
      if (part.back() == kNewline) ++gathered_;
      from.take(part.size());
    }
  }

  std::vector<Worker> workers_;
  std::uint64_t dealt_ = 0;     // whole lines
  std::uint64_t gathered_ = 0;  // whole answers
  bool line_open_ = false;      // part of a line was dealt
  bool input_ended_ = false;
  bool all_answered_ = false;
  bool may_deal_ = false;
  bool may_gather_ = false;
};

}  // namespace

Outcome<LineCounts> answer_lines(int input, unsigned jobs, const LineAnswerer& answerer) {
  if (jobs == 1) return answer_all(input, STDOUT_FILENO, 1, 1, answerer);
  Dealer dealer;
  SNPNV_CHECK(dealer.start(jobs, answerer));
  return dealer.run(input);
}

}  // namespace snpnv::tool
