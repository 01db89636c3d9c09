// SPDX-License-Identifier: Apache-2.0
// Recordings: every exchange with a TPM as readable text, and a transport that plays it back.
#pragma once

#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "snpnv/core/clock.hpp"
#include "snpnv/core/encoding.hpp"
#include "snpnv/tpm/transport.hpp"
#include "transports/file.hpp"

namespace snpnv {

namespace detail {

// The format: a header line, then for each exchange a line with the command and one with the
// response, or with the error and its detail in decimal; '#' begins a comment line. Every line ends
// with a newline, so that a file cut short is seen.
//   snpnv-recording 1
//   > 80020000…
//   < 80020000…
//   > 80020000…
//   ! io_failed 5
inline constexpr std::string_view kRecordingHeader = "snpnv-recording 1";

/// What a recording's file gave: a FIFO that nobody serves is that file's fault, not the TPM's.
template <class T>
[[nodiscard]] Result<T> of_recording(Result<T> result) {
  if (!result && result.error().code == Code::io_deadline) result.error().code = Code::record_deadline;
  return result;
}

}  // namespace detail

/// Passes commands on to another transport and appends each exchange to a file at once.
template <class Inner>
class Recorder {
 public:
  /// Creates or empties the file. A FIFO is waited for until `deadline`, now and later.
  /// @returns the recorder | io_failed - detail: errno | record_deadline.
  [[nodiscard]] static Result<Recorder> open(const std::string& path, Inner inner,
                                             Instant deadline) noexcept {
    SNPNV_TRY(Descriptor file, detail::of_recording(open_file(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, deadline)));
    Recorder out(std::move(file), std::move(inner), deadline);
    SNPNV_CHECK(out.line("", std::string(detail::kRecordingHeader)));
    return out;
  }

  /// @returns what the inner transport returns | io_failed, record_deadline - the recording cannot be written.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    SNPNV_CHECK(line("> ", digits(command)));
    const Result<ByteView> answer = inner_.transact(command, response);
    SNPNV_CHECK(answer ? line("< ", digits(*answer)) : line("! ", words(answer.error())));
    return answer;
  }
  void set_deadline(Instant deadline) noexcept {
    deadline_ = deadline;
    if constexpr (requires { inner_.set_deadline(deadline); }) inner_.set_deadline(deadline);
  }

 private:
  Recorder(Descriptor file, Inner inner, Instant deadline) noexcept
      : file_(std::move(file)), inner_(std::move(inner)), deadline_(deadline) {}

  static std::string words(const Error& error) {
    return std::string(name(error.code)) + ' ' + std::to_string(error.detail);
  }
  static std::string digits(ByteView octets) {
    std::string out(octets.size() * 2, '\0');
    ByteWriter writer(std::as_writable_bytes(std::span(out)));
    encode_hex(writer, octets);
    return out;
  }
  Result<void> line(const char* mark, const std::string& text) noexcept {
    const std::string whole = mark + text + '\n';
    return detail::of_recording(write_all(file_.get(), std::as_bytes(std::span(whole)), deadline_));
  }

  Descriptor file_;
  Inner inner_;
  Instant deadline_;
};

/// One command and what came back.
struct RecordedExchange {
  std::vector<std::byte> command;
  Result<std::vector<std::byte>> response;
};

namespace detail {

/// The error that `text` of a recording stands for: a code's name and, if not 0, its detail.
[[nodiscard]] inline std::optional<Error> recorded_error(std::string_view text) {
  const std::size_t space = text.find(' ');
  Error error{};
  if (space != std::string_view::npos) {
    const std::string_view detail = text.substr(space + 1);
    const auto [end, status] =
        std::from_chars(detail.data(), detail.data() + detail.size(), error.detail);
    if (status != std::errc() || end != detail.data() + detail.size()) return std::nullopt;
  }
  const std::string_view code = text.substr(0, space);
  for (const Code known : kCodes) {
    if (name(known) != code) continue;
    error.code = known;
    return error;
  }
  return std::nullopt;
}

}  // namespace detail

/// Reads a recording.
/// @returns the exchanges | record_syntax - detail: line number, from 1.
[[nodiscard]] inline Result<std::vector<RecordedExchange>> parse_recording(std::string_view text) {
  std::vector<RecordedExchange> out;
  std::uint32_t number = 0;
  bool header = false;
  bool open = false;  // a command without its response
  const auto decode = [](std::string_view digits, std::vector<std::byte>& octets) {
    octets.resize(digits.size() / 2);
    return !digits.empty() && decode_hex(digits, octets).has_value();
  };
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    ++number;
    const auto damaged = [&] { return fail(Code::record_syntax, 0, number); };
    if (end == std::string_view::npos) return damaged();
    text.remove_prefix(end + 1);
    if (!header) {
      if (line != detail::kRecordingHeader) return damaged();
      header = true;
      continue;
    }
    if (line.empty() || line.starts_with('#')) continue;
    if (line.size() < 3 || line[1] != ' ') return damaged();
    const std::string_view rest = line.substr(2);
    const bool command = line[0] == '>';
    if (command == open) return damaged();
    open = command;
    if (command) {
      out.push_back({{}, std::vector<std::byte>()});
      if (!decode(rest, out.back().command)) return damaged();
    } else if (line[0] == '<') {
      if (!decode(rest, *out.back().response)) return damaged();
    } else if (line[0] == '!') {
      const std::optional<Error> error = detail::recorded_error(rest);
      if (!error) return damaged();
      out.back().response = fail(*error);
    } else {
      return damaged();
    }
  }
  if (!header || open) return fail(Code::record_syntax, 0, number);
  return out;
}

enum class ReplayMode : std::uint8_t {
  strict,  // the recorded commands, in their order, once
  loop,    // the same, from the start again behind the last one
};

/// Answers from a recording.
class Replay {
 public:
  explicit Replay(std::vector<RecordedExchange> exchanges, ReplayMode mode = ReplayMode::strict) noexcept
      : exchanges_(std::move(exchanges)), mode_(mode) {}

  /// Reads a recording from a file, which is waited for until `deadline` if it is a FIFO.
  /// @returns it | io_failed - detail: errno | record_deadline | wire_too_large | record_syntax.
  [[nodiscard]] static Result<Replay> open(const std::string& path, Instant deadline,
                                           ReplayMode mode = ReplayMode::strict) noexcept {
    SNPNV_TRY(const Descriptor file, detail::of_recording(open_file(path.c_str(), O_RDONLY, deadline)));
    std::string text;
    std::array<char, 4096> part;
    while (text.size() <= kMaxInput) {
      SNPNV_TRY(const std::size_t n,
                detail::of_recording(read_some(file.get(), std::as_writable_bytes(std::span(part)), deadline)));
      if (n == 0) break;
      text.append(part.data(), n);
    }
    if (text.size() > kMaxInput) return fail(Code::wire_too_large, kMaxInput, kMaxInput);
    SNPNV_TRY(auto exchanges, parse_recording(text));
    return Replay(std::move(exchanges), mode);
  }

  /// @returns the recorded response, or the recorded transport error
  ///   | record_mismatch - another command than recorded; detail: number of the exchange, from 1
  ///   | record_exhausted - detail: exchanges in the recording | wire_overflow.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    if (mode_ == ReplayMode::loop && next_ == exchanges_.size()) next_ = 0;
    if (next_ == exchanges_.size())
      return fail(Code::record_exhausted, 0, static_cast<std::uint32_t>(exchanges_.size()));
    const RecordedExchange& exchange = exchanges_[next_];
    if (!equal(exchange.command, command))
      return fail(Code::record_mismatch, 0, static_cast<std::uint32_t>(next_ + 1));
    ++next_;
    if (!exchange.response) return fail(exchange.response.error());
    if (exchange.response->size() > response.size())
      return fail(Code::wire_overflow, response.size(),
                  static_cast<std::uint32_t>(exchange.response->size()));
    return copy_to(response, *exchange.response);
  }

 private:
  std::vector<RecordedExchange> exchanges_;
  std::size_t next_ = 0;
  ReplayMode mode_;
};
static_assert(Transport<Replay>);

}  // namespace snpnv
