// SPDX-License-Identifier: Apache-2.0
// The certificates: from a trusted root to the key that signs reports.
#pragma once

#include "snpnv/verify/checks.hpp"
#include "snpnv/verify/crypto.hpp"
#include "snpnv/wire/snp_bits.hpp"
#include "snpnv/wire/x509_revocation_list.hpp"

namespace snpnv {

/// A clock that shows an earlier time was never set: no report that is supported here is older.
inline constexpr UnixTime kEarliestTime = *unix_time({2023, 1, 1, 0, 0, 0});

/// When evidence is judged, in seconds since 1970: by the machine's clock, unless it is given().
struct VerificationTime {
  UnixTime value = 0;

  constexpr explicit(false) VerificationTime(UnixTime clock) : value(clock) {}
  /// A time that somebody chose, and which may be any.
  [[nodiscard]] static constexpr VerificationTime given(UnixTime time) {
    VerificationTime out(time);
    out.chosen_ = true;
    return out;
  }
  [[nodiscard]] constexpr bool clock_unset() const { return !chosen_ && value < kEarliestTime; }

 private:
  bool chosen_ = false;
};

/// Certificates and revocation lists in DER, as received. Borrows them.
struct CertificateChain {
  ByteView ark;
  ByteView ask;  // or ASVK
  ByteView vek;  // VCEK or VLEK
  ByteView crl;  // several, one behind the other; empty: none
};

namespace detail {

// How verdicts call the certificates.
inline constexpr std::string_view kArk = "ARK";
inline constexpr std::string_view kAsk = "ASK or ASVK";
inline constexpr std::string_view kVek = "VCEK or VLEK";
inline constexpr std::string_view kCrl = "CRL";

/// `time` against a period with a name.
[[nodiscard]] constexpr CheckResult check_period(std::string_view subject, UnixTime time,
                                                UnixTime first, UnixTime last) {
  if (time < first)
    return CheckResult::fail(subject, "not valid before", Finding::time(first), Finding::time(time));
  if (time > last)
    return CheckResult::fail(subject, "expired after", Finding::time(last), Finding::time(time));
  return CheckResult::pass(subject, Finding::time(time));
}

template <Crypto C>
class ChainVerifier;

}  // namespace detail

/// A chain that passed every check, for any number of reports. Made by verify_chain() only. Borrows
/// the certificates' octets.
class VerifiedChain {
 public:
  [[nodiscard]] Product product() const { return product_; }
  [[nodiscard]] const Certificate& vek() const { return vek_; }
  /// What the VEK's name says that it is.
  [[nodiscard]] SIGNING_KEY signing_key() const { return signing_key_; }

  /// The verdict on the chain, judged anew for the time `at` where time matters. Not complete.
  void verdict(UnixTime at, Verdict& out) const {
    out.reset();
    std::ranges::copy(results_, out.results.begin());
    out.root = root_;
    out.product = product_;
    out[Check::chain_validity] = validity(at);
    if (lists_) out[Check::chain_revocation] = lists_->validity(at);
  }

 private:
  template <Crypto C>
  friend class detail::ChainVerifier;
  VerifiedChain() = default;

  [[nodiscard]] CheckResult validity(UnixTime at) const {
    CheckResult result;
    for (const Certificate* const certificate : {&ark_, &ask_, &vek_}) {
      if (certificate == &vek_ && issuers_only_) break;
      result = detail::check_period(certificate == &ark_   ? detail::kArk
                                    : certificate == &ask_ ? detail::kAsk
                                                           : detail::kVek,
                                    at, certificate->not_before, certificate->not_after);
      if (result.outcome == CheckOutcome::fail) break;
    }
    return result;
  }

  // When all of the ARK's lists are current.
  struct ListPeriod {
    UnixTime first;
    UnixTime last;
    [[nodiscard]] CheckResult validity(UnixTime at) const {
      return detail::check_period(detail::kCrl, at, first, last);
    }
  };

  Certificate ark_;
  Certificate ask_;
  Certificate vek_;
  std::optional<ListPeriod> lists_;
  Product product_{};
  SIGNING_KEY signing_key_{};
  bool issuers_only_ = false;  // while they are verified by themselves
  RootSource root_ = RootSource::none;
  std::array<CheckResult, static_cast<std::size_t>(Check::chain_revocation) + 1> results_{};  // of its own checks
};

struct ChainCheck {
  Verdict verdict;
  std::optional<VerifiedChain> chain;  // if every check of it passed

  void reset() {
    verdict.reset();
    chain.reset();
  }
};

/// What the names of a root and of an ASK or ASVK that it signed say.
struct Issuers {
  Product product{};
  SIGNING_KEY endorser{};
};
struct IssuersCheck {
  Verdict verdict;
  std::optional<Issuers> issuers;  // if every check of them passed

  void reset() {
    verdict.reset();
    issuers.reset();
  }
};

namespace detail {

/// Runs the checks of SNPNV_CHAIN_CHECKS, each in a function of its name.
template <Crypto C>
class ChainVerifier {
 public:
  ChainVerifier(C& crypto, const CertificateChain& chain, const Trust& trust, UnixTime at)
      : crypto_(crypto), octets_(chain), trust_(trust), at_(at) {}

  void run(ChainCheck& out) {
    Verdict& verdict = out.verdict;
    judge_all(verdict);
    if (verdict.first_failure()) return;
    verdict.product = verified_.product_;
    verdict.complete = true;
    verified_.root_ = root_;
    std::ranges::copy_n(verdict.results.begin(), std::ssize(verified_.results_), verified_.results_.begin());
    out.chain = verified_;
  }

  /// The same without an endorsement certificate: whether the issuers are fit to judge one.
  void run_issuers(IssuersCheck& out) {
    verified_.issuers_only_ = true;
    judge_all(out.verdict);
    if (out.verdict.first_failure()) return;
    out.issuers = Issuers{verified_.product_, verified_.signing_key_};
  }

  /// A revocation list under its root alone.
  void run_crl(Verdict& verdict) {
    // What is no list is not the root's fault, which nobody can choose without one.
    if (const auto list = RevocationList::parse(octets_.crl); !list) {
      verdict[Check::chain_revocation] = CheckResult::fail(kCrl, list.error());
      return;
    }
    verdict[Check::chain_root_pinned] = chain_root_pinned();
    verdict.root = root_;
    if (verdict.first_failure()) return;
    verdict[Check::chain_root_signature] = chain_root_signature();
    if (verdict.first_failure()) return;
    verdict.product = product_of(verified_.ark_.subject, "ARK-");
    verdict[Check::chain_revocation] =
        judge_lists([](const RevocationList&) { return std::optional<CheckResult>(); });
  }

 private:
  // Those of signatures stop at the first that fails: what is not signed is not interpreted.
  void judge_all(Verdict& verdict) {
    for (const Check check : kChainChecks) {
      const bool skipped = verified_.issuers_only_ && check == Check::chain_endorsement_signature;
      verdict[check] = skipped ? CheckResult::skip("issuers only") : judge(check);
      verdict.root = root_;
      if (check <= Check::chain_endorsement_signature && verdict[check].outcome == CheckOutcome::fail) return;
    }
  }
  CheckResult judge(Check check) {
    switch (check) {
      SNPNV_CHAIN_CHECKS(SNPNV_JUDGE)
      default: return {};
    }
  }

  // Reads a certificate, or says why not.
  std::optional<CheckResult> read(std::string_view subject, ByteView der, Certificate& to) {
    auto parsed = crypto_.parse_certificate(der);
    if (!parsed) return CheckResult::fail(subject, parsed.error());
    to = *parsed;
    return std::nullopt;
  }

  CheckResult check_signature(std::string_view subject, const SignedOctets& what, const X509Key& by) {
    if (!is_rsa_pss_sha384(what.algorithm))
      return CheckResult::fail(subject, "not signed by RSASSA-PSS with SHA-384, MGF1-SHA-384, salt 48",
                              Finding::kNone, Finding::octets(what.algorithm.oid));
    if (by.type != KeyType::rsa)
      return CheckResult::fail(subject, "the issuer's key is not an RSA key");
    const auto digest = crypto_.digest(Hash::sha384, what.tbs);
    if (!digest) return CheckResult::fail(subject, digest.error());
    const auto verified = crypto_.verify_rsa_pss(by.rsa, Hash::sha384, *digest, what.signature);
    if (!verified) return CheckResult::fail(subject, verified.error());
    return CheckResult::pass(subject);
  }

  CheckResult chain_root_pinned() {
    if (auto failed = read(kArk, octets_.ark, verified_.ark_)) return *failed;
    const Certificate& ark = verified_.ark_;
    const auto digest = spki_digest(crypto_, ark);
    if (!digest) return CheckResult::fail(kArk, digest.error());
    const Finding found = Finding::octets(*digest);
    for (const PinnedRoot& pinned : kPinnedRoots) {
      if (pinned.spki_sha384 != *digest) continue;
      pinned_product_ = pinned.product;
      root_ = RootSource::pinned;
      return CheckResult::pass("pinned root", found);
    }
    for (const SpkiDigest& additional : trust_.additional_roots) {
      if (additional != *digest) continue;
      root_ = RootSource::additional;
      return CheckResult::pass("additional root, not AMD's", found);
    }
    if (is_named(ark, "SEV-"))
      return CheckResult::fail(kArk, "a certificate that belongs below it; the order is wrong", Finding::kNone,
                              Finding::text(ark.subject.common_name));
    return CheckResult::fail(kArk, "its key is not that of a trusted root", Finding::kNone, found);
  }

  CheckResult chain_root_signature() {
    if (trust_.root_signature == RootSignature::skip)
      return CheckResult::skip("redundant: the digest of its key is trusted");
    return check_signature(kArk, verified_.ark_.signed_octets, verified_.ark_.key);
  }

  CheckResult chain_intermediate_signature() {
    if (auto failed = read(kAsk, octets_.ask, verified_.ask_)) return *failed;
    return check_signature(kAsk, verified_.ask_.signed_octets, verified_.ark_.key);
  }

  CheckResult chain_endorsement_signature() {
    if (auto failed = read(kVek, octets_.vek, verified_.vek_)) return *failed;
    const CheckResult result = check_signature(kVek, verified_.vek_.signed_octets, verified_.ask_.key);
    if (result.outcome == CheckOutcome::fail && verified_.vek_.ca)
      return CheckResult::fail(kVek, "a certificate that belongs above it; the order is wrong", Finding::kNone,
                              Finding::text(verified_.vek_.subject.common_name));
    return result;
  }

  // What an unsigned name says chooses the words of a failure, nothing else.
  static bool is_named(const Certificate& certificate, std::string_view prefix) {
    const ByteView name = certificate.subject.common_name;
    return name.size() >= prefix.size() &&
           same_text(OctetText(name.first(prefix.size())), PlainText(prefix));
  }

  // The product that `name` gives behind `prefix`, with nothing else.
  static std::optional<Product> product_of(const X509Name& name, std::string_view prefix) {
    for (const Product product : kProducts)
      if (same_text(Joined(prefix, ::snpnv::name(product)), OctetText(name.common_name)))
        return product;
    return std::nullopt;
  }

  // "SEV-" and "Milan" behind each other.
  class Joined {
   public:
    Joined(std::string_view first, std::string_view second) : parts_{first, second} {}
    bool next(char& c) {
      while (parts_[at_].empty() && at_ == 0) ++at_;
      if (parts_[at_].empty()) return false;
      c = parts_[at_].front();
      parts_[at_].remove_prefix(1);
      return true;
    }
    [[nodiscard]] static std::size_t offset() { return 0; }

   private:
    std::array<std::string_view, 2> parts_;
    std::size_t at_ = 0;
  };
  class OctetText {
   public:
    explicit OctetText(ByteView octets) : octets_(octets) {}
    bool next(char& c) {
      if (octets_.empty()) return false;
      c = static_cast<char>(octets_.front());
      octets_ = octets_.subspan(1);
      return true;
    }
    [[nodiscard]] static std::size_t offset() { return 0; }

   private:
    ByteView octets_;
  };

  CheckResult chain_validity() const { return verified_.validity(at_); }

  CheckResult chain_roles() {
    const Certificate& ark = verified_.ark_;
    const Certificate& ask = verified_.ask_;
    const Certificate& vek = verified_.vek_;
    if (const auto wrong = judge_names()) return *wrong;
    for (const Link& link : {Link{kArk, ark, ark, true}, Link{kAsk, ask, ark, true}, Link{kVek, vek, ask, false}}) {
      if (&link.certificate == &vek && verified_.issuers_only_) break;
      if (const auto wrong = judge_link(link)) return *wrong;
    }
    if (ark.path_length && *ark.path_length < 1)
      return CheckResult::fail(kArk, "its path length allows no intermediate", Finding::number(1),
                              Finding::number(*ark.path_length));
    return CheckResult::pass(name(verified_.signing_key_), Finding::text(name(verified_.product_)));
  }

  // What is wrong with the names, which say product and kind of endorsement.
  std::optional<CheckResult> judge_names() {
    const Certificate& ark = verified_.ark_;
    const Certificate& ask = verified_.ask_;
    const Certificate& vek = verified_.vek_;
    const auto named = [](std::string_view subject, const Certificate& certificate) {
      return CheckResult::fail(subject, "its name is not the one of this role", Finding::kNone,
                              Finding::text(certificate.subject.common_name));
    };
    const auto product = product_of(ark.subject, "ARK-");
    if (!product || (pinned_product_ && *pinned_product_ != *product)) return named(kArk, ark);
    verified_.product_ = *product;
    if (product_of(ask.subject, "SEV-") == product) {
      verified_.signing_key_ = SIGNING_KEY::VCEK;
    } else if (product_of(ask.subject, "SEV-VLEK-") == product) {
      verified_.signing_key_ = SIGNING_KEY::VLEK;
    } else {
      return named(kAsk, ask);
    }
    if (!verified_.issuers_only_ &&
        !same_text(Joined("SEV-", name(verified_.signing_key_)), OctetText(vek.subject.common_name)))
      return named(kVek, vek);
    return std::nullopt;
  }

  struct Link {
    std::string_view subject;
    const Certificate& certificate;
    const Certificate& issuer;
    bool ca;
  };
  // What is wrong with a certificate in its role.
  static std::optional<CheckResult> judge_link(const Link& link) {
    const Certificate& c = link.certificate;
    if (!equal(c.issuer.raw, link.issuer.subject.raw))
      return CheckResult::fail(link.subject, "its issuer is not the subject of the one above",
                              Finding::text(link.issuer.subject.common_name), Finding::text(c.issuer.common_name));
    if (c.ca != link.ca)
      return CheckResult::fail(link.subject, link.ca ? std::string_view("not a CA") : std::string_view("a CA"));
    if (link.ca != c.may(KeyUsage::key_cert_sign))
      return CheckResult::fail(link.subject,
                              link.ca ? std::string_view("its key may not sign certificates")
                                      : std::string_view("its key may sign certificates"));
    if (c.unknown_critical) return CheckResult::fail(link.subject, "an unknown extension is critical");
    const KeyType type = link.ca ? KeyType::rsa : KeyType::p384;
    if (c.key.type != type)
      return CheckResult::fail(link.subject, "key of another type than its role has", Finding::text(name(type)),
                              Finding::text(name(c.key.type)));
    if (link.ca && c.key.rsa.bits() != 4096)
      return CheckResult::fail(link.subject, "RSA key of another size than its role has, in bits",
                              Finding::number(4096), Finding::number(c.key.rsa.bits()));
    if (link.ca && !c.key.rsa.has_usual_exponent())
      return CheckResult::fail(link.subject, "RSA key with another exponent than 65537", Finding::kNone,
                              Finding::octets(c.key.rsa.exponent));
    return std::nullopt;
  }

  CheckResult chain_revocation() {
    if (octets_.crl.empty()) return CheckResult::not_asked();
    return judge_lists([&](const RevocationList& list) -> std::optional<CheckResult> {
      for (const Certificate* const certificate : {&verified_.ark_, &verified_.ask_})
        if (list.names(certificate->serial))
          return CheckResult::fail(certificate == &verified_.ark_ ? kArk : kAsk,
                                  "revoked; its serial number is on the list", Finding::kNone,
                                  Finding::octets(certificate->serial));
      return std::nullopt;
    });
  }

  // The lists that the ARK issued are signed by it and current, there is one, and `refuse` has nothing
  // against any. Lists of others are passed over: a bundle holds those of several products. So are those
  // of a root that has no more than the ARK's name, as a test root may have.
  template <class Refuse>
  CheckResult judge_lists(Refuse&& refuse) {
    const Certificate& ark = verified_.ark_;
    std::optional<CheckResult> not_signed;
    Finding issuers = Finding::text(std::string_view());
    for (ByteView rest = octets_.crl; !rest.empty();) {
      const ByteView der = first_der(rest);
      rest = rest.subspan(der.size());
      const auto list = RevocationList::parse(der);
      if (!list) return CheckResult::fail(kCrl, list.error());
      issuers.append(list->issuer.common_name);
      if (!equal(list->issuer.raw, ark.subject.raw)) continue;
      const CheckResult signature = check_signature(kCrl, list->signed_octets, ark.key);
      if (signature.outcome == CheckOutcome::fail) {
        not_signed = signature;
        continue;
      }
      if (!ark.may(KeyUsage::crl_sign))
        return CheckResult::fail(kArk, "its key may not sign revocation lists");
      if (const std::optional<CheckResult> refused = refuse(*list)) return *refused;
      auto& period = verified_.lists_;
      if (!period) period.emplace(list->this_update, list->next_update);
      period->first = std::max(period->first, list->this_update);
      period->last = std::min(period->last, list->next_update);
    }
    if (verified_.lists_) {
      CheckResult result = verified_.lists_->validity(at_);
      if (result.outcome == CheckOutcome::pass && not_signed) result.note = "another of its name is not signed by it";
      return result;
    }
    if (not_signed) not_signed->found = issuers;
    return not_signed.value_or(CheckResult::fail(kCrl, "none has the ARK as its issuer",
                                                Finding::text(ark.subject.common_name), issuers));
  }

  C& crypto_;
  const CertificateChain& octets_;
  const Trust& trust_;
  UnixTime at_;
  VerifiedChain verified_;
  RootSource root_ = RootSource::none;
  std::optional<Product> pinned_product_;
};

}  // namespace detail

/// Verifies ARK, ASK or ASVK, and VCEK or VLEK at a time. Evidence that is malformed in any way fails a check; it is
/// never an error.
/// @returns nothing: `out` has the verdict, and the chain if it passed | verify_clock - the clock is not set.
/// Source: AMD 57230, "Certificate Chain"; RFC 5280, "Certification Path Validation".
template <Crypto C>
[[nodiscard]] Result<void> verify_chain(C& crypto, const CertificateChain& chain, const Trust& trust,
                                        VerificationTime at, ChainCheck& out) {
  out.reset();  // after an error too, nothing of an earlier use is left
  if (at.clock_unset()) return fail(Code::verify_clock);
  detail::ChainVerifier<C>(crypto, chain, trust, at.value).run(out);
  return {};
}

/// Verifies ARK, and ASK or ASVK, by themselves; chain.vek has no part in it.
/// @returns nothing: `out` has the verdict, never complete | verify_clock - as verify_chain().
template <Crypto C>
[[nodiscard]] Result<void> verify_issuers(C& crypto, const CertificateChain& chain, const Trust& trust,
                                          VerificationTime at, IssuersCheck& out) {
  out.reset();  // after an error too, nothing of an earlier use is left
  if (at.clock_unset()) return fail(Code::verify_clock);
  detail::ChainVerifier<C>(crypto, chain, trust, at.value).run_issuers(out);
  return {};
}

/// Verifies that chain.crl is a current list of chain.ark, a trusted root.
/// @returns nothing: `verdict` is never complete, its chain.revocation tells, and its product is the ARK's
///   | verify_clock - as verify_chain().
template <Crypto C>
[[nodiscard]] Result<void> verify_crl(C& crypto, const CertificateChain& chain, const Trust& trust,
                                      VerificationTime at, Verdict& verdict) {
  verdict.reset();  // after an error too, nothing of an earlier use is left
  if (at.clock_unset()) return fail(Code::verify_clock);
  detail::ChainVerifier<C>(crypto, chain, trust, at.value).run_crl(verdict);
  return {};
}

}  // namespace snpnv
