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

std::string finding_text(const Finding& finding) {
  const auto value = static_cast<unsigned long long>(finding.value);
  switch (finding.kind) {
    case Finding::Kind::none: return {};
    case Finding::Kind::number: return format("%llu", value);
    case Finding::Kind::mask: return format("0x%llx", value);
    case Finding::Kind::octets: return finding.size == 0 ? "nothing" : hex(finding.octets());
    case Finding::Kind::text: return str(text_of(finding.octets()));
    case Finding::Kind::boolean: return finding.value != 0 ? "true" : "false";
    case Finding::Kind::time: {
      std::array<std::byte, 20> buffer{};
      Writer writer(buffer);
      encode_rfc3339(writer, static_cast<UnixTime>(finding.value));
      return str(text_of(writer.written()));
    }
    case Finding::Kind::version:
      return format("%llu.%llu.%llu", value >> 16, value >> 8 & 0xFF, value & 0xFF);
  }
  return {};
}

}  // namespace

std::string detail_of(const CheckRow& check, const CheckResult& result) {
  std::string detail;
  const auto add = [&](std::string_view separator, const std::string& part) {
    if (part.empty()) return;
    if (!detail.empty()) detail += separator;
    detail += part;
  };
  add("", str(result.subject));
  if (result.error) {
    const Failure failure = describe("", *result.error);
    add(": ", failure.why + " (" + failure.code + ")");
  } else {
    add(": ", note_of(check.id, result));
  }
  if (result.note == CheckResult::kNotAsked) detail += "; " + option_of(check.id) + " turns it on";
  const std::string found = finding_text(result.found);
  if (result.outcome == CheckOutcome::pass) {
    add(" ", found);
  } else {
    const std::string expected = finding_text(result.expected);
    if (!expected.empty()) add("; ", "expected " + expected);
    if (!found.empty()) add(expected.empty() ? "; " : ", ", "found " + found);
  }
  return detail;
}

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
  [[nodiscard]] std::string paint(CheckOutcome outcome, std::string_view word) const {
    constexpr std::string_view kColours[] = {"\x1b[33m", "\x1b[32m", "\x1b[1;31m"};  // skip, pass, fail
    if (!colours) return str(word);
    return str(kColours[static_cast<std::size_t>(outcome)]) + str(word) + "\x1b[0m";
  }
  [[nodiscard]] std::string line(CheckOutcome outcome, std::string_view what, const std::string& detail) const {
    std::string out = paint(outcome, name(outcome)) + " " + str(what);
    if (detail.empty()) return out + "\n";
    const std::string shown = printable(detail);
    const std::size_t indent = std::size("PASS") + what.size() + std::size(" - ") - 1;
    return out + " — " + (width == 0 ? shown : wrapped(shown, indent, width)) + "\n";
  }
};

void finding_json(JsonWriter& json, std::string_view key, const Finding& finding) {
  if (finding.kind == Finding::Kind::none) return;
  json.key(key);
  if (finding.kind == Finding::Kind::number) return json.number(finding.value);
  if (finding.kind == Finding::Kind::boolean) return json.boolean(finding.value != 0);
  json.string(finding.kind == Finding::Kind::octets ? hex(finding.octets()) : finding_text(finding));
}

std::string_view root_name(RootSource source) {
  switch (source) {
    case RootSource::none: return "none";
    case RootSource::pinned: return "pinned";
    case RootSource::additional: return "additional";
  }
  return "unknown";
}

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

// A policy may ask for what the command has no evidence of; the check that fails is told all the same.
static bool shown(Check check, const CheckResult& result, bool (*covers)(Check)) {
  return covers(check) || result.outcome == CheckOutcome::fail;
}

Outcome<std::string> verdict_json(const Verdict& verdict, bool (*covers)(Check),
                                  std::optional<std::uint64_t> line) {
  JsonText out;
  JsonWriter& json = out.json();
  const auto failed = verdict.first_failure();
  json.begin_object();
  if (line) {
    json.key("line");
    json.number(*line);
  }
  json.key("verified");
  json.boolean(verdict.verified());
  json.key("rejected_by");
  failed ? json.string(name(*failed)) : json.null();
  json.key("root");
  json.string(root_name(verdict.root));
  json.key("product");
  verdict.product ? json.string(name(*verdict.product)) : json.null();
  json.key("old_evidence");
  json.boolean(verdict.old_evidence);
  json.key("checks");
  json.begin_array();
  for (const CheckRow& check : kChecks) {
    const CheckResult& result = verdict[check.id];
    if (!shown(check.id, result, covers)) continue;
    json.begin_object();
    json.key("name");
    json.string(check.name);
    json.key("outcome");
    json.string(lower(name(result.outcome)));
    json.key("subject");
    json.string(result.subject);
    json.key("note");
    json.string(note_of(check.id, result));
    if (const std::string option = option_of(check.id); !option.empty()) {
      json.key("option");
      json.string(option);
    }
    finding_json(json, "expected", result.expected);
    finding_json(json, "found", result.found);
    if (result.error) {
      json.key("error");
      json.string(name(result.error->code));
    }
    json.end_object();
  }
  json.end_array();
  json.end_object();
  return out.finish();
}

// Every check in its order; on a terminal, unless --verbose, what was not asked for in one line, and failures last.
static std::string lines(const Arguments& arguments, const Verdict& verdict, bool (*covers)(Check), const Stage& stage) {
  const bool all = !stage.terminal || arguments.has("verbose");
  std::string out;
  std::string failures;
  unsigned not_asked = 0;
  for (const CheckRow& check : kChecks) {
    const CheckResult& result = verdict[check.id];
    if (!shown(check.id, result, covers)) continue;
    if (!all && result.note == CheckResult::kNotAsked) {
      ++not_asked;
      continue;
    }
    const bool last = !all && result.outcome == CheckOutcome::fail;
    (last ? failures : out) += stage.line(result.outcome, check.name, detail_of(check, result));
  }
  if (not_asked != 0)
    out += stage.line(CheckOutcome::skip, format("%u check%s", not_asked, not_asked == 1 ? "" : "s"), "not asked for; --verbose lists them");
  return out + failures;
}

Outcome<Exit> tell(const Arguments& arguments, const Verdict& verdict, bool (*covers)(Check)) {
  std::string text;
  if (arguments.json()) {
    SNPNV_TRY(text, verdict_json(verdict, covers));
  } else {
    const Stage stage;
    if (!arguments.quiet()) text = lines(arguments, verdict, covers, stage);
    const auto failed = verdict.first_failure();
    text += verdict.verified() ? stage.paint(CheckOutcome::pass, "VERIFIED") + "\n"
                               : stage.paint(CheckOutcome::fail, "REJECTED") + ": " + str(failed ? name(*failed) : "") + "\n";
    if (verdict.verified() && verdict.old_evidence)
      text += "the report is not bound to the nonce: --allow-old-evidence let it pass\n";
  }
  SNPNV_CHECK(print(text));
  return verdict.verified() ? Exit::done : Exit::rejected;
}

}  // namespace snpnv::tool
