// What every command of the tool shares: arguments, failures, exit statuses, results.
#pragma once

#include <cstdint>
#include <expected>
#include <initializer_list>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "snpnv/core/json.hpp"
#include "tools/printable.hpp"

namespace snpnv::tool {

/// Exit statuses; scripts rely on them.
enum class Exit : int {
  done = 0,       // for verify: verified
  rejected = 1,   // the evidence was rejected
  usage = 2,      // wrong usage
  failed = 3,     // a file, the TPM or the network failed
  not_fresh = 4,  // no fresh report before the deadline
};

/// Printed as `snpnv: WHAT: WHY (CODE)` and `hint: HINT`, with what is from outside escaped only then.
struct Failure {
  Failure(Exit status, std::string_view about, std::string_view reason, std::string_view name,
          std::string_view advice = {});
  // Every call that can fail has code for these; inlined, they would be a good part of the program.
  Failure(const Failure& other);
  Failure(Failure&& other) noexcept;
  Failure& operator=(const Failure& other);
  Failure& operator=(Failure&& other) noexcept;
  ~Failure();

  Exit exit;
  std::string what;
  std::string why;
  std::string code;
  std::string hint;
};

template <class T>
using Outcome = std::expected<T, Failure>;

[[nodiscard]] std::unexpected<Failure> usage(std::string_view what, std::string_view why,
                                             std::string_view hint = {});
/// A failure of the operating system, with errno's text.
[[nodiscard]] std::unexpected<Failure> os_failure(std::string_view what, int error);
/// An error of the library about `what`, a file or a transport; the object that the error itself
/// names takes its place.
[[nodiscard]] std::unexpected<Failure> library_failure(std::string_view what, const Error& error);

/// One option of a command. Flags have no value.
struct OptionSpec {
  char letter;             // 0: none
  std::string_view name;   // without dashes
  std::string_view value;  // placeholder of its value; empty: a flag
  std::string_view help;
  bool repeats = false;
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

/// A HEX value: digits, with or without 0x, or @FILE.
/// `what` names the option in errors; `size` is the number of octets needed, 0 for 1 to `most`.
[[nodiscard]] Outcome<std::vector<std::byte>> hex_value(std::string_view what, std::string_view text,
                                                        std::size_t size, std::size_t most = 4096);
/// Of such a value that is not what the option needs: wrong usage, or the failure of the file it is from.
[[nodiscard]] std::unexpected<Failure> wrong_value(std::string_view what, std::string_view text,
                                                   std::string why);

/// One JSON object for standard output.
class JsonText {
 public:
  JsonText() : buffer_(new std::byte[kSize]), writer_({buffer_.get(), kSize}), json_(writer_) {}
  [[nodiscard]] JsonWriter& json() { return json_; }
  /// The text with a newline, once the document is complete.
  [[nodiscard]] Outcome<std::string> finish() const;

 private:
  static constexpr std::size_t kSize = std::size_t{1} << 20;
  std::unique_ptr<std::byte[]> buffer_;  // not cleared: a stream makes many
  Writer writer_;
  JsonWriter json_;
};

/// Prints to standard output, and tells if that failed.
[[nodiscard]] Outcome<void> print(std::string_view text);
/// Prints `snpnv: warning: …` to standard error, unless quiet.
void warn(const Arguments& arguments, std::string_view text);
void print_warning(std::initializer_list<std::string_view> text);
void print_failure(const Failure& failure);
/// The member `error` of the open object.
void failure_json(JsonWriter& json, const Failure& failure);

/// Columns of the terminal that a descriptor, standard output, is; 0 if it is none.
[[nodiscard]] std::size_t terminal_width(int fd = 1);
/// Several texts as one; operators for that would be a good part of a small program.
[[nodiscard]] std::string concat(std::initializer_list<std::string_view> parts);
[[nodiscard]] std::string hex(ByteView octets);
[[nodiscard]] std::string lower(std::string_view text);
/// printf into a string: %s, %d, and %u and %x with l, ll or z; a width, - and 0.
[[nodiscard]] __attribute__((format(printf, 1, 2))) std::string format(const char* pattern, ...);
[[nodiscard]] inline ByteView octets_of(std::string_view text) {
  return std::as_bytes(std::span(text.data(), text.size()));
}
[[nodiscard]] inline std::string_view text_of(ByteView octets) {
  return {static_cast<const char*>(static_cast<const void*>(octets.data())), octets.size()};
}

}  // namespace snpnv::tool
