// SPDX-License-Identifier: Apache-2.0
// The exchange with Trustee's key broker, protocol 0.4.0: challenge, evidence, attestation, secret.
#pragma once

#include "snpnv/broker/jwe.hpp"
#include "snpnv/fetch/retry.hpp"

namespace snpnv {

/// Gives evidence that carries `nonce`, the digest that binds it to a challenge and a key; JSON, to the front of
/// the room. Whatever it fails with ends the exchange.
template <class E>
concept EvidenceSource = requires(E& source, ByteView nonce, MutBytes room) {
  { source.evidence(nonce, room) } noexcept -> std::same_as<Result<ByteView>>;
};

/// What the broker is asked for, in order.
enum class KbsStep : std::uint8_t { challenge, attestation, secret };

/// What was refused, and by whom: an error of the broker, or of something before it that has no name for it.
struct KbsRefusal {
  KbsStep step{};
  std::uint16_t status = 0;
  std::optional<KbsError> error;  // its detail borrows the room of the exchange
};

/// Evidence of a machine is not larger, its event log included.
inline constexpr std::size_t kMaxEvidence = std::size_t{1} << 20;
/// For evidence and the request that carries it; and for init data, where there are such.
inline constexpr std::size_t kKbsRoom = 4 * kMaxEvidence;

/// One exchange. Borrows all that it is given; `url` is the broker's, to which the protocol's paths are added.
template <HttpClient H, Clock C, BrokerCrypto Y, EvidenceSource E, class T>
class KbsExchange {
 public:
  KbsExchange(H& http, C& clock, Y& crypto, E& evidence, const Url& url, HttpAsking<T> asking, std::uint64_t seed,
              std::span<std::byte, kHttpRoom> http_room, std::span<std::byte, kKbsRoom> room)
      : http_(http), clock_(clock), crypto_(crypto), evidence_(evidence), url_(url), asking_(asking), seed_(seed),
        http_room_(http_room), room_(room) {}

  /// Tells the broker what the guest was started with.
  void send_init_data(const KbsInitData& init_data) { init_data_ = init_data; }

  /// Gets a secret to the front of `out`, where its ciphertext must fit. A session that the broker says has ended
  /// is begun anew, once.
  /// @returns the secret | broker_refused - detail: HTTP status; refusal() says more | broker_session
  ///   | what the source of evidence, http_ask_patiently(), decrypt_secret() and the parsers in wire/kbs.hpp return.
  [[nodiscard]] Result<MutBytes> get(std::string_view resource, MutBytes out) noexcept {
    const StackWipe wiped_at_the_end;
    Result<MutBytes> secret = attempt(resource, out);
    if (!secret && session_has_ended(secret.error())) secret = attempt(resource, out);
    return secret;
  }
  [[nodiscard]] const KbsRefusal& refusal() const { return refusal_; }

 private:
  static constexpr std::size_t kMostCookie = 1024;

  // At the attestation a broker has one name for evidence that it refuses and for sessions that have ended.
  [[nodiscard]] bool session_has_ended(const Error& error) const {
    if (error.code != Code::broker_refused || refusal_.step != KbsStep::secret || refusal_.status != 401 ||
        !refusal_.error)
      return false;
    const std::string_view name = refusal_.error->name();
    return name == "TokenNotFound" || name == "TokenVerifierError";
  }

  // In a frame of its own, which get() overwrites.
  [[gnu::noinline]] Result<MutBytes> attempt(std::string_view resource, MutBytes out) noexcept {
    refusal_ = {};  // what an earlier one says has been overwritten
    std::array<std::byte, kMostCookie> cookie_room;
    SNPNV_TRY(const KbsChallenge& challenge, begin(cookie_room));
    SNPNV_TRY(const P256Point& key, crypto_.make_key());
    ByteWriter runtime_data(room_);
    write_runtime_data(runtime_data, challenge.nonce(), key);
    SNPNV_TRY(const ByteView& bound, runtime_data.finish());
    SNPNV_TRY(const Digest& nonce, crypto_.digest(challenge.hash, bound));
    SNPNV_TRY(const ByteView& evidence, evidence_.evidence(nonce.view(), room_.first(kMaxEvidence)));
    ByteWriter attestation(room_.subspan(kMaxEvidence));
    write_kbs_attestation(attestation, challenge.nonce(), key, evidence, init_data_);
    SNPNV_TRY(const ByteView& body, attestation.finish());
    SNPNV_TRY(const HttpResponse& attested, ask(KbsStep::attestation, "attest", body));
    SNPNV_CHECK(parse_token(attested.body));
    std::array<std::byte, 1024> path;
    ByteWriter target(path);
    target.text("resource/");
    target.text(resource);
    SNPNV_TRY(const ByteView& written, target.finish());
    SNPNV_TRY(const HttpResponse& response, ask(KbsStep::secret, text_of(written), std::nullopt));
    SNPNV_TRY(const KbsSecret& secret, KbsSecret::parse(response.body));
    return decrypt_secret(crypto_, secret, out);
  }

  Result<KbsChallenge> begin(MutBytes cookie_room) noexcept {
    cookie_ = {};
    std::array<std::byte, 256> request_room;
    ByteWriter request(request_room);
    write_kbs_request(request);
    SNPNV_TRY(const ByteView& body, request.finish());
    SNPNV_TRY(const HttpResponse& response, ask(KbsStep::challenge, "auth", body));
    SNPNV_TRY(const KbsChallenge& challenge, KbsChallenge::parse(response.body));
    SNPNV_TRY(const std::string_view& session, set_cookie(response.head, kbs::kSessionCookie));
    if (session.empty()) return fail(Code::broker_session);
    ByteWriter cookie(cookie_room);
    cookie.text(kbs::kSessionCookie);
    cookie.text("=");
    cookie.text(session);
    SNPNV_TRY(const ByteView& text, cookie.finish());
    cookie_ = text_of(text);
    return challenge;
  }

  Result<HttpResponse> ask(KbsStep step, std::string_view path, std::optional<ByteView> body) noexcept {
    std::array<std::byte, Url::kMaxSize> target_room;
    ByteWriter target(target_room);
    target.text(without_slash(url_.target));
    target.text("/kbs/v0/");
    target.text(path);
    SNPNV_TRY(const ByteView& written, target.finish());
    Url url = url_;
    url.target = text_of(written);
    const HttpMessage message{.json = body, .cookie = cookie_, .bodies = HttpBodies::all};
    SNPNV_TRY(const HttpResponse& response,
              http_ask_patiently(http_, clock_, url, message, asking_, Backoff(seed_++), http_room_));
    if (response.head.status == kHttpOk) return response;
    refusal_ = {step, response.head.status, std::nullopt};
    if (const auto error = KbsError::parse(response.body)) refusal_.error = *error;
    return fail(Code::broker_refused, 0, response.head.status);
  }

  H& http_;
  C& clock_;
  Y& crypto_;
  E& evidence_;
  Url url_;
  HttpAsking<T> asking_;
  std::uint64_t seed_;
  std::span<std::byte, kHttpRoom> http_room_;
  MutBytes room_;
  std::optional<KbsInitData> init_data_;
  std::string_view cookie_;  // in the frame of attempt()
  KbsRefusal refusal_;
};

}  // namespace snpnv
