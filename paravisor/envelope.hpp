// SPDX-License-Identifier: Apache-2.0
// Runtime claims and the envelope around report and claims, as the firmware generations make them.
#pragma once

#include <ctime>

#include "paravisor/provision.hpp"
#include "snpnv/core/json_writer.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/hcl_report.hpp"

namespace snpnv::paravisor {

/// The public keys that the claims name.
struct Keys {
  Modulus attestation;
  Modulus endorsement;
};

inline std::string upper_case(ByteView octets) {
  std::string out(octets.size() * 2, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  encode_hex(writer, octets);
  for (char& c : out)
    if (c >= 'a') c = static_cast<char>(c - 'a' + 'A');
  return out;
}

/// A GUID from 16 octets, in upper case.
inline std::string guid(ByteView octets) {
  std::string out = upper_case(octets.first(16));
  for (const std::size_t at : {20U, 16U, 12U, 8U}) out.insert(at, 1, '-');
  return out;
}

/// An RSA key of the claims.
inline void write_key(JsonWriter& json, std::string_view kid, std::string_view operation, const Modulus& modulus) {
  constexpr std::array kExponent{std::byte{1}, std::byte{0}, std::byte{1}};
  json.begin_object();
  json.key("kid");
  json.string(kid);
  json.key("key_ops");
  json.begin_array();
  json.string(operation);
  json.end_array();
  json.key("kty");
  json.string("RSA");
  json.key("e");
  json.base64url(kExponent, Padding::none);
  json.key("n");
  json.base64url(modulus, Padding::none);
  json.end_object();
}

/// What the claims say of the virtual machine.
inline void write_vm_configuration(JsonWriter& json, const Options& options, Profile profile) {
  MbedCrypto crypto;
  const auto flag = [&](std::string_view name, bool value) {
    json.key(name);
    json.boolean(value);
  };
  const auto word = [&](std::string_view name, std::string_view value) {
    json.key(name);
    json.string(value);
  };
  json.begin_object();
  if (profile == Profile::openhcl) {
    json.key("root-cert-thumbprint");
    json.base64url(seeded(crypto, options.seed, "root certificate").view().first(32), Padding::none);
  }
  flag("console-enabled", true);
  if (profile == Profile::openhcl) flag("interactive-console-enabled", false);
  if (profile == Profile::azure_2023) {
    json.key("current-time");
    json.number(static_cast<std::uint64_t>(std::time(nullptr)));
  }
  flag("secure-boot", !options.faults.no_secure_boot);
  flag("tpm-enabled", true);
  if (profile == Profile::openhcl) {
    flag("tpm-persisted", true);
    flag("filtered-vpci-devices-allowed", false);
  }
  word("vmUniqueId", guid(seeded(crypto, options.seed, "vm").view()));
  if (profile == Profile::openhcl) word("hardware-sealing-policy", "none");
  json.end_object();
}

/// The claims as JSON text.
[[nodiscard]] inline Result<std::vector<std::byte>> make_claims(const Options& options, const Keys& keys,
                                                                const UserData& user_data) {
  std::vector<std::byte> out(4096);
  ByteWriter writer(out);
  JsonWriter json(writer);
  // What fits in 2048 octets is less than OpenHCL has to say.
  const bool one_key = options.nv_size <= 2048;
  const Profile profile = one_key && options.profile == Profile::openhcl ? Profile::azure_2024 : options.profile;
  json.begin_object();
  json.key("keys");
  json.begin_array();
  write_key(json, "HCLAkPub", one_key ? "encrypt" : "sign", keys.attestation);
  if (!one_key) write_key(json, "HCLEkPub", "encrypt", keys.endorsement);
  json.end_array();
  json.key("vm-configuration");
  write_vm_configuration(json, options, profile);
  if (profile != Profile::azure_2023) {
    json.key("user-data");
    options.upper_case ? json.string(upper_case(user_data)) : json.hex(user_data);
  }
  if (options.faults.duplicate_key) {
    json.key("user-data");
    json.string("");
  }
  json.end_object();
  SNPNV_TRY(const ByteView text, writer.finish());
  out.resize(text.size());
  if (options.faults.bad_json) out.back() = static_cast<std::byte>(']');
  return out;
}

/// The content of the report index: envelope and padding.
/// @returns nv_size octets | wire_overflow - the envelope does not fit; detail: its size
///   | crypto_failed.
[[nodiscard]] inline Result<std::vector<std::byte>> make_content(Platform& platform, const Options& options,
                                                                 const Keys& keys, UserData user_data) {
  using H = HclReport;
  if (options.faults.wrong_user_data) user_data[0] ^= std::byte{0xFF};
  SNPNV_TRY(const auto claims, make_claims(options, keys, user_data));
  MbedCrypto crypto;
  SNPNV_TRY(Digest digest, crypto.digest(Hash::sha256, claims));
  if (options.faults.wrong_digest) digest.octets[0] ^= std::byte{0xFF};
  SNPNV_TRY(const auto report, platform.report(options, digest));

  const std::size_t size = H::kSize + claims.size();
  if (size > options.nv_size) return fail(Code::wire_overflow, 0, static_cast<std::uint32_t>(size));
  const auto excess = static_cast<std::uint32_t>(options.faults.truncated ? options.nv_size : 0);
  const auto claims_size = static_cast<std::uint32_t>(claims.size()) + excess;
  std::vector<std::byte> out(options.nv_size);
  const MutBytes structure(out);
  put(structure, H::signature, H::kSignature);
  put(structure, H::version, options.envelope_version);
  put(structure, H::report_size, static_cast<std::uint32_t>(H::kSize) + claims_size);
  put(structure, H::request_type, std::uint32_t{2});
  copy_to(slot(structure, H::hardware_report), report);
  put(structure, H::data_size, static_cast<std::uint32_t>(H::kSize - H::data_size.offset) + claims_size);
  put(structure, H::data_version, std::uint32_t{1});
  put(structure, H::report_type, static_cast<std::uint32_t>(HclReportType::snp));
  put(structure, H::hash_type, std::uint32_t{1});
  put(structure, H::claims_size, claims_size);
  copy_to(structure.subspan(H::kSize), claims);
  return out;
}

}  // namespace snpnv::paravisor
