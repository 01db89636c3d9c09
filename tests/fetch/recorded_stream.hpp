// SPDX-License-Identifier: Apache-2.0
// A connection that plays back what a server said, in pieces, and keeps what was sent to it.
#pragma once

#include "snpnv/fetch/http.hpp"
#include "tests/test.hpp"

namespace snpnv::test {

class RecordedStream {
 public:
  /// Gives `text`, at most `piece` octets at a time, and then `end`: 0 for an orderly end.
  explicit RecordedStream(std::string text, std::size_t piece = 4096, Result<std::size_t> end = std::size_t{0})
      : text_(std::move(text)), piece_(piece), end_(end) {}

  Result<std::size_t> read_some(MutBytes to) noexcept {
    if (at_ == text_.size()) return end_;
    const std::string part = text_.substr(at_, std::min(piece_, to.size()));
    copy_to(to, view(part));
    at_ += part.size();
    return part.size();
  }
  Result<void> write_all(ByteView from) noexcept {
    sent += text(from);
    return {};
  }

  std::string sent;

 private:
  std::string text_;
  std::size_t piece_;
  Result<std::size_t> end_;
  std::size_t at_ = 0;
};
static_assert(Stream<RecordedStream>);

}  // namespace snpnv::test
