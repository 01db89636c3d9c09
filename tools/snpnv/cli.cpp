// SPDX-License-Identifier: Apache-2.0
#include "cli.hpp"

#include "tools/nearest.hpp"

namespace snpnv::tool {

namespace {
#if SNPNV_TCTI
#define SNPNV_ANY_TCTI ", or any TCTI"
#else
#define SNPNV_ANY_TCTI ""
#endif
constexpr OptionSpec kCommon[] = {
    {'T', "tcti", "TCTI",
     "the TPM: device[:PATH], swtpm[:host=ADDRESS,port=N], record:FILE=TCTI, replay:FILE" SNPNV_ANY_TCTI},
    {0, "json", "", "print one JSON object"},
    {'q', "quiet", "", "print nothing but the result"},
    {'h', "help", "", "explain"},
    {0, "version", "", "print the version"},
};

const OptionSpec* find(std::span<const OptionSpec> options, std::string_view name) {
  for (const OptionSpec& option : options)
    if (option.name == name) return &option;
  return nullptr;
}
const OptionSpec* find(std::span<const OptionSpec> options, char letter) {
  for (const OptionSpec& option : options)
    if (option.letter == letter && letter != 0) return &option;
  return nullptr;
}
Outcome<Arguments> unknown_option(std::string_view spelled, std::span<const OptionSpec> options) {
  Nearest nearest(spelled.substr(spelled.starts_with("--") ? 2 : spelled.size()));  // nothing is like a letter
  for (const OptionSpec& option : options) nearest.offer(option.name);
  return usage(spelled, "unknown option", nearest.hint("--", "--help lists the options"));
}
}  // namespace

const std::span<const OptionSpec> kCommonOptions{kCommon};

bool Arguments::has(std::string_view option) const {
  for (const Given& given : options_)
    if (given.name == option) return true;
  return false;
}

std::optional<std::string_view> Arguments::value(std::string_view option) const {
  const auto all = values(option);
  if (all.empty()) return std::nullopt;
  return all.back();
}

std::vector<std::string_view> Arguments::values(std::string_view option) const {
  std::vector<std::string_view> out;
  for (const Given& given : options_)
    if (given.name == option) out.push_back(given.value);
  return out;
}

Outcome<Arguments> Arguments::parse(std::span<const std::string_view> words,
                                    std::span<const OptionSpec> options) {
  Arguments out;
  bool options_end = false;
  const auto take = [&](const OptionSpec& option, std::string_view spelled,
                        std::optional<std::string_view> attached, std::size_t& i) -> Outcome<void> {
    std::string_view value;
    if (option.value.empty()) {
      if (attached) return usage(spelled, "takes no value");
    } else if (attached) {
      value = *attached;
    } else if (option.may_have_value()) {
      value = {};
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return usage(spelled, "needs a value: " + std::string(option.value));
    }
    if (!option.repeats && !option.value.empty() && out.has(option.name))
      return usage(spelled, "given twice");
    out.options_.push_back({option.name, value});
    return {};
  };
  for (std::size_t i = 0; i < words.size(); ++i) {
    const std::string_view word = words[i];
    if (options_end || word == "-" || !word.starts_with('-')) {
      out.operands_.push_back(word);
    } else if (word == "--") {
      options_end = true;
    } else if (word.starts_with("--")) {
      const std::size_t equals = word.find('=');
      const std::string_view spelled = word.substr(0, equals);
      const OptionSpec* const option = find(options, spelled.substr(2));
      if (option == nullptr) return unknown_option(spelled, options);
      std::optional<std::string_view> attached;
      if (equals != std::string_view::npos) attached = word.substr(equals + 1);
      SNPNV_CHECK(take(*option, spelled, attached, i));
    } else {
      // Letters may stand together; one that takes a value ends the group.
      for (std::size_t at = 1; at < word.size(); ++at) {
        const std::string spelled = std::string("-") + word[at];
        const OptionSpec* const option = find(options, word[at]);
        if (option == nullptr) return unknown_option(spelled, options);
        std::optional<std::string_view> attached;
        if (!option->value.empty() && at + 1 < word.size()) {
          attached = word.substr(at + 1);
          at = word.size();
        }
        SNPNV_CHECK(take(*option, spelled, attached, i));
      }
    }
  }
  return out;
}

Outcome<void> Arguments::check(const CommandSpec& command) const {
  const std::string hint = concat({"usage: snpnv ", command.name, " ", command.operands});
  if (operand_count() < command.min_operands) return usage(command.name, "an operand is missing", hint);
  if (operand_count() > command.max_operands)
    return usage(operand(command.max_operands), "one operand too many", hint);
  return {};
}

Outcome<std::uint64_t> number(std::string_view option, std::string_view text, std::uint64_t least,
                              std::uint64_t most) {
  const std::string range = format("needs a whole number from %llu to %llu",
                                   static_cast<unsigned long long>(least),
                                   static_cast<unsigned long long>(most));
  const auto value = decimal(text, most);
  if (!value || *value < least) return usage(option, range);
  return *value;
}

}  // namespace snpnv::tool
