// SPDX-License-Identifier: Apache-2.0
// The command line: commands, their options, and what was given.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "failure.hpp"

namespace snpnv::tool {

/// One option of a command. Flags have no value.
struct OptionSpec {
  char letter;             // 0: none
  std::string_view name;   // without dashes
  std::string_view value;  // placeholder of its value; empty: a flag; [=…]: a value may follow an equals sign
  std::string_view help;
  bool repeats = false;

  [[nodiscard]] constexpr bool may_have_value() const { return SNPNV_VERIFY && value.starts_with('['); }
};

class Arguments;

struct CommandSpec {
  std::string_view name;  // one or two words
  std::string_view operands;
  std::string_view summary;
  std::string_view description;  // paragraphs of the help text
  std::size_t min_operands;
  std::size_t max_operands;
  std::span<const OptionSpec> options;
  Outcome<Exit> (*run)(const Arguments&);
  bool asks_tpm = false;  // so -T does something
};

/// The command line, checked against the command's options. Views live as long as argv.
class Arguments {
 public:
  [[nodiscard]] std::size_t operand_count() const { return operands_.size(); }
  [[nodiscard]] std::string_view operand(std::size_t i) const { return operands_[i]; }
  [[nodiscard]] bool has(std::string_view option) const;
  /// The option's value; the last one if it was given several times.
  [[nodiscard]] std::optional<std::string_view> value(std::string_view option) const;
  [[nodiscard]] std::vector<std::string_view> values(std::string_view option) const;

  [[nodiscard]] bool quiet() const { return has("quiet"); }
  [[nodiscard]] bool json() const { return has("json"); }

  /// Reads operands and options from `words`; options of every command are known too.
  [[nodiscard]] static Outcome<Arguments> parse(std::span<const std::string_view> words,
                                                std::span<const OptionSpec> options);
  /// Checks the number of operands.
  [[nodiscard]] Outcome<void> check(const CommandSpec& command) const;

 private:
  struct Given {
    std::string_view name;
    std::string_view value;
  };
  std::vector<std::string_view> operands_;
  std::vector<Given> options_;
};

/// Options that stand before or after any command.
extern const std::span<const OptionSpec> kCommonOptions;

/// A whole number from `least` to `most`.
[[nodiscard]] Outcome<std::uint64_t> number(std::string_view option, std::string_view text,
                                            std::uint64_t least, std::uint64_t most);

}  // namespace snpnv::tool
