#include "cli.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <cstring>

#include "describe.hpp"
#include "files.hpp"
#include "snpnv/core/encoding.hpp"

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
}  // namespace

const std::span<const OptionSpec> kCommonOptions{kCommon};

Failure::Failure(Exit status, std::string_view about, std::string_view reason, std::string_view name,
                 std::string_view advice)
    : exit(status), what(about), why(reason), code(name), hint(advice) {}
Failure::Failure(const Failure& other) = default;
Failure::Failure(Failure&& other) noexcept = default;
Failure& Failure::operator=(const Failure& other) = default;
Failure& Failure::operator=(Failure&& other) noexcept = default;
Failure::~Failure() = default;

std::unexpected<Failure> usage(std::string_view what, std::string_view why, std::string_view hint) {
  return std::unexpected(Failure{Exit::usage, what, why, "usage", hint});
}

std::unexpected<Failure> os_failure(std::string_view what, int error) {
  return std::unexpected(Failure{Exit::failed, what, std::strerror(error), format("errno %d", error)});
}

std::unexpected<Failure> library_failure(std::string_view what, const Error& error) {
  return std::unexpected(describe(what, error));
}

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
      if (option == nullptr) return usage(spelled, "unknown option", "--help lists the options");
      std::optional<std::string_view> attached;
      if (equals != std::string_view::npos) attached = word.substr(equals + 1);
      SNPNV_CHECK(take(*option, spelled, attached, i));
    } else {
      // Letters may stand together; one that takes a value ends the group.
      for (std::size_t at = 1; at < word.size(); ++at) {
        const std::string spelled = std::string("-") + word[at];
        const OptionSpec* const option = find(options, word[at]);
        if (option == nullptr) return usage(spelled, "unknown option", "--help lists the options");
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
  std::uint64_t value = 0;
  if (text.empty() || text.size() > 19) return usage(option, range);
  for (const char c : text) {
    if (c < '0' || c > '9') return usage(option, range);
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value < least || value > most) return usage(option, range);
  return value;
}

Outcome<std::vector<std::byte>> hex_value(std::string_view what, std::string_view text,
                                          std::size_t size, std::size_t most) {
  std::vector<std::byte> out;
  if (text.starts_with('@')) {
    SNPNV_TRY(out, read_file(text.substr(1), most));
  } else {
    std::string_view digits = text;
    if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
    out.resize(digits.size() / 2);
    const auto decoded = decode_hex(digits, out);
    if (!decoded) return usage(what, "not an even number of hexadecimal digits");
  }
  if (size != 0 && out.size() != size)
    return wrong_value(what, text, format("needs %zu octets, not %zu", size, out.size()));
  if (out.empty() || out.size() > most)
    return wrong_value(what, text, format("needs 1 to %zu octets, not %zu", most, out.size()));
  return out;
}

std::unexpected<Failure> wrong_value(std::string_view what, std::string_view text, std::string why) {
  if (!text.starts_with('@')) return usage(what, why);
  return std::unexpected(Failure{Exit::failed, text.substr(1), concat({what, " ", why}), "text_length"});
}

Outcome<std::string> JsonText::finish() const {
  const auto text = writer_.finish();
  if (!text) return library_failure("standard output", text.error());
  return std::string(text_of(*text)) + "\n";
}

Outcome<void> print(std::string_view text) {
  return write_all("standard output", STDOUT_FILENO, octets_of(text));
}

namespace {
// Where standard error cannot be written either, nobody can be told.
void print_error(std::initializer_list<std::string_view> parts) {
  const std::string line = printable(concat(parts)) + "\n";
  [[maybe_unused]] const auto written = write_all("standard error", STDERR_FILENO, octets_of(line));
}
}  // namespace

void print_warning(std::initializer_list<std::string_view> text) { print_error({"snpnv: warning: ", concat(text)}); }

void warn(const Arguments& arguments, std::string_view text) {
  if (!arguments.quiet()) print_warning({text});
}

void print_failure(const Failure& failure) {
  print_error({"snpnv: ", failure.what, ": ", failure.why, " (", failure.code, ")"});
  if (!failure.hint.empty()) print_error({"hint: ", failure.hint});
}

void failure_json(JsonWriter& json, const Failure& failure) {
  json.key("error");
  json.begin_object();
  const std::pair<std::string_view, std::string_view> members[] = {
      {"what", failure.what}, {"why", failure.why}, {"code", failure.code}, {"hint", failure.hint}};
  for (const auto& [key, value] : members) {
    json.key(key);
    json.string(value);
  }
  json.end_object();
}

std::size_t terminal_width(int fd) {
  winsize size{};
  if (::ioctl(fd, TIOCGWINSZ, &size) != 0) return 0;
  return size.ws_col != 0 ? size.ws_col : 80;
}

std::string concat(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const std::string_view part : parts) out += part;
  return out;
}

std::string hex(ByteView octets) {
  std::string out(octets.size() * 2, '\0');
  Writer writer(std::as_writable_bytes(std::span(out)));
  encode_hex(writer, octets);
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return out;
}

// The C library's printf brings floating point, wide characters and locales into a static program.
std::string format(const char* pattern, ...) {
  std::string out;
  va_list arguments;
  va_start(arguments, pattern);
  for (const char* at = pattern; *at != '\0'; ++at) {
    if (*at != '%') {
      out += *at;
      continue;
    }
    bool left = false;
    bool zeros = false;
    for (++at; *at == '-' || *at == '0'; ++at) (*at == '-' ? left : zeros) = true;
    std::size_t width = 0;
    if (*at == '*') {
      width = static_cast<std::size_t>(va_arg(arguments, int));
      ++at;
    }
    for (; *at >= '0' && *at <= '9'; ++at) width = width * 10 + static_cast<std::size_t>(*at - '0');
    const bool size = *at == 'z';
    unsigned longs = 0;
    if (size) ++at;
    for (; *at == 'l'; ++at) ++longs;
    constexpr std::string_view kDigits = "0123456789abcdef";
    std::array<char, 20> digits;
    std::size_t first = digits.size();
    std::string_view text;
    switch (*at) {
      case 's': text = va_arg(arguments, const char*); break;
      case 'd':
      case 'u':
      case 'x': {
        std::uint64_t value = 0;
        bool negative = false;
        if (*at == 'd') {
          const std::int64_t number = va_arg(arguments, int);
          negative = number < 0;
          value = static_cast<std::uint64_t>(negative ? -number : number);
        } else if (size) {
          value = va_arg(arguments, std::size_t);
        } else {
          value = longs == 0   ? va_arg(arguments, unsigned)
                  : longs == 1 ? va_arg(arguments, unsigned long)
                               : va_arg(arguments, unsigned long long);
        }
        const unsigned base = *at == 'x' ? 16 : 10;
        do {
          digits[--first] = kDigits[static_cast<std::size_t>(value % base)];
          value /= base;
        } while (value != 0);
        if (negative) digits[--first] = '-';
        text = std::string_view(digits.data() + first, digits.size() - first);
        break;
      }
      default: std::abort();  // the compiler checks arguments, tests/gate/tokens.sh the conversions
    }
    const std::size_t padding = width > text.size() ? width - text.size() : 0;
    if (!left) out.append(padding, zeros ? '0' : ' ');
    out += text;
    if (left) out.append(padding, ' ');
  }
  va_end(arguments);
  return out;
}

}  // namespace snpnv::tool
