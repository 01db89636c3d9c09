// SPDX-License-Identifier: Apache-2.0
// A small writer of JSON (RFC 8259), in ASCII.
#pragma once

#include <initializer_list>
#include <string_view>

#include "snpnv/core/escape.hpp"

namespace snpnv {

/// Writes one JSON document through a ByteWriter, in ASCII. The caller opens and closes containers in pairs; a
/// member is key() and then one value. Strings may be any octets: Escape::json says what they become.
class JsonWriter {
 public:
  constexpr explicit JsonWriter(ByteWriter& out) : out_(out) {}

  constexpr void begin_object() { open("{"); }
  constexpr void end_object() { close("}"); }
  constexpr void begin_array() { open("["); }
  constexpr void end_array() { close("]"); }

  constexpr void key(std::string_view name) {
    separate();
    quote(name);
    out_.text(":");
    separated_ = true;
  }
  constexpr void string(std::string_view text) {
    separate();
    quote(text);
  }
  /// A string of several texts, one behind the other.
  constexpr void string(std::initializer_list<std::string_view> parts) {
    separate();
    out_.text("\"");
    for (const std::string_view part : parts) escape(out_, part, Escape::json);
    out_.text("\"");
  }
  /// A string of lower-case hexadecimal digits.
  constexpr void hex(ByteView octets) {
    separate();
    out_.text("\"");
    encode_hex(out_, octets);
    out_.text("\"");
  }
  constexpr void base64url(ByteView octets, Padding padding) {
    separate();
    out_.text("\"");
    encode_base64url(out_, octets, padding);
    out_.text("\"");
  }
  constexpr void number(std::uint64_t value) {
    separate();
    encode_number(out_, value);
  }
  constexpr void integer(std::int64_t value) {
    if (value >= 0) return number(static_cast<std::uint64_t>(value));
    separate();
    out_.text("-");
    separated_ = true;
    number(std::uint64_t{0} - static_cast<std::uint64_t>(value));
  }
  constexpr void boolean(bool value) {
    separate();
    out_.text(value ? std::string_view("true") : std::string_view("false"));
  }
  constexpr void null() {
    separate();
    out_.text("null");
  }
  /// A value that is JSON already.
  constexpr void document(ByteView text) {
    separate();
    out_.bytes(text);
  }

 private:
  constexpr void separate() {
    if (!separated_) out_.text(",");
    separated_ = false;
  }
  constexpr void open(std::string_view bracket) {
    separate();
    out_.text(bracket);
    separated_ = true;
  }
  constexpr void close(std::string_view bracket) {
    out_.text(bracket);
    separated_ = false;
  }
  constexpr void quote(std::string_view text) {
    out_.text("\"");
    escape(out_, text, Escape::json);
    out_.text("\"");
  }

  ByteWriter& out_;
  bool separated_ = true;  // nothing stands before the next value that needs a comma
};

}  // namespace snpnv
