// SPDX-License-Identifier: Apache-2.0
#include "snpnv/fetch/sources.hpp"

#include <deque>

#include "tests/manual_clock.hpp"
#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

std::array<std::byte, kHttpRoom> room;

// Answers from a list, and goes on with its last one.
struct ScriptedServer {
  struct Answer {
    std::uint16_t status;
    std::string body = {};
    std::string location = {};
    std::optional<Millis> retry_after = {};
  };
  std::deque<Answer> answers;
  std::vector<std::string> asked;
  bool metadata = false;
  Answer current{};

  Result<HttpResponse> exchange(const Url& url, const HttpMessage& message, Instant,
                                std::span<std::byte, kHttpRoom>) noexcept {
    asked.emplace_back(url.target);
    metadata = message.metadata;
    current = answers.front();
    if (answers.size() > 1) answers.pop_front();
    if (current.status == 0) return fail(Code::io_closed);
    return HttpResponse{{current.status, false, {}, current.retry_after, current.location}, view(current.body)};
  }
};
static_assert(HttpClient<ScriptedServer>);

struct Told {
  std::vector<HttpPause> pauses;
  void operator()(const HttpPause& pause) { pauses.push_back(pause); }
};

struct Scene {
  ScriptedServer server;
  ManualClock clock;
  Told told;
  Millis time = 60000;
  bool patient = true;

  Result<ByteView> get(std::string_view url = "http://h/first") {
    const HttpAsking<Told> asking{false, patient, clock.time + time, told};
    return http_get_patiently(server, clock, *parse_url(url), asking, Backoff(7), room);
  }
};

}  // namespace

TEST_CASE("Patience_Success_IsOneRequest") {
  Scene scene;
  scene.server.answers = {{200, "body"}};
  CHECK(text(*scene.get()) == "body");
  CHECK(scene.server.asked.size() == 1);
  CHECK(scene.clock.slept.empty());
}

TEST_CASE("Patience_FinalStatus_IsNotAskedAgain") {
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{400, 401, 403, 404, 410, 204, 206, 304}) {
    Scene scene;
    scene.server.answers = {{status}};
    const auto got = scene.get();
    CHECK(got.error() == Error{Code::http_status, 0, status});
    CHECK(scene.server.asked.size() == 1);
  }
}

TEST_CASE("Patience_Busy_IsAskedAgainWithBackoff") {
  for (const std::uint16_t status : std::initializer_list<std::uint16_t>{429, 500, 502, 503, 504}) {
    Scene scene;
    scene.server.answers = {{status}, {status}, {status}, {200, "body"}};
    CHECK(text(*scene.get()) == "body");
    REQUIRE(scene.clock.slept.size() == 3);
    for (std::size_t i = 0; i < 3; ++i) {
      const Millis most = Millis{1000} << i;
      CHECK(scene.clock.slept[i] >= most / 2);
      CHECK(scene.clock.slept[i] <= most);
      CHECK(scene.told.pauses[i].status == status);
      CHECK(scene.told.pauses[i].length == scene.clock.slept[i]);
    }
    CHECK(scene.told.pauses[0].left == 60000);
  }
}

TEST_CASE("Patience_RetryAfter_IsKeptExactly") {
  Scene scene;
  scene.server.answers = {{429, {}, {}, Millis{10000}}, {200, "body"}};
  CHECK(scene.get().has_value());
  CHECK(scene.clock.slept == std::vector<Millis>{10000});
}

TEST_CASE("Patience_RetryAfterZero_IsNoReasonToHurry") {
  Scene scene;
  scene.server.answers = {{429, {}, {}, Millis{0}}, {200, "body"}};
  CHECK(scene.get().has_value());
  CHECK(scene.clock.slept[0] >= 500);
}

TEST_CASE("Patience_RetryAfterBeyondTheDeadline_EndsAtOnce") {
  Scene scene;
  scene.server.answers = {{429, {}, {}, Millis{60000}}};
  CHECK(scene.get().error() == Error{Code::http_status, 0, 429});
  CHECK(scene.clock.slept.empty());
}

TEST_CASE("Patience_BusyForEver_EndsBeforeTheDeadlineWithALastTry") {
  Scene scene;
  scene.server.answers = {{503}};
  scene.time = 25000;
  const Instant deadline = scene.clock.time + scene.time;
  CHECK(scene.get().error() == Error{Code::http_status, 0, 503});
  CHECK(scene.clock.time < deadline);
  CHECK(scene.clock.time >= deadline - 1000);
  CHECK(scene.server.asked.size() == scene.clock.slept.size() + 1);
}

TEST_CASE("Patience_Impatient_LeavesItToTheNextSource") {
  Scene scene;
  scene.server.answers = {{503}};
  scene.patient = false;
  CHECK(scene.get().error() == Error{Code::http_status, 0, 503});
  CHECK(scene.clock.slept.empty());
}

TEST_CASE("Patience_GoneOfAMetadataService_IsBusy") {
  Scene scene;
  scene.server.answers = {{410}, {410}, {200, "body"}};
  const HttpAsking<Told> asking{true, true, scene.clock.time + 60000, scene.told};
  const auto got = http_get_patiently(scene.server, scene.clock, *parse_url("http://h/"), asking, Backoff(7), room);
  CHECK(text(*got) == "body");
  CHECK(scene.told.pauses.size() == 2);
}

TEST_CASE("Patience_WhoEndsBusy_SaysForHowLong") {
  for (const bool patient : {true, false}) {
    Scene scene;
    scene.server.answers = {{429, {}, {}, Millis{70000}}};
    std::optional<HttpBusy> busy;
    const HttpAsking<Told> asking{false, patient, scene.clock.time + 60000, scene.told, &busy};
    const auto get = [&] {
      return http_get_patiently(scene.server, scene.clock, *parse_url("http://h/"), asking, Backoff(7), room);
    };
    CHECK_FALSE(get().has_value());
    REQUIRE(busy.has_value());
    CHECK(busy->status == 429);
    CHECK(busy->retry_after == Millis{70000});
    busy.reset();
    scene.server.answers = {{404}};
    CHECK_FALSE(get().has_value());
    CHECK_FALSE(busy.has_value());
  }
}

TEST_CASE("Patience_ConnectionFailure_IsReturned") {
  Scene scene;
  scene.server.answers = {{0}};
  CHECK(scene.get().error().code == Code::io_closed);
  CHECK(scene.server.asked.size() == 1);
}

TEST_CASE("Patience_ConnectionFailure_IsTriedAgainWhereThatIsAskedFor") {
  Scene scene;
  scene.server.answers = {{0}, {0}, {401, "who"}};
  HttpAsking<Told> asking{false, true, scene.clock.time + scene.time, scene.told};
  asking.connects_again = true;
  const auto ask = [&](const HttpMessage& message) {
    return http_ask_patiently(scene.server, scene.clock, *parse_url("http://h/first"), message, asking, Backoff(7), room);
  };
  const auto got = ask({});
  REQUIRE(got.has_value());
  CHECK(got->head.status == 401);
  CHECK(text(got->body) == "who");
  REQUIRE(scene.told.pauses.size() == 2);
  CHECK(scene.told.pauses[0].status == 0);
  scene.server.answers = {{0}};
  CHECK(ask({}).error().code == Code::io_closed);  // before the deadline
  CHECK(scene.clock.time <= asking.deadline);
}

TEST_CASE("Patience_Post_IsNotRedirected") {
  Scene scene;
  scene.server.answers = {{307, {}, "/a"}, {200, "body"}};
  const HttpAsking<Told> asking{false, true, scene.clock.time + scene.time, scene.told};
  const auto got = http_ask_patiently(scene.server, scene.clock, *parse_url("http://h/first"),
                                      {.json = view("{}")}, asking, Backoff(7), room);
  CHECK(got.error() == Error{Code::http_redirect, 0, 307});
  CHECK(scene.server.asked.size() == 1);
}

TEST_CASE("Patience_Redirections_AreFollowedThreeTimes") {
  Scene scene;
  scene.server.answers = {{301, {}, "/a"}, {302, {}, "http://h/b?c"}, {307, {}, "/d"}, {200, "body"}};
  CHECK(text(*scene.get()) == "body");
  CHECK(scene.server.asked == std::vector<std::string>{"/first", "/a", "/b?c", "/d"});
  Scene endless;
  endless.server.answers = {{308, {}, "/a"}};
  CHECK(endless.get().error() == Error{Code::http_redirect, 0, 308});
  CHECK(endless.server.asked.size() == 4);
  Scene away;
  away.server.answers = {{301, {}, "https://h/a"}};
  CHECK(away.get().error() == Error{Code::http_redirect, 0, 301});
  Scene nowhere;
  nowhere.server.answers = {{301}};
  CHECK(nowhere.get().error() == Error{Code::http_status, 0, 301});
}

TEST_CASE("Backoff_Jitter_DiffersBetweenSeedsWithinItsBounds") {
  Backoff one(1);
  Backoff other(2);
  std::size_t equal = 0;
  for (const Millis most : std::initializer_list<Millis>{1000, 2000, 4000, 8000, 16000, 16000, 16000}) {
    const Millis a = one.next();
    const Millis b = other.next();
    CHECK(a >= most / 2);
    CHECK(a <= most);
    equal += a == b ? 1 : 0;
  }
  CHECK(equal <= 1);
}

TEST_CASE("Share_NotTheLast_LeavesTime") {
  CHECK(share_of(1000, 61000, true) == 61000);
  CHECK(share_of(1000, 61000, false) == 6000);
  CHECK(share_of(1000, 5000, false) == 2000);
  CHECK(share_of(5000, 1000, false) == 5000);
}

TEST_CASE("Turns_FirstRound_IsInOrderAndTheLastHasTheRest") {
  Turns turns(3, 61000, 7);
  auto turn = turns.next(1000);
  REQUIRE(turn.has_value());
  CHECK(turn->source == 0);
  CHECK(turn->from == 1000);
  CHECK(turn->until == 6000);
  CHECK_FALSE(turn->patient);
  turns.failed(*turn);
  turn = turns.next(2000);
  CHECK(turn->source == 1);
  CHECK(turn->until == 7000);
  turns.failed(*turn);
  turn = turns.next(3000);
  CHECK(turn->source == 2);
  CHECK(turn->until == 61000);
  CHECK(turn->patient);
  turns.failed(*turn);
  CHECK_FALSE(turns.next(4000).has_value());
}

TEST_CASE("Turns_BusyOne_IsAskedAgainWhenNobodyElseHasIt") {
  Turns turns(2, 61000, 7);
  const auto first = turns.next(1000);
  turns.was_busy(*first, {410, Millis{3000}}, 1000);
  const auto second = turns.next(1500);
  CHECK(second->source == 1);
  CHECK(second->until == 1500 + (61000 - 1500) / 2);  // the busy one is left the other half
  CHECK_FALSE(second->patient);
  turns.failed(*second);
  const auto again = turns.next(2000);
  REQUIRE(again.has_value());
  CHECK(again->source == 0);
  CHECK(again->from == 4000);
  CHECK(again->busy.status == 410);
  CHECK(again->until == 61000);
  CHECK(again->patient);
}

TEST_CASE("Turns_BothBusy_AlternateByWhenTheyMayBeAsked") {
  Turns turns(2, 61000, 7);
  turns.was_busy(*turns.next(1000), {429, Millis{9000}}, 1000);
  turns.was_busy(*turns.next(1000), {503, Millis{2000}}, 1000);
  const auto sooner = turns.next(1000);
  CHECK(sooner->source == 1);
  CHECK(sooner->from == 3000);
  turns.was_busy(*sooner, {503, Millis{30000}}, 3000);
  CHECK(turns.next(3000)->source == 0);
  CHECK(turns.next(3000)->from == 10000);
  CHECK(turns.next(20000)->from == 20000);
}

TEST_CASE("Turns_BusyBeyondTheDeadline_IsNotAskedAgain") {
  Turns turns(1, 11000, 7);
  turns.was_busy(*turns.next(1000), {429, Millis{10000}}, 1000);
  CHECK_FALSE(turns.next(1000).has_value());
}

TEST_CASE("Turns_SilentOne_ComesLastAndOnce") {
  Turns turns(2, 61000, 7);
  turns.was_silent(*turns.next(1000));
  const auto other = turns.next(6000);
  CHECK(other->source == 1);
  CHECK(other->patient);  // whoever is silent takes nothing from it
  turns.failed(*other);
  const auto again = turns.next(7000);
  REQUIRE(again.has_value());
  CHECK(again->source == 0);
  CHECK(again->until == 61000);
  turns.was_silent(*again);
  CHECK_FALSE(turns.next(8000).has_value());
}

TEST_CASE("Turns_Deadline_EndsThem") {
  const Turns turns(2, 61000, 7);
  CHECK(turns.next(60999).has_value());
  CHECK_FALSE(turns.next(61000).has_value());
}

TEST_CASE("Sources_Order_IsCheapestFirst") {
  CHECK(kSources == std::array{SourceName::store, SourceName::platform, SourceName::kds});
}

TEST_CASE("KdsSource_Prefix_StandsBeforeThePath") {
  for (const char* url : {"http://h/mirror", "http://h/mirror/"}) {
    Scene scene;
    scene.server.answers = {{200, "0list"}};
    const HttpAsking<Told> asking{false, true, 60000, scene.told};
    KdsSource source(scene.server, scene.clock, *parse_url(url), asking, Backoff(1), room);
    test::Octets out(100);
    const auto got = source.get({CertificateKind::revocation, Product::milan}, out);
    REQUIRE(got.has_value());
    CHECK(text(got->crl) == "0list");
    CHECK(scene.server.asked == std::vector<std::string>{"/mirror/vcek/v1/Milan/crl"});
    CHECK_FALSE(scene.server.metadata);
    test::Octets small(3);
    CHECK(source.get({CertificateKind::revocation, Product::milan}, small).error().code == Code::wire_overflow);
  }
}

TEST_CASE("Source_AnswerOfAnotherKind_IsRefused") {
  constexpr std::string_view kPage = "<!DOCTYPE html>";
  Scene scene;
  const HttpAsking<Told> asking{false, true, 60000, scene.told};
  KdsSource kds(scene.server, scene.clock, *parse_url("http://h"), asking, Backoff(1), room);
  PlatformSource platform(scene.server, scene.clock, *parse_url("http://h"), asking, Backoff(1), room);
  test::Octets out(100);
  for (const auto kind : {CertificateKind::issuers, CertificateKind::endorsement, CertificateKind::revocation}) {
    for (const std::string_view answer : {kPage, std::string_view()}) {
      scene.server.answers = {{200, std::string(answer)}};
      CHECK(kds.get({kind, Product::milan}, out).error().code == Code::fetch_content);
      CHECK(platform.get({kind, Product::milan}, out).error().code == Code::fetch_content);
    }
  }
}

TEST_CASE("PlatformSource_OtherTcb_IsRefused") {
  const auto pem = [](const std::string& file) {
    std::string out(text(*read_file(SNPNV_SOURCE_DIR "/tests/pki/milan/" + file)));
    for (std::size_t at = 0; (at = out.find('\n', at)) != std::string::npos; at += 2) out.replace(at, 1, "\\n");
    return out;
  };
  Scene scene;
  scene.server.answers = {{200, R"({"vcekCert":")" + pem("vcek.pem") + R"(","tcbm":"db18000000000003","certificateChain":")" +
                                    pem("ask.pem") + pem("ark.pem") + "\"}"}};
  const HttpAsking<Told> asking{false, true, 60000, scene.told};
  PlatformSource source(scene.server, scene.clock, *parse_url("http://169.254.169.254"), asking, Backoff(1), room);
  test::Octets out(1 << 16);
  CertificateRequest request{CertificateKind::endorsement, Product::milan};
  REQUIRE(decode_hex("03000000000018db", request.tcb.octets).has_value());
  const auto got = source.get(request, out);
  REQUIRE(got.has_value());
  CHECK_FALSE(got->vek.empty());
  CHECK(scene.server.metadata);
  CHECK(scene.server.asked == std::vector<std::string>{"/metadata/THIM/amd/certification"});
  request.tcb.octets[6] = std::byte{0x19};
  CHECK(source.get(request, out).error().code == Code::fetch_tcb);
  CHECK(source.get({CertificateKind::issuers, Product::milan}, out).has_value());
}
