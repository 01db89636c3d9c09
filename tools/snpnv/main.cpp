// SPDX-License-Identifier: Apache-2.0
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#if SNPNV_TCTI
#include <filesystem>
#include <fstream>
#endif

#include "commands.hpp"
#include "output.hpp"
#include "snpnv/version.hpp"
#include "tools/nearest.hpp"
#include "waiting.hpp"

namespace snpnv::tool {
namespace {

constexpr auto kCommands = std::to_array({
    &kReport,      &kProbe,       &kDisplayReport,     &kDisplayEnvelope, &kDisplayClaims,
#if SNPNV_VERIFY
    &kQuote,       &kEvidence,    &kDisplayCert,       &kDisplayEvidence, &kDisplayEventlog,
    &kVerifyCerts, &kVerifyAttestation, &kVerifyEnvelope, &kVerifyEvidence,
#endif
#ifdef SNPNV_FETCH
    &kFetchCa,     &kFetchVcek,   &kFetchCrl,          &kKbs,
    &kMaa,
#endif
});

constexpr std::size_t kWidth = 80;  // columns of help texts

std::string option_lines(std::span<const OptionSpec> options, bool tcti = true) {
  std::string out;
  for (const OptionSpec& option : options) {
    if (!tcti && option.name == "tcti") continue;
    const char letter[] = {'-', option.letter, ',', ' '};
    const std::string_view before = option.letter != 0 ? std::string_view(letter, sizeof letter) : "    ";
    out += two_columns(concat({"  ", before, "--", option.name, option.value.empty() || option.may_have_value() ? "" : " ", option.value}), 30,
                       option.help, kWidth);
  }
  return out;
}

constexpr std::string_view kExits =
    "\nexit status: 0 done or verified, 1 rejected, 2 wrong usage,\n"
    "3 a file, the TPM or the network failed, 4 no fresh report before the deadline\n";

// Help for the commands whose names begin with `words`, or for all of them.
std::string overview(std::string_view words) {
  std::string out =
      "usage: snpnv [options] COMMAND ...\n\n"
      "Fresh AMD SEV-SNP attestation reports through a vTPM, and their verification.\n\ncommands:\n";
  bool ask_tpm = false;
  for (const CommandSpec* const command : kCommands) {
    if (!command->name.starts_with(words)) continue;
    out += two_columns(concat({"  ", command->name}), 26, command->summary, kWidth);
    ask_tpm = ask_tpm || command->asks_tpm;
  }
  return concat({out, "\noptions, before or after the command:\n", option_lines(kCommonOptions, ask_tpm),
                 "\n'-' is standard input or output. snpnv COMMAND --help explains a command.\n", kExits});
}

std::string help(const CommandSpec& command) {
  return concat({"usage: ", wrapped(concat({"snpnv ", command.name, " ", command.operands}), 7, kWidth), "\n\n",
                 wrapped(command.description, 0, kWidth), "\n\noptions:\n", option_lines(command.options),
                 option_lines(kCommonOptions, command.asks_tpm), kExits});
}

// The command that the first words which are not options name, and how many words that takes.
// Options before it may only be the common ones, so values of others cannot be mistaken for it.
struct Named {
  const CommandSpec* command = nullptr;
  std::vector<std::string_view> rest;  // all words but the name
  std::string_view first;              // first word of the name, if there was one

  [[nodiscard]] bool has(std::string_view option) const {
    for (const std::string_view word : rest)
      if (word == option) return true;
    return false;
  }
};

Named find_command(std::span<const std::string_view> words) {
  Named out;
  out.rest.assign(words.begin(), words.end());
  std::size_t i = 0;
  const auto pass_options = [&] {
    while (i < out.rest.size() && out.rest[i].starts_with('-') && out.rest[i].size() > 1) {
      const std::string_view word = out.rest[i];
      const bool letters = !word.starts_with("--");  // of which one with a value ends the group
      const bool value_follows = letters ? word.find('T') == word.size() - 1 : word == "--tcti";
      i += value_follows ? 2 : 1;
    }
  };
  pass_options();
  if (i + 1 < out.rest.size() && out.rest[i] == "help") {
    out.rest.erase(out.rest.begin() + static_cast<std::ptrdiff_t>(i));
    out.rest.push_back("--help");
    pass_options();
  }
  if (i >= out.rest.size()) return out;
  out.first = out.rest[i];
  std::size_t used = 1;
  for (const CommandSpec* const command : kCommands) {
    const bool two_words = i + 1 < out.rest.size() && command->name == concat({out.first, " ", out.rest[i + 1]});
    if (command->name != out.first && !two_words) continue;
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
    return c->name.starts_with(word) && c->name.substr(word.size()).starts_with(' ');
  });
}

constexpr std::string_view kList = "snpnv --help lists the commands";

// The command whose name is most like `word`, as a hint.
std::string suggestion(std::string_view word) {
  Nearest nearest(word);
  nearest.offer("help");
  for (const CommandSpec* const command : kCommands) {
    nearest.offer(command->name);
    nearest.offer(command->name.substr(0, command->name.find(' ')));
  }
  return nearest.hint("", kList);
}

// Without a command: help, version, or what is wrong.
Outcome<Exit> run_none(const Named& named) {
  const std::string_view first = named.first;
  const bool group = !first.empty() && is_group(first);
  if (first == "help" || ((first.empty() || group) && (named.has("--help") || named.has("-h")))) {
    SNPNV_CHECK(print(overview(group ? first : std::string_view())));
    return Exit::done;
  }
  if (first.empty() && named.has("--version")) {
    SNPNV_CHECK(print("snpnv " SNPNV_VERSION "\n"));
    return Exit::done;
  }
  if (first.empty()) {
    SNPNV_CHECK(Arguments::parse(named.rest, kCommonOptions));
    return usage("command", "missing", kList);
  }
  std::string_view second;
  for (const std::string_view word : named.rest)
    if (second.empty() && !word.starts_with('-')) second = word;
  if (group && second.empty()) return usage(first, "of what?", concat({"snpnv ", first, " --help"}));
  const std::string word = concat({first, group ? " " : "", group ? second : ""});
  return usage(word, "unknown command", suggestion(word));
}

Outcome<Exit> run(const Named& named) {
  if (named.command == nullptr) return run_none(named);
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
  Waiting::allow(!arguments.quiet());
  return named.command->run(arguments);
}

// A closed standard descriptor would go to the next file or connection that is opened, and the result or
// an error would be written into that. Opened the wrong way round, it fails when used, as a closed one does.
void hold_standard_descriptors() {
  for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO})
    if (::fcntl(fd, F_GETFD) < 0) (void)::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY);
}

// A failure, in words; as JSON too where that was asked for, so that there is one object whatever happens.
void tell_failure(const Named& named, const Failure& failure) {
  const bool verifying = SNPNV_VERIFY && named.command != nullptr && named.command->name.starts_with("verify");
  if (named.has("--json")) {
    JsonText out;
    JsonWriter& json = out.json();
    json.begin_object();
    verifying ? write_unjudged(json, failure.words()) : write_error(json, failure.words());
    json.end_object();
    if (const auto text = out.finish()) (void)print(*text);
  } else if (verifying && failure.exit == Exit::rejected && !named.has("--stream")) {
    (void)print(concat({"REJECTED: ", failure.code, "\n"}));  // by the name of why it could not be read
  }
  print_failure(failure);
}

#if SNPNV_TCTI
// A TCTI that is left behind at the deadline cannot end the program that it may have started (tcti-cmd).
void end_children() {
  std::error_code error;
  for (std::filesystem::directory_iterator task("/proc/self/task", error), end; !error && task != end; task.increment(error)) {
    std::ifstream children(task->path() / "children");
    for (pid_t child; children >> child;) ::kill(child, SIGKILL);
  }
}
#endif

}  // namespace
}  // namespace snpnv::tool

int main(int argc, char** argv) {
  snpnv::tool::hold_standard_descriptors();
  std::signal(SIGPIPE, SIG_IGN);  // a closed standard output is an error like any other
#if SNPNV_TCTI
  ::setenv("TSS2_LOG", "all+none", 0);  // errors are told by snpnv
#endif
  const std::vector<std::string_view> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  const auto named = snpnv::tool::find_command(words);
  const auto exit = snpnv::tool::run(named);
#if SNPNV_TCTI
  snpnv::tool::end_children();
#endif
  if (exit) return static_cast<int>(*exit);
  snpnv::tool::tell_failure(named, exit.error());
  return static_cast<int>(exit.error().exit);
}
