// SPDX-License-Identifier: Apache-2.0
// Errors in words, as text and as JSON.
#pragma once

#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/json_writer.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "snpnv/wire/jwt.hpp"
#include "snpnv/wire/snp_report.hpp"
#include "snpnv/wire/tpm2_constants.hpp"
#include "snpnv/wire/tpm2_rc.hpp"

namespace snpnv {

/// What is said of an error: `WHAT: WHY (CODE)`, and a hint where there is one. Borrows all of it; what is from
/// outside is escaped where it is written.
struct ErrorWords {
  std::string_view what;
  std::string_view why;
  std::string_view code;
  std::string_view hint;
};

/// Octets that hold what is composed of an error without a document.
inline constexpr std::size_t kErrorRoom = 512;

/// Appends "TPM_RC_HANDLE, handle 1, 0x18b".
constexpr void write_response_code(ByteWriter& out, std::uint32_t code) {
  const ResponseCode rc = decode(code);
  out.text(name(rc.rc));
  if (rc.subject != ResponseCode::Subject::none) {
    out.text(", ");
    out.text(name(rc.subject));
    out.text(" ");
    encode_number(out, rc.number);
  }
  if (rc.layer != 0) {
    out.text(", from layer ");
    encode_number(out, rc.layer);
    out.text(" below the TPM's clients");
  }
  out.text(", 0x");
  encode_number(out, code, 16, 3);
}

/// Appends "NV index 0x01400001 (attestation report)", "key 0x81000003 (attestation key)".
constexpr void write_handle(ByteWriter& out, TPM_HANDLE handle) {
  const auto value = static_cast<std::uint32_t>(handle);
  using namespace std::string_view_literals;
  out.text(value >> 24 == 0x01 ? "NV index 0x"sv : value >> 24 == 0x81 ? "key 0x"sv : "handle 0x"sv);
  encode_number(out, value, 16, 8);
  if (handle == vtpm::kReportIndex) out.text(" (attestation report)");
  if (handle == vtpm::kUserDataIndex) out.text(" (user data)");
  if (handle == vtpm::kAkCertificateIndex) out.text(" (AK certificate)");
  if (handle == vtpm::kAttestationKey) out.text(" (attestation key)");
}

namespace detail {

/// Whether this program has words for the code; one that only collects may leave some out (core/error.hpp).
[[nodiscard]] consteval bool has_words(Code code) { return std::ranges::find(kCodes, code) != std::end(kCodes); }

/// The name that the detail is the number of, for codes where it is one; empty: it is a number.
[[nodiscard]] constexpr std::string_view detail_name(const Error& error) {
  using namespace std::string_view_literals;
  switch (error.code) {
    case Code::quote_scheme:
      if (error.detail == 0) return {};
      [[fallthrough]];
    case Code::quote_bank: return name(static_cast<TPM_ALG_ID>(error.detail));
    case Code::jwe_algorithm:
    case Code::json_missing: return name(static_cast<JsonMember>(error.detail));
    case Code::token_claim:
      if constexpr (has_words(Code::token_claim)) return name(static_cast<MaaClaim>(error.detail));
      return {};
    case Code::crl_extension:  // RFC 5280, "CRL Extensions", "CRL Entry Extensions": id-ce 27, 28, 29
      if constexpr (has_words(Code::crl_extension))
        return error.detail == 27   ? "delta CRL indicator"sv
               : error.detail == 28 ? "issuing distribution point"sv
               : error.detail == 29 ? "certificate issuer"sv
                                    : "another critical extension"sv;
      return {};
    default: return {};
  }
}

/// Appends what the detail says, behind a colon.
constexpr void write_detail(ByteWriter& out, const Error& error) {
  if (const std::string_view named = detail_name(error); !named.empty()) {
    out.text(": ");
    return out.text(named);
  }
  switch (error.code) {
    case Code::tpm_rc:
    case Code::tpm_retry: out.text(": "); return write_response_code(out, error.detail);
    case Code::hcl_report_type:
      out.text(": report_type ");
      encode_number(out, error.detail);
      out.text(" (");
      out.text(name(static_cast<HclReportType>(error.detail)));
      return out.text(")");
    case Code::report_product: {
      const auto family = static_cast<std::uint8_t>(error.detail >> 16);
      const auto model = static_cast<std::uint8_t>(error.detail);
      out.text(": family 0x");
      encode_number(out, family, 16, 2);
      out.text(", model 0x");
      encode_number(out, model, 16, 2);
      if (const CpuModels* const row = find_cpu(family, model)) {
        out.text(", ");
        out.text(row->name);
      }
      return;
    }
    case Code::hcl_signature:
    case Code::der_encoding:
    case Code::der_tag:
    case Code::tpm_header: out.text(": 0x"); return encode_number(out, error.detail, 16, 8);
    default:
      if (error.detail == 0) return;
      out.text(": ");
      return encode_number(out, error.detail);
  }
}

/// Wire errors say where; errors of an operation have no offset.
[[nodiscard]] constexpr bool has_offset(Code code) {
  const auto layer = static_cast<std::uint32_t>(code) >> 8;
  if (code == Code::http_status || code == Code::http_redirect) return false;
  return layer == 2 || code == Code::tpm_header || code == Code::tpm_answer;
}

}  // namespace detail

/// Appends why: command, code, detail and offset.
/// `system`: what the detail says where only an operating system knows, such as errno's text.
constexpr void write_why(ByteWriter& out, const Error& error, std::string_view system = {}) {
  const auto code = static_cast<std::uint32_t>(error.code);
  if (error.command != 0) {
    out.text(name(static_cast<TPM_CC>(error.command)));
    out.text(": ");
  } else if (TPM_HANDLE{error.object} == vtpm::kReportIndex && code >= 0x0210 && code < 0x0240) {
    out.text("claims: ");  // hexadecimal digits, base64 and JSON of the envelope are theirs
  }
  out.text(text(error.code));
  if (system.empty()) {
    detail::write_detail(out, error);
  } else {
    out.text(": ");
    out.text(system);
  }
  if (!detail::has_offset(error.code)) return;
  out.text(", at offset ");
  encode_number(out, error.where);
}

namespace detail {

/// What an answer of the TPM about this object is due to, where that is known; else empty.
[[nodiscard]] constexpr std::string_view response_hint(TPM_HANDLE object, TPM_RC rc) {
  using namespace std::string_view_literals;
  const bool report = object == vtpm::kReportIndex;
  const bool certificate = object == vtpm::kAkCertificateIndex;
  constexpr std::string_view kNotNeeded = "the host has not issued one yet; not needed, the claims vouch for the key";
  switch (rc) {
    case TPM_RC::HANDLE:
      if (report) return "no paravisor offers a report here: not a confidential VM, or one with /dev/sev-guest";
      if (object == vtpm::kUserDataIndex) return "no report was asked for yet: snpnv report defines it";
      if (object == vtpm::kAttestationKey) return "the paravisor provides this key at boot";
      return certificate ? kNotNeeded : std::string_view();
    case TPM_RC::BAD_AUTH:
    case TPM_RC::AUTH_FAIL:
      return object == vtpm::kAttestationKey ? "the key has a password; this interface needs the empty one"sv
                                             : "the owner hierarchy has a password; this interface needs the empty one"sv;
    case TPM_RC::NV_UNINITIALIZED:
      if (certificate) return kNotNeeded;
      return report ? "the paravisor has not written a report since boot"sv
                    : "nothing was written to it since it was defined"sv;
    case TPM_RC::NV_RANGE:
      return report ? "the envelope announces more octets than the index holds, or the index is another program's"sv
                    : "the index is too small"sv;
    case TPM_RC::NV_SPACE:
      return "the TPM's NV memory is full; tpm2_nvundefine frees what tpm2_getcap handles-nv-index lists";
    case TPM_RC::ATTRIBUTES:
      return object == vtpm::kUserDataIndex
                 ? "this index is the platform's or a policy's, so the owner cannot define it anew"sv
                 : ""sv;
    case TPM_RC::NV_LOCKED:
    case TPM_RC::NV_AUTHORIZATION: return "another program defined or locked this index";
    case TPM_RC::INITIALIZE: return "the TPM was not started up: a simulator needs TPM2_Startup";
    default: return {};
  }
}

}  // namespace detail

/// What an error is due to, or what helps, where that is known; else empty.
[[nodiscard]] constexpr std::string_view hint_of(const Error& error) {
  using namespace std::string_view_literals;
  const TPM_HANDLE object{error.object};
  switch (error.code) {
    case Code::tpm_rc: return detail::response_hint(object, decode(error.detail).rc);
    case Code::hcl_report_type: return "snpnv reads SEV-SNP reports";
    case Code::hcl_signature:
      return object == vtpm::kReportIndex ? "another program defined this index: no paravisor offers a report here"sv
                                          : "not the content of NV index 0x01400001"sv;
    case Code::report_version: return "display envelope shows the header and the claims";
    case Code::quote_scheme:
      return detail::has_words(Code::quote_scheme) ? "the attestation key at 0x81000003 was replaced by another program"sv : ""sv;
    case Code::quote_key:
      return detail::has_words(Code::quote_key)
                 ? "the attestation key at 0x81000003 was replaced by another program, or made anew after the report"sv
                 : ""sv;
    case Code::quote_bank: return detail::has_words(Code::quote_bank) ? "tpm2_getcap pcrs lists the banks that are allocated"sv : ""sv;
    case Code::fresh_stale: return "the paravisor did not refresh the report in time; try again";
    case Code::fresh_torn: return "report and claims never matched; another process may be asking";
    case Code::fresh_overwritten: return "another process writes NV index 0x01400002; try again";
    case Code::fresh_no_user_data: return "this firmware cannot prove freshness";
    default: return {};
  }
}

/// The error about `what`, a file or a transport; the object that the error itself names takes its place.
/// `room`, of kErrorRoom, holds what is composed.
[[nodiscard]] inline ErrorWords words_of(std::string_view what, const Error& error, MutBytes room,
                                         std::string_view system = {}) {
  ByteWriter out(room);
  if (error.object != 0) write_handle(out, TPM_HANDLE{error.object});
  const std::size_t named = out.size();
  write_why(out, error, system);
  const std::string_view composed = text_of(out.written());
  return {named != 0 ? upto(composed, named) : what, from(composed, named), name(error.code), hint_of(error)};
}

/// Appends "WHAT: WHY (CODE)".
constexpr void write_error(ByteWriter& out, const ErrorWords& error) {
  escape(out, error.what, Escape::plain);
  out.text(": ");
  escape(out, error.why, Escape::plain);
  out.text(" (");
  escape(out, error.code, Escape::plain);
  out.text(")");
}

/// Writes the member `error` of the open object.
constexpr void write_error(JsonWriter& json, const ErrorWords& error) {
  json.key("error");
  json.begin_object();
  json.key("what");
  json.string(error.what);
  json.key("why");
  json.string(error.why);
  json.key("code");
  json.string(error.code);
  json.key("hint");
  json.string(error.hint);
  json.end_object();
}

/// Writes the members of the open object for evidence that there is nothing to judge of.
constexpr void write_unjudged(JsonWriter& json, const ErrorWords& error) {
  json.key("verified");
  json.boolean(false);
  json.key("rejected_by");
  json.null();
  write_error(json, error);
}

}  // namespace snpnv
