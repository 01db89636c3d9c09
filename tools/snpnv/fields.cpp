#include "fields.hpp"

#include <cstdio>
#include <type_traits>

namespace snpnv::tool {
namespace {

std::string str(std::string_view text) { return std::string(text); }

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

template <class T>
concept BitField = requires(const T& value) {
  value.value;
  T::kBits;
};

template <class Bits>
std::string bits_text(const Bits& bits) {
  std::string out;
  for (const BitName& bit : Bits::kBits) {
    std::string value = std::to_string(bits[bit]);
    if constexpr (std::is_same_v<Bits, KeyInfo>)
      if (bit.name == KeyInfo::SIGNING_KEY.name)
        value += " (" + str(name(static_cast<SIGNING_KEY>(bits[bit]))) + ")";
    out += text_line(bit.name, value, 1);
  }
  const std::uint64_t rest = unnamed_bits(bits);
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

template <class Value>
std::string value_text(const Value& value) {
  if constexpr (std::is_same_v<Value, TCB_VERSION>) {
    return hex(value.octets);
  } else if constexpr (BitField<Value>) {
    return format("0x%0*llx", static_cast<int>(2 * Value::kSize),
                  static_cast<unsigned long long>(value.value));
  } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
    return format("0x%016llx", static_cast<unsigned long long>(value));
  } else if constexpr (std::is_integral_v<Value>) {
    return std::to_string(value);
  } else {
    return hex(value);
  }
}

// Integers of 64 bits are strings of hexadecimal digits: JSON readers lose bits above 2^53.
template <class Value>
void value_json(JsonWriter& json, const Value& value, std::optional<Product> product) {
  if constexpr (std::is_same_v<Value, TCB_VERSION>) {
    json.begin_object();
    json.key("raw");
    json.hex(value.octets);
    if (product) {
      for (const TcbLayoutEntry& entry : kTcbLayout) {
        if (const auto number = value.get(entry, *product)) {
          json.key(entry.key);
          json.number(*number);
        }
      }
    }
    json.end_object();
  } else if constexpr (BitField<Value>) {
    json.begin_object();
    json.key("value");
    json.string(value_text(value));
    for (const BitName& bit : Value::kBits) {
      json.key(lower(bit.name));
      json.number(value[bit]);
    }
    json.key("unknown_bits");
    json.string(format("0x%llx", static_cast<unsigned long long>(unnamed_bits(value))));
    json.end_object();
  } else if constexpr (std::is_same_v<Value, std::uint64_t>) {
    json.string(value_text(value));
  } else if constexpr (std::is_integral_v<Value>) {
    json.number(value);
  } else {
    json.hex(value);
  }
}

template <class FieldOf>
constexpr bool reserved(const FieldOf&) {
  return is_reserved<typename FieldOf::Type>;
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
  const int width = 28 - static_cast<int>(2 * indent);
  return format("%*s%-*s %s\n", static_cast<int>(2 * indent), "", width, str(name).c_str(),
                str(value).c_str());
}

std::string report_text(const ATTESTATION_REPORT& report) {
  const std::uint32_t version = report[report.VERSION];
  const auto product = tcb_product(report);
  std::string out = text_line("product", product_text(report));
  ATTESTATION_REPORT::for_each_field([&](auto field) {
    const auto value = report[field];
    if (reserved(field)) {
      if (!all_zero(field.octets(report.raw))) out += text_line(field.name, value_text(value));
      return;
    }
    if (field.since > version) {
      out += text_line(field.name, format("not in version %u", version));
      return;
    }
    out += text_line(field.name, explained(value_text(value), field.meaning));
    using Value = std::remove_cvref_t<decltype(value)>;
    if constexpr (BitField<Value>) out += bits_text(value);
    if constexpr (std::is_same_v<Value, TCB_VERSION>) out += tcb_text(value, product);
  });
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
  ATTESTATION_REPORT::for_each_field([&](auto field) {
    if (reserved(field) && all_zero(field.octets(report.raw))) return;
    json.key(lower(field.name));
    if (field.since > version) {
      json.null();
    } else {
      value_json(json, report[field], product);
    }
  });
  json.end_object();
}

std::string envelope_text(const HclReport& envelope) {
  std::string out;
  HclReport::for_each_field([&](auto field) {
    if (reserved(field) || field.offset == HclReport::hardware_report.offset) return;
    std::string value = value_text(envelope[field]);
    if (field.offset == HclReport::signature.offset) value = "HCLA";
    if (field.offset == HclReport::report_type.offset) value += " (" + str(name(envelope.type())) + ")";
    if (field.offset == HclReport::hash_type.offset)
      if (const auto hash = envelope.hash()) value += " (" + str(name(*hash)) + ")";
    out += text_line(field.name, explained(value, field.meaning));
  });
  if (!envelope.extension.empty()) out += text_line("capability_bitmap", hex(envelope.extension));
  out += text_line("padding", format("%zu octets%s", envelope.padding.size(),
                                     all_zero(envelope.padding) ? "" : ", not all zero"));
  return out;
}

void envelope_json(JsonWriter& json, const HclReport& envelope) {
  json.begin_object();
  HclReport::for_each_field([&](auto field) {
    if (reserved(field) || field.offset == HclReport::hardware_report.offset) return;
    json.key(lower(field.name));
    if (field.offset == HclReport::signature.offset) {
      json.string("HCLA");
    } else {
      value_json(json, envelope[field], std::nullopt);
    }
  });
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
// The decoded text of a string from the claims; control characters are shown as '?'.
std::string shown(const JsonString& text) {
  std::string out;
  auto source = text.source();
  for (char c = 0; source.next(c);) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7F ? '?' : c;
  return out;
}

std::string key_text(std::string_view kid, const ClaimsKey& key) {
  if (!key.present()) return text_line(kid, "absent");
  return text_line(kid, format("RSA %zu bits", 8 * key.modulus_size)) +
         text_line("e", hex(key.exponent()), 1) + text_line("n", hex(key.modulus()), 1);
}

void key_json(JsonWriter& json, std::string_view name, const ClaimsKey& key) {
  json.key(name);
  if (!key.present()) {
    json.null();
    return;
  }
  json.begin_object();
  json.key("bits");
  json.number(8 * key.modulus_size);
  json.key("exponent");
  json.hex(key.exponent());
  json.key("modulus");
  json.hex(key.modulus());
  json.end_object();
}
}  // namespace

std::string claims_text(const RuntimeClaims& claims) {
  std::string out = key_text("HCLAkPub", claims.attestation_key);
  out += key_text("HCLEkPub", claims.endorsement_key);
  out += "vm-configuration\n";
#define SNPNV_X(member, spelled) \
  if (claims.vm.member) out += text_line(spelled, *claims.vm.member ? "true" : "false", 1);
  SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(member, spelled) \
  if (claims.vm.member) out += text_line(spelled, shown(*claims.vm.member), 1);
  SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
  if (claims.vm.current_time) out += text_line("current-time", std::to_string(*claims.vm.current_time), 1);
  out += text_line("user-data", claims.user_data_size == 0 ? "absent" : hex(claims.user_data()));
  return out;
}

void claims_json(JsonWriter& json, const RuntimeClaims& claims) {
  json.begin_object();
  key_json(json, "hcl_ak_pub", claims.attestation_key);
  key_json(json, "hcl_ek_pub", claims.endorsement_key);
  json.key("vm_configuration");
  json.begin_object();
#define SNPNV_X(member, spelled) \
  if (claims.vm.member) {        \
    json.key(#member);           \
    json.boolean(*claims.vm.member); \
  }
  SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(member, spelled) \
  if (claims.vm.member) {        \
    json.key(#member);           \
    json.string(shown(*claims.vm.member)); \
  }
  SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
  if (claims.vm.current_time) {
    json.key("current_time");
    json.number(*claims.vm.current_time);
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
