// SPDX-License-Identifier: Apache-2.0
// The runtime claims: JSON whose digest is REPORT_DATA. Keys of the vTPM, VM configuration, user data.
#pragma once

#include <optional>

#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/rsa.hpp"

namespace snpnv {

/// Octets at NV index 0x01400002, and in the claims' user-data.
inline constexpr std::size_t kUserDataSize = 64;
using UserData = std::array<std::byte, kUserDataSize>;

/// A public key from the claims. An RSA key is decoded, its numbers without leading zeros; of a key of
/// another type it is known only that it is there, which matters to who needs that key.
struct ClaimsKey {
  static constexpr std::size_t kMaxModulus = 512;  // RSA-4096

  enum class Type : std::uint8_t { absent, rsa, other };
  Type type = Type::absent;
  std::array<std::byte, kMaxModulus> modulus_octets{};
  std::size_t modulus_size = 0;
  std::array<std::byte, 8> exponent_octets{};
  std::size_t exponent_size = 0;

  [[nodiscard]] constexpr bool present() const { return type != Type::absent; }
  [[nodiscard]] constexpr bool is_rsa() const { return type == Type::rsa; }
  /// Big-endian, in octets.
  [[nodiscard]] constexpr ByteView modulus() const { return ByteView(modulus_octets).first(modulus_size); }
  [[nodiscard]] constexpr ByteView exponent() const {
    return ByteView(exponent_octets).first(exponent_size);
  }
  [[nodiscard]] constexpr RsaPublicKey rsa() const { return {modulus(), exponent()}; }
  friend constexpr bool operator==(const ClaimsKey& a, const ClaimsKey& b) {
    return equal(a.modulus(), b.modulus()) && equal(a.exponent(), b.exponent());
  }
};

// Members of vm-configuration whose values are booleans, and those whose values are strings:
// X(member of VmConfiguration, JSON name)
#define SNPNV_VM_CONFIGURATION_FLAGS(X)                       \
  X(console_enabled, "console-enabled")                       \
  X(interactive_console_enabled, "interactive-console-enabled") \
  X(secure_boot, "secure-boot")                               \
  X(tpm_enabled, "tpm-enabled")                               \
  X(tpm_persisted, "tpm-persisted")                           \
  X(filtered_vpci_devices_allowed, "filtered-vpci-devices-allowed")
#define SNPNV_VM_CONFIGURATION_TEXTS(X)               \
  X(root_cert_thumbprint, "root-cert-thumbprint")     \
  X(vm_unique_id, "vmUniqueId")                       \
  X(hardware_sealing_policy, "hardware-sealing-policy")

/// vm-configuration. Members that the firmware left out are empty; unknown ones are passed over.
struct VmConfiguration {
#define SNPNV_X(member, json) std::optional<bool> member;
  SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(member, json) std::optional<JsonString> member;
  SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
  std::optional<std::int64_t> current_time;  // seconds since 1970; firmware of 2023
};

/// A member of vm-configuration: as the claims spell it, and where its value is.
template <class Value>
struct VmMember {
  std::string_view json;
  std::optional<Value> VmConfiguration::*value;
};
#define SNPNV_X(member, json) VmMember<bool>{json, &VmConfiguration::member},
inline constexpr auto kVmFlags = std::to_array({SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)});
#undef SNPNV_X
#define SNPNV_X(member, json) VmMember<JsonString>{json, &VmConfiguration::member},
inline constexpr auto kVmTexts = std::to_array({SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)});
#undef SNPNV_X

/// The claims, of every firmware generation. Strings borrow the JSON text; keys and user data are
/// decoded into the structure.
/// Source: OpenVMM, igvm_attest/get.rs, "RuntimeClaims"; captures of real machines.
struct RuntimeClaims {
  ClaimsKey attestation_key;  // HCLAkPub
  ClaimsKey endorsement_key;  // HCLEkPub
  VmConfiguration vm;
  std::array<std::byte, kUserDataSize> user_data_octets{};
  std::size_t user_data_size = 0;  // 0 where the firmware supplies none

  [[nodiscard]] constexpr ByteView user_data() const {
    return ByteView(user_data_octets).first(user_data_size);
  }
  /// True if the claims carry exactly these 64 octets. Absent user data equals nothing, not zeros.
  [[nodiscard]] constexpr bool carries(const UserData& expected) const {
    return equal(user_data(), expected);
  }

  /// Reads and checks the whole document.
  /// @returns the claims | any json_ code | text_hex, text_base64 - in a member that is so encoded
  ///   | wire_overflow - a key or user-data longer than its limit | json_missing - a key without kty, or an
  ///   RSA key without n or e | wire_value - n or e begins with a zero octet | claims_key - the same
  ///   kid twice; where: absolute offset, counted from `base`.
  [[nodiscard]] static constexpr Result<RuntimeClaims> parse(ByteView text, std::size_t base = 0) {
    Result<RuntimeClaims> out{std::in_place};
    if (const auto read = out->read(text, base); !read) out = std::unexpected(read.error());
    return out;
  }
  /// The same in place, into claims as they are made; after an error they are of no use.
  [[nodiscard]] constexpr Result<void> read(ByteView text, std::size_t base = 0) {
    RuntimeClaims& claims = *this;
    JsonReader json(text, base);
    json.enter_object();
    for (JsonString member; json.next_member(member);) {
      if (member == "keys") {
        claims.read_keys(json);
      } else if (member == "vm-configuration") {
        claims.read_vm(json);
      } else if (member == "user-data") {
        const JsonString hex = json.string();
        claims.user_data_size = decode(json, decode_hex(hex.source(), claims.user_data_octets));
      } else {
        json.skip();
      }
    }
    return json.finish();
  }

 private:
  // Hands a decoder's error to the reader; otherwise the number of octets decoded.
  static constexpr std::size_t decode(JsonReader& json, const Result<ByteView>& decoded) {
    if (decoded) return decoded->size();
    json.fail(decoded.error());
    return 0;
  }

  constexpr void read_keys(JsonReader& json) {
    json.enter_array();
    while (json.next_element()) {
      const std::size_t start = json.offset();
      JsonString kid, kty, n, e;
      bool typed = false;
      json.enter_object();
      for (JsonString member; json.next_member(member);) {
        JsonString* const to = member == "kid"   ? &kid
                               : member == "kty" ? &kty
                               : member == "n"   ? &n
                               : member == "e"   ? &e
                                                 : nullptr;
        if (to != nullptr) {
          *to = json.string();
        } else {
          json.skip();
        }
        typed = typed || to == &kty;
      }
      ClaimsKey* const slot = kid == "HCLAkPub"   ? &attestation_key
                              : kid == "HCLEkPub" ? &endorsement_key
                                                  : nullptr;
      if (slot == nullptr || !json.ok()) continue;
      if (slot->present()) return json.fail_at(Code::claims_key, kid.offset);
      if (!typed) return missing(json, JsonMember::kty, start);
      slot->type = kty == "RSA" ? ClaimsKey::Type::rsa : ClaimsKey::Type::other;
      if (!slot->is_rsa()) continue;
      slot->modulus_size = read_number(json, n, slot->modulus_octets, JsonMember::n, start);
      slot->exponent_size = read_number(json, e, slot->exponent_octets, JsonMember::e, start);
    }
  }
  static constexpr void missing(JsonReader& json, JsonMember member, std::size_t key) {
    json.fail_at(Code::json_missing, key, static_cast<std::size_t>(member));
  }
  // RFC 7518, "RSA Public Key": as few octets as the number needs.
  static constexpr std::size_t read_number(JsonReader& json, const JsonString& text, MutBytes to, JsonMember member,
                                           std::size_t key) {
    const std::size_t size = decode(json, decode_base64url(text.source(), to));
    if (size == 0) missing(json, member, key);
    if (size != 0 && to[0] == std::byte{0}) json.fail_at(Code::wire_value, text.source().offset());
    return size;
  }

  constexpr void read_vm(JsonReader& json) {
    json.enter_object();
    for (JsonString member; json.next_member(member);)
      if (!read_vm_member(json, member)) json.skip();
  }
  constexpr bool read_vm_member(JsonReader& json, const JsonString& member) {
    for (const auto& row : kVmFlags)
      if (member == row.json) return vm.*row.value = json.boolean(), true;
    for (const auto& row : kVmTexts)
      if (member == row.json) return vm.*row.value = json.string(), true;
    if (member == "current-time") return vm.current_time = json.integer(), true;
    return false;
  }
};

/// Whether claims have padding behind them, as those do that were cut from an index by its size.
[[nodiscard]] constexpr bool end_in_zeros(ByteView claims) { return !claims.empty() && claims.back() == std::byte{0}; }

}  // namespace snpnv
