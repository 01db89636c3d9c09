// SPDX-License-Identifier: Apache-2.0
#include "verdict.hpp"

#include <unistd.h>

#include <cstdlib>

#include "check_options.hpp"
#include "describe.hpp"
#include "files.hpp"
#include "output.hpp"

namespace snpnv::tool {
namespace {

// Where a verdict is told: a terminal is shown what matters, last and in colour; all else gets every line.
struct Stage {
  bool terminal = ::isatty(STDOUT_FILENO) == 1;
  bool colours = terminal && !is_set("NO_COLOR") && !is_dumb();
  std::size_t width = terminal_width();

  // https://no-color.org: set and not empty.
  static bool is_set(const char* variable) {
    const char* const value = ::getenv(variable);
    return value != nullptr && *value != '\0';
  }
  static bool is_dumb() {
    const char* const term = ::getenv("TERM");
    return term == nullptr || std::string_view(term) == "dumb";
  }
  /// A line with its first word in colour, and what stands behind a dash within the width.
  [[nodiscard]] std::string show(CheckOutcome outcome, std::string_view line) const {
    constexpr std::string_view kColours[] = {"\x1b[33m", "\x1b[32m", "\x1b[1;31m"};  // skip, pass, fail
    constexpr std::string_view kDash = " — ";
    const std::size_t word = line.find_first_of(" :\n");
    std::string out(line);
    if (const std::size_t at = line.find(kDash); width != 0 && at != std::string_view::npos) {
      const std::size_t detail = at + kDash.size();
      out.resize(detail);
      out += wrapped(line.substr(detail, line.size() - detail - 1), at + std::size(" - ") - 1, width) + "\n";
    }
    if (!colours) return out;
    return concat({kColours[static_cast<std::size_t>(outcome)], out.substr(0, word), "\x1b[0m", out.substr(word)});
  }
};

}  // namespace

std::unexpected<Failure> malformed(std::string_view what, const Error& error, ByteView text) {
  Failure failure = describe_json(what, text, error);
  failure.exit = Exit::rejected;
  return std::unexpected(failure);
}

// The clock is the one thing that is neither evidence nor usage.
std::unexpected<Failure> not_judged(std::string_view what, const Error& error) {
  if (error.code != Code::verify_clock) return malformed(what, error);
  Failure failure = describe("clock", error);
  failure.hint = "--at gives the time";
  return std::unexpected(failure);
}

Outcome<std::string> verdict_json(const Verdict& verdict, bool (*covers)(Check),
                                  std::optional<std::uint64_t> line) {
  JsonText out;
  JsonWriter& json = out.json();
  json.begin_object();
  if (line) {
    json.key("line");
    json.number(*line);
  }
  write_verdict(json, verdict, teller(covers));
  json.end_object();
  return out.finish();
}

// Every check in its order; on a terminal, unless --verbose, what was not asked for in one line, and failures last.
static std::string lines(const Arguments& arguments, const Verdict& verdict, const VerdictTeller& teller, const Stage& stage) {
  const bool all = !stage.terminal || arguments.has("verbose");
  std::string out;
  std::string failures;
  unsigned not_asked = 0;
  for (const CheckRow& check : kChecks) {
    const CheckResult& result = verdict[check.id];
    if (!teller.tells(verdict, check.id)) continue;
    if (!all && result.note == CheckResult::kNotAsked) {
      ++not_asked;
      continue;
    }
    const bool last = !all && result.outcome == CheckOutcome::fail;
    (last ? failures : out) += stage.show(
        result.outcome, written(kCheckLineRoom, [&](ByteWriter& line) { write_check(line, check.id, result, teller); }));
  }
  if (not_asked != 0)
    out += stage.show(CheckOutcome::skip, format("SKIP %u check%s — not asked for; --verbose lists them\n", not_asked,
                                                 not_asked == 1 ? "" : "s"));
  return out + failures;
}

Outcome<Exit> tell(const Arguments& arguments, const Verdict& verdict, bool (*covers)(Check)) {
  std::string text;
  if (arguments.json()) {
    SNPNV_TRY(text, verdict_json(verdict, covers));
  } else {
    const Stage stage;
    const VerdictTeller telling = teller(covers);
    if (!arguments.quiet()) text = lines(arguments, verdict, telling, stage);
    text += stage.show(verdict.verified() ? CheckOutcome::pass : CheckOutcome::fail,
                       written(kCheckLineRoom, [&](ByteWriter& out) { write_outcome(out, verdict, telling); }));
  }
  SNPNV_CHECK(print(text));
  return verdict.verified() ? Exit::done : Exit::rejected;
}

}  // namespace snpnv::tool
