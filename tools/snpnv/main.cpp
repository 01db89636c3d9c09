#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdio>

#include "commands.hpp"
#include "snpnv/version.hpp"

namespace snpnv::tool {
namespace {

constexpr std::array kCommands{&kReport,        &kQuote, &kEvidence, &kProbe,       &kDisplayReport,     &kDisplayEnvelope,
                               &kDisplayClaims, &kDisplayCert, &kVerifyCerts, &kVerifyAttestation,
                               &kVerifyEnvelope, &kVerifyEvidence, &kDisplayEvidence};

std::string option_lines(std::span<const OptionSpec> options) {
  std::string out;
  for (const OptionSpec& option : options) {
    const std::string letter = option.letter != 0 ? std::string("-") + option.letter + "," : "   ";
    const std::string spelled =
        "--" + std::string(option.name) + (option.value.empty() ? "" : " " + std::string(option.value));
    out += format("  %s %-24s %s\n", letter.c_str(), spelled.c_str(), std::string(option.help).c_str());
  }
  return out;
}

constexpr std::string_view kExits =
    "\nexit status: 0 done or verified, 1 rejected, 2 wrong usage, 3 a file, the TPM or the network\n"
    "failed, 4 no fresh report before the deadline\n";

// Help for the commands whose names begin with `words`, or for all of them.
std::string overview(std::string_view words) {
  std::string out =
      "usage: snpnv [options] COMMAND ...\n\n"
      "Fresh AMD SEV-SNP attestation reports through a vTPM, and their verification.\n\ncommands:\n";
  for (const CommandSpec* const command : kCommands)
    if (command->name.starts_with(words))
      out += format("  %-24s %s\n", std::string(command->name).c_str(),
                    std::string(command->summary).c_str());
  out += "\noptions, before or after the command:\n" + option_lines(kCommonOptions) +
         "\n'-' as a file is standard input or output. snpnv COMMAND --help explains a command.\n";
  return out + std::string(kExits);
}

std::string help(const CommandSpec& command) {
  return "usage: snpnv " + std::string(command.name) + " " + std::string(command.operands) + "\n\n" +
         std::string(command.description) + "\n\noptions:\n" + option_lines(command.options) +
         option_lines(kCommonOptions) + std::string(kExits);
}

// The command that the first words which are not options name, and how many words that takes.
// Options before it may only be the common ones, so values of others cannot be mistaken for it.
struct Named {
  const CommandSpec* command = nullptr;
  std::vector<std::string_view> rest;  // all words but the name
  std::string_view first;              // first word of the name, if there was one
};

Outcome<Named> find_command(std::span<const std::string_view> words) {
  Named out;
  std::size_t i = 0;
  while (i < words.size() && words[i].starts_with('-') && words[i].size() > 1) {
    out.rest.push_back(words[i]);
    const bool value_follows = words[i] == "-T" || words[i] == "--tcti";
    ++i;
    if (value_follows && i < words.size()) out.rest.push_back(words[i++]);
  }
  if (i == words.size()) return out;
  out.first = words[i];
  const auto pair = [&](std::size_t at) {
    return std::string(words[i]) + " " + std::string(words[at]);
  };
  for (const CommandSpec* const command : kCommands) {
    std::size_t used = 0;
    if (command->name == words[i]) used = 1;
    if (i + 1 < words.size() && command->name == pair(i + 1)) used = 2;
    if (used == 0) continue;
    out.command = command;
    out.rest.insert(out.rest.end(), words.begin() + static_cast<std::ptrdiff_t>(i + used), words.end());
    return out;
  }
  out.rest.insert(out.rest.end(), words.begin() + static_cast<std::ptrdiff_t>(i + 1), words.end());
  return out;
}

bool is_group(std::string_view word) {
  return std::ranges::any_of(kCommands, [&](const CommandSpec* c) {
    return c->name.starts_with(std::string(word) + " ");
  });
}

Outcome<Exit> run(std::span<const std::string_view> words) {
  SNPNV_TRY(const Named named, find_command(words));
  const auto asks = [&](std::string_view long_form, std::string_view short_form) {
    return std::ranges::any_of(
        named.rest, [&](std::string_view w) { return w == long_form || w == short_form; });
  };
  if (named.command == nullptr) {
    const bool group = !named.first.empty() && is_group(named.first);
    if ((named.first.empty() || group || named.first == "help") && asks("--help", "-h")) {
      SNPNV_CHECK(print(overview(group ? named.first : std::string_view())));
      return Exit::done;
    }
    if (named.first.empty() && asks("--version", "")) {
      SNPNV_CHECK(print("snpnv " SNPNV_VERSION "\n"));
      return Exit::done;
    }
    if (named.first.empty()) {
      SNPNV_CHECK(Arguments::parse(named.rest, kCommonOptions));
      return usage("command", "missing", "snpnv --help lists the commands");
    }
    if (group) return usage(named.first, "of what?", "snpnv " + std::string(named.first) + " --help");
    return usage(named.first, "unknown command", "snpnv --help lists the commands");
  }
  std::vector<OptionSpec> options(named.command->options.begin(), named.command->options.end());
  options.insert(options.end(), kCommonOptions.begin(), kCommonOptions.end());
  SNPNV_TRY(const Arguments arguments, Arguments::parse(named.rest, options));
  if (arguments.has("help")) {
    SNPNV_CHECK(print(help(*named.command)));
    return Exit::done;
  }
  if (arguments.has("version")) {
    SNPNV_CHECK(print("snpnv " SNPNV_VERSION "\n"));
    return Exit::done;
  }
  SNPNV_CHECK(arguments.check(*named.command));
  return named.command->run(arguments);
}

// A standard descriptor that is closed would go to the next file or TPM that is opened, and what is
// printed with it. It is opened the wrong way round instead, so that its use is an error.
void hold_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) ::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

}  // namespace
}  // namespace snpnv::tool

int main(int argc, char** argv) {
  snpnv::tool::hold_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed standard output is an error like any other
  const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto exit = snpnv::tool::run(words);
  if (exit) return static_cast<int>(*exit);
  snpnv::tool::print_failure(exit.error());
  return static_cast<int>(exit.error().exit);
}
