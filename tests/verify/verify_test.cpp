// SPDX-License-Identifier: Apache-2.0
// For each check, evidence in which it alone fails; and evidence at the edges that passes.
#include "snpnv/verify/certificate_pool.hpp"
#include "snpnv/verify/verify.hpp"

#include <doctest/doctest.h>

#include <set>

#include "tests/verify/scene.hpp"

using namespace scene;

namespace {

using R = ATTESTATION_REPORT;

const UnixTime kDay = 86400;

struct Case {
  std::string what;
  std::function<void(Scene&)> change;
  std::string_view note = {};  // part of the failure's note or error, where it tells faults apart
  Product product = Product::milan;
  SIGNING_KEY signing_key = SIGNING_KEY::VCEK;
};

// The checks that failed, by name.
std::vector<std::string> failures(const Verdict& verdict) {
  std::vector<std::string> out;
  for (const CheckRow& check : kChecks)
    if (verdict[check.id].outcome == CheckOutcome::fail) out.emplace_back(check.name);
  return out;
}

void check_alone(Check check, std::span<const Case> cases) {
  for (const Case& one : cases) {
    CAPTURE(one.what);
    Scene scene(one.product, one.signing_key);
    one.change(scene);
    const auto verdict = scene.made_and_verified();
    REQUIRE(verdict.has_value());
    CHECK(failures(*verdict) == std::vector<std::string>{std::string(name(check))});
    CHECK_FALSE(verdict->verified());
    CHECK(verdict->first_failure() == check);
    const CheckResult& result = (*verdict)[check];
    const std::string said =
        std::string(result.reason()) + (result.error ? " " + std::string(name(result.error->code)) : "");
    CHECK_MESSAGE(said.find(one.note) != std::string::npos, said);
  }
}

void check_passes(std::span<const Case> cases, Check passed) {
  for (const Case& one : cases) {
    CAPTURE(one.what);
    Scene scene(one.product, one.signing_key);
    one.change(scene);
    const auto verdict = scene.made_and_verified();
    REQUIRE(verdict.has_value());
    CHECK(failures(*verdict) == std::vector<std::string>{});
    CHECK(verdict->verified());
    CHECK((*verdict)[passed].outcome == CheckOutcome::pass);
  }
}

std::function<void(Scene&)> report_octet(std::size_t at, std::uint8_t value) {
  return [=](Scene& s) {
    s.after_signing = [=](Scene& t) { t.report[at] = static_cast<std::byte>(value); };
  };
}

// R or S set to a value in 48 big-endian octets, after signing.
std::function<void(Scene&)> signature_number(std::size_t offset, const std::string& hex) {
  return [=](Scene& s) {
    s.after_signing = [=](Scene& t) {
      std::array<std::byte, 48> value{};
      REQUIRE(decode_hex(hex, value)->size() == 48);
      std::ranges::reverse_copy(value, t.report.begin() + static_cast<std::ptrdiff_t>(offset));
    };
  };
}
const std::string kOrder =  // SP 800-186, "P-384"
    "ffffffffffffffffffffffffffffffffffffffffffffffffc7634d81f4372ddf581a0db248b0a77aecec196accc52973";
const std::string kZero(96, '0');

CrlSpec good_crl(const Scene& s) {
  CrlSpec crl;
  crl.issuer = s.ark.subject;
  crl.signer = s.ark.key;
  return crl;
}

std::function<void(Scene&)> with_policy(std::function<void(Policy&)> change) {
  return [=](Scene& s) { change(s.policy); };
}
template <std::size_t N, std::size_t Short>
void allow(AllowList<N, Short>& list, std::uint8_t fill, std::size_t size = N) {
  REQUIRE(list.add(Bytes(size, static_cast<std::byte>(fill))).has_value());
}
TcbMinimums least(std::string_view component, std::uint8_t value) {
  TcbMinimums out;
  out.values[*tcb_component(component)] = value;
  return out;
}

}  // namespace

TEST_CASE("Verify_SceneAsMade_EveryProductAndKeyVerifies") {
  for (const Product product : kProducts) {
    for (const SIGNING_KEY key : {SIGNING_KEY::VCEK, SIGNING_KEY::VLEK}) {
      CAPTURE(name(product));
      CAPTURE(name(key));
      Scene scene(product, key);
      const auto verdict = scene.made_and_verified();
      REQUIRE(verdict.has_value());
      CHECK(failures(*verdict) == std::vector<std::string>{});
      CHECK(verdict->verified());
      CHECK(verdict->root == RootSource::additional);
      CHECK(verdict->product == product);
      CHECK((*verdict)[Check::vek_hwid].outcome ==
            (key == SIGNING_KEY::VCEK ? CheckOutcome::pass : CheckOutcome::skip));
      CHECK((*verdict)[Check::chain_revocation].note == CheckResult::kNotAsked);
    }
  }
}

TEST_CASE("RootPinned_UnknownRoot_FailsAlone") {
  const Case cases[] = {
      {"no additional root", [](Scene& s) { s.roots.clear(); }},
      {"another additional root", [](Scene& s) { s.roots = {spki_of(s.ask.key)}; }},
      {"an empty certificate",
       [](Scene& s) { s.after_signing = [](Scene& t) { t.ark_der.clear(); }; }, "wire_short"},
      {"a certificate with an octet behind it",
       [](Scene& s) { s.after_signing = [](Scene& t) { t.ark_der.push_back(std::byte{0}); }; },
       "wire_trailing"},
  };
  check_alone(Check::chain_root_pinned, cases);
}

TEST_CASE("RootSignature_OtherSignerOrScheme_FailsAlone") {
  const Case cases[] = {
      {"signed by another key", [](Scene& s) { s.ark.signer = s.ask.key; }, "crypto_signature"},
      {"SHA-256", [](Scene& s) { s.ark.scheme.md = s.ark.scheme.mgf = EVP_sha256(); }, "RSASSA-PSS"},
      {"PKCS #1 v1.5", [](Scene& s) { s.ark.scheme.pkcs1 = true; }, "RSASSA-PSS"},
  };
  check_alone(Check::chain_root_signature, cases);
}

TEST_CASE("IntermediateSignature_OtherSignerOrScheme_FailsAlone") {
  const Case cases[] = {
      {"signed by another key", [](Scene& s) { s.ask.signer = s.key("asvk"); }, "crypto_signature"},
      {"signed by itself", [](Scene& s) { s.ask.signer = s.ask.key; }, "crypto_signature"},
      {"SHA-256", [](Scene& s) { s.ask.scheme.md = s.ask.scheme.mgf = EVP_sha256(); }, "RSASSA-PSS"},
      {"MGF1 with SHA-256", [](Scene& s) { s.ask.scheme.mgf = EVP_sha256(); }, "RSASSA-PSS"},
      {"salt of 32 octets", [](Scene& s) { s.ask.scheme.salt = 32; }, "RSASSA-PSS"},
      {"PKCS #1 v1.5", [](Scene& s) { s.ask.scheme.pkcs1 = true; }, "RSASSA-PSS"},
      {"not a certificate",
       [](Scene& s) { s.after_signing = [](Scene& t) { t.ask_der = {std::byte{0x30}}; }; }, "wire_short"},
  };
  check_alone(Check::chain_intermediate_signature, cases);
}

TEST_CASE("EndorsementSignature_OtherSignerOrScheme_FailsAlone") {
  const Case cases[] = {
      {"signed by the ARK", [](Scene& s) { s.vek.signer = s.ark.key; }, "crypto_signature"},
      {"an ASVK where the ASK belongs",
       [](Scene& s) {
         s.ask.key = s.key("asvk");
         s.ask.subject = "SEV-VLEK-Milan";
       },
       "crypto_signature"},
      {"SHA-256", [](Scene& s) { s.vek.scheme.md = s.vek.scheme.mgf = EVP_sha256(); }, "RSASSA-PSS"},
      {"salt of 47 octets", [](Scene& s) { s.vek.scheme.salt = 47; }, "RSASSA-PSS"},
      {"signed by an elliptic-curve key", [](Scene& s) { s.vek.signer = s.vek.key; }, "RSASSA-PSS"},
      {"last octet of the signature",
       [](Scene& s) { s.after_signing = [](Scene& t) { t.vek_der.back() ^= std::byte{1}; }; },
       "crypto_signature"},
  };
  check_alone(Check::chain_endorsement_signature, cases);
}

// Extensions that decide nothing, and that a library might read: each malformed one, and beside it a good one.
TEST_CASE("EndorsementSignature_MalformedExtension_FailsAlone") {
  const auto with = [](const std::string& oid, std::string_view digits, unsigned times = 1) {
    Bytes value(digits.size() / 2);
    REQUIRE(decode_hex(digits, value).has_value());
    return [=](Scene& s) {
      for (unsigned i = 0; i < times; ++i) s.vek.extensions.push_back({oid, value});
    };
  };
  const auto many = [](unsigned count) {
    return [=](Scene& s) {
      while (s.vek.extensions.size() < count)
        s.vek.extensions.push_back({"1.2.3." + std::to_string(s.vek.extensions.size()), ia5("x")});
    };
  };
  const Case bad[] = {
      {"an unknown one twice", with("1.2.3.4", "0500", 2), "wire_value"},
      {"a known one twice", with("2.5.29.14", "040101", 2), "wire_value"},
      {"more than 64", many(65), "wire_value"},
      {"keyUsage of nothing", with("2.5.29.15", "030100"), "wire_value"},
      {"keyUsage with a zero bit behind", with("2.5.29.15", "03020680"), "der_encoding"},
      {"nsCertType of nothing", with("2.16.840.1.113730.1.1", "030100"), "wire_value"},
      {"nsCertType with a zero bit behind", with("2.16.840.1.113730.1.1", "03020540"), "der_encoding"},
      {"extKeyUsage of nothing", with("2.5.29.37", "3000"), "wire_short"},
      {"extKeyUsage of a cut OID", with("2.5.29.37", "300406025583"), "der_encoding"},
      {"extKeyUsage of an OID without octets", with("2.5.29.37", "30020600"), "der_encoding"},
      {"subjectAltName of nothing", with("2.5.29.17", "3000"), "wire_short"},
      {"subjectAltName of an unknown kind", with("2.5.29.17", "3003890161"), "wire_value"},
      {"subjectAltName that is not ASCII", with("2.5.29.17", "30038201ff"), "wire_value"},
      {"certificatePolicies of nothing", with("2.5.29.32", "3000"), "wire_short"},
      {"certificatePolicies of something else", with("2.5.29.32", "30020500"), "der_tag"},
      {"distribution points of nothing", with("2.5.29.31", "3000"), "wire_short"},
      {"distribution point without a name", with("2.5.29.31", "30023000"), "wire_short"},
      {"subjectKeyIdentifier of nothing", with("2.5.29.14", "0400"), "wire_value"},
      {"authorityKeyIdentifier with half an issuer", with("2.5.29.35", "3003820101"), "der_tag"},
      {"octets behind a value", with("2.5.29.14", "04010100"), "wire_trailing"},
  };
  check_alone(Check::chain_endorsement_signature, bad);
  const Case good[] = {
      {"64", many(64)},
      {"keyUsage", with("2.5.29.15", "03020780")},
      {"nsCertType", with("2.16.840.1.113730.1.1", "03020640")},
      {"extKeyUsage", with("2.5.29.37", "300a06082b06010505070301")},
      {"subjectAltName", with("2.5.29.17", "3009820161870401020304")},
      {"certificatePolicies", with("2.5.29.32", "3006300406025504")},
      {"distribution point", with("2.5.29.31", "30093007a005a003860161")},
      {"subjectKeyIdentifier", with("2.5.29.14", "040101")},
      {"authorityKeyIdentifier", with("2.5.29.35", "3003800101")},
      {"authorityKeyIdentifier with an issuer", with("2.5.29.35", "3008a103820161820101")},
      {"an unknown one that is not DER", with("1.2.3.4", "ff")},
  };
  check_passes(good, Check::chain_endorsement_signature);
}

// The point of a certificate's key, which every library looks at when it reads the certificate.
TEST_CASE("EndorsementSignature_PointOffTheCurve_FailsAlone") {
  const Case cases[] = {{"Y changed", [](Scene& s) {
    s.after_signing = [](Scene& t) {
      const auto certificate = Certificate::parse(t.vek_der);
      const std::size_t at = static_cast<std::size_t>(certificate->key.point.data() - t.vek_der.data()) + 96;
      t.vek_der[at] ^= std::byte{1};
    };
  }, "crypto_failed"}};
  check_alone(Check::chain_endorsement_signature, cases);
}

TEST_CASE("Validity_OutsideOnePeriod_FailsAlone") {
  std::vector<Case> cases;
  for (const auto& [what, cert] : {std::pair("ARK", &Scene::ark), {"ASK", &Scene::ask}, {"VCEK", &Scene::vek}}) {
    cases.push_back({std::string(what) + " expired a second ago",
                     [=](Scene& s) { (s.*cert).not_after = s.time - 1; }, "expired"});
    cases.push_back({std::string(what) + " valid from the next second",
                     [=](Scene& s) { (s.*cert).not_before = s.time + 1; }, "not valid before"});
  }
  check_alone(Check::chain_validity, cases);
}

TEST_CASE("Validity_FirstAndLastSecond_Pass") {
  const Case cases[] = {
      {"last second", [](Scene& s) { s.vek.not_after = s.time; }},
      {"first second", [](Scene& s) { s.vek.not_before = s.time; }},
  };
  check_passes(cases, Check::chain_validity);
}

TEST_CASE("Verify_ClockNeverSet_IsItsOwnError") {
  Scene scene;
  scene.make();
  TestCrypto crypto;
  for (const std::string_view at : {"1970-01-01T00:00:00Z", "2000-01-01T00:00:00Z", "2022-12-31T23:59:59Z"}) {
    scene.time = *parse_rfc3339(at);
    const auto verdict = scene.verify(crypto);
    REQUIRE_FALSE(verdict.has_value());
    CHECK(verdict.error().code == Code::verify_clock);
  }
  scene.time = *parse_rfc3339("2023-01-01T00:00:00Z");
  CHECK(scene.verify(crypto)->verified());
}

// Who looks at a verdict, and not at what was returned, is not told of an earlier one.
TEST_CASE("Verify_AnErrorAfterAGoodUse_LeavesNothingOfIt") {
  Scene scene;
  scene.make();
  TestCrypto crypto;
  static ChainCheck out;
  const Evidence good = scene.evidence();
  const Trust trust = scene.trust();
  const CertificateChain chain = scene.chain();
  const auto verified = [&] {
    REQUIRE(snpnv::verify(crypto, chain, trust, good, scene.policy, scene.time, CheckScope::all, out).has_value());
    return out.verdict.verified() && out.chain;
  };
  Evidence cut = good;
  cut.report = cut.report.first(cut.report.size() - 1);
  REQUIRE(verified());
  CHECK_FALSE(snpnv::verify(crypto, chain, trust, cut, scene.policy, scene.time, CheckScope::all, out).has_value());
  CHECK_FALSE(out.verdict.verified());
  CHECK(out.verdict.first_failure() == std::nullopt);

  REQUIRE(verified());
  const VerifiedChain kept = *out.chain;
  CHECK_FALSE(snpnv::verify_report(crypto, kept, cut, scene.policy, scene.time, CheckScope::all, out.verdict).has_value());
  CHECK_FALSE(out.verdict.verified());

  constexpr UnixTime kNever = 0;
  REQUIRE(verified());
  CHECK_FALSE(snpnv::verify_chain(crypto, chain, trust, kNever, out).has_value());
  CHECK_FALSE(out.verdict.verified());
  CHECK_FALSE(out.chain.has_value());

  REQUIRE(verified());
  const Bytes no_certificate(1);
  const std::array<ByteView, 1> roots{no_certificate};
  CHECK_FALSE(snpnv::verify_chain(crypto, CertificatePool{{}, roots}, chain.vek, scene.time, out).has_value());
  CHECK_FALSE(out.verdict.verified());
  CHECK_FALSE(out.chain.has_value());

  static IssuersCheck issuers;
  REQUIRE(snpnv::verify_issuers(crypto, chain, trust, scene.time, issuers).has_value());
  REQUIRE(issuers.issuers.has_value());
  CHECK_FALSE(snpnv::verify_issuers(crypto, chain, trust, kNever, issuers).has_value());
  CHECK_FALSE(issuers.issuers.has_value());

  REQUIRE(verified());
  CHECK_FALSE(snpnv::verify_crl(crypto, chain, trust, kNever, out.verdict).has_value());
  CHECK_FALSE(out.verdict.verified());
}

TEST_CASE("Verify_TimeThatWasGiven_MayBeAny") {
  Scene scene;
  scene.vek.not_before = scene.ask.not_before = scene.ark.not_before = *parse_rfc3339("2000-01-01T00:00:00Z");
  scene.make();
  TestCrypto crypto;
  const auto at = [&](std::string_view time) {
    return verify(crypto, scene.chain(), scene.trust(), scene.evidence(), scene.policy,
                  VerificationTime::given(*parse_rfc3339(time)));
  };
  CHECK(at("2000-01-01T00:00:00Z")->verified());
  CHECK(at("2022-12-31T23:59:59Z")->verified());
  CHECK(failures(*at("1999-12-31T23:59:59Z")) == std::vector<std::string>{"chain.validity"});
  CHECK(failures(*at("1970-01-01T00:00:00Z")) == std::vector<std::string>{"chain.validity"});
}

namespace {

const Case kWrongRoles[] = {
    {"ARK by another name",
     [](Scene& s) { s.ark.subject = s.ark.issuer = s.ask.issuer = "ARK-Rome"; }, "name"},
    {"ARK named like one, and more",
     [](Scene& s) { s.ark.subject = s.ark.issuer = s.ask.issuer = "ARK-Milan2"; }, "name"},
    {"ASK by another name",
     [](Scene& s) { s.ask.subject = s.vek.issuer = "SEV-ASK-Milan"; }, "name"},
    {"ASK of another product",
     [](Scene& s) { s.ask.subject = s.vek.issuer = "SEV-Genoa"; }, "name"},
    {"ASK without a name", [](Scene& s) { s.ask.subject = s.vek.issuer = ""; }, "name"},
    {"VLEK below an ASK", [](Scene& s) { s.vek.subject = "SEV-VLEK"; }, "name"},
    {"VCEK below an ASVK", [](Scene& s) { s.ask.subject = s.vek.issuer = "SEV-VLEK-Milan"; }, "name"},
    {"VCEK by another name", [](Scene& s) { s.vek.subject = "SEV-VCEK2"; }, "name"},
    {"ARK issued by another name", [](Scene& s) { s.ark.issuer = "ARK-Genoa"; }, "issuer"},
    {"ASK issued by another name", [](Scene& s) { s.ask.issuer = "ARK-Genoa"; }, "issuer"},
    {"VCEK issued by another name", [](Scene& s) { s.vek.issuer = "SEV-Genoa"; }, "issuer"},
    {"ARK not a CA", [](Scene& s) { s.ark.basic_constraints = "critical,CA:FALSE"; }, "not a CA"},
    {"ASK not a CA", [](Scene& s) { s.ask.basic_constraints = "critical,CA:FALSE"; }, "not a CA"},
    {"ASK without basic constraints", [](Scene& s) { s.ask.basic_constraints = ""; }, "not a CA"},
    {"VCEK a CA", [](Scene& s) { s.vek.basic_constraints = "critical,CA:TRUE"; }, "a CA"},
    {"ARK may not sign certificates", [](Scene& s) { s.ark.key_usage = "critical,cRLSign"; },
     "may not sign"},
    {"ASK may not sign certificates", [](Scene& s) { s.ask.key_usage = "critical,cRLSign"; },
     "may not sign"},
    {"VCEK may sign certificates",
     [](Scene& s) { s.vek.key_usage = "critical,digitalSignature,keyCertSign"; }, "may sign"},
    {"ARK allows no intermediate",
     [](Scene& s) { s.ark.basic_constraints = "critical,CA:TRUE,pathlen:0"; }, "path length"},
    {"RSA-2048 intermediate", [](Scene& s) { s.ask.key = s.vek.signer = new_rsa(2048); }, "size"},
    {"RSA-2048 root",
     [](Scene& s) {
       s.ark.key = s.ark.signer = s.ask.signer = new_rsa(2048);
       s.roots = {spki_of(s.ark.key)};
     },
     "size"},
    {"ASK without key usage", [](Scene& s) { s.ask.key_usage = ""; }, "may not sign"},
    {"ARK without key usage", [](Scene& s) { s.ark.key_usage = ""; }, "may not sign"},
    {"intermediate of 4095 bits, in 512 octets", [](Scene& s) { s.ask.key = s.vek.signer = new_rsa(4095); }, "size"},
    {"intermediate with exponent 3", [](Scene& s) { s.ask.key = s.vek.signer = new_rsa(4096, 3); }, "exponent"},
    {"root with exponent 3",
     [](Scene& s) {
       s.ark.key = s.ark.signer = s.ask.signer = new_rsa(4096, 3);
       s.roots = {spki_of(s.ark.key)};
     },
     "exponent"},
    {"P-256 leaf", [](Scene& s) { s.vek.key = new_ec("P-256"); }, "type"},
    {"P-521 leaf", [](Scene& s) { s.vek.key = new_ec("P-521"); }, "type"},
    {"RSA leaf",
     [](Scene& s) {
       s.vek.key = s.ask.key;
       s.report_key = s.key("vcek");
     },
     "type"},
    {"an unknown critical extension",
     [](Scene& s) {
       s.vek.extensions.push_back({"1.2.3.4", ia5("x"), true});
     },
     "critical"},
};

}  // namespace

TEST_CASE("Roles_NotThoseOfTheChain_FailsAlone") { check_alone(Check::chain_roles, kWrongRoles); }

// A list that is none is not the root's fault.
TEST_CASE("VerifyCrl_NotAList_FailsTheListAndNotTheRoot") {
  Scene scene;
  scene.crl = good_crl(scene);
  scene.make();
  TestCrypto crypto;
  CertificateChain chain{scene.ark_der, {}, {}, scene.crl_der};
  CHECK(failures(*verify_crl(crypto, chain, scene.trust(), scene.time)).empty());
  chain.crl = chain.crl.first(chain.crl.size() - 1);
  for (const ByteView ark : {ByteView(scene.ark_der), ByteView()}) {  // none: nobody knows whose list it is
    chain.ark = ark;
    const auto verdict = verify_crl(crypto, chain, scene.trust(), scene.time);
    CHECK(failures(*verdict) == std::vector<std::string>{"chain.revocation"});
    CHECK((*verdict)[Check::chain_revocation].subject == "CRL");
    CHECK((*verdict)[Check::chain_revocation].error->code == Code::wire_short);
  }
}

TEST_CASE("Roles_HarmlessDifferences_Pass") {
  const Case cases[] = {
      {"leaf says that it is no CA", [](Scene& s) { s.vek.basic_constraints = "CA:FALSE"; }},
      {"leaf may sign", [](Scene& s) { s.vek.key_usage = "critical,digitalSignature"; }},
      {"path length of 1", [](Scene& s) { s.ark.basic_constraints = "critical,CA:TRUE,pathlen:1"; }},
      {"an unknown extension", [](Scene& s) { s.vek.extensions.push_back({"1.2.3.4", ia5("x")}); }},
  };
  check_passes(cases, Check::chain_roles);
}

TEST_CASE("Revocation_ListFailsOrNamesTheChain_FailsAlone") {
  const auto crl = [](std::function<void(Scene&, CrlSpec&)> change) {
    return [=](Scene& s) {
      CrlSpec spec = good_crl(s);
      change(s, spec);
      s.crl = spec;
    };
  };
  const Case cases[] = {
      {"signed by the ASK", crl([](Scene& s, CrlSpec& c) { c.signer = s.ask.key; }), "crypto_signature"},
      {"SHA-256", crl([](Scene&, CrlSpec& c) { c.scheme.md = c.scheme.mgf = EVP_sha256(); }),
       "RSASSA-PSS"},
      {"issued by another name", crl([](Scene&, CrlSpec& c) { c.issuer = "ARK-Genoa"; }), "issuer"},
      {"expired", crl([](Scene& s, CrlSpec& c) { c.next_update = s.time - 1; }), "expired"},
      {"not valid yet",
       crl([](Scene& s, CrlSpec& c) {
         c.this_update = s.time + 1;
         c.next_update = s.time + kDay;
       }),
       "not valid before"},
      {"names the ASK", crl([](Scene& s, CrlSpec& c) { c.revoked = {5, s.ask.serial, 7}; }), "revoked"},
      {"names the ARK", crl([](Scene& s, CrlSpec& c) { c.revoked = {s.ark.serial}; }), "revoked"},
      {"has a critical extension", crl([](Scene&, CrlSpec& c) { c.critical_extension = true; }),
       "crl_extension"},
      {"a delta list, and not critical",
       crl([](Scene&, CrlSpec& c) { c.extensions = {{"2.5.29.27", der_integer(1)}}; }), "crl_extension"},
      {"a list of a part, and not critical",
       crl([](Scene&, CrlSpec& c) { c.extensions = {{"2.5.29.28", tlv(0x30, tlv(0x81, octets("\xFF")))}}; }), "crl_extension"},
      {"an extension twice",
       crl([](Scene&, CrlSpec& c) { c.extensions = {{"1.2.3.4", ia5("x")}, {"1.2.3.4", ia5("x")}}; }), "wire_value"},
      {"an entry of another issuer's",
       crl([](Scene&, CrlSpec& c) {
         c.revoked = {5};
         c.entry_extensions = {{"2.5.29.29", tlv(0x30, tlv(0x86, octets("x")))}};
       }),
       "crl_extension"},
      {"the ARK may not sign lists",
       crl([](Scene& s, CrlSpec&) { s.ark.key_usage = "critical,keyCertSign"; }), "revocation lists"},
      {"a certificate instead of a list",
       crl([](Scene& s, CrlSpec&) { s.after_signing = [](Scene& t) { t.crl_der = t.ark_der; }; }), "der_tag"},
  };
  check_alone(Check::chain_revocation, cases);
}

// A bundle: lists of several issuers, of which the ARK's count, each of them.
namespace {
struct Lists {
  std::vector<CrlSpec> specs;
  std::function<void(Bytes&)> damage = [](Bytes&) {};
  void operator()(Scene& s) const {
    s.after_signing = [*this](Scene& t) {
      t.crl_der.clear();
      for (const CrlSpec& spec : specs) {
        const Bytes der = spec.make();
        t.crl_der.insert(t.crl_der.end(), der.begin(), der.end());
      }
      damage(t.crl_der);
    };
  }
};
CrlSpec changed(CrlSpec spec, std::function<void(CrlSpec&)> change) {
  change(spec);
  return spec;
}
CrlSpec list_of(const std::string& issuer, const std::string& key) {
  CrlSpec out;
  out.issuer = issuer;
  out.signer = pki_key(key);
  return out;
}
}  // namespace

TEST_CASE("Revocation_OneOfSeveralListsFails_FailsAlone") {
  const Scene s;
  const CrlSpec good = good_crl(s);
  const CrlSpec genoas = list_of("ARK-Genoa", "genoa/ark");
  const CrlSpec turins = list_of("ARK-Turin", "turin/ark");
  const CrlSpec anothers = changed(good, [](CrlSpec& c) { c.signer = pki_key("other/ark"); });
  const CrlSpec revoking = changed(good, [&](CrlSpec& c) { c.revoked = {s.ask.serial}; });
  const CrlSpec old = changed(good, [&](CrlSpec& c) { c.next_update = s.time - 1; });
  const auto early = [&](UnixTime first) { return changed(good, [=](CrlSpec& c) { c.this_update = first; }); };
  const Case cases[] = {
      {"the second revokes the ASK", Lists{{good, revoking}}, "revoked"},
      {"the first does", Lists{{revoking, good}}, "revoked"},
      {"behind another product's", Lists{{genoas, good, revoking}}, "revoked"},
      {"one that revokes and is expired", Lists{{good, changed(old, [&](CrlSpec& c) { c.revoked = {s.ask.serial}; })}},
       "revoked"},
      {"one is expired", Lists{{good, old}}, "expired"},
      {"one is not valid yet", Lists{{good, early(s.time + 1)}}, "not valid before"},
      {"those of other products alone", Lists{{genoas, turins}}, "issuer"},
      {"that of another root with this name alone", Lists{{genoas, anothers}}, "crypto_signature"},
      {"an octet behind them", Lists{{good, genoas}, [](Bytes& der) { der.push_back(std::byte{0}); }}, "der_tag"},
      {"the last one cut", Lists{{good, genoas}, [](Bytes& der) { der.pop_back(); }}, "wire_short"},
      {"another product's is no list",
       Lists{{good, genoas}, [size = good.make().size()](Bytes& der) { der[size] = std::byte{0x31}; }}, "der_tag"},
  };
  check_alone(Check::chain_revocation, cases);
}

TEST_CASE("Revocation_NoListOfTheArk_NamesWhoseThereAre") {
  Scene scene;
  Lists{{list_of("ARK-Genoa", "genoa/ark"), list_of("ARK-Turin", "turin/ark")}}(scene);
  const CheckResult result = (*scene.made_and_verified())[Check::chain_revocation];
  CHECK(equal(result.expected.octets(), octets("ARK-Milan")));
  CHECK(equal(result.found.octets(), octets("ARK-Genoa, ARK-Turin")));
}

TEST_CASE("Revocation_TheArksAmongOthers_Passes") {
  const Scene s;
  const CrlSpec good = good_crl(s);
  const CrlSpec genoas =
      changed(list_of("ARK-Genoa", "genoa/ark"), [&](CrlSpec& c) { c.revoked = {s.ask.serial}; });
  const CrlSpec anothers =
      changed(good, [&](CrlSpec& c) { c.signer = pki_key("other/ark"), c.revoked = {s.ask.serial}; });
  const Case cases[] = {
      {"behind another product's", Lists{{genoas, good}}},
      {"before it", Lists{{good, genoas}}},
      {"twice", Lists{{good, good}}},
      {"beside that of another root with this name", Lists{{anothers, good}}},
  };
  check_passes(cases, Check::chain_revocation);
}

TEST_CASE("Revocation_SeveralLists_AreJudgedAtEachTime") {
  Scene scene;
  const CrlSpec good = good_crl(scene);  // current in 2025
  Lists{{good, changed(good, [](CrlSpec& c) { c.next_update = *parse_rfc3339("2025-09-01T00:00:00Z"); })}}(scene);
  scene.make();
  TestCrypto crypto;
  const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
  REQUIRE(checked->chain.has_value());
  for (const auto& [time, outcome] : {std::pair("2025-08-31T00:00:00Z", CheckOutcome::pass),
                                      {"2025-09-02T00:00:00Z", CheckOutcome::fail}})
    CHECK((*verify_report(crypto, *checked->chain, scene.evidence(), scene.policy,
                          *parse_rfc3339(time)))[Check::chain_revocation].outcome == outcome);
}

TEST_CASE("Revocation_CurrentListWithOtherSerials_Passes") {
  const Case cases[] = {
      {"empty list", [](Scene& s) { s.crl = good_crl(s); }},
      {"with extensions that decide nothing",
       [](Scene& s) {
         s.crl = good_crl(s);
         s.crl->revoked = {5};
         s.crl->extensions = {{"1.2.3.4", ia5("x")}};
         s.crl->entry_extensions = {{"2.5.29.21", tlv(0x0A, octets("\x01"))}};  // reasonCode
       }},
      {"other serials",
       [](Scene& s) {
         s.crl = good_crl(s);
         s.crl->revoked = {1, 2, 0x20000};
       }},
      // The VCEK's serial number is 0 as that of every other one.
      {"serial 0",
       [](Scene& s) {
         s.crl = good_crl(s);
         s.crl->revoked = {0};
       }},
  };
  check_passes(cases, Check::chain_revocation);
}

TEST_CASE("SignatureAlgorithm_NotEcdsaP384_FailsAlone") {
  const Case cases[] = {
      {"0", [](Scene& s) { s.put(R::SIGNATURE_ALGO, 0); }},
      {"2", [](Scene& s) { s.put(R::SIGNATURE_ALGO, 2); }},
      {"0101h", [](Scene& s) { s.put(R::SIGNATURE_ALGO, 0x101); }},
  };
  check_alone(Check::report_signature_algorithm, cases);
}

TEST_CASE("ReportSignature_OutOfRangeOrNotOfTheKey_FailsAlone") {
  const std::size_t r = R::SIGNATURE_R.offset;
  const std::size_t s = R::SIGNATURE_S.offset;
  const std::string above = "ffffffffffffffffffffffffffffffffffffffffffffffff"
                            "c7634d81f4372ddf581a0db248b0a77aecec196accc52974";
  const std::string below = "ffffffffffffffffffffffffffffffffffffffffffffffff"
                            "c7634d81f4372ddf581a0db248b0a77aecec196accc52972";
  const std::string kOutside = "below the order";
  const Case cases[] = {
      {"R zero", signature_number(r, kZero), kOutside},
      {"S zero", signature_number(s, kZero), kOutside},
      {"R the order", signature_number(r, kOrder), kOutside},
      {"S the order", signature_number(s, kOrder), kOutside},
      {"R above the order", signature_number(r, above), kOutside},
      {"S above the order", signature_number(s, above), kOutside},
      {"R all ones", signature_number(r, std::string(96, 'f')), kOutside},
      {"R below the order", signature_number(r, below), "crypto_signature"},
      {"S below the order", signature_number(s, below), "crypto_signature"},
      {"R above 384 bits", report_octet(r + 48, 1), kOutside},
      {"R above 384 bits, last octet", report_octet(r + 71, 0x80), kOutside},
      {"S above 384 bits", report_octet(s + 48, 1), kOutside},
      {"S above 384 bits, last octet", report_octet(s + 71, 1), kOutside},
      {"signed by another key", [](Scene& x) { x.report_key = x.key("vlek"); }, "crypto_signature"},
      {"changed behind the signature", report_octet(0x29F, 1), "crypto_signature"},
  };
  check_alone(Check::report_signature, cases);
}

TEST_CASE("SignaturePadding_NotZero_FailsAlone") {
  const Case cases[] = {
      {"first octet", report_octet(0x330, 1)},
      {"last octet", report_octet(0x49F, 0x80)},
  };
  check_alone(Check::report_signature_padding, cases);
}

TEST_CASE("ReportVersion_NotKnown_FailsAlone") {
  const Case cases[] = {
      {"1", [](Scene& s) { s.put(R::VERSION, 1); }, "below"},
      {"6", [](Scene& s) { s.put(R::VERSION, 6); }, "newer"},
      {"2 in the upper half", [](Scene& s) { s.put(R::VERSION, 0x20000); }, "newer"},
  };
  check_alone(Check::report_version, cases);
  const Case passing[] = {
      {"2", [](Scene& s) { s.put(R::VERSION, 2); }},
      {"3", [](Scene& s) { s.put(R::VERSION, 3); }},
      {"6, accepted",
       [](Scene& s) {
         s.put(R::VERSION, 6);
         s.policy.allow_newer_version = true;
       }},
  };
  check_passes(passing, Check::report_version);
}

TEST_CASE("Product_RootCertificateAndReportDisagree_FailsAlone") {
  const auto name_is = [](std::string_view text) {
    return [=](Scene& s) { s.extension("2").value = ia5(text); };
  };
  const Case cases[] = {
      {"certificate of Genoa", name_is("Genoa-B1"), "root"},
      {"certificate of Milanese", name_is("Milanese"), "root"},
      {"certificate of Mila", name_is("Mila"), "root"},
      {"certificate of nothing", name_is(""), "root"},
      {"productName is no IA5String", [](Scene& s) { s.extension("2").value = tlv(0x0C, octets("Milan")); },
       "der_tag"},
      {"no productName", [](Scene& s) { s.drop_extension("2"); }, "vek_missing"},
      {"productName twice", [](Scene& s) { s.vek.extensions.push_back(amd("2", ia5("Milan-B0"))); },
       "vek_duplicate"},
      {"structVersion twice", [](Scene& s) { s.vek.extensions.push_back(amd("1", der_integer(0))); },
       "vek_duplicate"},
      {"report of Genoa", [](Scene& s) { s.put(R::CPUID_MOD_ID, 0x11); }, "product"},
      {"report of Turin", [](Scene& s) { s.put(R::CPUID_FAM_ID, 0x1A); }, "product"},
      {"report of Venice",
       [](Scene& s) {
         s.put(R::CPUID_FAM_ID, 0x1A);
         s.put(R::CPUID_MOD_ID, 0x50);
       },
       "report_product"},
      {"version 2 with a CHIP_ID of Turin's size",
       [](Scene& s) {
         s.put(R::VERSION, 2);
         s.chip = Bytes(64, std::byte{0});
         std::ranges::fill_n(s.chip.begin(), 8, std::byte{1});
         s.extension("4").value = s.chip;
         copy_to(s.at(R::CHIP_ID), s.chip);
       },
       "product"},
  };
  check_alone(Check::vek_product, cases);
}

TEST_CASE("Product_Version2_IsTakenFromTheChain") {
  for (const Product product : {Product::milan, Product::genoa}) {
    Scene scene(product);
    scene.put(R::VERSION, 2);
    for (const std::size_t at : {0x188U, 0x189U, 0x18AU}) scene.report[at] = std::byte{0};
    const auto verdict = scene.made_and_verified();
    CHECK(verdict->verified());
    CHECK(verdict->product == product);
  }
}

TEST_CASE("Tcb_AnySplDiffersOrIsMalformed_FailsAlone") {
  std::vector<Case> cases;
  const auto spl_is = [](const std::string& arcs, Bytes value) {
    return [=](Scene& s) { s.extension(arcs).value = value; };
  };
  for (const auto& [arcs, spl] : {std::pair("3.1", 3U), {"3.2", 1U}, {"3.3", 24U}, {"3.8", 219U}}) {
    for (const unsigned other : {spl - 1, spl + 1})
      for (const Product product : kProducts)
        cases.push_back({std::string(arcs) + " is " + std::to_string(other),
                         spl_is(arcs, der_integer(other)), "not what the certificate", product});
    cases.push_back({std::string(arcs) + " absent",
                     [=](Scene& s) { s.drop_extension(arcs); }, "vek_missing"});
    cases.push_back({std::string(arcs) + " twice",
                     [=](Scene& s) { s.vek.extensions.push_back(s.extension(arcs)); },
                     "vek_duplicate"});
  }
  cases.push_back({"fmcSPL off by one", spl_is("3.9", der_integer(3)), "not what", Product::turin});
  cases.push_back({"fmcSPL absent", [](Scene& s) { s.drop_extension("3.9"); }, "vek_missing",
                   Product::turin});
  cases.push_back({"spl4 twice", [](Scene& s) { s.vek.extensions.push_back(amd("3.4", der_integer(0))); },
                   "vek_duplicate"});
  const auto octet = [](std::initializer_list<std::uint8_t> content) {
    Bytes out;
    for (const std::uint8_t c : content) out.push_back(static_cast<std::byte>(c));
    return tlv(0x02, out);
  };
  cases.push_back({"3 with a zero before it", spl_is("3.1", octet({0, 3})), "der_encoding"});
  cases.push_back({"219 without its zero", spl_is("3.8", octet({219})), "wire_value"});
  cases.push_back({"256 + 3", spl_is("3.1", der_integer(0x103)), "wire_value"});
  cases.push_back({"an INTEGER without content", spl_is("3.1", octet({})), "der_encoding"});
  cases.push_back({"an OCTET STRING", spl_is("3.1", tlv(0x04, octets("\x03"))), "der_tag"});
  cases.push_back({"an octet behind the INTEGER",
                   [](Scene& s) { s.extension("3.1").value.push_back(std::byte{0}); }, "wire_trailing"});
  for (const std::string arcs : {"3.4", "3.5", "3.6", "3.7"})
    for (const Product product : kProducts)
      cases.push_back({arcs + " is 1", spl_is(arcs, der_integer(1)), "no place", product});
  const auto with_fmc = [](unsigned value) {
    return [=](Scene& s) { s.vek.extensions.push_back(amd("3.9", der_integer(value))); };
  };
  for (const Product product : {Product::milan, Product::genoa})
    cases.push_back({"fmcSPL before Turin", with_fmc(1), "no place", product});
  cases.push_back({"spl5 is no INTEGER", spl_is("3.5", tlv(0x04, octets("\x00"))), "der_tag"});
  cases.push_back({"spl7 is 256", spl_is("3.7", der_integer(0x100)), "wire_value"});
  cases.push_back({"REPORTED_TCB changed",
                   [](Scene& s) { s.at(R::REPORTED_TCB)[0] = std::byte{4}; }, "not what"});
  check_alone(Check::vek_tcb, cases);
}

TEST_CASE("Tcb_SplsWithoutPlace_MayBeAbsentOrZero") {
  const Case cases[] = {
      {"fmcSPL of 0 on Milan", [](Scene& s) { s.vek.extensions.push_back(amd("3.9", der_integer(0))); }},
      {"no spl4 to spl7", [](Scene& s) {
         for (const char* const arcs : {"3.4", "3.5", "3.6", "3.7"}) s.drop_extension(arcs);
       }},
      {"nor on Turin", [](Scene& s) {
         for (const char* const arcs : {"3.4", "3.5", "3.6", "3.7"}) s.drop_extension(arcs);
       }, {}, Product::turin},
  };
  check_passes(cases, Check::vek_tcb);
}

TEST_CASE("Tcb_ReservedOctetOfReportedTcb_FailsAlone") {
  std::vector<Case> cases;
  for (const auto& [product, octets] : {std::pair(Product::milan, std::vector<std::size_t>{2, 3, 4, 5}),
                                        {Product::genoa, {2, 3, 4, 5}}, {Product::turin, {4, 5, 6}}})
    for (const std::size_t at : octets)
      cases.push_back({"octet " + std::to_string(at), [=](Scene& s) { s.at(R::REPORTED_TCB)[at] = std::byte{1}; },
                       "reserved", product});
  check_alone(Check::vek_tcb, cases);
}

TEST_CASE("Product_NotProven_ItsLayoutsAreNotReadBy") {
  Scene scene;
  scene.put(R::CPUID_FAM_ID, 0x1A);  // Turin's TCB_VERSION and CHIP_ID are others
  scene.policy.min_tcb = least("snp", 1);
  const auto verdict = scene.made_and_verified();
  CHECK(failures(*verdict) == std::vector<std::string>{"vek.product"});
  for (const Check check : {Check::vek_tcb, Check::vek_hwid, Check::policy_min_tcb})
    CHECK((*verdict)[check].note == "the product is not proven");
}

TEST_CASE("Tcb_SplsUpTo255_Pass") {
  for (const unsigned spl : {0U, 127U, 128U, 255U}) {
    const Case cases[] = {{"blSPL " + std::to_string(spl), [=](Scene& s) {
                             s.extension("3.1").value = der_integer(spl);
                             s.at(R::REPORTED_TCB)[0] = static_cast<std::byte>(spl);
                           }}};
    check_passes(cases, Check::vek_tcb);
  }
}

TEST_CASE("Hwid_OfAnotherChipOrMalformed_FailsAlone") {
  const Case cases[] = {
      {"another chip", [](Scene& s) { s.extension("4").value.back() ^= std::byte{1}; }, "chip"},
      {"63 octets", [](Scene& s) { s.extension("4").value.pop_back(); }, "wire_size"},
      {"65 octets", [](Scene& s) { s.extension("4").value.push_back(std::byte{0}); }, "wire_size"},
      {"8 octets", [](Scene& s) { s.extension("4").value.resize(8); }, "wire_size"},
      {"absent", [](Scene& s) { s.drop_extension("4"); }, "vek_missing"},
      {"twice", [](Scene& s) { s.vek.extensions.push_back(s.extension("4")); }, "vek_duplicate"},
      {"wrapped, of another chip",
       [](Scene& s) { s.extension("4").value = tlv(0x04, Bytes(64, std::byte{1})); }, "chip"},
      {"wrapped, 63 octets",
       [](Scene& s) { s.extension("4").value = tlv(0x04, Bytes(63, std::byte{0xC7})); }, "wire_size"},
      {"twice in a VLEK, which needs none",
       [](Scene& s) {
         for (int i = 0; i < 2; ++i) s.vek.extensions.push_back(amd("4", s.chip));
       },
       "vek_duplicate", Product::milan, SIGNING_KEY::VLEK},
      {"Turin, another chip", [](Scene& s) { s.extension("4").value[0] ^= std::byte{1}; }, "chip",
       Product::turin},
      {"Turin, CHIP_ID longer than 8 octets", [](Scene& s) { s.at(R::CHIP_ID)[8] = std::byte{1}; },
       "chip", Product::turin},
      {"Turin, 64 octets",
       [](Scene& s) { s.extension("4").value.resize(64); }, "wire_size", Product::turin},
  };
  check_alone(Check::vek_hwid, cases);
}

TEST_CASE("Hwid_WrappedOnceMore_Passes") {
  const Case cases[] = {
      {"Milan", [](Scene& s) { s.extension("4").value = tlv(0x04, s.chip); }},
      {"Turin", [](Scene& s) { s.extension("4").value = tlv(0x04, s.chip); }, {}, Product::turin},
  };
  check_passes(cases, Check::vek_hwid);
}

TEST_CASE("Hwid_ChipIdMasked_IsSkipped") {
  Scene scene;
  std::ranges::fill(scene.at(R::CHIP_ID), std::byte{0});
  const auto verdict = scene.made_and_verified();
  CHECK(verdict->verified());
  CHECK((*verdict)[Check::vek_hwid].outcome == CheckOutcome::skip);
}

TEST_CASE("SigningKey_NotTheCertificates_FailsAlone") {
  const auto key_is = [](unsigned value) {
    return [=](Scene& s) { s.put(R::KEY_INFO, value << 2 | 1); };
  };
  const Case cases[] = {
      {"VLEK, signed by a VCEK", key_is(1)},
      {"none, signed by a VCEK", key_is(7)},
      {"reserved value, signed by a VCEK", key_is(2)},
      {"VCEK, signed by a VLEK", key_is(0), "", Product::milan, SIGNING_KEY::VLEK},
      {"VLEK without cspID", [](Scene& s) { s.drop_extension("5"); }, "vek_missing", Product::milan,
       SIGNING_KEY::VLEK},
      {"VCEK with two cspIDs",
       [](Scene& s) {
         for (int i = 0; i < 2; ++i) s.vek.extensions.push_back(amd("5", ia5("CN=test")));
       },
       "vek_duplicate"},
      {"VLEK with two cspIDs", [](Scene& s) { s.vek.extensions.push_back(s.extension("5")); },
       "vek_duplicate", Product::milan, SIGNING_KEY::VLEK},
  };
  check_alone(Check::vek_signing_key, cases);
}

TEST_CASE("ClaimsDigest_NotReportData_FailsAlone") {
  const Case cases[] = {
      {"other claims", [](Scene& s) { s.claims += ' '; }},
      {"another hash", [](Scene& s) { s.claims_hash = Hash::sha384; }},
      {"octets behind the digest", [](Scene& s) { s.at(R::REPORT_DATA)[32] = std::byte{1}; }},
      {"last octet", [](Scene& s) { s.at(R::REPORT_DATA)[63] = std::byte{1}; }},
  };
  check_alone(Check::binding_claims_digest, cases);
}

TEST_CASE("ClaimsDigest_AnyHash_PassesWithItsTypeOrWithout") {
  for (const auto& [hash, md] : {std::pair(Hash::sha256, EVP_sha256()), {Hash::sha384, EVP_sha384()},
                                 {Hash::sha512, EVP_sha512()}}) {
    for (const bool known : {true, false}) {
      const Case cases[] = {{std::string(name(hash)), [&](Scene& s) {
                               s.bind(md);
                               s.claims_hash = known ? std::optional(hash) : std::nullopt;
                             }}};
      check_passes(cases, Check::binding_claims_digest);
    }
  }
}

TEST_CASE("UserData_NotInTheClaims_FailsAlone") {
  const Case cases[] = {
      {"other user data", [](Scene& s) { (*s.user_data)[63] ^= std::byte{1}; }, "another value"},
      {"no user-data in the claims",
       [](Scene& s) {
         s.claims = "{}";
         s.bind();
         s.user_data = UserData{};
       },
       "absent"},
      {"shorter, without its zeros",
       [](Scene& s) {
         s.claims = R"({"user-data":"0102"})";
         s.bind();
         s.user_data = UserData{std::byte{1}, std::byte{2}};
       },
       "another value"},
      {"claims with a repeated name",
       [](Scene& s) {
         s.claims.insert(1, R"("user-data":"",)");
         s.bind();
       },
       "json_duplicate"},
      {"no claims", [](Scene& s) { s.with_claims = false; }, "none to look it up in"},
  };
  check_alone(Check::binding_user_data, cases);
}

TEST_CASE("UserData_ClaimsNotProven_IsNotLookedAt") {
  Scene scene;
  scene.claims += ' ';
  scene.policy.vm.secure_boot = true;
  const auto verdict = scene.made_and_verified();
  CHECK((*verdict)[Check::binding_user_data].outcome == CheckOutcome::skip);
  CHECK((*verdict)[Check::policy_secure_boot].outcome == CheckOutcome::skip);
  CHECK_FALSE(verdict->verified());
}

namespace {

struct Item {
  Check check;
  Case one;
};
const Item kUnmetItems[] = {
    {Check::policy_debug, {"debug allowed", [](Scene& s) { s.put(R::POLICY, 0xB0000); }}},
    {Check::policy_migration, {"migration agent", [](Scene& s) { s.put(R::POLICY, 0x70000); }}},
    {Check::policy_vmpl, {"VMPL", with_policy([](Policy& p) { p.vmpl = 1; })}},
    {Check::policy_min_tcb,
     {"REPORTED_TCB", with_policy([](Policy& p) { p.min_tcb = least("snp", 25); }), "below"}},
    {Check::policy_min_tcb,
     {"COMMITTED_TCB", with_policy([](Policy& p) { p.min_committed_tcb = least("microcode", 220); }),
      "below"}},
    {Check::policy_min_tcb,
     {"LAUNCH_TCB", with_policy([](Policy& p) { p.min_launch_tcb = least("tee", 2); }), "below"}},
    {Check::policy_min_tcb,
     {"FMC on Milan", with_policy([](Policy& p) { p.min_tcb = least("fmc", 0); }), "no such"}},
    {Check::policy_measurement,
     {"MEASUREMENT", with_policy([](Policy& p) { allow(p.measurement, 1); })}},
    {Check::policy_host_data, {"HOST_DATA", with_policy([](Policy& p) { allow(p.host_data, 1); })}},
    {Check::policy_report_data,
     {"REPORT_DATA", with_policy([](Policy& p) { allow(p.report_data, 1); })}},
    {Check::policy_guest_svn, {"GUEST_SVN", with_policy([](Policy& p) { p.min_guest_svn = 5; })}},
    {Check::policy_family_id, {"FAMILY_ID", with_policy([](Policy& p) { allow(p.family_id, 1); })}},
    {Check::policy_image_id, {"IMAGE_ID", with_policy([](Policy& p) { allow(p.image_id, 1); })}},
    {Check::policy_id_key, {"ID_KEY_DIGEST", with_policy([](Policy& p) { allow(p.id_key, 1); })}},
    {Check::policy_author_key,
     {"AUTHOR_KEY_DIGEST", with_policy([](Policy& p) { allow(p.author_key, 1); })}},
    {Check::policy_author_key,
     {"no author key",
      [](Scene& s) {
        s.put(R::KEY_INFO, 0);
        allow(s.policy.author_key, 0x66);
      },
      "no author key"}},
    {Check::policy_platform_info,
     {"required bit", with_policy([](Policy& p) { p.platform_info.required = 0x2; }), "required"}},
    {Check::policy_platform_info,
     {"forbidden bit", with_policy([](Policy& p) { p.platform_info.forbidden = 0x1; }), "forbidden"}},
    {Check::policy_secure_boot,
     {"secure boot off",
      [](Scene& s) {
        s.claims.replace(s.claims.find("\"secure-boot\":true"), 18, "\"secure-boot\":false");
        s.bind();
        s.policy.vm.secure_boot = true;
      },
      "another value"}},
    {Check::policy_secure_boot,
     {"secure boot not told",
      [](Scene& s) {
        s.claims.replace(s.claims.find("secure-boot"), 11, "secure-coat");
        s.bind();
        s.policy.vm.secure_boot = true;
      },
      "absent"}},
    {Check::policy_secure_boot,
     {"no claims",
      [](Scene& s) {
        s.with_claims = false;
        s.user_data.reset();
        s.policy.vm.secure_boot = true;
      },
      "none to look it up in"}},
    {Check::policy_vm_configuration,
     {"console", with_policy([](Policy& p) { p.vm.console_enabled = false; }), "another value"}},
    {Check::policy_vm_configuration,
     {"tpm-persisted", with_policy([](Policy& p) { p.vm.tpm_persisted = true; }), "absent"}},
    {Check::policy_vm_configuration,
     {"vmUniqueId",
      with_policy([](Policy& p) { p.vm.vm_unique_id = ExpectedText{{'0', '1', '2'}, 3}; }),
      "another value"}},
    {Check::policy_chip_id, {"CHIP_ID", with_policy([](Policy& p) { allow(p.chip_id, 1); })}},
    {Check::policy_firmware,
     {"CURRENT", with_policy([](Policy& p) { p.min_firmware = firmware_version(1, 55, 22); })}},
    {Check::policy_firmware,
     {"COMMITTED",
      with_policy([](Policy& p) { p.min_committed_firmware = firmware_version(1, 55, 21); })}},
    {Check::policy_mitigations,
     {"CURRENT_MIT_VECTOR", with_policy([](Policy& p) { p.mitigations = 4; }), "required"}},
    {Check::policy_mitigations,
     {"LAUNCH_MIT_VECTOR", with_policy([](Policy& p) { p.launch_mitigations = 2; }), "required"}},
    {Check::policy_mitigations,
     {"a report without the vectors",
      [](Scene& s) {
        s.put(R::VERSION, 3);
        s.policy.mitigations = 1;
      },
      "no mitigation"}},
    // With a log: boot_policy_test.cpp.
    {Check::policy_secure_boot_log,
     {"no log to say it", with_policy([](Policy& p) { p.secure_boot_log = true; }), "there is none"}},
    {Check::policy_kernel_command_line,
     {"no log to say it", with_policy([](Policy& p) { (void)p.kernel_command_line.add({}); }), "there is none"}},
    {Check::policy_boot_events,
     {"no log to say it",
      with_policy([](Policy& p) {
        static constexpr std::array<std::byte, BootEventRules::kSize> kRule{};
        p.boot_events.octets = kRule;
      }),
      "there is none"}},
};

}  // namespace

TEST_CASE("Policy_EachItemNotMet_FailsAlone") {
  std::set<Check> covered;
  for (const Item& item : kUnmetItems) {
    check_alone(item.check, std::span(&item.one, 1));
    covered.insert(item.check);
  }
  covered.insert(Check::policy_pcrs);  // needs a quote: quote_test.cpp
  for (const CheckRow& check : kChecks)
    if (check.name.starts_with("policy.")) CHECK_MESSAGE(covered.contains(check.id), check.name);
}

TEST_CASE("Policy_EveryItemMet_Passes") {
  Scene scene;
  Policy& p = scene.policy;
  p.vmpl = 0;
  p.min_guest_svn = 4;
  p.min_tcb = least("boot_loader", 3);
  p.min_committed_tcb = least("snp", 24);
  p.min_launch_tcb = least("microcode", 0);
  allow(p.measurement, 0x99);
  allow(p.measurement, 0x33);
  allow(p.host_data, 0x44);
  REQUIRE(p.report_data.add(scene.at(R::REPORT_DATA)).has_value());
  allow(p.family_id, 0x11);
  allow(p.image_id, 0x22);
  allow(p.id_key, 0x55);
  allow(p.author_key, 0x66);
  allow(p.chip_id, 0xC7);
  p.platform_info.required = 0x21;
  p.platform_info.forbidden = 0x8A;
  p.min_firmware = firmware_version(1, 55, 21);
  p.min_committed_firmware = firmware_version(1, 55, 20);
  p.mitigations = 3;
  p.launch_mitigations = 1;
  p.vm.secure_boot = true;
  p.vm.console_enabled = true;
  p.vm.vm_unique_id = ExpectedText{{'0', '1', '2', '3', '-', 'A', 'B', 'C', 'D'}, 9};
  scene.crl = good_crl(scene);
  const auto verdict = scene.made_and_verified();
  REQUIRE(verdict.has_value());
  for (const CheckRow& check : kChecks) {
    CAPTURE(check.name);
    // This evidence has no quote: quote_test.cpp.
    CHECK((*verdict)[check.id].outcome ==
          (check.id < Check::quote_magic ? CheckOutcome::pass : CheckOutcome::skip));
  }
  CHECK(verdict->verified());
}

TEST_CASE("Policy_ChipOfTurinByEightOctets_Passes") {
  Scene scene(Product::turin);
  allow(scene.policy.chip_id, 0xC7, 8);
  const auto verdict = scene.made_and_verified();
  CHECK((*verdict)[Check::policy_chip_id].outcome == CheckOutcome::pass);
  CHECK(verdict->verified());
}

TEST_CASE("Policy_DebugAndMigrationAllowed_AreSkippedNotPassed") {
  Scene scene;
  scene.put(R::POLICY, 0xF0000);
  scene.policy.allow_debug = scene.policy.allow_migration = true;
  const auto verdict = scene.made_and_verified();
  CHECK(verdict->verified());
  CHECK((*verdict)[Check::policy_debug].outcome == CheckOutcome::skip);
  CHECK((*verdict)[Check::policy_migration].outcome == CheckOutcome::skip);
}

TEST_CASE("Scope_SignatureOrTcbOnly_LeavesTheRestOut") {
  Scene scene;
  scene.put(R::POLICY, 0xB0000);  // would fail policy.debug
  scene.make();
  TestCrypto crypto;
  for (const CheckScope scope : {CheckScope::signature_only, CheckScope::tcb_only}) {
    const auto verdict = verify(crypto, scene.chain(), scene.trust(), scene.evidence(), scene.policy,
                                scene.time, scope);
    CHECK(verdict->verified());
    CHECK((*verdict)[Check::report_signature].outcome == CheckOutcome::pass);
    CHECK((*verdict)[Check::policy_debug].outcome == CheckOutcome::skip);
    CHECK((*verdict)[Check::vek_tcb].outcome ==
          (scope == CheckScope::tcb_only ? CheckOutcome::pass : CheckOutcome::skip));
    CHECK((*verdict)[Check::vek_hwid].outcome == (*verdict)[Check::vek_tcb].outcome);
  }
  scene.report[0x50] ^= std::byte{1};
  CHECK_FALSE(verify(crypto, scene.chain(), scene.trust(), scene.evidence(), scene.policy, scene.time,
                     CheckScope::tcb_only)
                  ->verified());
}

TEST_CASE("VerifiedChain_FurtherReports_AreJudgedAtTheirOwnTime") {
  Scene scene;
  scene.crl = good_crl(scene);
  scene.vek.not_after = *parse_rfc3339("2027-01-01T00:00:00Z");
  scene.make();
  TestCrypto crypto;
  const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
  REQUIRE(checked->chain.has_value());
  const auto at = [&](std::string_view time) {
    return verify_report(crypto, *checked->chain, scene.evidence(), scene.policy, *parse_rfc3339(time));
  };
  CHECK(at("2025-12-31T00:00:00Z")->verified());
  CHECK(failures(*at("2026-01-02T00:00:00Z")) == std::vector<std::string>{"chain.revocation"});
  CHECK(failures(*at("2027-01-02T00:00:00Z")) ==
        std::vector<std::string>{"chain.validity", "chain.revocation"});
  CHECK(at("2022-01-01T00:00:00Z").error().code == Code::verify_clock);
}

TEST_CASE("VerifyReport_NotTheSizeOfAReport_IsAnError") {
  Scene scene;
  scene.make();
  TestCrypto crypto;
  scene.report.pop_back();
  CHECK(scene.verify(crypto).error() == Error{Code::wire_short, 1183, 1184});
  scene.report.resize(1185);
  CHECK(scene.verify(crypto).error() == Error{Code::wire_trailing, 1184, 1});
}

TEST_CASE("Verify_ChainRejected_NothingBehindItIsLookedAt") {
  Scene scene;
  scene.vek.signer = scene.ark.key;
  const auto verdict = scene.made_and_verified();
  for (const CheckRow& check : kChecks) {
    if (check.id <= Check::chain_endorsement_signature) continue;
    CAPTURE(check.name);
    CHECK((*verdict)[check.id].outcome == CheckOutcome::skip);
    CHECK((*verdict)[check.id].note == "not reached");
  }
}

// A second provider, which needs no change in the verifier: it counts, and fails where it is told to.
class CountingCrypto {
 public:
  Result<Digest> digest(Hash hash, ByteView data) noexcept {
    ++digests;
    Digest out;
    out.size = digest_size(hash);
    copy_to(out.octets, scene::digest(hash == Hash::sha256   ? EVP_sha256()
                                      : hash == Hash::sha384 ? EVP_sha384()
                                                             : EVP_sha512(),
                                      data));
    return out;
  }
  Result<void> verify_ecdsa_p384(ByteView, const Digest&, const EcdsaP384Signature&) noexcept {
    ++ecdsa;
    if (fail_ecdsa) return fail(Code::crypto_signature);
    return {};
  }
  Result<void> verify_rsa_pss(const RsaPublicKey& key, Hash, const Digest&, ByteView) noexcept {
    CHECK(key.modulus.size() == 512);
    if (++rsa == fail_rsa) return fail(Code::crypto_failed, 0, 7);
    return {};
  }
  Result<void> verify_rsa_pkcs1(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept {
    return fail(Code::crypto_unsupported);
  }
  Result<Certificate> parse_certificate(ByteView der) noexcept {
    ++certificates;
    return Certificate::parse(der);
  }

  unsigned digests = 0, ecdsa = 0, rsa = 0, certificates = 0;
  unsigned fail_rsa = 0;  // the call that fails, from 1
  bool fail_ecdsa = false;
};
static_assert(Crypto<CountingCrypto>);

TEST_CASE("Crypto_SecondProvider_IsAskedForExactlyTheChecks") {
  Scene scene;
  scene.make();
  CountingCrypto crypto;
  const auto verdict = scene.verify(crypto);
  CHECK(verdict->verified());
  CHECK(crypto.certificates == 3);
  CHECK(crypto.rsa == 3);
  CHECK(crypto.ecdsa == 1);
  CHECK(crypto.digests == 6);  // root key, three certificates, report, claims
}

TEST_CASE("RootSignature_NotWanted_IsSkippedAndCostsNothing") {
  Scene scene;
  scene.after_signing = [](Scene& s) { s.ark_der.back() ^= std::byte{1}; };
  scene.make();
  TestCrypto crypto;
  CHECK(failures(*scene.verify(crypto)) == std::vector<std::string>{"chain.root_signature"});

  Trust trust = scene.trust();
  trust.root_signature = RootSignature::skip;
  const auto with = [&](auto& provider) {
    return *verify(provider, scene.chain(), trust, scene.evidence(), scene.policy, scene.time);
  };
  const Verdict verdict = with(crypto);
  CHECK(verdict.verified());
  CHECK(verdict[Check::chain_root_signature].outcome == CheckOutcome::skip);
  CHECK(verdict[Check::chain_root_signature].note == "redundant: the digest of its key is trusted");
  CountingCrypto counting;
  CHECK(with(counting).verified());
  CHECK(counting.rsa == 2);

  trust.additional_roots = {};  // the key still has to be a trusted one
  CHECK(failures(with(crypto)) == std::vector<std::string>{"chain.root_pinned"});
}

TEST_CASE("Crypto_ProviderFails_TheCheckFails") {
  Scene scene;
  scene.make();
  const Check signatures[] = {Check::chain_root_signature, Check::chain_intermediate_signature,
                             Check::chain_endorsement_signature};
  for (unsigned call = 1; call <= 3; ++call) {
    CountingCrypto crypto;
    crypto.fail_rsa = call;
    const auto verdict = scene.verify(crypto);
    CHECK(verdict->first_failure() == signatures[call - 1]);
    CHECK((*verdict)[signatures[call - 1]].error == Error{Code::crypto_failed, 0, 7});
  }
  CountingCrypto crypto;
  crypto.fail_ecdsa = true;
  CHECK(failures(*scene.verify(crypto)) == std::vector<std::string>{"report.signature"});
}

TEST_CASE("VerifyReport_UnderVerifiedChain_CostsOneEcdsa") {
  Scene scene;
  scene.make();
  CountingCrypto crypto;
  const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
  REQUIRE(checked->chain.has_value());
  crypto = {};
  CHECK(verify_report(crypto, *checked->chain, scene.evidence(), scene.policy, scene.time)->verified());
  CHECK(crypto.ecdsa == 1);
  CHECK(crypto.rsa == 0);
  CHECK(crypto.certificates == 0);
  CHECK(crypto.digests == 2);  // report, claims
}

TEST_CASE("Policy_VmUniqueId_IsComparedWithoutCase") {
  Scene scene;
  constexpr std::string_view kLowerCase = "0123-abcd";
  ExpectedText& expected = scene.policy.vm.vm_unique_id.emplace();
  expected.size = kLowerCase.copy(expected.held.data(), expected.held.size());
  const auto verdict = scene.made_and_verified();
  REQUIRE(verdict.has_value());
  CHECK((*verdict)[Check::policy_vm_configuration].outcome == CheckOutcome::pass);
  CHECK(verdict->verified());
}

namespace {
// What a small image may have: everything but what quotes are signed with.
struct NoQuotes {
  TestCrypto crypto;
  Result<Digest> digest(Hash hash, ByteView octets) noexcept { return crypto.digest(hash, octets); }
  Result<void> verify_ecdsa_p384(ByteView point, const Digest& digest, const EcdsaP384Signature& signature) noexcept {
    return crypto.verify_ecdsa_p384(point, digest, signature);
  }
  Result<void> verify_rsa_pss(const RsaPublicKey& key, Hash hash, const Digest& digest, ByteView signature) noexcept {
    return crypto.verify_rsa_pss(key, hash, digest, signature);
  }
  Result<Certificate> parse_certificate(ByteView der) noexcept { return crypto.parse_certificate(der); }
};
static_assert(Crypto<NoQuotes> && !RsaVerifier<NoQuotes>);
}  // namespace

TEST_CASE("Verify_ProviderWithoutQuotes_FailsWhatOnlyAQuoteCouldTell") {
  Scene scene;
  scene.make();
  NoQuotes crypto;
  const auto judged = [&](const Evidence& evidence, const Policy& policy) {
    const auto verdict = scene::verify(crypto, scene.chain(), scene.trust(), evidence, policy, scene.time);
    REQUIRE(verdict.has_value());
    return *verdict;
  };
  const Evidence evidence = scene.evidence();
  CHECK(judged(evidence, scene.policy).verified());
  for (const Check check : kQuoteChecks) CHECK(judged(evidence, scene.policy)[check].outcome == CheckOutcome::skip);

  Evidence with_quote = evidence;
  with_quote.quote = QuoteToVerify{};
  Evidence with_log = evidence;
  with_log.logs.firmware = ByteView();
  Policy of_pcrs = scene.policy;
  of_pcrs.pcrs[4] = PcrValue{};
  Policy of_boot = scene.policy;
  of_boot.secure_boot_log = true;
  for (const Verdict& verdict : {judged(with_quote, scene.policy), judged(with_log, scene.policy),
                                 judged(evidence, of_pcrs), judged(evidence, of_boot)}) {
    CHECK_FALSE(verdict.verified());
    CHECK(verdict.first_failure() == Check::quote_magic);
    for (const Check check : kQuoteChecks) CHECK(verdict[check].outcome == CheckOutcome::fail);
    for (const Check check : kEventLogChecks) CHECK(verdict[check].outcome == CheckOutcome::fail);
    for (const Check check : kBootChecks) CHECK(verdict[check].outcome == CheckOutcome::fail);
  }
}
