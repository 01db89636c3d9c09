// SPDX-License-Identifier: Apache-2.0
// The exchange with a key broker that this test plays, hostile ones included, on a virtual clock.
#include "snpnv/broker/kbs.hpp"

#include <deque>

#include "tests/broker/crypto.hpp"
#include "tests/broker/sealed.hpp"
#include "tests/manual_clock.hpp"
#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

struct Told {
  std::size_t pauses = 0;
  void operator()(const HttpPause&) { ++pauses; }
};

const std::string kNonce = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";

// Evidence that says what it was asked to carry.
struct Evidence {
  std::vector<Octets> nonces;
  std::optional<Error> error;
  Result<ByteView> evidence(ByteView nonce, MutBytes room) noexcept {
    nonces.emplace_back(nonce.begin(), nonce.end());
    if (error) return fail(*error);
    ByteWriter out(room);
    JsonWriter json(out);
    json.begin_object();
    json.key("nonce");
    json.hex(nonce);
    json.end_object();
    return out.finish();
  }
};

std::string error_body(std::string_view name) {
  return R"({"type":"https://github.com/confidential-containers/kbs/errors/)" + std::string(name) +
         R"(","detail":"as the broker says"})";
}

// A broker: each path has a list of answers, the last of which lasts. "!" as body: what the protocol says.
struct Broker {
  struct Answer {
    std::uint16_t status = 200;
    std::string body = "!";
  };
  std::deque<Answer> auth{{}};
  std::deque<Answer> attest{{}};
  std::deque<Answer> resource{{}};
  std::string challenge = R"({"nonce":")" + kNonce + R"(","extra-params":""})";
  std::string cookie = "Set-Cookie: kbs-session-id=s1; Path=/\r\n";
  std::string secret = "the key of the disk";
  std::function<void(KbsSecret&)> spoil = [](KbsSecret&) {};
  std::string header;  // another one than the protocol's

  std::vector<std::string> asked;
  std::vector<std::string> cookies;
  P256Point guest{};
  std::string nonce_seen;
  std::string evidence_seen;
  std::string answer;
  std::string head;

  Result<HttpResponse> exchange(const Url& url, const HttpMessage& message, Instant,
                                std::span<std::byte, kHttpRoom>) noexcept {
    asked.emplace_back((message.json ? "POST " : "GET ") + std::string(url.target));
    cookies.emplace_back(message.cookie);
    CHECK(message.bodies == HttpBodies::all);
    const bool is_auth = url.target.ends_with("/auth");
    const bool is_attest = url.target.ends_with("/attest");
    auto& answers = is_auth ? auth : is_attest ? attest : resource;
    const Answer now = answers.front();
    if (answers.size() > 1) answers.pop_front();
    if (now.status == 0) return fail(Code::io_failed, 0, 111);
    answer = now.body;
    if (is_attest) {
      const auto read = KbsAttestation::parse(*message.json);
      REQUIRE(read.has_value());
      guest = read->key;
      evidence_seen = text(read->evidence);
      std::array<std::byte, 64> room;
      nonce_seen = text(*read->nonce.copy(room));
    }
    if (answer == "!") answer = is_auth ? challenge : is_attest ? R"({"token":"e30.e30.c2ln"})" : sealed();
    head = "HTTP/1.1 " + std::to_string(now.status) + " X\r\n" + (is_auth ? cookie : std::string()) + "\r\n";
    return HttpResponse{*parse_http_head(view(head)), view(answer)};
  }
  std::string sealed() { return sealed_secret(guest, secret, header, spoil); }
};
static_assert(HttpClient<Broker>);

struct Scene {
  Broker broker;
  ManualClock clock;
  Told told;
  TestBrokerCrypto crypto;
  Evidence evidence;
  Millis time = 60000;
  std::string base = "https://kbs.example:8080/";
  std::vector<std::byte> http_room = std::vector<std::byte>(kHttpRoom);
  std::vector<std::byte> room = std::vector<std::byte>(kKbsRoom);
  std::vector<std::byte> out = std::vector<std::byte>(4096);
  KbsRefusal refusal;
  std::string detail;

  Result<std::string> get() {
    HttpAsking<Told> asking{false, true, clock.time + time, told};
    asking.connects_again = true;
    KbsExchange exchange(broker, clock, crypto, evidence, *parse_url(base), asking, 7,
                         std::span<std::byte, kHttpRoom>(http_room.data(), kHttpRoom),
                         std::span<std::byte, kKbsRoom>(room.data(), kKbsRoom));
    const auto secret = exchange.get("default/key/disk", out);
    refusal = exchange.refusal();
    if (refusal.error) {
      std::array<std::byte, 256> words;
      detail = text(*refusal.error->detail.copy(words));
    }
    if (!secret) return fail(secret.error());
    return std::string(text(*secret));
  }
  Code code() {
    const auto got = get();
    REQUIRE_FALSE(got.has_value());
    CHECK(std::ranges::all_of(out, [](std::byte octet) { return octet == std::byte{0}; }));
    return got.error().code;
  }
};

}  // namespace

TEST_CASE("Kbs_Exchange_IsTheProtocols") {
  Scene scene;
  CHECK(*scene.get() == "the key of the disk");
  CHECK(scene.broker.asked == std::vector<std::string>{"POST /kbs/v0/auth", "POST /kbs/v0/attest",
                                                       "GET /kbs/v0/resource/default/key/disk"});
  CHECK(scene.broker.cookies == std::vector<std::string>{"", "kbs-session-id=s1", "kbs-session-id=s1"});
  CHECK(scene.broker.nonce_seen == kNonce);
  CHECK(scene.told.pauses == 0);
}

TEST_CASE("Kbs_Evidence_CarriesTheDigestOfTheRuntimeData") {
  for (const auto& [extra, hash] : {std::pair{R"("")", Hash::sha384},
                                    {R"({"selected-hash-algorithm":"SHA256"})", Hash::sha256}}) {
    Scene scene;
    scene.broker.challenge = R"({"nonce":")" + kNonce + R"(","extra-params":)" + extra + "}";
    CHECK(scene.get().has_value());
    std::array<std::byte, 512> room;
    ByteWriter runtime_data(room);
    write_runtime_data(runtime_data, kNonce, scene.broker.guest);
    const Digest digest = *scene.crypto.digest(hash, *runtime_data.finish());
    REQUIRE(scene.evidence.nonces.size() == 1);
    CHECK(equal(scene.evidence.nonces[0], digest.view()));
    CHECK(scene.broker.evidence_seen == R"({"nonce":")" + digits(digest.view()) + "\"}");
  }
}

TEST_CASE("Kbs_PathInFront_IsKept") {
  Scene scene;
  scene.base = "https://kbs.example/behind/a/proxy";
  CHECK(scene.get().has_value());
  CHECK(scene.broker.asked[0] == "POST /behind/a/proxy/kbs/v0/auth");
}

TEST_CASE("Kbs_EndedSession_IsBegunAnewOnce") {
  for (const std::string name : {"TokenNotFound", "TokenVerifierError"}) {
    Scene scene;
    scene.broker.resource = {{401, error_body(name)}, {}};
    CHECK(scene.get().has_value());
    CHECK(scene.broker.asked.size() == 6);
    CHECK(scene.evidence.nonces.size() == 2);
    CHECK(scene.evidence.nonces[0] != scene.evidence.nonces[1]);  // another key
    Scene again;
    again.broker.resource = {{401, error_body(name)}};
    CHECK(again.code() == Code::broker_refused);
    CHECK(again.broker.asked.size() == 6);
    CHECK(again.refusal.error->name() == name);
  }
}

TEST_CASE("Kbs_Refusals_AreFinalAndNamed") {
  const auto refused = [](std::deque<Broker::Answer> Broker::*path, std::uint16_t status, const std::string& body,
                          KbsStep step) {
    Scene scene;
    scene.broker.*path = {{status, body}, {}};
    const auto got = scene.get();
    REQUIRE_FALSE(got.has_value());
    CHECK(got.error() == Error{Code::broker_refused, 0, status});
    CHECK(scene.refusal.step == step);
    CHECK(scene.refusal.status == status);
    CHECK(scene.told.pauses == 0);
    return std::pair(scene.refusal.error ? std::string(scene.refusal.error->name()) : std::string(), scene.detail);
  };
  const std::pair<std::string, std::string> policy{"PolicyDeny", "as the broker says"};
  CHECK(refused(&Broker::resource, 403, error_body("PolicyDeny"), KbsStep::secret) == policy);
  CHECK(refused(&Broker::resource, 401, error_body("PolicyDeny"), KbsStep::secret) == policy);
  CHECK(refused(&Broker::resource, 401, error_body("PluginInternalError"), KbsStep::secret).first == "PluginInternalError");
  CHECK(refused(&Broker::attest, 401, error_body("AttestationError"), KbsStep::attestation).first == "AttestationError");
  CHECK(refused(&Broker::attest, 401, error_body("TokenNotFound"), KbsStep::attestation).first == "TokenNotFound");
  CHECK(refused(&Broker::auth, 401, error_body("AttestationError"), KbsStep::challenge).first == "AttestationError");
  CHECK(refused(&Broker::auth, 404, "<html>not found</html>", KbsStep::challenge).first.empty());
}

TEST_CASE("Kbs_BusyOrUnreachable_IsAskedAgain") {
  Scene scene;
  scene.broker.auth = {{0, ""}, {503, ""}, {}};
  scene.broker.attest = {{500, error_body("X")}, {}};
  scene.broker.resource = {{429, ""}, {0, ""}, {}};
  CHECK(*scene.get() == "the key of the disk");
  CHECK(scene.told.pauses == 5);
  CHECK(scene.evidence.nonces.size() == 1);
}

TEST_CASE("Kbs_NeverReachable_EndsBeforeTheDeadline") {
  Scene scene;
  scene.broker.auth = {{0, ""}};
  CHECK(scene.code() == Code::io_failed);
  CHECK(scene.clock.time <= 1000 + scene.time);
  Scene busy;
  busy.broker.resource = {{503, error_body("Busy")}};
  CHECK(busy.code() == Code::broker_refused);
  CHECK(busy.refusal.error->name() == "Busy");
  CHECK(busy.clock.time <= 1000 + busy.time);
}

TEST_CASE("Kbs_NoEvidence_EndsTheExchange") {
  Scene scene;
  scene.evidence.error = Error{Code::fresh_stale, 0, 3};
  CHECK(scene.get().error() == *scene.evidence.error);
  CHECK(scene.broker.asked.size() == 1);
}

TEST_CASE("Kbs_NoSession_IsAnError") {
  Scene scene;
  scene.broker.cookie = "";
  CHECK(scene.code() == Code::broker_session);
  Scene two;
  two.broker.cookie += two.broker.cookie;
  CHECK(two.code() == Code::http_syntax);
  Scene large;
  large.broker.cookie = "Set-Cookie: kbs-session-id=" + std::string(2000, 'a') + "\r\n";
  CHECK(large.code() == Code::wire_overflow);
}

TEST_CASE("Kbs_HostileAnswers_AreErrors") {
  const auto answer = [](std::deque<Broker::Answer> Broker::*path, const std::string& body) {
    Scene scene;
    scene.broker.*path = {{200, body}};
    return scene.code();
  };
  CHECK(answer(&Broker::auth, "") == Code::json_syntax);
  CHECK(answer(&Broker::auth, R"({"nonce":"AAAA"})") == Code::text_length);
  CHECK(answer(&Broker::attest, "{}") == Code::json_missing);
  CHECK(answer(&Broker::attest, R"({"token":"none"})") == Code::wire_value);
  CHECK(answer(&Broker::resource, "{}") == Code::json_missing);
  CHECK(answer(&Broker::resource, error_body("PolicyDeny")) == Code::json_unknown);
}

TEST_CASE("Kbs_HostileSecrets_AreRefusedAndLeaveNothing") {
  const auto spoiled = [](std::function<void(KbsSecret&)> spoil) {
    Scene scene;
    scene.broker.spoil = std::move(spoil);
    return scene.code();
  };
  CHECK(spoiled([](KbsSecret& s) { s.tag[0] ^= std::byte{1}; }) == Code::crypto_authentic);
  CHECK(spoiled([](KbsSecret& s) { s.iv[0] ^= std::byte{1}; }) == Code::crypto_authentic);
  CHECK(spoiled([](KbsSecret& s) { s.wrapped_key[0] ^= std::byte{1}; }) == Code::crypto_authentic);
  Scene off;
  off.broker.header =
      R"({"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":"P-256","kty":"EC",)"
      R"("x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOycg"}})";
  CHECK(off.code() == Code::crypto_point);
  Scene other;
  other.broker.header = R"({"alg":"RSA-OAEP-256","enc":"A256GCM","epk":{}})";
  CHECK(other.code() == Code::jwe_algorithm);
  Scene large;
  large.broker.secret = std::string(4097, 's');
  CHECK(large.get().error().code == Code::wire_overflow);
  Scene exact;
  exact.broker.secret = std::string(4096, 's');
  CHECK(exact.get()->size() == 4096);
}

TEST_CASE("Kbs_SecretForAnotherKey_IsRefused") {
  Scene scene;
  TestBrokerCrypto stranger;
  const P256Point other = *stranger.make_key();
  scene.broker.resource = {{200, sealed_secret(other, "x", {}, [](KbsSecret&) {})}};
  CHECK(scene.code() == Code::crypto_authentic);
}

namespace {

using Answers = std::deque<Broker::Answer>;
struct Fault {
  std::string what;
  std::optional<Code> code;  // nothing: the secret comes
  std::function<void(Scene&)> spoil;
};
auto first(Answers Broker::*path, std::uint16_t status, const std::string& body) {
  return [=](Scene& scene) { scene.broker.*path = {{status, body}, {}}; };
}
auto always(Answers Broker::*path, std::uint16_t status, const std::string& body) {
  return [=](Scene& scene) { scene.broker.*path = {{status, body}}; };
}
auto spoiled(std::function<void(KbsSecret&)> spoil) {
  return [=](Scene& scene) { scene.broker.spoil = spoil; };
}
const std::vector<Fault> kFaults{
    {"none", std::nullopt, [](Scene&) {}},
    {"unreachable once", std::nullopt, first(&Broker::auth, 0, "")},
    {"unreachable", Code::io_failed, always(&Broker::attest, 0, "")},
    {"busy once", std::nullopt, first(&Broker::resource, 503, "")},
    {"busy", Code::broker_refused, always(&Broker::auth, 503, "")},
    {"ended once", std::nullopt, first(&Broker::resource, 401, error_body("TokenNotFound"))},
    {"ended", Code::broker_refused, always(&Broker::resource, 401, error_body("TokenVerifierError"))},
    {"no challenge", Code::broker_refused, always(&Broker::auth, 401, error_body("AttestationError"))},
    {"evidence refused", Code::broker_refused, always(&Broker::attest, 401, error_body("AttestationError"))},
    {"policy", Code::broker_refused, always(&Broker::resource, 401, error_body("PolicyDeny"))},
    {"no resource", Code::broker_refused, always(&Broker::resource, 401, error_body("PluginInternalError"))},
    {"wrong path", Code::broker_refused, always(&Broker::auth, 404, "<html>")},
    {"no cookie", Code::broker_session, [](Scene& s) { s.broker.cookie.clear(); }},
    {"two cookies", Code::http_syntax, [](Scene& s) { s.broker.cookie += s.broker.cookie; }},
    {"another hash", Code::crypto_unsupported,
     always(&Broker::auth, 200, R"({"nonce":")" + kNonce + R"(","extra-params":{"selected-hash-algorithm":"md5"}})")},
    {"short nonce", Code::text_length, always(&Broker::auth, 200, R"({"nonce":"AAAA"})")},
    {"repeated member", Code::json_duplicate, always(&Broker::auth, 200, R"({"a":"","a":""})")},
    {"no token", Code::json_missing, always(&Broker::attest, 200, "{}")},
    {"no fresh report", Code::fresh_stale, [](Scene& s) { s.evidence.error = Error{Code::fresh_stale, 0, 0}; }},
    {"other algorithm", Code::jwe_algorithm,
     [](Scene& s) { s.broker.header = R"({"alg":"RSA-OAEP-256","enc":"A256GCM","epk":{}})"; }},
    {"wrong tag", Code::crypto_authentic, spoiled([](KbsSecret& s) { s.tag[15] ^= std::byte{1}; })},
    {"wrong iv", Code::crypto_authentic, spoiled([](KbsSecret& s) { s.iv[11] ^= std::byte{1}; })},
    {"other key", Code::crypto_authentic, spoiled([](KbsSecret& s) { s.wrapped_key[39] ^= std::byte{1}; })},
    {"point off the curve", Code::crypto_point,
     [](Scene& s) {
       s.broker.header = R"({"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":"P-256","kty":"EC",)"
                         R"("x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",)"
                         R"("y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOycg"}})";
     }},
    {"too large", Code::wire_overflow, [](Scene& s) { s.broker.secret = std::string(4097, 's'); }},
};

}  // namespace

// Every fault of a broker in turn, again and again in one process: each ends by its name and in time, leaves nothing,
// and does not disturb the next.
TEST_CASE("Kbs_TwoHundredExchanges_EachEndsAsItMust") {
  Scene scene;
  for (std::size_t i = 0; i < 200; ++i) {
    const Fault& fault = kFaults[i % kFaults.size()];
    CAPTURE(fault.what);
    scene.broker = {};
    scene.evidence = {};
    wipe(scene.out);
    const Instant begun = scene.clock.time;
    fault.spoil(scene);
    const auto secret = scene.get();
    CHECK(scene.clock.time <= begun + scene.time);
    if (!fault.code) {
      CHECK((secret && *secret == scene.broker.secret));
      continue;
    }
    REQUIRE_FALSE(secret.has_value());
    CHECK(name(secret.error().code) == name(*fault.code));
    CHECK_FALSE(text(scene.out).contains(scene.broker.secret.substr(0, 16)));
  }
}
