// SPDX-License-Identifier: Apache-2.0
// Hexadecimal and base64url: what decodes encodes to the same text, but for case and padding. Escapes: printable
// ASCII whatever comes, and JSON between quotes.
#include <string_view>

#include "fuzz/fuzz.hpp"
#include "snpnv/core/json_reader.hpp"

using namespace snpnv;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 4096) return 0;
  const std::string_view text(static_cast<const char*>(static_cast<const void*>(data)), size);
  std::array<std::byte, 4096> octets;
  std::array<std::byte, 8192> room;
  if (const auto decoded = decode_hex(text, octets)) {
    ByteWriter writer(room);
    encode_hex(writer, *decoded);
    REQUIRE(writer.size() == size);
    for (std::size_t i = 0; i < size; ++i) {
      const char c = text[i] >= 'A' && text[i] <= 'F' ? static_cast<char>(text[i] + 32) : text[i];
      REQUIRE(static_cast<char>(room[i]) == c);
    }
  } else {
    REQUIRE(decoded.error().code == Code::text_hex && decoded.error().where <= size);
  }
  if (const auto decoded = decode_base64url(text, octets)) {
    const bool padded = text.ends_with('=');
    ByteWriter writer(room);
    encode_base64url(writer, *decoded, padded ? Padding::padded : Padding::none);
    REQUIRE(equal(writer.written(), fuzz::view(data, size)));
  } else {
    REQUIRE(decoded.error().code == Code::text_base64 && decoded.error().where <= size);
  }
  static std::array<std::byte, 6 * 4096 + 2> escaped;
  for (const Escape form : {Escape::plain, Escape::json}) {
    ByteWriter writer(escaped);
    writer.text("\"");
    escape(writer, text, form);
    writer.text("\"");
    REQUIRE(writer.ok());
    for (const std::byte octet : writer.written()) REQUIRE(octet >= std::byte{' '} && octet <= std::byte{'~'});
    if (form == Escape::plain) continue;
    JsonReader json(writer.written());
    (void)json.string();
    REQUIRE(json.finish(true).has_value());
  }
  return 0;
}
