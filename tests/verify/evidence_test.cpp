// SPDX-License-Identifier: Apache-2.0
// Whole evidence as a service gets it: made here of a scene, an attestation key and a quote, and judged by
// the one call.
#include "snpnv/verify/evidence.hpp"

#include "tests/verify/attestation_key.hpp"
#include "tests/verify/scene.hpp"
#include "tests/verify/vectors.hpp"

using namespace scene;

namespace {

const test::Key& attestation_key() {
  static const test::Key key(2048);
  return key;
}

const Bytes kQuoteNonce(48, std::byte{0xA5});

std::string list_of_octets(ByteView octets) {
  std::string out;
  for (const std::byte octet : octets) out += (out.empty() ? "[" : ",") + std::to_string(std::to_integer<int>(octet));
  return out + "]";
}
std::string base64url(ByteView octets) {
  std::string out(octets.size() * 2 + 4, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  encode_base64url(writer, octets, Padding::padded);
  out.resize(writer.written().size());
  return out;
}
std::string pem(ByteView der) {
  const Bytes copy(der.begin(), der.end());
  std::string digits(copy.size() * 2, '\0');
  const int size = EVP_EncodeBlock(static_cast<unsigned char*>(static_cast<void*>(digits.data())), raw(copy),
                                   static_cast<int>(copy.size()));
  digits.resize(static_cast<std::size_t>(size));
  return "-----BEGIN CERTIFICATE-----\\n" + digits + "\\n-----END CERTIFICATE-----\\n";
}

// Evidence that holds, to be changed in one place; and what a relying party asks of it.
struct Made {
  Scene scene;
  std::uint64_t version = 2;
  bool pem_vcek = false;
  std::uint32_t report_type = 2;
  Bytes bound = kQuoteNonce;  // what the claims carry
  std::vector<PcrValue> pcrs = std::vector<PcrValue>(24);
  Challenge challenge{kQuoteNonce};
  Policy policy;
  bool own_root = true;      // among those trusted
  bool ark_at_hand = true;   // beside the ASK
  std::function<void(std::string&)> damage = [](std::string&) {};

  std::unique_ptr<EvidenceRoom> room = std::make_unique<EvidenceRoom>();
  Verdict verdict;

  [[nodiscard]] Bytes envelope() const {
    Bytes out(1236);
    const auto put = [&](std::size_t at, std::size_t value) {
      for (std::size_t i = 0; i < 4; ++i) out[at + i] = static_cast<std::byte>(value >> (8 * i));
    };
    put(0, 0x414C4348);
    put(4, 1);
    put(8, 1236 + scene.claims.size());
    copy_to(MutBytes(out).subspan(32), scene.report);
    put(1216, 20 + scene.claims.size());
    put(1224, report_type);
    put(1228, 1);
    put(1232, scene.claims.size());
    const ByteView claims = octets(scene.claims);
    out.insert(out.end(), claims.begin(), claims.end());
    return out;
  }
  [[nodiscard]] std::string text() {
    UserData user_data{};
    copy_to(user_data, bound);
    scene.claims = test::claims_for(attestation_key(), R"(,"user-data":")" + hex_of(user_data) + "\"");
    scene.bind();
    scene.make();
    TPMS_ATTEST attest;
    attest.magic = TPMS_ATTEST::kGenerated;
    attest.type = TPM_ST::ATTEST_QUOTE;
    attest.extraData = {kQuoteNonce};
    const std::array select{std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}};
    attest.quote.pcrSelect.add({TPM_ALG_ID::SHA256, 3, select});
    Bytes values;
    for (const PcrValue& pcr : pcrs) values.insert(values.end(), pcr.begin(), pcr.end());
    const Bytes digest = scene::digest(EVP_sha256(), values);
    attest.quote.pcrDigest = {digest};
    Bytes room_for_message(2304);
    const ByteView marshalled = *marshal(attest, room_for_message);
    const Bytes message(marshalled.begin(), marshalled.end());
    const Bytes signature = attestation_key().sign(message);

    const bool old = version == 0;
    const auto in = [&](ByteView octets) { return old ? list_of_octets(octets) : "\"" + hex_of(octets) + "\""; };
    std::string list;
    for (const PcrValue& pcr : pcrs) list += (list.empty() ? "" : ",") + in(pcr);
    const std::string quote = R"({"signature":)" + in(signature) + R"(,"message":)" + in(message) + R"(,"pcrs":[)" +
                              list + "]}";
    const std::string vcek = pem(scene.vek_der);
    std::string out =
        old ? R"({"quote":)" + quote + R"(,"report":)" + list_of_octets(envelope()) + R"(,"vcek":")" + vcek + "\"}"
            : R"({"version":)" + std::to_string(version) + R"(,"tpm_quote":)" + quote + R"(,"hcl_report":")" +
                  base64url(envelope()) + R"(","vcek":")" +
                  (pem_vcek ? base64url(octets(unescaped(vcek))) : base64url(scene.vek_der)) + "\"}";
    damage(out);
    return out;
  }
  static std::string unescaped(std::string text) {
    for (std::size_t at; (at = text.find("\\n")) != std::string::npos;) text.replace(at, 2, "\n");
    return text;
  }

  // The one call. The issuers of another product stand before the right ones.
  [[nodiscard]] bool verified() {
    const std::string document = text();
    const Bytes genoa_ark = vectors_of("genoa/ark"), genoa_ask = vectors_of("genoa/ask");
    const std::array issuers{Issuer{genoa_ark, genoa_ask},
                             Issuer{ark_at_hand ? ByteView(scene.ark_der) : ByteView(), scene.ask_der}};
    const std::array roots{ByteView(genoa_ark), ByteView(scene.ark_der)};
    const CertificatePool pool{issuers, std::span(roots).first(own_root ? 2 : 1), scene.crl_der};
    TestCrypto crypto;
    return verify_evidence(crypto, octets(document), challenge, pool, policy, scene.time, *room, verdict);
  }
  static Bytes vectors_of(const std::string& name) {
    const auto file = test::read_file(SNPNV_SOURCE_DIR "/tests/pki/" + name + ".pem");
    REQUIRE(file.has_value());
    Bytes room_for_der(file->size());
    const auto der = der_of(*file, kPemCertificate, room_for_der);
    REQUIRE(der.has_value());
    return {der->begin(), der->end()};
  }
  // The checks that failed, by name; "-" where there was nothing to judge.
  [[nodiscard]] std::string failures() {
    const bool good = verified();
    std::string out = verdict.error ? "-" + std::string(name(verdict.error->code)) : "";
    for (const CheckRow& check : kChecks)
      if (verdict[check.id].outcome == CheckOutcome::fail)
        out += (out.empty() ? "" : " ") + std::string(check.name);
    CHECK(good == out.empty());
    CHECK(good == verdict.verified());
    return out;
  }
};

}  // namespace

TEST_CASE("Evidence_Version2_IsVerifiedWithEveryCheck") {
  Made made;
  CHECK(made.failures() == "");
  CHECK(made.verdict[Check::binding_user_data].outcome == CheckOutcome::pass);
  for (const CheckRow& check : kChecks)
    if (check.name.starts_with("quote.")) CHECK(made.verdict[check.id].outcome == CheckOutcome::pass);
  CHECK_FALSE(made.verdict.old_evidence);
  CHECK(made.verdict.root == RootSource::additional);
}

// An old boot's report and claims with a fresh quote.
TEST_CASE("Evidence_ReportOfAnotherTime_IsRejectedInEveryVersion") {
  for (const std::uint64_t version : {0U, 1U, 2U}) {
    CAPTURE(version);
    Made made;
    made.version = version;
    made.bound = Bytes(64);
    CHECK(made.failures() == "binding.user_data");
    CHECK(made.verdict[Check::quote_nonce].outcome == CheckOutcome::pass);
  }
}

TEST_CASE("Evidence_OldVersion_NeedsItsPermission") {
  for (const std::uint64_t version : {0U, 1U}) {
    for (const Bytes& bound : {kQuoteNonce, Bytes(64)}) {
      CAPTURE(version);
      Made made;
      made.version = version;
      made.bound = bound;
      CHECK(made.failures() == "binding.user_data");
      CHECK(made.verdict[Check::binding_user_data].note == CheckResult::kUnbound);
      made.challenge.allow_old_evidence = true;
      CHECK(made.failures() == "");
      CHECK(made.verdict[Check::binding_user_data].outcome == CheckOutcome::skip);
      CHECK(made.verdict[Check::binding_user_data].note ==
            "evidence of this version does not bind the report to the nonce");
      CHECK(made.verdict.old_evidence);
    }
  }
}

TEST_CASE("Evidence_Permission_ChangesNothingForVersion2") {
  Made made;
  made.challenge.allow_old_evidence = true;
  CHECK(made.failures() == "");
  CHECK_FALSE(made.verdict.old_evidence);
  made.bound = Bytes(64);
  CHECK(made.failures() == "binding.user_data");
}

TEST_CASE("Evidence_WithoutNonce_NothingIsAskedOfAnyVersion") {
  for (const std::uint64_t version : {0U, 1U, 2U}) {
    Made made;
    made.version = version;
    made.challenge = Challenge::none();
    CHECK(made.failures() == "");
    CHECK(made.verdict[Check::binding_user_data].note == CheckResult::kNotAsked);
    CHECK(made.verdict[Check::quote_nonce].note == CheckResult::kNotAsked);
    CHECK_FALSE(made.verdict.old_evidence);
  }
}

TEST_CASE("Evidence_UserDataInTheNoncesPlace_CountsInEveryVersion") {
  for (const std::uint64_t version : {0U, 1U, 2U}) {
    Made made;
    made.version = version;
    made.bound = Bytes(64, std::byte{9});
    made.challenge.user_data.emplace().fill(std::byte{9});
    CHECK(made.failures() == "");
    CHECK(made.verdict[Check::binding_user_data].outcome == CheckOutcome::pass);
    made.challenge.user_data->back() = std::byte{8};
    CHECK(made.failures() == "binding.user_data");
  }
}

TEST_CASE("Evidence_NonceThatSaysNothingOrDoesNotFit_IsAnError") {
  for (const std::size_t size : {0U, 65U}) {
    Made made;
    const Bytes nonce(size);
    made.challenge = Challenge(nonce);
    CHECK(made.failures() == "-wire_size");
    CHECK(made.verdict.error == Error{Code::wire_size, 0, static_cast<std::uint32_t>(size)});
  }
  Made made;
  const Bytes another(48, std::byte{1});
  made.challenge = Challenge(another);
  CHECK(made.failures() == "binding.user_data quote.nonce");
}

TEST_CASE("Evidence_NothingToJudge_SaysWhy") {
  Made cut;
  cut.damage = [](std::string& text) { text.pop_back(); };
  CHECK(cut.failures() == "-json_syntax");
  Made tdx;
  tdx.report_type = 4;
  CHECK(tdx.failures() == "-hcl_report_type");
  Made newer;
  newer.version = 3;
  CHECK(newer.failures() == "-evidence_version");
  Made clock;
  clock.scene.time = kEarliestTime - 1;
  CHECK(clock.failures() == "-verify_clock");
  Made open_pem;
  open_pem.version = 0;
  open_pem.damage = [](std::string& text) { text.replace(text.find("-----END"), 8, "-----END "); };
  CHECK(open_pem.failures() == "-pem_block");
  // What was judged before leaves nothing behind.
  CHECK_FALSE(cut.verdict.root == RootSource::additional);
}

TEST_CASE("Evidence_PemInVersion2_IsRead") {
  Made made;
  made.pem_vcek = true;
  CHECK(made.failures() == "");
}

TEST_CASE("Evidence_Chain_EndsAtARootThatIsTrusted") {
  Made without_ark;
  without_ark.ark_at_hand = false;
  CHECK(without_ark.failures() == "");
  // An ARK that lies beside its ASK is not trusted for that.
  Made untrusted;
  untrusted.own_root = false;
  CHECK(untrusted.failures() == "chain.root_pinned");
  // A root that stands in has to have signed the ASK.
  Made stood_in;
  stood_in.own_root = stood_in.ark_at_hand = false;
  CHECK(stood_in.failures() == "chain.intermediate_signature");
  Made revoked;
  revoked.scene.crl = CrlSpec();
  revoked.scene.crl->issuer = revoked.scene.ark.subject;
  revoked.scene.crl->signer = revoked.scene.ark.key;
  CHECK(revoked.failures() == "");
  CHECK(revoked.verdict[Check::chain_revocation].outcome == CheckOutcome::pass);
  revoked.scene.crl->revoked = {revoked.scene.ask.serial};
  CHECK(revoked.failures() == "chain.revocation");
}

TEST_CASE("Evidence_NoIssuersOrARootThatIsNone_FailsClosed") {
  Made made;
  const std::string document = made.text();
  TestCrypto crypto;
  CHECK_FALSE(verify_evidence(crypto, octets(document), made.challenge, CertificatePool{}, made.policy,
                              made.scene.time, *made.room, made.verdict));
  CHECK(made.verdict.first_failure() == Check::chain_root_pinned);
  const std::array issuers{Issuer{made.scene.ark_der, made.scene.ask_der}};
  const std::array roots{ByteView(made.scene.ark_der), octets("no certificate")};
  CHECK_FALSE(verify_evidence(crypto, octets(document), made.challenge, CertificatePool{issuers, roots}, made.policy,
                              made.scene.time, *made.room, made.verdict));
  CHECK(made.verdict.error.has_value());
}

TEST_CASE("Evidence_InitData_AreExpectedInPcr8") {
  const Bytes init_data(64, std::byte{0xC7});
  for (const std::size_t size : {32U, 48U, 64U}) {
    Made made;
    Bytes extended(64);
    std::ranges::fill(MutBytes(extended).subspan(32), std::byte{0xC7});
    copy_to(made.pcrs[8], digest(EVP_sha256(), extended));
    TestCrypto crypto;
    REQUIRE(expect_init_data(crypto, ByteView(init_data).first(size), made.policy).has_value());
    CHECK(made.failures() == "");
    CHECK(made.verdict[Check::policy_pcrs].outcome == CheckOutcome::pass);
    made.pcrs[8][0] ^= std::byte{1};
    CHECK(made.failures() == "policy.pcrs");
    CHECK(expect_init_data(crypto, init_data, made.policy).error() == Error{Code::wire_value, 0, 8});
  }
  TestCrypto crypto;
  for (const std::size_t size : {0U, 31U, 63U}) {
    Policy policy;
    CHECK(expect_init_data(crypto, ByteView(init_data).first(size), policy).error().code == Code::wire_size);
    CHECK_FALSE(policy.pcrs[8].has_value());
  }
}

TEST_CASE("Evidence_AzureMilanV1_VerifiesByAmdsRootWithPermission") {
  if (vectors::absent()) return;
  const auto text = test::vector_file("azure-milan-evidence-v1/evidence.json");
  const Bytes ask = vectors::read_der("roots/ask-milan.pem");
  REQUIRE(text.has_value());
  const std::array issuers{Issuer{{}, ask}};
  const auto room = std::make_unique<EvidenceRoom>();
  Challenge challenge(octets("challenge"));
  TestCrypto crypto;
  Verdict verdict;
  const auto verified = [&] {
    return verify_evidence(crypto, *text, challenge, CertificatePool{issuers}, Policy{},
                           *parse_rfc3339("2025-06-01T00:00:00Z"), *room, verdict);
  };
  CHECK_FALSE(verified());
  CHECK(verdict.first_failure() == Check::binding_user_data);
  challenge.allow_old_evidence = true;
  CHECK(verified());
  CHECK(verdict.old_evidence);
  CHECK(verdict.root == RootSource::pinned);
}

TEST_CASE("Evidence_EventLog_IsJudgedWhereThereIsRoomForIt") {
  Made made;
  const auto with_log = [](std::string digits) {
    return [digits](std::string& text) {
      text.pop_back();
      text += R"(,"cc_eventlog":")" + digits + "\"}";
    };
  };
  made.damage = with_log("AAAA");
  CHECK(made.verified());
  CHECK(made.verdict[Check::eventlog_format].note == CheckResult::kNotAsked);
  std::array<std::byte, 64> room{};
  made.room->event_log = room;
  CHECK(!made.verified());
  CHECK(made.verdict.first_failure() == Check::eventlog_format);
  CHECK(made.verdict[Check::eventlog_replay].note == "the log cannot be read");
  made.damage = with_log("");
  CHECK(!made.verified());
  CHECK(made.verdict.first_failure() == Check::eventlog_format);
  made.damage = with_log("AA*A");
  CHECK(!made.verified());
  REQUIRE(made.verdict.error.has_value());
  CHECK(made.verdict.error->code == Code::text_base64);
  made.damage = with_log(std::string(92, 'A'));
  CHECK(!made.verified());
  REQUIRE(made.verdict.error.has_value());
  CHECK(made.verdict.error->code == Code::wire_overflow);
}
