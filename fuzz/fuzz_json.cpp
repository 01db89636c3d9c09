// SPDX-License-Identifier: Apache-2.0
// The JSON reader: what is read member by member is accepted if and only if it is when skipped.
#include "fuzz/fuzz.hpp"
#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/json_writer.hpp"

using namespace snpnv;

namespace {

// Reads a value by what peek() announces, and writes it again.
void copy(JsonReader& in, JsonWriter& out) {
  switch (in.peek()) {
    case JsonKind::object: {
      in.enter_object();
      out.begin_object();
      for (JsonString name; in.next_member(name);) {
        std::array<std::byte, 4096> text;
        const auto decoded = name.copy(text);
        if (!decoded) return in.fail(decoded.error());
        out.key({static_cast<const char*>(static_cast<const void*>(decoded->data())), decoded->size()});
        copy(in, out);
      }
      return out.end_object();
    }
    case JsonKind::array:
      in.enter_array();
      out.begin_array();
      while (in.next_element()) copy(in, out);
      return out.end_array();
    case JsonKind::string: {
      std::array<std::byte, 4096> text;
      const auto decoded = in.string().copy(text);
      if (!decoded) return in.fail(decoded.error());
      return out.string({static_cast<const char*>(static_cast<const void*>(decoded->data())), decoded->size()});
    }
    case JsonKind::boolean: return out.boolean(in.boolean());
    case JsonKind::number:
      in.skip();
      return out.number(1);
    case JsonKind::null:
    case JsonKind::none:
      in.skip();
      return out.null();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ByteView text = fuzz::view(data, size);
  JsonReader skipping(text);
  skipping.skip();
  const auto skipped = skipping.finish(true);
  REQUIRE(skipped || fuzz::inside(skipped.error(), size));

  JsonReader reading(text);
  static std::array<std::byte, 1 << 20> room;
  ByteWriter writer(room);
  JsonWriter json(writer);
  copy(reading, json);
  const auto read = reading.finish(true);
  if (size > 4096) return 0;  // strings may be longer than the buffers here
  REQUIRE(read.has_value() == skipped.has_value());
  if (!read) return 0;
  // What was written is JSON again, of the same shape, so the same names are accepted.
  const auto written = writer.finish();
  REQUIRE(written.has_value());
  JsonReader again(*written);
  again.skip();
  REQUIRE(again.finish(true).has_value());
  return 0;
}
