// SPDX-License-Identifier: Apache-2.0
// Whether a token of Microsoft Azure Attestation is one for what was sent.
#pragma once

#include "snpnv/core/rsa.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/jwt.hpp"
#include "snpnv/wire/snp_report.hpp"
#include "snpnv/wire/x509.hpp"
#include "snpnv/wire/x509_certificate.hpp"

namespace snpnv {

inline constexpr std::string_view kMaaTarget = "/attest/SevSnpVm?api-version=2022-08-01";
inline constexpr std::string_view kMaaKeys = "/certs";

/// What was sent, and to whom. Borrows it.
struct MaaRequest {
  std::string_view issuer;  // the provider's URL, without a slash at its end
  const ATTESTATION_REPORT& report;
  const RuntimeClaims& claims;
};

/// Checks a token: that one of the provider's keys signed it by RS256, that this provider issued it, that it is
/// valid at `now` (in seconds since 1970), that it calls the machine a compliant confidential VM, and that its claims
/// are those that were sent. The key set is believed as it came: TLS vouches for it.
/// @returns nothing | token_key - no key of the set signed it | crypto_signature | token_claim - detail: MaaClaim
///   | what the parsers in wire/jwt.hpp, RuntimeClaims::parse(), Certificate::parse() and the verifier return.
template <RsaVerifier V>
[[nodiscard]] Result<void> verify_maa_token(V& verifier, std::string_view token, ByteView keys, const MaaRequest& sent,
                                            std::uint64_t now, MutBytes room) noexcept {
  SNPNV_TRY(const Jwt& jwt, Jwt::split(token));
  SNPNV_TRY(const ByteView& header_text, decode_base64url(jwt.header, room));
  room = room.subspan(header_text.size());
  SNPNV_TRY(const JwtHeader& header, JwtHeader::parse(header_text));
  SNPNV_TRY(const std::optional<ByteView>& der, find_key(keys, header.kid, room));
  if (!der) return fail(Code::token_key);
  room = room.subspan(der->size());
  SNPNV_TRY(const Certificate& certificate, Certificate::parse(*der));
  if (certificate.key.type != KeyType::rsa) return fail(Code::token_key);
  SNPNV_TRY(const ByteView& signature, decode_base64url(jwt.signature, room));
  SNPNV_CHECK(verify_message(verifier, certificate.key.rsa, Hash::sha256, octets_of(jwt.signed_text), signature));
  room = room.subspan(signature.size());
  SNPNV_TRY(const ByteView& payload, decode_base64url(jwt.payload, room));
  SNPNV_TRY(const MaaClaims& claims, MaaClaims::parse(payload));
  SNPNV_TRY(const RuntimeClaims& runtime, RuntimeClaims::parse(claims.runtime, claims.runtime_offset));
  constexpr std::uint64_t kClockSkew = 300;  // seconds, as Microsoft's own clients allow
  using R = ATTESTATION_REPORT;
  for (const auto& [claim, right] :
       {std::pair{MaaClaim::issuer, claims.issuer == sent.issuer},
        {MaaClaim::not_before, claims.not_before <= now + kClockSkew},
        {MaaClaim::expires, claims.expires + kClockSkew > now},
        {MaaClaim::type, claims.type == std::string_view("sevsnpvm")},
        {MaaClaim::compliance, claims.compliance == std::string_view("azure-compliant-cvm")},
        {MaaClaim::report_data, equal(claims.report_data, sent.report[R::REPORT_DATA])},
        {MaaClaim::measurement, equal(claims.measurement, sent.report[R::MEASUREMENT])},
        {MaaClaim::debuggable, claims.debuggable == (sent.report[R::POLICY][GuestPolicy::DEBUG] != 0)},
        {MaaClaim::vmpl, claims.vmpl == sent.report[R::VMPL]},
        {MaaClaim::user_data, runtime.user_data_size != 0 && equal(runtime.user_data(), sent.claims.user_data())},
        {MaaClaim::attestation_key, runtime.attestation_key.is_rsa() && runtime.attestation_key == sent.claims.attestation_key}})
    if (!right) return fail(Code::token_claim, 0, static_cast<std::uint32_t>(claim));
  return {};
}

}  // namespace snpnv
