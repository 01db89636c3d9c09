// SPDX-License-Identifier: Apache-2.0
// Verdicts and what checks found in words, as text and as JSON.
#pragma once

#include "snpnv/verify/checks.hpp"
#include "snpnv/words/error.hpp"

namespace snpnv {

/// What a program says of a verdict in its own words: which checks it can ask for, and how.
struct VerdictTeller {
  /// True for a check that is told whatever its outcome; one that fails always is.
  bool (*covers)(Check) = [](Check) { return true; };
  /// How a user turns the check on, such as "--vmpl N"; empty if it is always on or cannot be.
  std::string_view (*turns_on)(Check) = [](Check) { return std::string_view(); };
  /// What a user gives, or has given, for a check with this note, such as "--claims"; empty: nothing does.
  std::string_view (*answers)(Check, std::string_view note) = [](Check, std::string_view) { return std::string_view(); };

  [[nodiscard]] bool tells(const Verdict& verdict, Check check) const {
    return covers(check) || verdict[check].outcome == CheckOutcome::fail;
  }
};

/// Octets that hold any check in a line, and any verdict as text.
inline constexpr std::size_t kCheckLineRoom = 1536;
inline constexpr std::size_t kVerdictTextRoom = (kChecks.size() + 2) * kCheckLineRoom;

/// Appends a finding; what is from outside in it is escaped as `form` says.
inline void write_finding(ByteWriter& out, const Finding& finding, Escape form = Escape::plain) {
  switch (finding.kind) {
    case Finding::Kind::none: return;
    case Finding::Kind::number: return encode_number(out, finding.value);
    case Finding::Kind::mask: out.text("0x"); return encode_number(out, finding.value, 16);
    case Finding::Kind::octets: return finding.size == 0 ? out.text("nothing") : encode_hex(out, finding.octets());
    case Finding::Kind::text: return escape(out, text_of(finding.octets()), form);
    case Finding::Kind::boolean:
      return out.text(finding.value != 0 ? std::string_view("true") : std::string_view("false"));
    case Finding::Kind::time: return encode_rfc3339(out, static_cast<UnixTime>(finding.value));
    case Finding::Kind::version:
      for (const unsigned shift : {16U, 8U, 0U}) {
        encode_number(out, shift == 16 ? finding.value >> shift : finding.value >> shift & 0xFF);
        if (shift != 0) out.text(".");
      }
      return;
  }
}

/// Writes a finding as the value of the key; no member for none.
inline void write_finding(JsonWriter& json, std::string_view key, const Finding& finding) {
  std::array<std::byte, 32> room;  // of a mask, a time or a version
  ByteWriter words(room);
  if (finding.kind == Finding::Kind::none) return;
  json.key(key);
  switch (finding.kind) {
    case Finding::Kind::number: return json.number(finding.value);
    case Finding::Kind::boolean: return json.boolean(finding.value != 0);
    case Finding::Kind::octets: return json.hex(finding.octets());
    case Finding::Kind::text: return json.string(text_of(finding.octets()));
    default: write_finding(words, finding); return json.string(text_of(words.written()));
  }
}

namespace detail {

[[nodiscard]] constexpr std::string_view json_word(CheckOutcome outcome) {
  switch (outcome) {
    case CheckOutcome::skip: return "skip";
    case CheckOutcome::pass: return "pass";
    case CheckOutcome::fail: return "fail";
  }
  return "unknown";
}

/// A note and what it says where a program's option is about it: NOTE BEFORE OPTION BEHIND.
struct NoteWithOption {
  CheckOutcome outcome;
  std::string_view note;
  std::string_view before;
  std::string_view behind;
};
inline constexpr NoteWithOption kNotesWithOption[] = {
    {CheckOutcome::skip, CheckResult::kAllowed, " by ", ""},
    {CheckOutcome::fail, CheckResult::kNewer, "; ", " accepts it"},
    {CheckOutcome::fail, CheckResult::kUnbound, "; ", " accepts it"},
    {CheckOutcome::fail, CheckResult::kNoClaims, "; ", " gives them"},
};

/// A check's note, in the pieces of which it is made.
[[nodiscard]] inline std::array<std::string_view, 4> note_of(Check check, const CheckResult& result,
                                                              const VerdictTeller& teller) {
  for (const NoteWithOption& each : kNotesWithOption)
    if (each.outcome == result.outcome && each.note == result.note)
      if (const std::string_view option = teller.answers(check, result.note); !option.empty())
        return {result.note, each.before, option, each.behind};
  return {result.reason(), {}, {}, {}};
}

}  // namespace detail

/// Appends what a check says beside its outcome: of what, why, and what it expected and found. `lead` stands before it,
/// if there is anything to say. What is from outside is escaped as `form` says.
inline void write_detail(ByteWriter& out, Check check, const CheckResult& result, const VerdictTeller& teller = {},
                         std::string_view lead = {}, Escape form = Escape::plain) {
  bool first = true;
  const auto join = [&](std::string_view separator) {
    out.text(first ? lead : separator);
    first = false;
  };
  const auto tell = [&](std::string_view separator, std::string_view word, const Finding& finding) {
    if (finding.kind == Finding::Kind::none || (finding.kind == Finding::Kind::text && finding.size == 0)) return false;
    join(separator);
    out.text(word);
    write_finding(out, finding, form);
    return true;
  };
  if (!result.subject.empty()) {
    join({});
    out.text(result.subject);
  }
  if (result.error) {
    join(": ");
    write_why(out, *result.error);
    out.text(" (");
    out.text(name(result.error->code));
    out.text(")");
  } else if (!result.note.empty()) {
    join(": ");
    for (const std::string_view part : detail::note_of(check, result, teller)) out.text(part);
  }
  if (const std::string_view option = teller.turns_on(check); result.note == CheckResult::kNotAsked && !option.empty()) {
    out.text("; ");
    out.text(option);
    out.text(" turns it on");
  }
  if (result.outcome == CheckOutcome::pass) {
    tell(" ", {}, result.found);
  } else {
    const bool expected = tell("; ", "expected ", result.expected);
    tell(expected ? ", " : "; ", "found ", result.found);
  }
}

/// Appends a check as a line: "PASS chain.root_pinned — Milan".
inline void write_check(ByteWriter& out, Check check, const CheckResult& result, const VerdictTeller& teller = {}) {
  out.text(name(result.outcome));
  out.text(" ");
  out.text(name(check));
  write_detail(out, check, result, teller, " — ");
  out.text("\n");
}

/// Appends a verdict's last lines: "VERIFIED", and whether something was let pass, or "REJECTED: " and why.
inline void write_outcome(ByteWriter& out, const Verdict& verdict, const VerdictTeller& teller = {}) {
  if (verdict.verified()) {
    out.text("VERIFIED\n");
    if (!verdict.old_evidence) return;
    out.text("the report is not bound to the nonce: ");
    const std::string_view option = teller.answers(Check::binding_user_data, CheckResult::kUnbound);
    out.text(option.empty() ? std::string_view("the caller") : option);
    return out.text(" let it pass\n");
  }
  const auto failed = verdict.first_failure();
  out.text("REJECTED: ");
  out.text(verdict.error ? name(verdict.error->code) : failed ? name(*failed) : std::string_view());
  out.text("\n");
}

/// Appends a verdict: its checks, a line each, or what cannot be judged of `what` and why; and its outcome.
inline void write_verdict(ByteWriter& out, const Verdict& verdict, const VerdictTeller& teller = {},
                          std::string_view what = "evidence") {
  if (verdict.error) {
    std::array<std::byte, kErrorRoom> room;
    write_error(out, words_of(what, *verdict.error, room));
    out.text("\n");
  } else {
    for (const CheckRow& check : kChecks)
      if (teller.tells(verdict, check.id)) write_check(out, check.id, verdict[check.id], teller);
  }
  write_outcome(out, verdict, teller);
}

/// Writes a check as an object.
inline void write_check(JsonWriter& json, Check check, const CheckResult& result, const VerdictTeller& teller = {}) {
  json.begin_object();
  json.key("name");
  json.string(name(check));
  json.key("outcome");
  json.string(detail::json_word(result.outcome));
  json.key("subject");
  json.string(result.subject);
  json.key("note");
  const auto note = detail::note_of(check, result, teller);
  json.string({note[0], note[1], note[2], note[3]});
  if (const std::string_view option = teller.turns_on(check); !option.empty()) {
    json.key("option");
    json.string(option);
  }
  write_finding(json, "expected", result.expected);
  write_finding(json, "found", result.found);
  if (result.error) {
    json.key("error");
    json.string(name(result.error->code));
  }
  json.end_object();
}

/// Writes the members of the open object for a verdict.
inline void write_verdict(JsonWriter& json, const Verdict& verdict, const VerdictTeller& teller = {},
                          std::string_view what = "evidence") {
  if (verdict.error) {
    std::array<std::byte, kErrorRoom> room;
    return write_unjudged(json, words_of(what, *verdict.error, room));
  }
  const auto failed = verdict.first_failure();
  json.key("verified");
  json.boolean(verdict.verified());
  json.key("rejected_by");
  failed ? json.string(name(*failed)) : json.null();
  json.key("root");
  json.string(name(verdict.root));
  json.key("product");
  verdict.product ? json.string(name(*verdict.product)) : json.null();
  json.key("old_evidence");
  json.boolean(verdict.old_evidence);
  json.key("checks");
  json.begin_array();
  for (const CheckRow& check : kChecks)
    if (teller.tells(verdict, check.id)) write_check(json, check.id, verdict[check.id], teller);
  json.end_array();
}

}  // namespace snpnv
