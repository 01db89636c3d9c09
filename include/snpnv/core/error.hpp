// SPDX-License-Identifier: Apache-2.0
// One error type for every layer: a code, where in the input it was seen, and what it concerned.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <utility>
#if __has_include(<expected>)
#include <expected>
#endif
#ifndef __cpp_lib_expected
#error "snpnv needs C++23 with std::expected: GCC 12 or Clang 19, and -std=c++23"
#include <snpnv/end>  // there is none: compilers go on after an error, but not without a file
#endif

namespace snpnv {

// The only list of codes: enum, name(), text() and docs/fields.md come from it; first those that collecting a report and
// showing it can meet.
// Bits 15..8 name the layer: 1 io, 2 wire, 3 tpm, 4 crypto, 5 verify, 6 collect, 7 fetch, 8 broker. The last column
// says what Error::detail holds.
#define SNPNV_COLLECTOR_CODES(X) \
  X(io_failed, 0x0100, "the operating system reported an error", "errno") \
  X(io_deadline, 0x0101, "no answer before the deadline", "-") \
  X(io_closed, 0x0102, "the other side closed the connection", "-") \
  X(io_unavailable, 0x0103, "this build or machine has no such transport", "-") \
  X(io_tcti, 0x0104, "the TCTI reported an error", "TSS2_RC") \
  X(io_name, 0x0105, "the host name has no address", "EAI, negated") \
  X(record_syntax, 0x0110, "not a recording, or a damaged line", "line number") \
  X(record_mismatch, 0x0111, "the command differs from the recorded one", "exchange number") \
  X(record_exhausted, 0x0112, "the recording has no further exchange", "exchanges") \
  X(record_deadline, 0x0113, "nobody at the other end of the recording before the deadline", "-") \
  X(wire_short, 0x0200, "input ends before the field", "octets needed") \
  X(wire_trailing, 0x0201, "octets left after the last field", "octets left") \
  X(wire_too_large, 0x0202, "input exceeds the limit", "limit in octets") \
  X(wire_overflow, 0x0203, "output exceeds the buffer", "octets needed") \
  X(wire_value, 0x0204, "a value that the format does not allow here", "the value") \
  X(wire_size, 0x0205, "a size that contradicts the structure", "the size") \
  X(text_hex, 0x0210, "not hexadecimal, or an odd number of digits", "-") \
  X(text_base64, 0x0211, "not base64url, or bits left over", "-") \
  X(text_length, 0x0212, "decodes to another number of octets than needed", "octets needed") \
  X(json_syntax, 0x0220, "not JSON", "-") \
  X(json_utf8, 0x0221, "not well-formed UTF-8", "-") \
  X(json_depth, 0x0222, "nested too deeply", "limit") \
  X(json_duplicate, 0x0223, "member name repeated in one object", "-") \
  X(json_members, 0x0224, "too many member names open at once", "limit") \
  X(json_type, 0x0225, "value of another type than needed", "-") \
  X(json_number, 0x0226, "number outside the range needed", "-") \
  X(json_missing, 0x0227, "a required member is absent", "JsonMember") \
  X(report_version, 0x0240, "ATTESTATION_REPORT version not supported", "version") \
  X(report_product, 0x0241, "processor not supported", "CPUID family << 16 | model") \
  X(hcl_signature, 0x0250, "no HCLA signature", "the value") \
  X(hcl_version, 0x0251, "envelope version not supported", "version") \
  X(hcl_report_type, 0x0252, "the hardware report is not an SNP report", "report_type") \
  X(hcl_hash_type, 0x0253, "unknown hash_type", "hash_type") \
  X(hcl_sizes, 0x0254, "sizes in the envelope contradict each other", "the size") \
  X(claims_key, 0x0255, "two keys of one name in the claims", "-") \
  X(tpm_rc, 0x0300, "the TPM returned an error", "TPM_RC") \
  X(tpm_header, 0x0301, "response header contradicts the response", "responseSize or tag") \
  X(tpm_answer, 0x0302, "the response does not answer the command", "-") \
  X(tpm_retry, 0x0303, "the TPM asked for a retry until the deadline", "TPM_RC") \
  X(crypto_failed, 0x0400, "the cryptographic library reported an error", "its status, negated") \
  X(crypto_unsupported, 0x0401, "algorithm not supported", "algorithm") \
  X(fresh_torn, 0x0600, "torn: the claims are not the ones in REPORT_DATA", "reads") \
  X(fresh_stale, 0x0601, "stale: the report still carries older user data", "reads") \
  X(fresh_overwritten, 0x0602, "another process keeps overwriting the user data", "writes") \
  X(fresh_no_user_data, 0x0603, "the claims carry no user-data: firmware too old to prove freshness", "-")
#define SNPNV_OTHER_CODES(X) \
  X(io_tls, 0x0106, "the TLS connection failed", "its status, negated") \
  X(io_certificate, 0x0107, "the server did not prove that it is the one", "flags of X.509") \
  X(pem_block, 0x0213, "a PEM block that is not ended, or is missing", "-") \
  X(json_unknown, 0x0228, "a member that this format does not have", "-") \
  X(json_empty, 0x0229, "a member that asks for nothing", "-") \
  X(der_encoding, 0x0260, "not DER", "tag octet") \
  X(der_tag, 0x0261, "another DER tag than needed", "tag octet") \
  X(vek_duplicate, 0x0262, "certificate extension repeated", "last arc of its OID") \
  X(vek_missing, 0x0263, "certificate extension absent", "last arc of its OID") \
  X(crl_extension, 0x0264, "a revocation list that is not a full and plain one", "last octet of the extension's OID") \
  X(evidence_version, 0x0270, "evidence of a version that is not known", "version") \
  X(jwe_algorithm, 0x0274, "another algorithm than was asked for", "JsonMember") \
  X(token_claim, 0x0275, "a claim of the token is absent, or not the one that it must be", "MaaClaim") \
  X(url_syntax, 0x0280, "not a URL of http or https", "-") \
  X(http_syntax, 0x0281, "not an HTTP response", "-") \
  X(http_status, 0x0282, "the server refused", "HTTP status") \
  X(http_redirect, 0x0283, "redirected to another server, or without end", "HTTP status") \
  X(eventlog_sha1, 0x0290, "an event log of the older form, which has SHA-1 alone", "-") \
  X(eventlog_algorithm, 0x0291, "a digest that the header of the event log does not list", "TPM_ALG_ID") \
  X(eventlog_digests, 0x0292, "an event without digests, with too many, or with a repeated one", "number") \
  X(crypto_signature, 0x0402, "the signature does not verify", "-") \
  X(crypto_authentic, 0x0403, "does not decrypt: altered, or for another key", "-") \
  X(crypto_point, 0x0404, "not a point of the curve", "-") \
  X(verify_clock, 0x0500, "the clock is not set: it shows a time before 2023", "-") \
  X(quote_moving, 0x0610, "a PCR moved between quote and reading, again and again", "tries") \
  X(quote_bank, 0x0611, "the TPM has no PCR bank of this algorithm, or not all of the PCRs in it", "TPM_ALG_ID") \
  X(quote_selection, 0x0612, "the quote is over other PCRs than were asked for", "-") \
  X(quote_key, 0x0613, "the quote is not signed by the key that the claims name", "-") \
  X(quote_scheme, 0x0614, "the quote is not signed by RSASSA with SHA-256", "TPM_ALG_ID") \
  X(fetch_tcb, 0x0700, "the platform has a certificate for another TCB than REPORTED_TCB", "-") \
  X(fetch_content, 0x0701, "neither a certificate nor a revocation list", "-") \
  X(broker_refused, 0x0800, "the broker refused", "HTTP status") \
  X(broker_session, 0x0801, "the broker began no session", "-") \
  X(token_key, 0x0802, "not signed by a key that the provider publishes", "-")
#define SNPNV_CODES(X) SNPNV_COLLECTOR_CODES(X) SNPNV_OTHER_CODES(X)
// A program that only collects may define this to be the first list: it then carries no words for the others.
#ifndef SNPNV_CODES_IN_WORDS
#define SNPNV_CODES_IN_WORDS SNPNV_CODES
#endif

enum class Code : std::uint32_t {
#define SNPNV_X(name, value, text, detail) name = value,
  SNPNV_CODES(SNPNV_X)
#undef SNPNV_X
};

/// Parts of a text, cut at its end: std::string_view::substr() would need exceptions.
[[nodiscard]] constexpr std::string_view upto(std::string_view text, std::size_t n) {
  text.remove_suffix(text.size() - std::min(n, text.size()));
  return text;
}
[[nodiscard]] constexpr std::string_view from(std::string_view text, std::size_t n) {
  text.remove_prefix(std::min(n, text.size()));
  return text;
}

namespace detail {

/// The word at `index` in `words`, each of which ends with NUL. Small images carry this in place of a switch or a table
/// of pointers.
[[nodiscard]] constexpr std::string_view nth_word(std::string_view words, std::size_t index) {
  for (; index != 0; --index) words.remove_prefix(words.find('\0') + 1);
  return upto(words, words.find('\0'));
}
/// The word of `value`, in the order of `values`; the last word if it is not among them.
template <class Enum, std::size_t N>
[[nodiscard]] constexpr std::string_view word_of(Enum value, const Enum (&values)[N], std::string_view words) {
  return nth_word(words, static_cast<std::size_t>(std::find(values, values + N, value) - values));
}

#define SNPNV_X(name, value, text, detail) Code::name,
inline constexpr Code kCodes[] = {SNPNV_CODES_IN_WORDS(SNPNV_X)};
#undef SNPNV_X
#define SNPNV_X(name, value, text, detail) #name "\0"
inline constexpr char kCodeNames[] = SNPNV_CODES_IN_WORDS(SNPNV_X) "unknown";
#undef SNPNV_X
#define SNPNV_X(name, value, text, detail) text "\0"
inline constexpr char kCodeTexts[] = SNPNV_CODES_IN_WORDS(SNPNV_X) "unknown error";
#undef SNPNV_X

}  // namespace detail

/// The code as it is spelled in the list above.
[[nodiscard]] constexpr std::string_view name(Code code) {
  return detail::word_of(code, detail::kCodes, {detail::kCodeNames, sizeof detail::kCodeNames});
}

/// One sentence about the code, without a full stop.
[[nodiscard]] constexpr std::string_view text(Code code) {
  return detail::word_of(code, detail::kCodes, {detail::kCodeTexts, sizeof detail::kCodeTexts});
}

/// What went wrong. There is no "ok" value: success is the other side of Result.
struct Error {
  Code code{};
  std::uint32_t where = 0;    // absolute octet offset in the outermost input, for wire errors
  std::uint32_t detail = 0;   // by code, as the list says
  std::uint32_t command = 0;  // TPM_CC of the command under way, 0 if none
  std::uint32_t object = 0;   // the TPM handle or NV index that it concerned, 0 if none

  friend constexpr bool operator==(const Error&, const Error&) = default;
};
static_assert(std::is_trivially_copyable_v<Error> && sizeof(Error) == 20);

template <class T>
using Result = std::expected<T, Error>;

namespace detail {

/// An error on its way into a Result, in whose place it is made. std::unexpected would be copied on each step of the way,
/// and a program is full of them.
struct Failed {
  Error value;
  template <class T>
  // NOLINTNEXTLINE(google-explicit-constructor): to be converted is its purpose
  constexpr operator std::expected<T, Error>() const {
    return std::expected<T, Error>(std::unexpect, value);
  }
};

}  // namespace detail

[[nodiscard]] constexpr detail::Failed fail(Code code, std::size_t where = 0, std::uint32_t detail = 0) {
  return {{code, static_cast<std::uint32_t>(where), detail}};
}

namespace detail {

/// An error on its way to the caller: moved once, into what the enclosing function returns.
template <class E>
class Raised {
 public:
  constexpr explicit Raised(E& error) : error_(error) {}
  template <class T>
  // NOLINTNEXTLINE(google-explicit-constructor): to be converted is its purpose
  constexpr operator std::expected<T, std::remove_const_t<E>>() const {
    return std::expected<T, std::remove_const_t<E>>(std::unexpect, std::move(error_));
  }

 private:
  E& error_;
};

}  // namespace detail

/// An error that is there already, for the statement that returns it.
[[nodiscard]] constexpr detail::Raised<const Error> fail(const Error& error) { return detail::Raised(error); }

}  // namespace snpnv

#define SNPNV_CONCAT_(a, b) a##b
#define SNPNV_CONCAT(a, b) SNPNV_CONCAT_(a, b)
#define SNPNV_TRY_(result, declaration, ...)                     \
  auto result = (__VA_ARGS__);                                   \
  if (!result) return ::snpnv::detail::Raised(result.error());   \
  declaration = *::std::move(result)

/// Evaluates a Result; returns its error from the enclosing function, or declares its value.
#define SNPNV_TRY(declaration, ...) \
  SNPNV_TRY_(SNPNV_CONCAT(snpnv_result_, __LINE__), declaration, __VA_ARGS__)

/// The same for a Result whose value is not needed.
#define SNPNV_CHECK(...)                                                              \
  do {                                                                                \
    if (auto snpnv_checked = (__VA_ARGS__); !snpnv_checked)                           \
      return ::snpnv::detail::Raised(snpnv_checked.error());                          \
  } while (false)
