// SPDX-License-Identifier: Apache-2.0
// What can be chosen of an emulated paravisor.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "snpnv/core/clock.hpp"
#include "snpnv/core/text.hpp"
#include "snpnv/wire/snp_tcb.hpp"

namespace snpnv::paravisor {

// X(member, name on the command line, what happens)
#define SNPNV_PARAVISOR_FAULTS(X)                                                                   \
  X(stale_forever, "stale-forever", "the report is never refreshed")                                \
  X(stale_once, "stale-once", "the first refresh that is due fails, and its window passes")         \
  X(torn, "torn", "a refresh for another writer between the chunks of the first read after a write") \
  X(wrong_digest, "wrong-digest", "REPORT_DATA is not the claims' digest")                          \
  X(wrong_user_data, "wrong-user-data", "the claims carry other user data, hashed and signed")      \
  X(bad_signature, "bad-signature", "the report's signature does not verify")                       \
  X(truncated, "truncated", "the envelope claims more octets than the index holds")                 \
  X(bad_json, "bad-json", "the claims are not JSON, but hashed and signed")                         \
  X(duplicate_key, "duplicate-key", "the claims repeat a member name, hashed and signed")           \
  X(retry_rc, "retry-rc", "every command is first answered with TPM_RC_RETRY")                      \
  X(nv_rate, "nv-rate", "every TPM2_NV_Write is first answered with TPM_RC_NV_RATE three times")    \
  X(silence, "silence", "commands get no answer")                                                   \
  X(nv_silence, "nv-silence", "TPM2_NV_Read and TPM2_NV_Write get no answer")                       \
  X(short_response, "short-response", "TPM2_NV_Read returns one octet less than asked for")         \
  X(no_index, "no-index", "there is no NV index 0x01400001")                                        \
  X(new_ak_each_boot, "new-ak-each-boot", "another attestation key at every boot")                  \
  X(no_ak_cert, "no-ak-cert", "there is no NV index 0x01C101D0")                                    \
  X(ak_cert_late, "ak-cert-late", "index 0x01C101D0 is unwritten until it has been read at offset 0") \
  X(wrong_ak_attributes, "wrong-ak-attributes", "a key with other attributes at 0x81000003, so no refresh ever") \
  X(no_secure_boot, "no-secure-boot", "the claims say that secure boot is off")

// Faults that may end: NAME=N after N times, NAME=Ns N seconds after the first.
#define SNPNV_PARAVISOR_ENDING_FAULTS(X) \
  X(refresh_fails, "refresh-fails", "refreshes fail, and their window stays open; =N: N times, =Ns: for N seconds")

// Those of the certificate services; the first two may end too.
#define SNPNV_PARAVISOR_HTTP_FAULTS(X)                                                              \
  X(http_429, "http-429", "429 Too Many Requests; =N: N times, =Ns: for N seconds")                 \
  X(http_410, "http-410", "410 Gone at the platform's endpoint; =N and =Ns as above")                 \
  X(http_503, "http-503", "503 Service Unavailable; =N and =Ns as above")                           \
  X(http_slow, "http-slow", "responses come an octet in a quarter of a second")                     \
  X(http_truncated, "http-truncated", "the connection ends in the middle of a body")                \
  X(http_endless, "http-endless", "a chunked body goes on for ever")                                \
  X(wrong_certificate, "wrong-certificate", "the VCEK is that of another chip")                     \
  X(wrong_tcb, "wrong-tcb", "the platform has the VCEK of another TCB, and says so in tcbm")

// Those of the key broker; the first two may end too.
#define SNPNV_PARAVISOR_KBS_FAULTS(X)                                                               \
  X(kbs_503, "kbs-503", "503 Service Unavailable; =N: N times, =Ns: for N seconds")                 \
  X(kbs_expired, "kbs-expired", "the session has ended when a resource is asked for; =N and =Ns as above") \
  X(kbs_wrong_nonce, "kbs-wrong-nonce", "another nonce is expected than was sent")                  \
  X(kbs_other_key, "kbs-other-key", "secrets are encrypted to another key")                         \
  X(kbs_other_algorithm, "kbs-other-algorithm", "secrets are encrypted by RSA, as their header says") \
  X(kbs_wrong_tag, "kbs-wrong-tag", "the tag of a secret does not match")                           \
  X(kbs_off_curve, "kbs-off-curve", "the broker's key is no point of the curve")                    \
  X(kbs_auth_fails, "kbs-auth-fails", "no challenge is given")                                      \
  X(kbs_policy_deny, "kbs-policy-deny", "the resource policy refuses")                              \
  X(kbs_no_session, "kbs-no-session", "the challenge comes without a cookie")                       \
  X(kbs_silence, "kbs-silence", "requests get no answer")                                           \
  X(kbs_endless, "kbs-endless", "a chunked body goes on for ever")

// Those of the attestation provider; the first may end too.
#define SNPNV_PARAVISOR_MAA_FAULTS(X)                                                               \
  X(maa_429, "maa-429", "429 Too Many Requests, with Retry-After; =N and =Ns as above")             \
  X(maa_wrong_claims, "maa-wrong-claims", "the token's claims carry other user data than was sent") \
  X(maa_not_compliant, "maa-not-compliant", "the token does not call the machine compliant")        \
  X(maa_expired, "maa-expired", "the token has expired")                                            \
  X(maa_other_key, "maa-other-key", "no published key signed the token")                            \
  X(maa_other_algorithm, "maa-other-algorithm", "the token says that it is not signed")             \
  X(maa_bad_signature, "maa-bad-signature", "the token's signature does not verify")                \
  X(maa_refuses, "maa-refuses", "400 Bad Request, with a reason")                                   \
  X(maa_silence, "maa-silence", "requests get no answer")                                           \
  X(maa_endless, "maa-endless", "a chunked body goes on for ever")

/// A fault with an end.
struct EndingFault {
  bool on = false;
  std::uint64_t times = 0;  // 0: no end by number
  Millis span = 0;          // 0: no end by time

  /// Takes what stands behind the name: nothing, "=N" or "=Ns".
  [[nodiscard]] constexpr bool parse(std::string_view text) {
    if (text.empty()) return on = true;
    const bool seconds = text.ends_with('s');
    text = text.substr(0, text.size() - (seconds ? 1 : 0));
    if (text.size() < 2 || text.size() > 6 || text.front() != '=') return false;
    const auto value = decimal(text.substr(1), UINT16_MAX);
    if (!value) return false;
    (seconds ? span : times) = seconds ? *value * 1000 : *value;
    return on = *value != 0;
  }
};

/// How often and since when a fault was met.
class FaultCount {
 public:
  /// Meets the fault once more: true while it lasts.
  [[nodiscard]] constexpr bool meets(const EndingFault& fault, Instant now) {
    if (!fault.on) return false;
    if (times_++ == 0) first_ = now;
    if (fault.times != 0) return times_ <= fault.times;
    return fault.span == 0 || now < first_ + fault.span;
  }

 private:
  std::uint64_t times_ = 0;
  Instant first_ = 0;
};

struct Faults {
#define SNPNV_X(member, name, text) bool member = false;
  SNPNV_PARAVISOR_FAULTS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(member, name, text) EndingFault member{};
  SNPNV_PARAVISOR_ENDING_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_HTTP_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_KBS_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_MAA_FAULTS(SNPNV_X)
#undef SNPNV_X

  /// Switches on a fault by its name. False if there is none.
  [[nodiscard]] constexpr bool add(std::string_view wanted) {
#define SNPNV_X(member, name, text) \
  if (wanted == name) return member = true;
    SNPNV_PARAVISOR_FAULTS(SNPNV_X)
#undef SNPNV_X
    const std::string_view bare = wanted.substr(0, wanted.find('='));
    const std::string_view end = wanted.substr(bare.size());
    const bool may_end = bare == "refresh-fails" || bare == "http-429" || bare == "http-410" || bare == "http-503" ||
                         bare == "kbs-503" || bare == "kbs-expired" || bare == "maa-429";
#define SNPNV_X(member, name, text) \
  if (bare == name) return (may_end || end.empty()) && member.parse(end);
    SNPNV_PARAVISOR_ENDING_FAULTS(SNPNV_X)
    SNPNV_PARAVISOR_HTTP_FAULTS(SNPNV_X)
    SNPNV_PARAVISOR_KBS_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_MAA_FAULTS(SNPNV_X)
#undef SNPNV_X
    return false;
  }
};

enum class Refresh : std::uint8_t {
  on_read,   // inside TPM2_NV_Read at offset 0, once an interval
  on_write,  // after TPM2_NV_Write of the user data, when the latency has passed
};

// X(member, name on the command line, envelope version, report version, octets of the report index, user data in
// upper case, what it is)
#define SNPNV_PARAVISOR_PROFILES(X)                                                    \
  X(openhcl, "openhcl", 2, 3, 2900, false, "OpenHCL of 2026")                          \
  X(azure_2023, "azure-2023", 1, 2, 2048, true, "one key, no user data, EK persistent") \
  X(azure_2024, "azure-2024", 1, 2, 2600, true, "two keys, EK persistent")

/// A generation of firmware: what it puts into the claims, beside what the options below say.
enum class Profile : std::uint8_t {
#define SNPNV_X(member, ...) member,
  SNPNV_PARAVISOR_PROFILES(SNPNV_X)
#undef SNPNV_X
};

struct Options {
  Profile profile = Profile::openhcl;
  Product product = Product::milan;
  std::uint32_t report_version = 3;    // 2, 3 or 5
  std::uint32_t envelope_version = 2;  // 1 or 2
  std::uint16_t nv_size = 2900;        // octets of the report index; 2048 leaves room for one key
  bool upper_case = false;             // hexadecimal digits of the user data
  Refresh refresh = Refresh::on_read;
  Millis interval = 2000;
  Millis latency = 0;  // what a refresh takes
  Faults faults{};
  std::uint64_t seed = 0;  // decides all that the paravisor chooses

  /// Takes what the profile of that name sets. False if there is none.
  [[nodiscard]] constexpr bool take_profile(std::string_view wanted) {
#define SNPNV_X(member, name, envelope, report, size, upper, text) \
  if (wanted == name) {                                            \
    profile = Profile::member;                                     \
    envelope_version = envelope;                                   \
    report_version = report;                                       \
    nv_size = size;                                                \
    upper_case = upper;                                            \
    return true;                                                   \
  }
    SNPNV_PARAVISOR_PROFILES(SNPNV_X)
#undef SNPNV_X
    return false;
  }
};

}  // namespace snpnv::paravisor
