// SPDX-License-Identifier: Apache-2.0
// A strict pull reader of JSON (RFC 8259). No heap: depth and open member names are bounded. Nothing is
// unescaped into a buffer unless the caller brings one.
#pragma once

#include <array>
#include <string_view>

#include "snpnv/core/bytes.hpp"
#include "snpnv/core/escape.hpp"

namespace snpnv {

/// A string of a JSON document, seen in place between its quotes. Borrows the document, which has
/// been checked: escapes are complete and the text is well-formed UTF-8.
struct JsonString {
  ByteView raw;
  std::size_t offset = 0;  // of the first octet behind the opening quote
  bool plain = false;      // known to hold no escape: the octets are the text

  /// Yields the octets that the string stands for.
  class Source {
   public:
    constexpr explicit Source(const JsonString& s) : raw_(s.raw), base_(s.offset) {}
    constexpr bool next(char& c) {
      if (pending_ != 0) {
        c = queue_[4 - pending_--];
        return true;
      }
      if (at_ == raw_.size()) return false;
      c = static_cast<char>(raw_[at_++]);
      if (c == '\\') c = escape();
      return true;
    }
    [[nodiscard]] constexpr std::size_t offset() const { return base_ + at_; }

   private:
    constexpr char escape() {
      const char kind = static_cast<char>(raw_[at_++]);
      switch (kind) {
        case 'b': return '\b';
        case 'f': return '\f';
        case 'n': return '\n';
        case 'r': return '\r';
        case 't': return '\t';
        case 'u': break;
        default: return kind;  // quote, backslash, solidus
      }
      std::uint32_t point = unit();
      if (point >= 0xD800 && point < 0xE000) {
        at_ += 2;  // the backslash and 'u' of the low surrogate
        point = 0x10000 + ((point - 0xD800) << 10) + (unit() - 0xDC00);
      }
      return utf8(point);
    }
    constexpr std::uint32_t unit() {
      std::uint32_t value = 0;
      for (int i = 0; i < 4; ++i)
        value = (value << 4) | static_cast<std::uint32_t>(hex_digit(static_cast<char>(raw_[at_++])));
      return value;
    }
    // Returns the first octet of the encoding and queues the rest.
    constexpr char utf8(std::uint32_t point) {
      if (point < 0x80) return static_cast<char>(point);
      pending_ = point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;
      for (unsigned i = 0; i < pending_; ++i)
        queue_[3 - i] = static_cast<char>(0x80U | ((point >> (6 * i)) & 0x3FU));
      const std::uint32_t lead = pending_ == 1 ? 0xC0U : pending_ == 2 ? 0xE0U : 0xF0U;
      return static_cast<char>(lead | (point >> (6 * pending_)));
    }

    ByteView raw_;
    std::size_t base_;
    std::size_t at_ = 0;
    std::array<char, 4> queue_{};
    unsigned pending_ = 0;
  };
  [[nodiscard]] constexpr Source source() const { return Source(*this); }

  friend constexpr bool operator==(const JsonString& a, std::string_view b) {
    if (a.plain)
      return std::ranges::equal(a.raw, b, {}, {}, [](char c) { return static_cast<std::byte>(c); });
    return same_text(a.source(), PlainText(b));
  }
  // The length of a literal is known here.
  template <std::size_t N>
  friend constexpr bool operator==(const JsonString& a, const char (&b)[N]) {
    return a == std::string_view(b, N - 1);
  }
  friend constexpr bool operator==(const JsonString& a, const JsonString& b) {
    if (a.plain && b.plain) return std::ranges::equal(a.raw, b.raw);
    return same_text(a.source(), b.source());
  }

  /// Decodes the string into `out` as UTF-8.
  [[nodiscard]] constexpr Result<ByteView> copy(MutBytes out) const {
    ByteWriter w(out);
    Source s = source();
    for (char c = 0; s.next(c);) w.be<std::uint8_t>(static_cast<std::uint8_t>(c));
    return w.finish();
  }
};

// Members that one of the documents read here must have; json_missing tells which.
#define SNPNV_JSON_MEMBERS(X)                                                                         \
  X(tpm_quote) X(quote) X(signature) X(message) X(pcrs) X(hcl_report) X(report) X(vcek)               \
  X(kty) X(n) X(e)                                                                                    \
  X(vcekCert) X(certificateChain) X(tcbm)                                                             \
  X(nonce) X(token) X(type) X(detail) X(protected_) X(encrypted_key) X(iv) X(ciphertext) X(tag)       \
  X(alg) X(enc) X(epk) X(crv) X(x) X(y) X(kid)                                                        \
  X(pcr) X(digests)

enum class JsonMember : std::uint32_t {
  unnamed,
#define SNPNV_X(name) name,
  SNPNV_JSON_MEMBERS(SNPNV_X)
#undef SNPNV_X
};

namespace detail {

#define SNPNV_X(name) JsonMember::name,
inline constexpr JsonMember kJsonMembers[] = {SNPNV_JSON_MEMBERS(SNPNV_X)};
#undef SNPNV_X
#define SNPNV_X(name) #name "\0"
inline constexpr char kJsonMemberNames[] = SNPNV_JSON_MEMBERS(SNPNV_X) "";
#undef SNPNV_X

}  // namespace detail

/// The member's name in the document; empty for `unnamed`. One that is a word of C++ has a line behind it above.
[[nodiscard]] constexpr std::string_view name(JsonMember member) {
  const std::string_view word =
      detail::word_of(member, detail::kJsonMembers, {detail::kJsonMemberNames, sizeof detail::kJsonMemberNames});
  return upto(word, word.size() - (word.ends_with('_') ? 1 : 0));
}

enum class JsonKind : std::uint8_t { none, object, array, string, number, boolean, null };

/// Reads a document front to back. Borrows it. Errors stick, as in ByteReader; finish() is the way out
/// and also refuses anything but white space behind the value.
///
/// A member name that repeats within its object is an error anywhere in the document, in skipped
/// values too; names are compared as they decode. Limits: kMaxDepth containers inside each other,
/// kMaxNames member names in all objects open at once.
/// Errors: json_syntax, json_utf8, json_depth, json_duplicate, json_members, json_type, json_number,
/// each with where = offset of the offending octet.
/// Source: RFC 8259; RFC 3629 for UTF-8.
class JsonReader {
 public:
  static constexpr std::size_t kMaxDepth = 16;
  static constexpr std::size_t kMaxNames = 256;

  constexpr explicit JsonReader(ByteView text, std::size_t base = 0) : in_(text), base_(base) {
    if (text.size() > kMaxInput) fail(Code::wire_too_large, kMaxInput);
  }

  /// The kind of the value that comes next.
  [[nodiscard]] constexpr JsonKind peek() {
    skip_space();
    switch (current()) {
      case '{': return JsonKind::object;
      case '[': return JsonKind::array;
      case '"': return JsonKind::string;
      case 't':
      case 'f': return JsonKind::boolean;
      case 'n': return JsonKind::null;
      case '-': return JsonKind::number;
      default: return is_digit(current()) ? JsonKind::number : JsonKind::none;
    }
  }

  constexpr void enter_object() { enter(JsonKind::object); }
  constexpr void enter_array() { enter(JsonKind::array); }

  /// Moves to the next member of the innermost object; false behind its last one or on an error.
  /// The caller then reads or skips exactly one value.
  [[nodiscard]] constexpr bool next_member(JsonString& name) {
    if (!next_item('}')) return false;
    skip_space();
    if (current() != '"') return syntax();
    const std::size_t quote = offset();
    name = quoted();
    if (!ok_ || !remember(name, quote)) return false;
    skip_space();
    if (current() != ':') return syntax();
    ++at_;
    return true;
  }

  /// The same for the innermost array.
  [[nodiscard]] constexpr bool next_element() { return next_item(']'); }

  [[nodiscard]] constexpr JsonString string() {
    if (!expect(JsonKind::string)) return {};
    const JsonString s = quoted();
    return ok_ ? s : JsonString{};
  }

  /// A number without sign, fraction or exponent that fits 64 bits.
  [[nodiscard]] constexpr std::uint64_t unsigned_integer() { return integer_up_to(~std::uint64_t{0}, false); }
  /// The same, of either sign.
  [[nodiscard]] constexpr std::int64_t integer() {
    const bool negative = peek() == JsonKind::number && current() == '-';
    const std::uint64_t value = integer_up_to(~std::uint64_t{0} >> 1, true);
    return negative ? -static_cast<std::int64_t>(value) : static_cast<std::int64_t>(value);
  }

  [[nodiscard]] constexpr bool boolean() {
    if (!expect(JsonKind::boolean)) return false;
    const bool value = current() == 't';
    literal(value ? std::string_view("true") : std::string_view("false"));
    return value && ok_;
  }

  /// Passes over one value of any kind and checks it whole. Without recursion: the stack is bounded.
  constexpr void skip() {
    const std::size_t outermost = depth_;
    do {
      skip_one();
      JsonString name;
      while (ok_ && depth_ > outermost &&
             !(levels_[depth_ - 1].kind == JsonKind::object ? next_member(name) : next_element())) {
      }
    } while (ok_ && depth_ > outermost);
  }

  constexpr void fail(Code code, std::size_t detail = 0) { fail_at(code, offset(), detail); }
  constexpr void fail_at(Code code, std::size_t where, std::size_t detail = 0) {
    if (!ok_) return;
    ok_ = false;
    error_ = Error{code, static_cast<std::uint32_t>(where), static_cast<std::uint32_t>(detail)};
  }
  constexpr void fail(const Error& error) {
    if (!ok_) return;
    ok_ = false;
    error_ = error;
  }
  /// json_missing unless the member was seen.
  constexpr void require(bool seen, JsonMember member) {
    if (!seen) fail(Code::json_missing, static_cast<std::size_t>(member));
  }

  [[nodiscard]] constexpr bool ok() const { return ok_; }
  [[nodiscard]] constexpr const Error& error() const { return error_; }
  [[nodiscard]] constexpr std::size_t offset() const { return base_ + at_; }

  [[nodiscard]] constexpr Result<void> finish() {
    skip_space();
    if (depth_ != 0 || at_ != in_.size()) syntax();
    if (!ok_) return ::snpnv::fail(error_);
    return {};
  }
  /// The same with the value that was read.
  template <class T>
  [[nodiscard]] constexpr Result<T> finish(T value) {
    SNPNV_CHECK(finish());
    return value;
  }

 private:
  struct Level {
    JsonKind kind;
    bool empty;           // no item read yet
    std::uint16_t names;  // index in names_ where this object's names begin
  };

  static constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
  // What stands for itself in a string, in one octet.
  static constexpr bool is_ordinary(char c) { return c >= ' ' && c <= '~' && c != '"' && c != '\\'; }

  // Eight of them at once, of octets below 80h without DEL. Only an octet that is extraordinary borrows from the next.
  static constexpr bool all_ordinary(std::span<const std::byte, 8> eight) {
    constexpr std::uint64_t kEach = 0x0101010101010101;
    const auto octets = load<std::uint64_t, Endian::little>(eight);
    const std::uint64_t below_space = octets - kEach * ' ';
    const std::uint64_t quote = (octets ^ (kEach * '"')) - kEach;
    const std::uint64_t backslash = (octets ^ (kEach * '\\')) - kEach;
    return ((octets | below_space | quote | backslash | (octets + kEach)) & (kEach << 7)) == 0;
  }

  // The octet at the cursor; NUL, which JSON allows nowhere, at the end and after an error.
  [[nodiscard]] constexpr char current() const {
    return ok_ && at_ < in_.size() ? static_cast<char>(in_[at_]) : '\0';
  }
  constexpr bool syntax() {
    fail(Code::json_syntax);
    return false;
  }
  constexpr void skip_space() {
    while (current() == ' ' || current() == '\t' || current() == '\n' || current() == '\r') ++at_;
  }
  constexpr bool expect(JsonKind kind) {
    const JsonKind found = peek();
    if (found == kind) return true;
    fail(found == JsonKind::none ? Code::json_syntax : Code::json_type);
    return false;
  }

  // One value that holds no others, or the opening of one that does.
  constexpr void skip_one() {
    switch (peek()) {
      case JsonKind::object: return enter_object();
      case JsonKind::array: return enter_array();
      case JsonKind::string: (void)string(); return;
      case JsonKind::number: (void)number(); return;
      case JsonKind::boolean: (void)boolean(); return;
      case JsonKind::null: literal("null"); return;
      case JsonKind::none: syntax(); return;
    }
  }

  constexpr void enter(JsonKind kind) {
    if (!expect(kind)) return;
    if (depth_ == kMaxDepth) return fail(Code::json_depth, kMaxDepth);
    levels_[depth_++] = Level{kind, true, name_count_};
    ++at_;
  }

  constexpr bool next_item(char closing) {
    if (!ok_) return false;
    const JsonKind kind = closing == '}' ? JsonKind::object : JsonKind::array;
    if (depth_ == 0 || levels_[depth_ - 1].kind != kind) return syntax();
    Level& level = levels_[depth_ - 1];
    skip_space();
    if (current() == closing) {
      ++at_;
      name_count_ = level.names;
      --depth_;
      return false;
    }
    if (!level.empty) {
      if (current() != ',') return syntax();
      ++at_;
    }
    level.empty = false;
    return true;
  }

  constexpr bool remember(const JsonString& name, std::size_t quote) {
    for (std::size_t i = levels_[depth_ - 1].names; i < name_count_; ++i) {
      if (JsonString{in_.subspan(names_[i].at, names_[i].size), 0, names_[i].plain != 0} == name) {
        fail_at(Code::json_duplicate, quote);
        return false;
      }
    }
    if (name_count_ == kMaxNames) {
      fail_at(Code::json_members, quote, kMaxNames);
      return false;
    }
    Name& kept = names_[name_count_++];
    kept.at = static_cast<std::uint32_t>(name.offset - base_);
    kept.size = static_cast<std::uint32_t>(name.raw.size()) & 0x7FFFFFFFU;
    kept.plain = name.plain ? 1U : 0U;
    return true;
  }

  // The cursor stands on the opening quote.
  constexpr JsonString quoted() {
    const std::size_t start = ++at_;
    bool plain = true;
    while (true) {
      if constexpr (sizeof(std::size_t) >= 8)  // a register's worth
        while (at_ + 8 <= in_.size() && all_ordinary(in_.subspan(at_).first<8>())) at_ += 8;
      while (at_ < in_.size() && is_ordinary(static_cast<char>(in_[at_]))) ++at_;
      const char c = current();
      if (c == '"') break;
      if (c == '\\') {
        plain = false;
        if (!escape()) return {};
      } else if (static_cast<unsigned char>(c) < 0x20) {
        syntax();  // a control character, or the end of the document
        return {};
      } else if (!utf8()) {
        fail(Code::json_utf8);
        return {};
      }
    }
    const JsonString s{in_.subspan(start, at_ - start), base_ + start, plain};
    ++at_;
    return s;
  }

  constexpr bool escape() {
    ++at_;
    switch (current()) {
      case '"':
      case '\\':
      case '/':
      case 'b':
      case 'f':
      case 'n':
      case 'r':
      case 't': ++at_; return true;
      case 'u': break;
      default: return syntax();
    }
    const std::size_t start = offset() - 1;
    ++at_;
    const int unit = hex4();
    if (unit < 0) return syntax();
    bool paired = unit < 0xD800 || unit > 0xDFFF;
    if (unit >= 0xD800 && unit <= 0xDBFF && current() == '\\') {
      ++at_;
      if (current() == 'u') {
        ++at_;
        const int low = hex4();
        if (low < 0) return syntax();
        paired = low >= 0xDC00 && low <= 0xDFFF;
      }
    }
    if (!paired) fail_at(Code::json_utf8, start);  // half of a surrogate pair stands for nothing
    return paired;
  }
  constexpr int hex4() {
    int value = 0;
    for (int i = 0; i < 4; ++i) {
      const int digit = hex_digit(current());
      if (digit < 0) return -1;
      value = value * 16 + digit;
      ++at_;
    }
    return value;
  }

  // Passes over one character of well-formed UTF-8.
  constexpr bool utf8() {
    const std::size_t size = utf8_front(in_.subspan(at_)).size;
    at_ += size;
    return size != 0;
  }

  constexpr std::uint64_t integer_up_to(std::uint64_t most, bool sign) {
    skip_space();
    const std::size_t start = offset();
    ByteView digits = number();
    if (sign && !digits.empty() && digits[0] == std::byte{'-'}) digits = digits.subspan(1);
    std::uint64_t value = 0;
    for (const std::byte octet : digits) {
      const char c = static_cast<char>(octet);
      const auto digit = static_cast<std::uint64_t>(c - '0');
      const std::uint64_t next = value * 10 + digit;
      if (!is_digit(c) || value > ~std::uint64_t{0} / 10 || next < digit || next > most) {
        fail_at(Code::json_number, start);
        return 0;
      }
      value = next;
    }
    return value;
  }

  // Passes over a number and returns its text.
  constexpr ByteView number() {
    if (!expect(JsonKind::number)) return {};
    const std::size_t start = at_;
    const auto digits = [&] {
      if (!is_digit(current())) return syntax();
      while (is_digit(current())) ++at_;
      return true;
    };
    if (current() == '-') ++at_;
    if (current() == '0') {
      ++at_;
    } else if (!digits()) {
      return {};
    }
    if (current() == '.') {
      ++at_;
      if (!digits()) return {};
    }
    if (current() == 'e' || current() == 'E') {
      ++at_;
      if (current() == '+' || current() == '-') ++at_;
      if (!digits()) return {};
    }
    return in_.subspan(start, at_ - start);
  }

  constexpr void literal(std::string_view word) {
    for (const char c : word) {
      if (current() != c) {
        syntax();
        return;
      }
      ++at_;
    }
  }

  // Many of them: kMaxInput leaves room in two words.
  struct Name {
    std::uint32_t at;
    std::uint32_t size : 31;
    std::uint32_t plain : 1;
  };

  ByteView in_;
  std::size_t base_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;
  std::uint16_t name_count_ = 0;
  bool ok_ = true;
  Error error_{};
  std::array<Level, kMaxDepth> levels_;  // the first depth_ of them
  std::array<Name, kMaxNames> names_;    // the first name_count_
};

/// The name of the member or key that an error of a JSON document is about, as it is spelled in `text`; empty where
/// it is about none.
[[nodiscard]] constexpr ByteView member_of(ByteView text, const Error& error) {
  std::size_t begin = std::min<std::size_t>(error.where, text.size());
  const auto quote = [&](std::size_t i) { return text[i] == std::byte{'"'}; };
  switch (error.code) {
    case Code::json_empty:  // which is at the value
      while (begin > 0 && !quote(begin - 1)) --begin;
      if (begin > 0) --begin;
      while (begin > 0 && !quote(begin - 1)) --begin;
      break;
    case Code::json_duplicate: ++begin; break;
    case Code::json_unknown:
    case Code::claims_key: break;
    default: return {};
  }
  std::size_t end = begin;
  while (end < text.size() && !quote(end)) ++end;
  return begin < end ? text.subspan(begin, end - begin) : ByteView();
}

}  // namespace snpnv
