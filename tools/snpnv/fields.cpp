// SPDX-License-Identifier: Apache-2.0
#include "fields.hpp"

#include "output.hpp"

#include <type_traits>

namespace snpnv::tool {
namespace {

// The layout of TCB_VERSION for a report: Milan and Genoa share one, so either name does. Nothing
// where the processor is unknown, or Turin cannot be told from the others.
std::optional<Product> tcb_product(const ATTESTATION_REPORT& report) {
  const auto possible = products(report);
  if (!possible) return std::nullopt;
  const bool turin = possible->has(Product::turin);
  const bool older = possible->has(Product::milan) || possible->has(Product::genoa);
  if (turin == older) return std::nullopt;
  return turin ? Product::turin : possible->has(Product::milan) ? Product::milan : Product::genoa;
}

// The declared fields as a table that one loop prints: code for each field's type would be large.
enum class Kind : std::uint8_t { reserved, octets, number, number64, bits, tcb };
struct Row {
  const char* name;  // these point to literals: views would make the table half as large again
  const char* meaning;
  const BitName* first_bit;
  std::uint16_t offset;
  std::uint16_t size;
  std::uint8_t since;
  Kind kind;
  std::uint8_t bit_count;

  [[nodiscard]] ByteView in(ByteView structure) const { return structure.subspan(offset, size); }
  [[nodiscard]] std::span<const BitName> bits() const { return {first_bit, bit_count}; }
};

template <class FieldOf>
constexpr Row row(const FieldOf& field) {
  using Type = typename FieldOf::Type;
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): literals end with NUL
  Row out{field.name.data(), field.meaning.data(), nullptr, FieldOf::offset, FieldOf::size,
          static_cast<std::uint8_t>(field.since), Kind::octets, 0};
  if constexpr (std::is_same_v<Type, TCB_VERSION>) {
    out.kind = Kind::tcb;
  } else if constexpr (requires { Type::kBits; }) {
    out.kind = Kind::bits;
    out.first_bit = std::data(Type::kBits);
    out.bit_count = static_cast<std::uint8_t>(std::size(Type::kBits));
  } else if constexpr (std::is_integral_v<typename Type::Value>) {
    out.kind = field.size == 8 ? Kind::number64 : Kind::number;
  } else if constexpr (is_reserved<Type>) {
    out.kind = Kind::reserved;
  }
  return out;
}
template <class Layout>
constexpr std::size_t count() {
  std::size_t n = 0;
  Layout::for_each_field([&](auto) { ++n; });
  return n;
}
template <class Layout>
constexpr auto rows() {
  std::array<Row, count<Layout>()> out{};
  std::size_t n = 0;
  Layout::for_each_field([&](auto field) { out[n++] = row(field); });
  return out;
}
constexpr auto kReportRows = rows<ATTESTATION_REPORT>();
constexpr auto kEnvelopeRows = rows<HclReport>();

std::uint64_t number_of(ByteView octets) {
  std::uint64_t out = 0;
  for (std::size_t i = octets.size(); i-- > 0;) out = out << 8 | std::to_integer<std::uint64_t>(octets[i]);
  return out;
}

std::string bits_text(std::uint64_t bits, std::span<const BitName> names) {
  std::string out;
  for (const BitName& bit : names) {
    const std::uint64_t number = extract(bits, bit);
    std::string value = std::to_string(number);
    if (bit.name == KeyInfo::SIGNING_KEY.name) {
      value += " (";
      value += name(static_cast<SIGNING_KEY>(number));
      value += ')';
    }
    out += text_line(bit.name, value, 1);
  }
  const std::uint64_t rest = unnamed_bits(bits, names);
  for (unsigned i = 0; i < 64; ++i)
    if ((rest >> i & 1U) != 0) out += text_line(format("bit %u", i), "1 (no name known)", 1);
  return out;
}

std::string tcb_text(const TCB_VERSION& tcb, std::optional<Product> product) {
  if (!product) return {};
  std::string out;
  for (const TcbLayoutEntry& entry : kTcbLayout)
    if (const auto value = tcb.get(entry, *product)) out += text_line(entry.name, std::to_string(*value), 1);
  return out;
}

std::string value_text(const Row& row, ByteView value) {
  if (row.kind == Kind::number) return std::to_string(number_of(value));
  if (row.kind == Kind::number64 || row.kind == Kind::bits)
    return format("0x%0*llx", static_cast<int>(2 * row.size),
                  static_cast<unsigned long long>(number_of(value)));
  return hex(value);
}

// Integers of 64 bits are strings of hexadecimal digits: JSON readers lose bits above 2^53.
void value_json(JsonWriter& json, const Row& row, ByteView value, std::optional<Product> product) {
  switch (row.kind) {
    case Kind::number: json.number(number_of(value)); return;
    case Kind::number64: json.string(value_text(row, value)); return;
    case Kind::reserved:
    case Kind::octets: json.hex(value); return;
    case Kind::tcb:
      json.begin_object();
      json.key("raw");
      json.hex(value);
      if (product) {
        const TCB_VERSION tcb = TCB_VERSION::load(value.first<TCB_VERSION::kSize>());
        for (const TcbLayoutEntry& entry : kTcbLayout) {
          if (const auto number = tcb.get(entry, *product)) {
            json.key(entry.key);
            json.number(*number);
          }
        }
      }
      json.end_object();
      return;
    case Kind::bits:
      const std::uint64_t bits = number_of(value);
      json.begin_object();
      json.key("value");
      json.string(value_text(row, value));
      for (const BitName& bit : row.bits()) {
        json.key(lower(bit.name));
        json.number(extract(bits, bit));
      }
      json.key("unknown_bits");
      json.string(format("0x%llx", static_cast<unsigned long long>(unnamed_bits(bits, row.bits()))));
      json.end_object();
  }
}

}  // namespace

std::string product_text(const ATTESTATION_REPORT& report) {
  const auto possible = products(report);
  if (!possible) {
    const CpuModels* const row =
        find_cpu(report[report.CPUID_FAM_ID], report[report.CPUID_MOD_ID]);
    return row != nullptr ? str(row->name) + " (not supported)" : "unknown";
  }
  std::string out;
  for (const Product product : kProducts)
    if (possible->has(product)) out += (out.empty() ? "" : " or ") + str(name(product));
  return out;
}

namespace {
std::string explained(const std::string& value, std::string_view meaning) {
  return value + "  # " + str(meaning);
}
}  // namespace

std::string text_line(std::string_view name, std::string_view value, unsigned indent) {
  const std::string what = std::string(2 * indent, ' ') + printable(name);
  return two_columns(what, 28, printable(value), terminal_width());
}

void Listing::text(std::string_view key, std::string_view label, std::string_view value) {
  note(label, value);
  json_.json().key(key);
  json_.json().string(value);
}
void Listing::number(std::string_view key, std::string_view label, std::uint64_t value) {
  note(label, std::to_string(value));
  json_.json().key(key);
  json_.json().number(value);
}
void Listing::boolean(std::string_view key, std::string_view label, bool value) {
  note(label, value ? "true" : "false");
  json_.json().key(key);
  json_.json().boolean(value);
}
void Listing::absent(std::string_view key, std::string_view label, std::string_view why, std::string_view mark) {
  note(label, concat({mark, why}));
  json_.json().key(key);
  json_.json().null();
  json_.json().key(concat({key, "_error"}));
  json_.json().string(why);
}
void Listing::hint(std::string_view key, std::string_view text) {
  note("", concat({"usually: ", text}));
  json_.json().key(concat({key, "_hint"}));
  json_.json().string(text);
}
Outcome<std::string> Listing::finish(bool json) {
  json_.json().end_object();
  return json ? json_.finish() : Outcome<std::string>(text_);
}

std::string attribute_names(std::uint32_t bits, std::span<const BitName> names) {
  std::string out;
  const auto add = [&](std::string_view name) {
    if (!out.empty()) out += '|';
    out += name;
  };
  for (const BitName& bit : names) {
    const std::uint64_t value = extract(bits, bit);
    if (value != 0) add(bit.first == bit.last ? str(bit.name) : concat({bit.name, "=", std::to_string(value)}));
  }
  const std::uint64_t rest = unnamed_bits(bits, names);
  for (unsigned i = 0; i < 32; ++i)
    if ((rest >> i & 1U) != 0) add(format("bit%u", i));
  return out;
}

std::string report_text(const ATTESTATION_REPORT& report) {
  const std::uint32_t version = report[report.VERSION];
  const auto product = tcb_product(report);
  std::string out = text_line("product", product_text(report));
  for (const Row& row : kReportRows) {
    const ByteView value = row.in(report.raw);
    if (row.kind == Kind::reserved) {
      if (!all_zero(value)) out += text_line(row.name, value_text(row, value));
      continue;
    }
    if (row.since > version) {
      out += text_line(row.name, format("not in version %u", version));
      continue;
    }
    out += text_line(row.name, explained(value_text(row, value), row.meaning));
    if (row.kind == Kind::bits) out += bits_text(number_of(value), row.bits());
    if (row.kind == Kind::tcb)
      out += tcb_text(TCB_VERSION::load(value.first<TCB_VERSION::kSize>()), product);
  }
  if (!report.known_version())
    out += format("note: version %u is newer than %u; only the fields shown are known\n", version,
                  ATTESTATION_REPORT::kMaxVersion);
  return out;
}

void report_json(JsonWriter& json, const ATTESTATION_REPORT& report) {
  const std::uint32_t version = report[report.VERSION];
  const auto product = tcb_product(report);
  json.begin_object();
  json.key("product");
  json.string(product_text(report));
  for (const Row& row : kReportRows) {
    const ByteView value = row.in(report.raw);
    if (row.kind == Kind::reserved && all_zero(value)) continue;
    json.key(lower(row.name));
    if (row.since > version) {
      json.null();
    } else {
      value_json(json, row, value, product);
    }
  }
  json.end_object();
}

std::string envelope_text(const HclReport& envelope) {
  std::string out;
  for (const Row& row : kEnvelopeRows) {
    if (row.kind == Kind::reserved || row.offset == HclReport::hardware_report.offset) continue;
    std::string value = value_text(row, row.in(envelope.raw));
    if (row.offset == HclReport::signature.offset) value = "HCLA";
    if (row.offset == HclReport::report_type.offset) value += " (" + str(name(envelope.type())) + ")";
    if (row.offset == HclReport::hash_type.offset)
      if (const auto hash = envelope.hash()) value += " (" + str(name(*hash)) + ")";
    out += text_line(row.name, explained(value, row.meaning));
  }
  if (!envelope.extension.empty()) out += text_line("capability_bitmap", hex(envelope.extension));
  out += text_line("padding", format("%zu octets%s", envelope.padding.size(),
                                     all_zero(envelope.padding) ? "" : ", not all zero"));
  return out;
}

void envelope_json(JsonWriter& json, const HclReport& envelope) {
  json.begin_object();
  for (const Row& row : kEnvelopeRows) {
    if (row.kind == Kind::reserved || row.offset == HclReport::hardware_report.offset) continue;
    json.key(lower(row.name));
    if (row.offset == HclReport::signature.offset) {
      json.string("HCLA");
    } else {
      value_json(json, row, row.in(envelope.raw), std::nullopt);
    }
  }
  json.key("report_type_name");
  json.string(name(envelope.type()));
  json.key("capability_bitmap");
  if (envelope.extension.empty()) {
    json.null();
  } else {
    json.hex(envelope.extension);
  }
  json.key("padding_size");
  json.number(envelope.padding.size());
  json.end_object();
}

namespace {
// The decoded text of a string from the claims.
std::string decoded(const JsonString& text) {
  std::string out;
  auto source = text.source();
  for (char c = 0; source.next(c);) out += c;
  return out;
}

std::string key_text(std::string_view kid, const ClaimsKey& key) {
  if (!key.present()) return text_line(kid, "absent");
  if (!key.is_rsa()) return text_line(kid, "not an RSA key");
  return text_line(kid, format("RSA %zu bits", bit_length(key.modulus()))) +
         text_line("e", hex(key.exponent()), 1) + text_line("n", hex(key.modulus()), 1);
}

void key_json(JsonWriter& json, std::string_view name, const ClaimsKey& key) {
  json.key(name);
  if (!key.present()) {
    json.null();
    return;
  }
  json.begin_object();
  if (!key.is_rsa()) return json.end_object();
  json.key("bits");
  json.number(bit_length(key.modulus()));
  json.key("exponent");
  json.hex(key.exponent());
  json.key("modulus");
  json.hex(key.modulus());
  json.end_object();
}
}  // namespace

std::string claims_text(const RuntimeClaims& claims) {
  const VmConfiguration& vm = claims.vm;
  std::string out = key_text("HCLAkPub", claims.attestation_key);
  out += key_text("HCLEkPub", claims.endorsement_key);
  out += "vm-configuration\n";
  for (const auto& flag : kVmFlags)
    if (const auto& value = vm.*flag.value) out += text_line(flag.json, *value ? "true" : "false", 1);
  for (const auto& text : kVmTexts)
    if (const auto& value = vm.*text.value) out += text_line(text.json, decoded(*value), 1);
  if (vm.current_time) out += text_line("current-time", std::to_string(*vm.current_time), 1);
  out += text_line("user-data", claims.user_data_size == 0 ? "absent" : hex(claims.user_data()));
  return out;
}

void claims_json(JsonWriter& json, const RuntimeClaims& claims) {
  const VmConfiguration& vm = claims.vm;
  json.begin_object();
  key_json(json, "hcl_ak_pub", claims.attestation_key);
  key_json(json, "hcl_ek_pub", claims.endorsement_key);
  json.key("vm_configuration");
  json.begin_object();
  const auto flag = [&](std::string_view name, const std::optional<bool>& value) {
    if (!value) return;
    json.key(name);
    json.boolean(*value);
  };
  const auto text = [&](std::string_view name, const std::optional<JsonString>& value) {
    if (!value) return;
    json.key(name);
    json.string(decoded(*value));
  };
#define SNPNV_X(member, spelled) flag(#member, vm.member);
  SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(member, spelled) text(#member, vm.member);
  SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
  if (vm.current_time) {
    json.key("current_time");
    json.integer(*vm.current_time);
  }
  json.end_object();
  json.key("user_data");
  if (claims.user_data_size == 0) {
    json.null();
  } else {
    json.hex(claims.user_data());
  }
  json.end_object();
}

}  // namespace snpnv::tool
