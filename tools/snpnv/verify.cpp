// snpnv verify: certificates, a report, an envelope. Decides offline, and says every check.
#include <memory>

#include "commands.hpp"
#include "describe.hpp"
#include "files.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/core/pem.hpp"
#include "snpnv/wire/evidence.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "verdict.hpp"

namespace snpnv::tool {
namespace {

// Octets of a nonce in a quote at most.
constexpr std::size_t kMaxNonce = 50;

// Files larger than this are none of these formats, in octets.
constexpr std::size_t kMostOctets = std::size_t{1} << 20;

bool of_chain(Step step) { return step <= Step::chain_revocation; }
bool without_quote(Step step) { return step < Step::quote_magic; }
bool every(Step) { return true; }

// The clock is the one thing that is neither evidence nor usage.
std::unexpected<Failure> not_judged(std::string_view path, const Error& error) {
  if (error.code != Code::verify_clock) return malformed(path, error);
  Failure failure = describe("clock", error);
  failure.hint = "--at gives the time";
  return std::unexpected(failure);
}

Outcome<Exit> verify_certs(const Arguments& arguments) {
  const std::string_view directory = arguments.operand(0);
  SNPNV_TRY(const UnixTime at, time_of(arguments));
  SNPNV_TRY(const ChainFiles files, ChainFiles::read(arguments, directory, SIGNING_KEY::VCEK));
  MbedCrypto crypto;
  const auto checked = verify_chain(crypto, files.chain(), files.trust(), at);
  if (!checked) return not_judged(directory, checked.error());
  return tell(arguments, checked->verdict, of_chain);
}

Outcome<UserData> user_data_of(std::string_view text) {
  UserData out{};
  SNPNV_TRY(const auto value, hex_value("--user-data", text, 0, out.size()));
  copy_to(out, value);
  return out;
}

Outcome<Exit> judge(const Arguments& arguments, std::string_view path, const Evidence& evidence,
                    Scope scope) {
  // The report may choose between two certificates; vek.signing_key checks the choice.
  const auto report = ATTESTATION_REPORT::parse(evidence.report);
  const SIGNING_KEY prefer = report ? report->signing_key() : SIGNING_KEY::VCEK;
  SNPNV_TRY(const Policy policy, policy_of(arguments));
  SNPNV_TRY(const UnixTime at, time_of(arguments));
  SNPNV_TRY(const ChainFiles files, ChainFiles::read(arguments, arguments.operand(0), prefer));
  MbedCrypto crypto;
  const auto verdict = verify(crypto, files.chain(), files.trust(), evidence, policy, at, scope);
  if (!verdict) return not_judged(path, verdict.error());
  return tell(arguments, *verdict, without_quote);
}

constexpr std::array kScopes{
    OptionSpec{'t', "tcb", "", "check signatures, product and TCB only"},
    OptionSpec{'s', "signature", "", "check signatures only"},
};
constexpr std::array kClaims{
    OptionSpec{0, "claims", "FILE", "runtime claims, exactly as hashed"},
};
constexpr std::array kUserData{
    OptionSpec{0, "user-data", "HEX", "what the claims must carry, up to 64 octets"},
};
constexpr auto kAskedFor = joined(kClaims, kUserData, kPolicyOptions);
constexpr auto kAttestationOptions = joined(kScopes, kAskedFor, kChainOptions);

Outcome<Exit> verify_attestation(const Arguments& arguments) {
  const std::string_view path = arguments.operand(1);
  if (arguments.has("tcb") && arguments.has("signature"))
    return usage("--tcb", "not together with --signature");
  if (arguments.has("tcb") || arguments.has("signature")) {
    // What is asked for must not be left out silently.
    const std::string_view restricted = arguments.has("tcb") ? "--tcb" : "--signature";
    for (const OptionSpec& option : kAskedFor)
      if (arguments.has(option.name))
        return usage("--" + std::string(option.name), "not together with " + std::string(restricted));
  }
  SNPNV_TRY(const auto report, read_file(path, kMostOctets));
  Evidence evidence;
  evidence.report = report;
  std::vector<std::byte> claims;
  if (const auto file = arguments.value("claims")) {
    SNPNV_TRY(claims, read_file(*file, kMostOctets));
    evidence.claims = claims;
  }
  if (const auto text = arguments.value("user-data")) {
    if (!evidence.claims) return usage("--user-data", "needs --claims, which carry it");
    SNPNV_TRY(evidence.user_data, user_data_of(*text));
  }
  const Scope scope = arguments.has("tcb")         ? Scope::tcb_only
                      : arguments.has("signature") ? Scope::signature_only
                                                   : Scope::all;
  return judge(arguments, path, evidence, scope);
}

Outcome<Exit> verify_envelope(const Arguments& arguments) {
  const std::string_view path = arguments.operand(1);
  const auto text = arguments.value("user-data");
  if (!text) return usage("--user-data", "missing: what the claims must carry");
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  const auto envelope = HclReport::parse(content);
  if (!envelope) return malformed(path, envelope.error());
  const auto report = envelope->snp_report();
  if (!report) return malformed(path, report.error());
  const auto hash = envelope->hash();
  if (!hash) return malformed(path, hash.error());
  Evidence evidence{*report, envelope->claims, *hash, {}, {}};
  SNPNV_TRY(evidence.user_data, user_data_of(*text));
  return judge(arguments, path, evidence, Scope::all);
}

constexpr auto kEnvelopeOptions = joined(kUserData, kChainOptions, kPolicyOptions);

Outcome<Exit> verify_evidence(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto text, read_file(path, kMostOctets));
  const auto parsed = std::make_unique<Result<TrusteeEvidence>>(TrusteeEvidence::parse(text));
  if (!*parsed) return malformed(path, parsed->error());
  const TrusteeEvidence& trustee = **parsed;
  const auto envelope = HclReport::parse(trustee.hcl_report.view());
  if (!envelope) return malformed(path, envelope.error());
  const auto report = envelope->snp_report();
  if (!report) return malformed(path, report.error());
  const auto hash = envelope->hash();
  if (!hash) return malformed(path, hash.error());

  Evidence evidence{*report, envelope->claims, *hash, {}, {}};
  QuoteToVerify& quote = evidence.quote.emplace();
  quote = {trustee.message.view(), trustee.signature.view(),
           std::span(trustee.pcrs).first(trustee.pcr_count), {}};
  std::vector<std::byte> nonce;
  if (const auto value = arguments.value("nonce")) {
    SNPNV_TRY(nonce, hex_value("--nonce", *value, 0, kMaxNonce));
    quote.nonce = nonce;
    // From version 2 on the claims carry the nonce too; before, they may carry anything.
    if (trustee.version >= 2) copy_to(evidence.user_data.emplace(), nonce);
  }
  if (const auto value = arguments.value("user-data")) {
    SNPNV_TRY(evidence.user_data, user_data_of(*value));
  }

  std::vector<std::byte> vek(trustee.vcek.view().begin(), trustee.vcek.view().end());
  if (is_pem(vek)) {
    std::vector<std::byte> der(vek.size());
    const auto block = PemReader(vek, kPemCertificate).next(der);
    if (!block) return malformed(path, block.error());
    if (!*block) return malformed(path, {Code::pem_block});
    der.resize((*block)->size());
    vek = std::move(der);
  }
  const auto directory = arguments.value("certs");
  if (!directory) return usage("--certs", "missing: a folder with ark and ask, or asvk");
  // The report may choose between ASK and ASVK; vek.signing_key checks the choice.
  const SIGNING_KEY signing_key = ATTESTATION_REPORT{*report}.signing_key();
  SNPNV_TRY(const Policy policy, policy_of(arguments));
  SNPNV_TRY(const UnixTime at, time_of(arguments));
  SNPNV_TRY(const ChainFiles files, ChainFiles::read(arguments, *directory, std::move(vek), signing_key));
  MbedCrypto crypto;
  const auto verdict = verify(crypto, files.chain(), files.trust(), evidence, policy, at);
  if (!verdict) return not_judged(path, verdict.error());
  return tell(arguments, *verdict, every);
}

constexpr std::array kEvidenceOwn{
    OptionSpec{0, "certs", "DIR", "holds ark and ask, or asvk, each as .pem or .der"},
    OptionSpec{0, "nonce", "HEX", "what the quote must carry, up to 50 octets"},
};
constexpr auto kEvidenceOptions =
    joined(kEvidenceOwn, kUserData, kChainOptions, kPolicyOptions, kQuotePolicyOptions);

constexpr std::string_view kDirectory =
    "DIR holds ark, ask and vcek, or ark, asvk and vlek, each as .pem or .der. The root must be one of\n"
    "AMD's three; --root adds another, and then the output says that it was used.";

}  // namespace

const CommandSpec kVerifyCerts{
    "verify certs",
    "DIR [options]",
    "verify a certificate chain",
    kDirectory,
    1,
    1,
    kChainOptions,
    verify_certs};

const CommandSpec kVerifyAttestation{
    "verify attestation",
    "DIR REPORT [options]",
    "verify a report and its certificate chain",
    "Prints PASS, FAIL or SKIP for every check, then VERIFIED or REJECTED.\n"
    "DIR holds ark, ask and vcek, or ark, asvk and vlek, each as .pem or .der. The root must be one of\n"
    "AMD's three; --root adds another, and then the output says that it was used.",
    2,
    2,
    kAttestationOptions,
    verify_attestation};

const CommandSpec kVerifyEnvelope{
    "verify envelope",
    "DIR ENVELOPE --user-data HEX [options]",
    "verify the content of NV index 0x01400001",
    "Verifies the report in ENVELOPE, that its REPORT_DATA is the digest of the claims, and that the\n"
    "claims carry the user data. DIR is as for verify certs.",
    2,
    2,
    kEnvelopeOptions,
    verify_envelope};

const CommandSpec kVerifyEvidence{
    "verify evidence",
    "FILE --certs DIR [options]",
    "verify report, claims and TPM quote",
    "Verifies Trustee evidence for az-snp-vtpm, versions 0 to 2: chain and report, the claims' digest, and\n"
    "the quote by the key that the claims name. The VCEK comes with the evidence; DIR holds its issuers.",
    1,
    1,
    kEvidenceOptions,
    verify_evidence};

}  // namespace snpnv::tool
