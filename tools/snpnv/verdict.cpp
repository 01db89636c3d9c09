#include "verdict.hpp"

#include <unistd.h>

#include <cstdlib>
#include <ctime>

#include "describe.hpp"
#include "files.hpp"
#include "provider.hpp"
#include "snpnv/verify/evidence.hpp"
#include "snpnv/verify/policy_json.hpp"

namespace snpnv::tool {
namespace {

constexpr std::size_t kMostOctets = std::size_t{1} << 20;

std::string str(std::string_view text) { return std::string(text); }

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

std::string detail_of(const StepRow& step, const StepResult& result) {
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
    add(": ", str(result.note));
  }
  if (result.note == StepResult::kNotAsked) detail += "; " + str(step.option) + " turns it on";
  const std::string found = finding_text(result.found);
  if (result.outcome == StepOutcome::pass) {
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
  [[nodiscard]] std::string paint(StepOutcome outcome, std::string_view word) const {
    constexpr std::string_view kColours[] = {"\x1b[33m", "\x1b[32m", "\x1b[1;31m"};  // skip, pass, fail
    if (!colours) return str(word);
    return str(kColours[static_cast<std::size_t>(outcome)]) + str(word) + "\x1b[0m";
  }
  [[nodiscard]] std::string line(StepOutcome outcome, std::string_view what, const std::string& detail) const {
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

// The parts of a list separated by commas.
std::vector<std::string_view> parts(std::string_view list) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t comma = list.find(',');
    out.push_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

// A second value for one item, by the policy file and an option or within a list, is no addition.
std::unexpected<Failure> second_value(std::string_view option, std::string_view item = {}) {
  return usage("--" + str(option), item.empty() ? "there is a value already" : "two values for " + str(item));
}

Outcome<void> read_tcb(const Arguments& arguments, std::string_view option, TcbMinimums& to) {
  const auto list = arguments.value(option);
  if (!list) return {};
  const std::string spelled = "--" + str(option);
  for (const std::string_view part : parts(*list)) {
    const std::size_t equals = part.find('=');
    const auto component = tcb_component(part.substr(0, equals));
    if (!component || equals == std::string_view::npos)
      return usage(spelled, "needs a list such as boot_loader=3,tee=0,snp=8,microcode=115",
                   "the components are fmc, boot_loader, tee, snp and microcode");
    SNPNV_TRY(const std::uint64_t least, number(spelled, part.substr(equals + 1), 0, 0xFF));
    if (to.values[*component]) return second_value(option, kTcbLayout[*component].key);
    to.values[*component] = static_cast<std::uint8_t>(least);
  }
  return {};
}

Outcome<void> read_platform_info(const Arguments& arguments, Policy& policy) {
  const auto list = arguments.value("platform-info");
  if (!list) return {};
  for (std::string_view part : parts(*list)) {
    const bool forbidden = part.starts_with('!');
    if (forbidden) part.remove_prefix(1);
    const auto bit = platform_info_bit(part);
    if (!bit) {
      std::string names;
      for (const BitName& known : PlatformInfo::kBits) names += " " + str(known.name);
      return usage("--platform-info", "no such bit: " + str(part), "the bits are" + names);
    }
    (forbidden ? policy.platform_info_forbidden : policy.platform_info_required) |= *bit;
  }
  return {};
}

Outcome<void> read_firmware(const Arguments& arguments, std::string_view option,
                            std::optional<std::uint32_t>& to) {
  const auto text = arguments.value(option);
  if (!text) return {};
  if (to) return second_value(option);
  to = parse_firmware_version(*text);
  if (!to) return usage("--" + str(option), "needs a version such as 1.55 or 1.55.21");
  return {};
}

Outcome<void> read_mask(const Arguments& arguments, std::string_view option, std::uint64_t& to) {
  const auto text = arguments.value(option);
  if (!text) return {};
  std::string_view digits = *text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  if (digits.empty() || digits.size() > 16)
    return usage("--" + str(option), "needs 1 to 16 hexadecimal digits");
  std::uint64_t mask = 0;
  for (const char c : digits) {
    if (hex_digit(c) < 0) return usage("--" + str(option), "needs 1 to 16 hexadecimal digits");
    mask = mask << 4 | static_cast<std::uint64_t>(hex_digit(c));
  }
  if (mask == 0) return usage("--" + str(option), "a mask of 0 asks for nothing");
  to |= mask;
  return {};
}

Outcome<void> read_pcrs(const Arguments& arguments, Policy& policy) {
  for (const std::string_view pair : arguments.values("pcr")) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return usage("--pcr", "needs N=HEX");
    SNPNV_TRY(const std::uint64_t index, number("--pcr", pair.substr(0, equals), 0, policy.pcrs.size() - 1));
    const auto pcr = static_cast<std::uint32_t>(index);
    SNPNV_TRY(const auto value, hex_value("--pcr", pair.substr(equals + 1), kPcrSize));
    if (policy.pcrs[pcr]) return second_value("pcr", format("PCR %u", pcr));
    copy_to(policy.pcrs[pcr].emplace(), value);
  }
  if (const auto text = arguments.value("init-data")) {
    SNPNV_TRY(const auto digest, hex_value("--init-data", *text, 0, 64));
    Provider crypto;
    const auto expected = expect_init_data(crypto, digest, policy);
    if (!expected && expected.error().code == Code::wire_size)
      return wrong_value("--init-data", *text, format("needs a digest of 32, 48 or 64 octets, not %zu", digest.size()));
    if (!expected && expected.error().code == Code::wire_value)
      return usage("--init-data", "not together with a value for PCR 8");
    if (!expected) return library_failure("--init-data", expected.error());
  }
  return {};
}

Outcome<void> read_vm_configuration(const Arguments& arguments, Policy& policy) {
  for (const std::string_view pair : arguments.values("vm-configuration")) {
    const std::size_t equals = pair.find('=');
    const std::string_view member = pair.substr(0, equals);
    if (equals == std::string_view::npos) return usage("--vm-configuration", "needs NAME=VALUE");
    const std::string_view value = pair.substr(equals + 1);
    bool known = false;
#define SNPNV_X(id, spelled)                                                              \
  if (member == spelled) {                                                                \
    if (value != "true" && value != "false")                                              \
      return usage("--vm-configuration", str(member) + " is true or false");              \
    if (policy.vm.id) return second_value("vm-configuration", member);                     \
    policy.vm.id = value == "true";                                                       \
    known = true;                                                                         \
  }
    SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(id, spelled)                                                              \
  if (member == spelled) {                                                                \
    if (policy.vm.id) return second_value("vm-configuration", member);                     \
    ExpectedText& text = policy.vm.id.emplace();                                          \
    if (value.size() > text.held.size())                                                  \
      return usage("--vm-configuration", str(member) + ": the value is too long");        \
    text.size = value.copy(text.held.data(), text.held.size());                           \
    known = true;                                                                         \
  }
    SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
    if (!known) return usage("--vm-configuration", "no such member: " + str(member));
  }
  return {};
}

}  // namespace

Outcome<Policy> policy_of(const Arguments& arguments) {
  Policy policy;
  if (const auto path = arguments.value("policy")) {
    SNPNV_TRY(const auto text, read_file(*path, kMostOctets));
    const auto read = parse_policy(text);
    if (!read) {
      Failure failure = describe(*path, read.error());
      if (read.error().code == Code::json_unknown) {
        const std::string_view from = text_of(text).substr(std::min<std::size_t>(read.error().where, text.size()));
        failure.why += concat({": ", from.substr(0, from.find('"'))});
      }
      return std::unexpected(failure);
    }
    policy = *read;
  }
  policy.allow_debug = policy.allow_debug || arguments.has("allow-debug");
  policy.allow_migration = policy.allow_migration || arguments.has("allow-migration");
  policy.allow_newer_version = policy.allow_newer_version || arguments.has("allow-newer-version");
  if (const auto text = arguments.value("vmpl")) {
    if (policy.vmpl) return second_value("vmpl");
    SNPNV_TRY(const std::uint64_t vmpl, number("--vmpl", *text, 0, 3));
    policy.vmpl = static_cast<std::uint32_t>(vmpl);
  }
  if (const auto text = arguments.value("min-guest-svn")) {
    if (policy.min_guest_svn) return second_value("min-guest-svn");
    SNPNV_TRY(const std::uint64_t svn, number("--min-guest-svn", *text, 0, 0xFFFFFFFF));
    policy.min_guest_svn = static_cast<std::uint32_t>(svn);
  }
  SNPNV_CHECK(read_tcb(arguments, "min-tcb", policy.min_tcb));
  SNPNV_CHECK(read_tcb(arguments, "min-committed-tcb", policy.min_committed_tcb));
  SNPNV_CHECK(read_tcb(arguments, "min-launch-tcb", policy.min_launch_tcb));
#define SNPNV_X(member, FIELD, SHORT)                                                         \
  {                                                                                           \
    std::string option = #member;                                                             \
    std::ranges::replace(option, '_', '-');                                                   \
    for (const std::string_view text : arguments.values(option)) {                            \
      SNPNV_TRY(const auto value, hex_value("--" + option, text, 0));                         \
      if (const auto added = policy.member.add(value); !added)                                \
        return added.error().code == Code::wire_size                                          \
                   ? wrong_value("--" + option, text,                                         \
                                 format("needs %zu octets, not %zu",                          \
                                        ATTESTATION_REPORT::FIELD.size, value.size()))        \
                   : usage("--" + option, format("at most %u values", added.error().detail)); \
    }                                                                                         \
  }
  SNPNV_POLICY_ALLOW_LISTS(SNPNV_X)
#undef SNPNV_X
  SNPNV_CHECK(read_platform_info(arguments, policy));
  SNPNV_CHECK(read_firmware(arguments, "min-firmware", policy.min_firmware));
  SNPNV_CHECK(read_firmware(arguments, "min-committed-firmware", policy.min_committed_firmware));
  SNPNV_CHECK(read_mask(arguments, "mitigations", policy.mitigations));
  SNPNV_CHECK(read_mask(arguments, "launch-mitigations", policy.launch_mitigations));
  if (arguments.has("secure-boot")) {
    if (policy.vm.secure_boot) return second_value("secure-boot");
    policy.vm.secure_boot = true;
  }
  SNPNV_CHECK(read_vm_configuration(arguments, policy));
  SNPNV_CHECK(read_pcrs(arguments, policy));
  return policy;
}

VerificationTime time_of_clock() { return static_cast<UnixTime>(std::time(nullptr)); }

Outcome<VerificationTime> time_of(const Arguments& arguments) {
  const auto text = arguments.value("at");
  if (!text) return time_of_clock();
  const auto time = parse_rfc3339(*text);
  if (!time) return usage("--at", "needs a time such as 2025-01-31T12:00:00Z");
  return VerificationTime::given(*time);
}

Outcome<UserData> user_data_of(std::string_view text) {
  UserData out{};
  SNPNV_TRY(const auto value, hex_value("--user-data", text, 0, out.size()));
  copy_to(out, value);
  return out;
}

std::unexpected<Failure> malformed(std::string_view what, const Error& error) {
  Failure failure = describe(what, error);
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
static bool shown(Step step, const StepResult& result, bool (*covers)(Step)) {
  return covers(step) || result.outcome == StepOutcome::fail;
}

Outcome<std::string> verdict_json(const Verdict& verdict, bool (*covers)(Step),
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
  for (const StepRow& step : kSteps) {
    const StepResult& result = verdict[step.id];
    if (!shown(step.id, result, covers)) continue;
    json.begin_object();
    json.key("name");
    json.string(step.name);
    json.key("outcome");
    json.string(lower(name(result.outcome)));
    json.key("subject");
    json.string(result.subject);
    json.key("note");
    json.string(result.note);
    if (!step.option.empty()) {
      json.key("option");
      json.string(step.option);
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
static std::string lines(const Arguments& arguments, const Verdict& verdict, bool (*covers)(Step), const Stage& stage) {
  const bool all = !stage.terminal || arguments.has("verbose");
  std::string out;
  std::string failures;
  unsigned not_asked = 0;
  for (const StepRow& step : kSteps) {
    const StepResult& result = verdict[step.id];
    if (!shown(step.id, result, covers)) continue;
    if (!all && result.note == StepResult::kNotAsked) {
      ++not_asked;
      continue;
    }
    const bool last = !all && result.outcome == StepOutcome::fail;
    (last ? failures : out) += stage.line(result.outcome, step.name, detail_of(step, result));
  }
  if (not_asked != 0)
    out += stage.line(StepOutcome::skip, format("%u checks", not_asked), "not asked for; --verbose lists them");
  return out + failures;
}

Outcome<Exit> tell(const Arguments& arguments, const Verdict& verdict, bool (*covers)(Step)) {
  std::string text;
  if (arguments.json()) {
    SNPNV_TRY(text, verdict_json(verdict, covers));
  } else {
    const Stage stage;
    if (!arguments.quiet()) text = lines(arguments, verdict, covers, stage);
    const auto failed = verdict.first_failure();
    text += verdict.verified() ? stage.paint(StepOutcome::pass, "VERIFIED") + "\n"
                               : stage.paint(StepOutcome::fail, "REJECTED") + ": " + str(failed ? name(*failed) : "") + "\n";
    if (verdict.verified() && verdict.old_evidence)
      text += "the report is not bound to the nonce: --allow-old-evidence let it pass\n";
  }
  SNPNV_CHECK(print(text));
  return verdict.verified() ? Exit::done : Exit::rejected;
}

}  // namespace snpnv::tool
