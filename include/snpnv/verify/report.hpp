// SPDX-License-Identifier: Apache-2.0
// The checks of a report under a verified chain.
#pragma once

#include "snpnv/verify/chain.hpp"
#include "snpnv/verify/boot_policy.hpp"
#include "snpnv/verify/policy.hpp"
#include "snpnv/verify/quote.hpp"
#include "snpnv/wire/evidence.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "snpnv/wire/vek_certificate.hpp"

namespace snpnv {

/// Evidence of a version whose claims need not carry the nonce that was asked for.
struct OldEvidence {
  std::uint64_t version = 0;
  bool allowed = false;
};

/// A report, and the claims that it should be bound to. Borrows the octets.
struct Evidence {
  ByteView report;                    // ATTESTATION_REPORT as received
  std::optional<ByteView> claims;     // exactly as hashed
  std::optional<Hash> claims_hash;    // not known: each is tried
  std::optional<UserData> user_data = {};  // what the claims must carry, zero-padded
  std::optional<QuoteToVerify> quote = {};
  std::optional<OldEvidence> old = {};     // in place of user_data
  MeasuredLogs logs = {};                  // what the boot and the system since measured
};

/// What the verifier looks at in the content of NV index 0x01400001. Borrows it.
/// @returns report, claims and their hash | the errors of HclReport.
[[nodiscard]] constexpr Result<Evidence> evidence_of(ByteView envelope) {
  SNPNV_TRY(const HclReport& hcl, HclReport::parse(envelope));
  SNPNV_TRY(const auto& report, hcl.snp_report());
  SNPNV_TRY(const Hash& hash, hcl.hash());
  return Evidence{report, hcl.claims, hash, {}, {}, {}};
}

/// Which of the checks behind the signature run. tcb_only: product, SPLs and hwID, as in snpguest.
enum class CheckScope : std::uint8_t { all, signature_only, tcb_only };

namespace detail {

/// The order of P-384. SP 800-186, "P-384".
inline constexpr auto kP384Order =
    octets_of_hex<48>("ffffffffffffffffffffffffffffffffffffffffffffffff"
                      "c7634d81f4372ddf581a0db248b0a77aecec196accc52973");

}  // namespace detail

/// A VCEK or VLEK, and what it is for: as its verified chain says, or as it says itself, for run_vek() alone.
class Endorsement {
 public:
  explicit(false) Endorsement(const VerifiedChain& chain)
      : vek_(chain.vek()), product_(chain.product()), signing_key_(chain.signing_key()) {}

  /// Of a certificate whose issuers are not at hand, by its names.
  /// @returns it | a failed check of chain.roles - its names are not those of such a certificate.
  [[nodiscard]] static std::expected<Endorsement, CheckResult> unproven(const Certificate& vek, Product product,
                                                                       SIGNING_KEY signing_key) {
    const auto is = [](ByteView text, std::string_view first, std::string_view second) {
      const auto same = [](std::byte octet, char c) { return octet == static_cast<std::byte>(c); };
      return text.size() == first.size() + second.size() &&
             std::ranges::equal(text.first(first.size()), first, same) &&
             std::ranges::equal(text.subspan(first.size()), second, same);
    };
    const bool vlek = signing_key == SIGNING_KEY::VLEK;
    if (!is(vek.subject.common_name, "SEV-", name(signing_key)))
      return std::unexpected(CheckResult::fail(detail::kVek, "its name is not the one of this role", Finding::kNone,
                                              Finding::text(vek.subject.common_name)));
    if (!is(vek.issuer.common_name, vlek ? std::string_view("SEV-VLEK-") : std::string_view("SEV-"), name(product)))
      return std::unexpected(CheckResult::fail(detail::kVek, "its issuer is of another product or role", Finding::kNone,
                                              Finding::text(vek.issuer.common_name)));
    return Endorsement(vek, product, signing_key);
  }

  [[nodiscard]] Product product() const { return product_; }
  [[nodiscard]] const Certificate& vek() const { return vek_; }
  [[nodiscard]] SIGNING_KEY signing_key() const { return signing_key_; }

 private:
  Endorsement(const Certificate& vek, Product product, SIGNING_KEY signing_key)
      : vek_(vek), product_(product), signing_key_(signing_key) {}

  Certificate vek_;
  Product product_;
  SIGNING_KEY signing_key_;
};

namespace detail {

/// Runs the checks of SNPNV_SIGNATURE_CHECKS and SNPNV_CONTENT_CHECKS, each in a function of its name.
template <Crypto C>
class ReportVerifier {
 public:
  ReportVerifier(C& crypto, const Endorsement& chain, const ATTESTATION_REPORT& report,
                 const Evidence& evidence, const Policy& policy)
      : crypto_(crypto), chain_(chain), vek_(chain_.vek()), report_(report), evidence_(evidence),
        policy_(policy) {}

  void run(Verdict& verdict, CheckScope scope) {
    for (const Check check : kSignatureChecks) {
      verdict[check] = judge(check);
      if (verdict[check].outcome == CheckOutcome::fail) return;
    }
    judge_all(*this, kContentChecks, scope, verdict);
    if constexpr (RsaVerifier<C>) {
      QuoteVerifier<C> quote(crypto_, evidence_.quote, evidence_.claims, claims_proven_, policy_);
      judge_all(quote, kQuoteChecks, scope, verdict);
      EventLogVerifier<C> event_log(crypto_, evidence_.logs, quote.proven_pcrs());
      judge_all(event_log, kEventLogChecks, scope, verdict);
      const bool replayed = verdict[Check::eventlog_replay].outcome == CheckOutcome::pass;
      const auto proven = replayed ? std::optional(event_log.pcrs()) : std::nullopt;
      BootPolicyVerifier boot(crypto_, evidence_.logs, proven, policy_);
      judge_all(boot, kBootChecks, scope, verdict);
    } else {
      NoQuotes none{evidence_.quote || evidence_.logs.any() || asks_for_quote(policy_)};
      judge_all(none, kQuoteChecks, scope, verdict);
      judge_all(none, kEventLogChecks, scope, verdict);
      judge_all(none, kBootChecks, scope, verdict);
    }
    verdict.old_evidence = unbound_allowed();
    verdict.complete = true;
  }

  /// One of SNPNV_SIGNATURE_CHECKS or SNPNV_CONTENT_CHECKS.
  CheckResult judge(Check check) {
    switch (check) {
      SNPNV_SIGNATURE_CHECKS(SNPNV_JUDGE)
      SNPNV_CONTENT_CHECKS(SNPNV_JUDGE)
      default: return {};
    }
  }

  /// Whether the certificate is the one for this report, whose signature is not looked at.
  void run_vek(Verdict& verdict) {
    verdict[Check::vek_product] = vek_product();
    verdict[Check::vek_tcb] = vek_tcb();
    verdict[Check::vek_hwid] = vek_hwid();
    verdict[Check::vek_signing_key] = vek_signing_key();
  }

 private:
  using R = ATTESTATION_REPORT;

  static bool wanted(Check check, CheckScope scope) {
    if (scope == CheckScope::tcb_only)
      return check == Check::vek_product || check == Check::vek_tcb || check == Check::vek_hwid;
    return scope == CheckScope::all;
  }

  // For a provider that verifies no quotes.
  struct NoQuotes {
    bool asked;
    [[nodiscard]] CheckResult judge(Check) const {
      return asked ? CheckResult::fail("provider", "verifies no quotes") : CheckResult::skip("there is no quote");
    }
  };

  template <class Verifier>
  static void judge_all(Verifier& verifier, std::span<const Check> checks, CheckScope scope, Verdict& verdict) {
    for (const Check check : checks)
      verdict[check] = wanted(check, scope) ? verifier.judge(check) : CheckResult::skip("not in this scope");
  }

  // What the report's field holds, compared with a number.
  static CheckResult equals(std::string_view subject, std::uint64_t expected, std::uint64_t found) {
    if (found == expected) return CheckResult::pass(subject, Finding::number(found));
    return CheckResult::fail(subject, "has another value", Finding::number(expected),
                            Finding::number(found));
  }
  static CheckResult at_least(std::string_view subject, Finding least, Finding found) {
    if (found.value >= least.value) return CheckResult::pass(subject, found);
    return CheckResult::fail(subject, "is below the minimum", least, found);
  }
  // Layouts of TCBs and the size of chip IDs are the product's.
  static CheckResult product_unknown() { return CheckResult::skip("the product is not proven"); }

  CheckResult report_signature_algorithm() const {
    return equals(R::SIGNATURE_ALGO.name, R::kEcdsaP384Sha384, report_[R::SIGNATURE_ALGO]);
  }

  CheckResult report_signature() {
    constexpr std::size_t kNumber = 48;
    EcdsaP384Signature signature{};
    const auto in_range = [](ByteView number, MutBytes to) {
      std::ranges::reverse_copy(number.first(kNumber), to.begin());
      return all_zero(number.subspan(kNumber)) && !all_zero(to) &&
             std::ranges::lexicographical_compare(to, kP384Order);
    };
    constexpr std::string_view kOutside = "not above 0 and below the order of P-384";
    const MutBytes r_and_s(signature);
    const auto r = report_[R::SIGNATURE_R];
    const auto s = report_[R::SIGNATURE_S];
    if (!in_range(r, r_and_s.first(kNumber)))
      return CheckResult::fail(R::SIGNATURE_R.name, kOutside, Finding::kNone, Finding::octets(r));
    if (!in_range(s, r_and_s.subspan(kNumber)))
      return CheckResult::fail(R::SIGNATURE_S.name, kOutside, Finding::kNone, Finding::octets(s));
    const auto digest = crypto_.digest(Hash::sha384, ByteView(report_.raw).first(R::kSignedSize));
    if (!digest) return CheckResult::fail(R::kName, digest.error());
    const auto verified = crypto_.verify_ecdsa_p384(chain_.vek().key.point, *digest, signature);
    if (!verified) return CheckResult::fail(R::kName, verified.error());
    return CheckResult::pass(name(chain_.signing_key()));
  }

  CheckResult report_signature_padding() const {
    const auto padding = report_[R::SIGNATURE_RESERVED];
    if (all_zero(padding)) return CheckResult::pass(R::SIGNATURE_RESERVED.name);
    const auto at = std::ranges::find_if(padding, [](std::byte b) { return b != std::byte{0}; });
    const auto offset = static_cast<std::uint32_t>(at - padding.begin());
    return CheckResult::fail(R::SIGNATURE_RESERVED.name, "not zero, at offset", Finding::kNone,
                            Finding::number(R::SIGNATURE_RESERVED.offset + offset));
  }

  CheckResult report_version() const {
    const std::uint32_t version = report_[R::VERSION];
    if (version < R::kMinVersion)
      return CheckResult::fail(R::VERSION.name, "is below the minimum",
                              Finding::number(R::kMinVersion), Finding::number(version));
    if (version > R::kMaxVersion && !policy_.allow_newer_version)
      return CheckResult::fail(R::VERSION.name, CheckResult::kNewer,
                              Finding::number(R::kMaxVersion), Finding::number(version));
    return CheckResult::pass(R::VERSION.name, Finding::number(version));
  }

  CheckResult vek_product() {
    const VekExtensionRow& extension = row(VekExtension::product_name);
    const std::string_view expected = name(chain_.product());
    if (const auto once = vek_.at_most_once(VekExtension::struct_version); !once)
      return CheckResult::fail(row(VekExtension::struct_version).name, once.error());
    const auto text = vek_.text(extension.id);
    if (!text) return CheckResult::fail(extension.name, text.error());
    // A stepping may follow: Milan-B0.
    const auto same = [](char a, std::byte b) { return static_cast<std::byte>(a) == b; };
    const bool named = text->size() >= expected.size() &&
                       std::ranges::equal(expected, text->first(expected.size()), same) &&
                       (text->size() == expected.size() || same('-', (*text)[expected.size()]));
    if (!named)
      return CheckResult::fail(extension.name, "another product than the root's",
                              Finding::text(expected), Finding::text(*text));
    const auto possible = products(report_);
    if (!possible) return CheckResult::fail(R::CPUID_FAM_ID.name, possible.error());
    if (!possible->has(chain_.product())) {
      const auto only = possible->only();
      return CheckResult::fail(R::kName, "of another product than the root", Finding::text(expected),
                              only ? Finding::text(name(*only)) : Finding{});
    }
    product_proven_ = true;
    return CheckResult::pass(extension.name, Finding::text(*text));
  }

  CheckResult vek_tcb() const {
    if (!product_proven_) return product_unknown();
    for (const VekExtensionRow& extension : kVekExtensions) {
      if (!extension.is_spl()) continue;
      if (const auto once = vek_.at_most_once(extension.id); !once)
        return CheckResult::fail(extension.name, once.error());
    }
    const TCB_VERSION reported = report_[R::REPORTED_TCB];
    TCB_VERSION reserved = reported;  // once every component is taken out
    std::array<bool, kVekExtensions.size()> has_place{};
    for (const TcbLayoutEntry& component : kTcbLayout) {
      const auto svn = reported.get(component, chain_.product());
      if (!svn) continue;
      reserved.set(component, chain_.product(), 0);
      const VekExtensionRow& extension = row(spl_extension(component.component));
      has_place[static_cast<std::size_t>(extension.id)] = true;
      const auto spl = vek_.number(extension.id);
      if (!spl) return CheckResult::fail(extension.name, spl.error());
      if (*spl != *svn)
        return CheckResult::fail(component.name, "REPORTED_TCB is not what the certificate is for",
                                Finding::number(*spl), Finding::number(*svn));
    }
    for (const VekExtensionRow& extension : kVekExtensions) {
      if (!extension.is_spl() || has_place[static_cast<std::size_t>(extension.id)]) continue;
      if (!vek_.has(extension.id)) continue;
      const auto spl = vek_.number(extension.id);
      if (!spl) return CheckResult::fail(extension.name, spl.error());
      if (*spl != 0)
        return CheckResult::fail(extension.name, "has no place in REPORTED_TCB", Finding::number(0),
                                Finding::number(*spl));
    }
    if (!all_zero(reserved.octets))
      return CheckResult::fail(R::REPORTED_TCB.name, "a reserved octet is not zero", Finding::kNone,
                              Finding::octets(reported.octets));
    return CheckResult::pass(R::REPORTED_TCB.name, Finding::octets(reported.octets));
  }

  CheckResult vek_hwid() const {
    if (!product_proven_) return product_unknown();
    const VekExtensionRow& extension = row(VekExtension::hw_id);
    if (const auto once = vek_.at_most_once(extension.id); !once)
      return CheckResult::fail(extension.name, once.error());
    if (chain_.signing_key() == SIGNING_KEY::VLEK) return CheckResult::skip("a VLEK has no hwID");
    const std::size_t size = chip_id_size(chain_.product());
    const auto id = vek_.hw_id(size);
    if (!id) return CheckResult::fail(extension.name, id.error());
    if (report_.chip_id_masked()) return CheckResult::skip("CHIP_ID is masked");
    const auto chip = report_[R::CHIP_ID];
    if (!equal(*id, chip.first(size)) || !all_zero(chip.subspan(size)))
      return CheckResult::fail(R::CHIP_ID.name, "of another chip than the certificate",
                              Finding::octets(*id), Finding::octets(chip));
    return CheckResult::pass(R::CHIP_ID.name, Finding::octets(chip.first(size)));
  }

  CheckResult vek_signing_key() const {
    const SIGNING_KEY expected = chain_.signing_key();
    const SIGNING_KEY found = report_.signing_key();
    if (const auto once = vek_.at_most_once(VekExtension::csp_id); !once)
      return CheckResult::fail(row(VekExtension::csp_id).name, once.error());
    if (expected == SIGNING_KEY::VLEK)
      if (const auto csp = vek_.text(VekExtension::csp_id); !csp)
        return CheckResult::fail(row(VekExtension::csp_id).name, csp.error());
    if (found != expected)
      return CheckResult::fail(KeyInfo::SIGNING_KEY.name, "not the key of the certificate",
                              Finding::text(name(expected)), Finding::text(name(found)));
    return CheckResult::pass(KeyInfo::SIGNING_KEY.name, Finding::text(name(found)));
  }

  CheckResult binding_claims_digest() {
    if (!evidence_.claims) return CheckResult::not_asked();
    const auto data = report_[R::REPORT_DATA];
    Finding expected;
    for (const Hash hash : {Hash::sha256, Hash::sha384, Hash::sha512}) {
      if (evidence_.claims_hash && *evidence_.claims_hash != hash) continue;
      const auto digest = crypto_.digest(hash, *evidence_.claims);
      if (!digest) return CheckResult::fail(name(hash), digest.error());
      if (report_.report_data_is(*digest)) {
        claims_proven_ = true;
        return CheckResult::pass(name(hash), Finding::octets(digest->view()));
      }
      if (expected.size == 0) expected = Finding::octets(digest->view());
    }
    return CheckResult::fail(R::REPORT_DATA.name,
                            end_in_zeros(*evidence_.claims)
                                ? std::string_view("not the digest of these claims: they end in zeros, and padding is no part of them")
                                : std::string_view("not the digest of these claims"), expected,
                            Finding::octets(data));
  }

  // Claims that are proven and well-formed, or why there is nothing to compare.
  std::expected<RuntimeClaims, CheckResult> proven_claims() const {
    std::expected<RuntimeClaims, CheckResult> claims{std::in_place};  // large: read in the caller's place
    if (!evidence_.claims) {
      claims = std::unexpected(CheckResult::fail("claims", CheckResult::kNoClaims));
    } else if (!claims_proven_) {
      claims = std::unexpected(CheckResult::skip("the claims are not proven"));
    } else if (const auto read = claims->read(*evidence_.claims); !read) {
      CheckResult failed = CheckResult::fail("claims", read.error());
      const ByteView member = member_of(*evidence_.claims, read.error());
      if (!member.empty()) failed.found = Finding::text(member);
      claims = std::unexpected(failed);
    }
    return claims;
  }

  [[nodiscard]] bool unbound_allowed() const {
    return !evidence_.user_data && evidence_.old && evidence_.old->allowed;
  }

  CheckResult binding_user_data() const {
    if (!evidence_.user_data) {
      if (!evidence_.old) return CheckResult::not_asked();
      if (unbound_allowed())
        return CheckResult::skip(CheckResult::kUnbound);
      return CheckResult::fail("version", CheckResult::kUnbound,
                              Finding::number(TrusteeEvidence::kFirstBound),
                              Finding::number(evidence_.old->version));
    }
    const auto claims = proven_claims();
    if (!claims) return claims.error();
    constexpr std::string_view kUserData = "user-data";
    const Finding found = Finding::octets(claims->user_data());
    if (claims->carries(*evidence_.user_data)) return CheckResult::pass(kUserData, found);
    return CheckResult::fail(kUserData,
                            claims->user_data_size == 0 ? std::string_view("absent from the claims")
                                                        : std::string_view("has another value"),
                            Finding::octets(*evidence_.user_data), found);
  }

  CheckResult forbidden(BitName bit, bool allowed) const {
    if (allowed) return CheckResult::skip(CheckResult::kAllowed);
    const std::uint64_t found = report_[R::POLICY][bit];
    return found == 0 ? CheckResult::pass(bit.name, Finding::number(found))
                      : CheckResult::fail(bit.name, "the guest's policy allows it",
                                         Finding::number(0), Finding::number(found));
  }
  CheckResult policy_debug() const { return forbidden(GuestPolicy::DEBUG, policy_.allow_debug); }
  CheckResult policy_migration() const { return forbidden(GuestPolicy::MIGRATE_MA, policy_.allow_migration); }

  CheckResult policy_vmpl() const {
    if (!policy_.vmpl) return CheckResult::not_asked();
    return equals(R::VMPL.name, *policy_.vmpl, report_[R::VMPL]);
  }

  CheckResult policy_min_tcb() const {
    std::optional<CheckResult> out;
    const auto compare = [&](std::string_view field, const TcbMinimums& minimums,
                             const TCB_VERSION& tcb) {
      for (std::size_t i = 0; i < kTcbLayout.size(); ++i) {
        if (!minimums.values[i]) continue;
        const auto found = tcb.get(kTcbLayout[i], chain_.product());
        CheckResult one = CheckResult::fail(kTcbLayout[i].name, "the product has no such component",
                                          Finding::number(*minimums.values[i]));
        if (found) {
          one = at_least(kTcbLayout[i].name, Finding::number(*minimums.values[i]),
                         Finding::number(*found));
          if (one.outcome == CheckOutcome::pass)
            one = CheckResult::pass(field, Finding::octets(tcb.octets));
        }
        merge(out, one);
      }
    };
    compare(R::REPORTED_TCB.name, policy_.min_tcb, report_[R::REPORTED_TCB]);
    compare(R::COMMITTED_TCB.name, policy_.min_committed_tcb, report_[R::COMMITTED_TCB]);
    compare(R::LAUNCH_TCB.name, policy_.min_launch_tcb, report_[R::LAUNCH_TCB]);
    if (!out) return CheckResult::not_asked();
    return product_proven_ ? *out : product_unknown();
  }

  template <std::size_t Size, std::size_t Offset, std::size_t Short>
  CheckResult one_of(LayoutField<OctetArray<Size>, Offset> field,
                    const AllowList<Size, Short>& allowed) const {
    const auto found = report_[field];
    return one_of(field.name, found, allowed.contains(found), allowed.count, allowed.values[0]);
  }
  static CheckResult one_of(std::string_view subject, ByteView found, bool allowed, std::size_t count, ByteView first) {
    if (count == 0) return CheckResult::not_asked();
    if (allowed) return CheckResult::pass(subject, Finding::octets(found));
    return CheckResult::fail(subject,
                            count == 1 ? std::string_view("has another value") : std::string_view("none of those allowed"),
                            Finding::octets(first), Finding::octets(found));
  }
  CheckResult policy_measurement() const { return one_of(R::MEASUREMENT, policy_.measurement); }
  CheckResult policy_host_data() const { return one_of(R::HOST_DATA, policy_.host_data); }
  CheckResult policy_report_data() const { return one_of(R::REPORT_DATA, policy_.report_data); }
  CheckResult policy_family_id() const { return one_of(R::FAMILY_ID, policy_.family_id); }
  CheckResult policy_image_id() const { return one_of(R::IMAGE_ID, policy_.image_id); }
  CheckResult policy_id_key() const { return one_of(R::ID_KEY_DIGEST, policy_.id_key); }
  CheckResult policy_chip_id() const { return one_of(R::CHIP_ID, policy_.chip_id); }
  CheckResult policy_author_key() const {
    if (policy_.author_key.count != 0 && report_[R::KEY_INFO][KeyInfo::AUTHOR_KEY_EN] == 0)
      return CheckResult::fail(KeyInfo::AUTHOR_KEY_EN.name, "the report has no author key",
                              Finding::number(1), Finding::number(0));
    return one_of(R::AUTHOR_KEY_DIGEST, policy_.author_key);
  }

  CheckResult policy_guest_svn() const {
    if (!policy_.min_guest_svn) return CheckResult::not_asked();
    return at_least(R::GUEST_SVN.name, Finding::number(*policy_.min_guest_svn),
                    Finding::number(report_[R::GUEST_SVN]));
  }

  CheckResult policy_platform_info() const {
    const std::uint64_t required = policy_.platform_info.required;
    const std::uint64_t forbidden_bits = policy_.platform_info.forbidden;
    if ((required | forbidden_bits) == 0) return CheckResult::not_asked();
    const std::uint64_t found = report_[R::PLATFORM_INFO].value;
    if ((found & required) != required)
      return CheckResult::fail(R::PLATFORM_INFO.name, "a required bit is 0", Finding::mask(required),
                              Finding::mask(found));
    if ((found & forbidden_bits) != 0)
      return CheckResult::fail(R::PLATFORM_INFO.name, "a forbidden bit is 1",
                              Finding::mask(~forbidden_bits & found), Finding::mask(found));
    return CheckResult::pass(R::PLATFORM_INFO.name, Finding::mask(found));
  }

  static CheckResult same_flag(std::string_view member, bool expected,
                              const std::optional<bool>& found) {
    if (!found) return CheckResult::fail(member, "absent from the claims", Finding::boolean(expected));
    if (*found == expected) return CheckResult::pass(member, Finding::boolean(*found));
    return CheckResult::fail(member, "has another value", Finding::boolean(expected), Finding::boolean(*found));
  }
  static CheckResult same_member(std::string_view member, const ExpectedText& expected,
                                const std::optional<JsonString>& found) {
    if (!found) return CheckResult::fail(member, "absent from the claims", Finding::text(expected.view()));
    // A GUID may be spelled in either case.
    const bool same = member == "vmUniqueId"
                          ? same_text(LowerCase(found->source()), LowerCase(PlainText(expected.view())))
                          : *found == expected.view();
    if (same) return CheckResult::pass(member, Finding::text(expected.view()));
    return CheckResult::fail(member, "has another value", Finding::text(expected.view()), Finding::text(*found));
  }

  CheckResult policy_secure_boot() const {
    if (!policy_.vm.secure_boot) return CheckResult::not_asked();
    const auto claims = proven_claims();
    if (!claims) return claims.error();
    return same_flag("secure-boot", *policy_.vm.secure_boot, claims->vm.secure_boot);
  }

  CheckResult policy_vm_configuration() const {
    // secure-boot has a check of its own.
    const auto asked = [&](const auto& row) {
      return row.json != "secure-boot" && (policy_.vm.*row.expected).has_value();
    };
    if (std::ranges::none_of(kExpectedVmFlags, asked) && std::ranges::none_of(kExpectedVmTexts, asked))
      return CheckResult::not_asked();
    const auto claims = proven_claims();
    if (!claims) return claims.error();
    std::optional<CheckResult> out;
    for (const auto& row : kExpectedVmFlags)
      if (asked(row)) merge(out, same_flag(row.json, *(policy_.vm.*row.expected), claims->vm.*row.value));
    for (const auto& row : kExpectedVmTexts)
      if (asked(row)) merge(out, same_member(row.json, *(policy_.vm.*row.expected), claims->vm.*row.value));
    return *out;
  }

  CheckResult policy_firmware() const {
    std::optional<CheckResult> out;
    const auto compare = [&](std::string_view subject, const std::optional<std::uint32_t>& least,
                             std::uint32_t found) {
      if (least)
        merge(out, at_least(subject, Finding::version(*least), Finding::version(found)));
    };
    compare("CURRENT", policy_.min_firmware,
            firmware_version(report_[R::CURRENT_MAJOR], report_[R::CURRENT_MINOR],
                             report_[R::CURRENT_BUILD]));
    compare("COMMITTED", policy_.min_committed_firmware,
            firmware_version(report_[R::COMMITTED_MAJOR], report_[R::COMMITTED_MINOR],
                             report_[R::COMMITTED_BUILD]));
    return out.value_or(CheckResult::not_asked());
  }

  CheckResult policy_mitigations() const {
    constexpr std::uint32_t kSince = R::CURRENT_MIT_VECTOR.since;
    static_assert(kSince == R::LAUNCH_MIT_VECTOR.since);
    std::optional<CheckResult> out;
    const auto compare = [&](std::string_view subject, std::uint64_t required, std::uint64_t found) {
      if (required == 0) return;
      if (report_[R::VERSION] < kSince)
        return merge(out, CheckResult::fail(R::VERSION.name, "the report has no mitigation vectors",
                                           Finding::number(kSince), Finding::number(report_[R::VERSION])));
      merge(out, (found & required) == required
                     ? CheckResult::pass(subject, Finding::mask(found))
                     : CheckResult::fail(subject, "a required bit is 0", Finding::mask(required), Finding::mask(found)));
    };
    compare(R::CURRENT_MIT_VECTOR.name, policy_.mitigations, report_[R::CURRENT_MIT_VECTOR]);
    compare(R::LAUNCH_MIT_VECTOR.name, policy_.launch_mitigations, report_[R::LAUNCH_MIT_VECTOR]);
    return out.value_or(CheckResult::not_asked());
  }

  C& crypto_;
  Endorsement chain_;
  VekCertificate vek_;
  const ATTESTATION_REPORT& report_;
  const Evidence& evidence_;
  const Policy& policy_;
  bool product_proven_ = false;
  bool claims_proven_ = false;
};

}  // namespace detail

}  // namespace snpnv
