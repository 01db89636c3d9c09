// SPDX-License-Identifier: Apache-2.0
// What was probably meant by a word that nothing has as its name.
#pragma once

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace snpnv {

/// The one most like a word, of the names that are offered.
class Nearest {
 public:
  explicit Nearest(std::string_view word) noexcept : word_(word), least_(std::min<std::size_t>(3, word.size() / 2 + 1)) {}

  void offer([[maybe_unused]] std::string_view name) {
#if SNPNV_VERIFY  // the collector has three commands
    const std::size_t mistakes = distance(word_, name);
    if (mistakes >= least_) return;
    least_ = mistakes;
    name_ = name;
#endif
  }
  /// Whether the word is one of the names.
  [[nodiscard]] bool found() const noexcept { return least_ == 0; }
  /// @returns the question whether it was meant | `otherwise` - none is like it.
  [[nodiscard]] std::string hint(std::string_view before, std::string_view otherwise) const {
    if (SNPNV_VERIFY == 0 || name_.empty()) return std::string(otherwise);
    std::string out("did you mean ");
    out += before;
    out += name_;
    out += '?';
    return out;
  }

 private:
  // How many letters must be changed, left out or put in to make `b` of `a`.
  static std::size_t distance(std::string_view a, std::string_view b) {
    std::vector<std::size_t> row(b.size() + 1);
    for (std::size_t j = 0; j < row.size(); ++j) row[j] = j;
    for (std::size_t i = 0; i < a.size(); ++i) {
      std::size_t diagonal = row[0]++;
      for (std::size_t j = 0; j < b.size(); ++j) {
        const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
        diagonal = row[j + 1];
        row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
      }
    }
    return row.back();
  }

  std::string_view word_;
  std::string_view name_;
  std::size_t least_;  // mistakes: fewer may be one word
};

/// The same for a word of a closed list: empty if none is like it.
[[nodiscard]] inline std::string nearest_of(std::string_view word, std::initializer_list<std::string_view> names) {
  Nearest nearest(word);
  for (const std::string_view name : names) nearest.offer(name);
  return nearest.hint("", "");
}

}  // namespace snpnv
