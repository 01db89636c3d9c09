#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>

#include "commands.hpp"
#include "snpnv/version.hpp"

namespace snpnv::tool {
namespace {

constexpr std::array kCommands{
    &kReport,      &kProbe,       &kDisplayReport,     &kDisplayEnvelope, &kDisplayClaims,
#if SNPNV_VERIFY
    &kQuote,       &kEvidence,    &kDisplayCert,       &kDisplayEvidence,
    &kVerifyCerts, &kVerifyAttestation, &kVerifyEnvelope, &kVerifyEvidence,
#endif
#ifdef SNPNV_FETCH
    &kFetchCa,     &kFetchVcek,   &kFetchCrl,
#endif
};

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
  std::size_t i = 0;
  while (i < words.size() && words[i].starts_with('-') && words[i].size() > 1) {
    const bool letters = !words[i].starts_with("--");  // of which one with a value ends the group
    const bool value_follows = letters ? words[i].find('T') == words[i].size() - 1 : words[i] == "--tcti";
    i += value_follows ? 2 : 1;
  }
  Named out;
  out.rest.assign(words.begin(), words.end());
  if (i >= words.size()) return out;
  out.first = words[i];
  std::size_t used = 1;
  for (const CommandSpec* const command : kCommands) {
    const bool two_words = i + 1 < words.size() && command->name == std::string(words[i]) + " " + std::string(words[i + 1]);
    if (command->name != words[i] && !two_words) continue;
    out.command = command;
    used = two_words ? 2 : 1;
    break;
  }
  const auto name = out.rest.begin() + static_cast<std::ptrdiff_t>(i);
  out.rest.erase(name, name + static_cast<std::ptrdiff_t>(used));
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
  std::vector<OptionSpec> options(named.command->options.size() + kCommonOptions.size());
  std::ranges::copy(kCommonOptions, std::ranges::copy(named.command->options, options.begin()).out);
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

// A closed standard descriptor would go to the next file or connection that is opened, and the result or
// an error would be written into that. Opened the wrong way round, it fails when used, as a closed one does.
void hold_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
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
