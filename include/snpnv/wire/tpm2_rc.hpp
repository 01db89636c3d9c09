// SPDX-License-Identifier: Apache-2.0
// TPM response codes: which error, and which handle, parameter or session it is about.
#pragma once

#include <cstdint>
#include <string_view>

#include "snpnv/core/bytes.hpp"

namespace snpnv {

// Part 2, "TPM_RC": every code without handle, parameter or session number.
#define SNPNV_TPM_RC(X)                                                                            \
  X(SUCCESS, 0x000) X(BAD_TAG, 0x01E)                                                              \
  X(ASYMMETRIC, 0x081) X(ATTRIBUTES, 0x082) X(HASH, 0x083) X(VALUE, 0x084) X(HIERARCHY, 0x085)     \
  X(KEY_SIZE, 0x087) X(MGF, 0x088) X(MODE, 0x089) X(TYPE, 0x08A) X(HANDLE, 0x08B) X(KDF, 0x08C)    \
  X(RANGE, 0x08D) X(AUTH_FAIL, 0x08E) X(NONCE, 0x08F) X(PP, 0x090) X(SCHEME, 0x092)                \
  X(SIZE, 0x095) X(SYMMETRIC, 0x096) X(TAG, 0x097) X(SELECTOR, 0x098) X(INSUFFICIENT, 0x09A)       \
  X(SIGNATURE, 0x09B) X(KEY, 0x09C) X(POLICY_FAIL, 0x09D) X(INTEGRITY, 0x09F) X(TICKET, 0x0A0)     \
  X(RESERVED_BITS, 0x0A1) X(BAD_AUTH, 0x0A2) X(EXPIRED, 0x0A3) X(POLICY_CC, 0x0A4)                 \
  X(BINDING, 0x0A5) X(CURVE, 0x0A6) X(ECC_POINT, 0x0A7)                                            \
  X(INITIALIZE, 0x100) X(FAILURE, 0x101) X(SEQUENCE, 0x103) X(PRIVATE, 0x10B) X(HMAC, 0x119)       \
  X(DISABLED, 0x120) X(EXCLUSIVE, 0x121) X(AUTH_TYPE, 0x124) X(AUTH_MISSING, 0x125)                \
  X(POLICY, 0x126) X(PCR, 0x127) X(PCR_CHANGED, 0x128) X(UPGRADE, 0x12D)                           \
  X(TOO_MANY_CONTEXTS, 0x12E) X(AUTH_UNAVAILABLE, 0x12F) X(REBOOT, 0x130) X(UNBALANCED, 0x131)     \
  X(COMMAND_SIZE, 0x142) X(COMMAND_CODE, 0x143) X(AUTHSIZE, 0x144) X(AUTH_CONTEXT, 0x145)          \
  X(NV_RANGE, 0x146) X(NV_SIZE, 0x147) X(NV_LOCKED, 0x148) X(NV_AUTHORIZATION, 0x149)              \
  X(NV_UNINITIALIZED, 0x14A) X(NV_SPACE, 0x14B) X(NV_DEFINED, 0x14C) X(BAD_CONTEXT, 0x150)         \
  X(CPHASH, 0x151) X(PARENT, 0x152) X(NEEDS_TEST, 0x153) X(NO_RESULT, 0x154) X(SENSITIVE, 0x155)   \
  X(CONTEXT_GAP, 0x901) X(OBJECT_MEMORY, 0x902) X(SESSION_MEMORY, 0x903) X(MEMORY, 0x904)          \
  X(SESSION_HANDLES, 0x905) X(OBJECT_HANDLES, 0x906) X(LOCALITY, 0x907) X(YIELDED, 0x908)          \
  X(CANCELED, 0x909) X(TESTING, 0x90A) X(REFERENCE_H0, 0x910) X(REFERENCE_H1, 0x911)               \
  X(REFERENCE_H2, 0x912) X(REFERENCE_H3, 0x913) X(REFERENCE_H4, 0x914) X(REFERENCE_H5, 0x915)      \
  X(REFERENCE_H6, 0x916) X(REFERENCE_S0, 0x918) X(REFERENCE_S1, 0x919) X(REFERENCE_S2, 0x91A)      \
  X(REFERENCE_S3, 0x91B) X(REFERENCE_S4, 0x91C) X(REFERENCE_S5, 0x91D) X(REFERENCE_S6, 0x91E)      \
  X(NV_RATE, 0x920) X(LOCKOUT, 0x921) X(RETRY, 0x922) X(NV_UNAVAILABLE, 0x923)

enum class TPM_RC : std::uint32_t {
#define SNPNV_X(name, code) name = code,
  SNPNV_TPM_RC(SNPNV_X)
#undef SNPNV_X
};

#define SNPNV_X(name, code) TPM_RC::name,
inline constexpr TPM_RC kResponseCodes[] = {SNPNV_TPM_RC(SNPNV_X)};
#undef SNPNV_X
#define SNPNV_X(name, code) "TPM_RC_" #name "\0"
inline constexpr char kResponseCodeNames[] = SNPNV_TPM_RC(SNPNV_X) "unknown TPM_RC";
#undef SNPNV_X

[[nodiscard]] constexpr std::string_view name(TPM_RC rc) {
  return detail::word_of(rc, kResponseCodes, {kResponseCodeNames, sizeof kResponseCodeNames});
}

/// A response code taken apart.
struct ResponseCode {
  enum class Subject : std::uint8_t { none, handle, parameter, session };

  TPM_RC rc{};             // without subject and number
  Subject subject{};
  std::uint8_t number = 0;  // of the handle, parameter or session, from 1; 0: not told
  std::uint16_t layer = 0;  // 0 the TPM itself; 11 the kernel's resource manager (TSS2 layer number)
};

[[nodiscard]] constexpr std::string_view name(ResponseCode::Subject subject) {
  switch (subject) {
    case ResponseCode::Subject::none: return "";
    case ResponseCode::Subject::handle: return "handle";
    case ResponseCode::Subject::parameter: return "parameter";
    case ResponseCode::Subject::session: return "session";
  }
  return "";
}

/// Part 1, "Response Code Evaluation"; Part 2, "TPM_RC".
[[nodiscard]] constexpr ResponseCode decode(std::uint32_t code) {
  constexpr std::uint32_t kFormat1 = 0x080;
  constexpr std::uint32_t kParameter = 0x040;
  constexpr std::uint32_t kSession = 0x8;  // in the number
  ResponseCode out;
  out.layer = static_cast<std::uint16_t>(code >> 16);
  const std::uint32_t low = code & 0xFFFFU;
  if ((low & kFormat1) == 0) {
    out.rc = static_cast<TPM_RC>(low);
    return out;
  }
  out.rc = static_cast<TPM_RC>(low & 0x0BFU);
  const std::uint32_t number = (low >> 8) & 0xFU;
  if ((low & kParameter) != 0) {
    out.subject = ResponseCode::Subject::parameter;
    out.number = static_cast<std::uint8_t>(number);
  } else {
    const bool session = (number & kSession) != 0;
    out.subject = session ? ResponseCode::Subject::session : ResponseCode::Subject::handle;
    out.number = static_cast<std::uint8_t>(number & 0x7U);
    if (number == 0) out.subject = ResponseCode::Subject::none;
  }
  return out;
}

/// True for the warnings after which the same command is to be sent again, a little later.
[[nodiscard]] constexpr bool asks_for_retry(std::uint32_t code) {
  switch (static_cast<TPM_RC>(code)) {
    case TPM_RC::RETRY:
    case TPM_RC::YIELDED:
    case TPM_RC::TESTING:
    case TPM_RC::NV_RATE:
    case TPM_RC::NV_UNAVAILABLE:
    case TPM_RC::LOCKOUT: return true;
    default: return false;
  }
}

/// True if `error` is the TPM's answer `rc`, about whichever handle, parameter or session.
[[nodiscard]] constexpr bool is_rc(const Error& error, TPM_RC rc) {
  return error.code == Code::tpm_rc && decode(error.detail).rc == rc;
}

}  // namespace snpnv
