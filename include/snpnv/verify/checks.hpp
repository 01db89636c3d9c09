// SPDX-License-Identifier: Apache-2.0
// The checks, in one list, and what a verdict keeps of each.
#pragma once

#include <optional>

#include "snpnv/core/civil_time.hpp"
#include "snpnv/core/json_reader.hpp"
#include "snpnv/verify/policy_items.hpp"
#include "snpnv/verify/trust.hpp"

namespace snpnv {

// Verification, output, docs/checks.md and tests read these lists: X(id, name, what it checks). Those of policies stand
// in verify/policy_items.hpp, with what they judge by.

// The certificates by themselves. The first four stop everything behind them when they fail: what
// is not signed is not interpreted. The others run all, and stop the report's checks.
#define SNPNV_CHAIN_CHECKS(X)                                                                             \
  X(chain_root_pinned, "chain.root_pinned",                                                               \
    "SHA-384 of the ARK's public key is pinned, or that of a root that the caller trusts")                \
  X(chain_root_signature, "chain.root_signature", "the ARK is signed by itself, RSASSA-PSS with SHA-384") \
  X(chain_intermediate_signature, "chain.intermediate_signature",                                         \
    "the ASK or ASVK is signed by the ARK, RSASSA-PSS with SHA-384")                                      \
  X(chain_endorsement_signature, "chain.endorsement_signature",                                           \
    "the VCEK or VLEK is signed by the ASK or ASVK, RSASSA-PSS with SHA-384")                             \
  X(chain_validity, "chain.validity",                                                                     \
    "the time of verification lies in the validity period of all three certificates")                     \
  X(chain_roles, "chain.roles",                                                                           \
    "names, CA flags, key usages, key types, sizes and exponents are those of AMD's chain")               \
  X(chain_revocation, "chain.revocation",                                                                 \
    "the ARK's revocation lists are signed, current, and name neither ARK nor ASK or ASVK")

// How the report is signed. They stop everything behind them when they fail.
#define SNPNV_SIGNATURE_CHECKS(X)                                                     \
  X(report_signature_algorithm, "report.signature_algorithm",                         \
    "SIGNATURE_ALGO is 1: ECDSA P-384 with SHA-384")                                  \
  X(report_signature, "report.signature",                                             \
    "R and S are in range, and sign octets 000h to 29Fh by the VCEK's or VLEK's key") \
  X(report_signature_padding, "report.signature_padding",                             \
    "the 368 octets behind S are zero")

// What the signed report says. These run all; one that uses another's result is skipped until that passed.
#define SNPNV_CONTENT_CHECKS(X)                                                                  \
  X(report_version, "report.version", "VERSION is 2 to 5, or above where that is allowed")       \
  X(vek_product, "vek.product",                                                                  \
    "root, productName and report (CPUID, or CHIP_ID in version 2) agree on the product")        \
  X(vek_tcb, "vek.tcb",                                                                          \
    "every SPL of the certificate is the one in REPORTED_TCB; one that has no place there is 0") \
  X(vek_hwid, "vek.hwid", "hwID of the VCEK is CHIP_ID, unless that is masked")                  \
  X(vek_signing_key, "vek.signing_key", "SIGNING_KEY says VCEK or VLEK as the certificate does") \
  X(binding_claims_digest, "binding.claims_digest",                                              \
    "REPORT_DATA is the digest of the claims, zeros behind it")                                  \
  X(binding_user_data, "binding.user_data",                                                      \
    "user-data in the claims is the user data or nonce asked for, zero-padded to 64 octets")     \
  SNPNV_REPORT_POLICY(X, SNPNV_NOTHING)

// The TPM's quote, where the evidence has one. They run behind binding.claims_digest, which proves the
// key; what the quote says counts only behind its signature.
#define SNPNV_QUOTE_CHECKS(X)                                                                       \
  X(quote_magic, "quote.magic", "the message is a TPMS_ATTEST made by a TPM, and a quote")          \
  X(quote_key, "quote.key", "the proven claims name an RSA-2048 attestation key of exponent 65537") \
  X(quote_signature, "quote.signature",                                                             \
    "the message is signed by that key, RSASSA-PKCS1-v1_5 with SHA-256")                            \
  X(quote_nonce, "quote.nonce", "extraData is the nonce, octet for octet")                          \
  X(quote_pcr_selection, "quote.pcr_selection",                                                     \
    "the quote is over the SHA-256 bank, and over exactly the PCRs of the list")                    \
  X(quote_pcr_digest, "quote.pcr_digest", "the quote's digest is that of the PCR list")             \
  SNPNV_QUOTE_POLICY(X, SNPNV_NOTHING)

// The boot's event log, where there is one. Nobody signs it: it counts for PCRs of the quote alone.
#define SNPNV_EVENT_LOG_CHECKS(X)                                                                   \
  X(eventlog_format, "eventlog.format",                                                             \
    "the event log is crypto-agile, has SHA-256 digests, and each record is whole; systemd's too")  \
  X(eventlog_replay, "eventlog.replay",                                                             \
    "the events lead to the quoted PCRs, but for what the system extends behind the boot")

// What is asked of the boot. They run behind eventlog.replay, by events that it proved.
#define SNPNV_BOOT_CHECKS(X) SNPNV_BOOT_POLICY(X, SNPNV_NOTHING)

#define SNPNV_ALL_CHECKS(X) \
  SNPNV_CHAIN_CHECKS(X) SNPNV_SIGNATURE_CHECKS(X) SNPNV_CONTENT_CHECKS(X) SNPNV_QUOTE_CHECKS(X) \
  SNPNV_EVENT_LOG_CHECKS(X) SNPNV_BOOT_CHECKS(X)

enum class Check : std::uint8_t {
#define SNPNV_X(id, name, checks) id,
  SNPNV_ALL_CHECKS(SNPNV_X)
#undef SNPNV_X
};

// Each list by itself, in its order.
#define SNPNV_X(id, name, checks) Check::id,
inline constexpr Check kChainChecks[] = {SNPNV_CHAIN_CHECKS(SNPNV_X)};
inline constexpr Check kSignatureChecks[] = {SNPNV_SIGNATURE_CHECKS(SNPNV_X)};
inline constexpr Check kContentChecks[] = {SNPNV_CONTENT_CHECKS(SNPNV_X)};
inline constexpr Check kQuoteChecks[] = {SNPNV_QUOTE_CHECKS(SNPNV_X)};
inline constexpr Check kEventLogChecks[] = {SNPNV_EVENT_LOG_CHECKS(SNPNV_X)};
inline constexpr Check kBootChecks[] = {SNPNV_BOOT_CHECKS(SNPNV_X)};
#undef SNPNV_X
// In a switch over Check: the function of that name judges.
#define SNPNV_JUDGE(id, name, checks) \
  case Check::id: return id();

#define SNPNV_X(id, name, checks) name "\0"
inline constexpr char kCheckNames[] = SNPNV_ALL_CHECKS(SNPNV_X);
#undef SNPNV_X
[[nodiscard]] constexpr std::string_view name(Check check) {
  return detail::nth_word({kCheckNames, sizeof kCheckNames}, static_cast<std::size_t>(check));
}

/// For documents and lists; verification has no need of the sentences.
struct CheckRow {
  Check id;
  std::string_view name;
  std::string_view checks;
};
inline constexpr auto kChecks = std::to_array({
#define SNPNV_X(id, spelled, checks) CheckRow{Check::id, name(Check::id), checks},
    SNPNV_ALL_CHECKS(SNPNV_X)
#undef SNPNV_X
});

[[nodiscard]] constexpr const CheckRow& row(Check check) {
  return kChecks[static_cast<std::size_t>(check)];
}

/// What a check expected or found, held by value.
struct Finding {
  enum class Kind : std::uint8_t { none, number, mask, octets, text, time, version, boolean };
  static constexpr std::size_t kMax = 64;

  Kind kind = Kind::none;
  std::uint8_t size = 0;        // octets held, of octets and text
  std::uint64_t value = 0;      // number, mask and boolean; UnixTime, as its bits; version: major, minor, build
                                // in an octet each, build lowest
  std::array<std::byte, kMax> held{};  // longer ones are cut

  static const Finding kNone;

  [[nodiscard]] constexpr ByteView octets() const { return ByteView(held).first(size); }
  /// None, in place: what was held stays there, and is of no size.
  constexpr void reset() {
    kind = Kind::none;
    size = 0;
    value = 0;
  }

  [[nodiscard, gnu::noinline]] static constexpr Finding number(std::uint64_t value) {
    return {Kind::number, 0, value, {}};
  }
  [[nodiscard, gnu::noinline]] static constexpr Finding mask(std::uint64_t value) {
    return {Kind::mask, 0, value, {}};
  }
  [[nodiscard, gnu::noinline]] static constexpr Finding boolean(bool value) {
    return {Kind::boolean, 0, value ? 1U : 0U, {}};
  }
  [[nodiscard, gnu::noinline]] static constexpr Finding time(UnixTime value) {
    return {Kind::time, 0, static_cast<std::uint64_t>(value), {}};
  }
  [[nodiscard, gnu::noinline]] static constexpr Finding version(std::uint32_t value) {
    return {Kind::version, 0, value, {}};
  }
  [[nodiscard, gnu::noinline]] static constexpr Finding octets(ByteView in) { return hold(Kind::octets, in); }
  [[nodiscard, gnu::noinline]] static constexpr Finding text(ByteView in) { return hold(Kind::text, in); }
  [[nodiscard, gnu::noinline]] static constexpr Finding text(std::string_view in) {
    Finding out;
    out.kind = Kind::text;
    for (const char c : upto(in, kMax)) out.held[out.size++] = static_cast<std::byte>(c);
    return out;
  }
  /// Makes a list of texts, as far as they fit.
  constexpr void append(ByteView in) {
    if (size != 0) append_octets(std::array{std::byte{','}, std::byte{' '}});
    append_octets(in);
  }
  [[nodiscard, gnu::noinline]] static constexpr Finding text(const JsonString& in) {
    Finding out;
    out.kind = Kind::text;
    JsonString::Source source = in.source();
    for (char c = 0; out.size < kMax && source.next(c);) out.held[out.size++] = static_cast<std::byte>(c);
    return out;
  }

 private:
  [[nodiscard, gnu::noinline]] static constexpr Finding hold(Kind kind, ByteView in) {
    Finding out;
    out.kind = kind;
    out.append_octets(in);
    return out;
  }
  constexpr void append_octets(ByteView in) {
    size = static_cast<std::uint8_t>(size + copy_to(MutBytes(held).subspan(size), in).size());
  }
};

inline constexpr Finding Finding::kNone{};

enum class CheckOutcome : std::uint8_t { skip, pass, fail };

[[nodiscard]] constexpr std::string_view name(CheckOutcome outcome) {
  switch (outcome) {
    case CheckOutcome::skip: return "SKIP";
    case CheckOutcome::pass: return "PASS";
    case CheckOutcome::fail: return "FAIL";
  }
  return "unknown";
}

/// The outcome of one check. What makes one is never inlined: a verifier is full of it.
struct CheckResult {
  CheckOutcome outcome = CheckOutcome::skip;
  std::string_view subject;  // what the values are of, such as a field's or a certificate's name
  std::string_view note = kNotReached;  // why it failed or was skipped; none where there is an error
  Finding expected;
  Finding found;
  std::optional<Error> error;  // the error that made it fail

  [[nodiscard, gnu::noinline]] static constexpr CheckResult pass(std::string_view subject,
                                                                 const Finding& found = Finding::kNone) {
    return {CheckOutcome::pass, subject, {}, {}, found, {}};
  }
  [[nodiscard, gnu::noinline]] static constexpr CheckResult fail(std::string_view subject, std::string_view note,
                                                                 const Finding& expected = Finding::kNone,
                                                                 const Finding& found = Finding::kNone) {
    return {CheckOutcome::fail, subject, note, expected, found, {}};
  }
  // The length of a literal is known here.
  template <std::size_t N>
  [[nodiscard]] static constexpr CheckResult fail(std::string_view subject, const char (&note)[N],
                                                  const Finding& expected = Finding::kNone,
                                                  const Finding& found = Finding::kNone) {
    return fail(subject, std::string_view(note, N - 1), expected, found);
  }
  [[nodiscard, gnu::noinline]] static constexpr CheckResult fail(std::string_view subject, const Error& error) {
    return {CheckOutcome::fail, subject, {}, {}, {}, error};
  }
  [[nodiscard, gnu::noinline]] static constexpr CheckResult skip(std::string_view note) {
    return {CheckOutcome::skip, {}, note, {}, {}, {}};
  }
  template <std::size_t N>
  [[nodiscard]] static constexpr CheckResult skip(const char (&note)[N]) {
    return skip(std::string_view(note, N - 1));
  }
  [[nodiscard, gnu::noinline]] static constexpr CheckResult not_asked() { return skip(kNotAsked); }

  /// Nothing judged yet. In place: it is large.
  constexpr void reset() {
    outcome = CheckOutcome::skip;
    subject = {};
    note = kNotReached;
    expected.reset();
    found.reset();
    error.reset();
  }
  /// Why it failed or was skipped. An error's words are looked up here, so that who asks for none carries no list of them.
  [[nodiscard]] constexpr std::string_view reason() const { return error ? text(error->code) : note; }

  static constexpr std::string_view kNotReached = "not reached";
  // Notes that a caller may want to explain, since it knows how it was asked.
  static constexpr std::string_view kNotAsked = "not asked for";
  static constexpr std::string_view kAllowed = "allowed";
  static constexpr std::string_view kNewer = "newer than known";
  static constexpr std::string_view kNoClaims = "there are none to look it up in";
  static constexpr std::string_view kUnbound = "evidence of this version does not bind the report to the nonce";
};

namespace detail {

/// Keeps the first failure; otherwise the last result.
constexpr void merge(std::optional<CheckResult>& into, const CheckResult& result) {
  if (!into || into->outcome != CheckOutcome::fail) into = result;
}

}  // namespace detail

/// The outcome of every check. Owns all that it holds.
struct Verdict {
  std::array<CheckResult, kChecks.size()> results{};
  RootSource root = RootSource::none;
  std::optional<Product> product;  // of the chain
  bool old_evidence = false;       // the report is not bound to the nonce, and that was allowed
  bool complete = false;           // every check had its turn
  std::optional<Error> error;      // why there is nothing to judge, where it is so

  /// Nothing judged yet. In place: it is large.
  constexpr void reset() {
    for (CheckResult& result : results) result.reset();
    root = RootSource::none;
    product.reset();
    old_evidence = complete = false;
    error.reset();
  }
  [[nodiscard]] constexpr const CheckResult& operator[](Check check) const {
    return results[static_cast<std::size_t>(check)];
  }
  [[nodiscard]] constexpr CheckResult& operator[](Check check) {
    return results[static_cast<std::size_t>(check)];
  }
  [[nodiscard]] constexpr std::optional<Check> first_failure() const {
    for (std::size_t i = 0; i < results.size(); ++i)
      if (results[i].outcome == CheckOutcome::fail) return static_cast<Check>(i);
    return std::nullopt;
  }
  /// True if all checks had their turn and none failed. A check that was skipped says so.
  [[nodiscard]] constexpr bool verified() const { return complete && !first_failure(); }
};

}  // namespace snpnv
