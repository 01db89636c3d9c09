// SPDX-License-Identifier: Apache-2.0
#include "broker_service.hpp"

#include <ctime>

#include "encode.hpp"
#include "snpnv/broker/jwe.hpp"
#include "snpnv/mbedtls/broker_crypto.hpp"
#include "snpnv/verify/evidence.hpp"
#include "transports/monotonic_clock.hpp"

namespace snpnv::paravisor {
namespace {

constexpr std::string_view kBase = "/kbs/v0/";

std::string error_body(std::string_view name, std::string_view detail) {
  return written(4096, [&](ByteWriter& out) {
    JsonWriter json(out);
    json.begin_object();
    json.key("type");
    json.string("https://github.com/confidential-containers/kbs/errors/" + std::string(name));
    json.key("detail");
    json.string(detail);
    json.end_object();
  });
}

// AES key wrap. RFC 3394, "Key Wrap".
bool wrap_key(ByteView kek, ByteView key, std::span<std::byte, 40> out) {
  mbedtls_aes_context aes;
  mbedtls_aes_init(&aes);
  int status = mbedtls_aes_setkey_enc(&aes, raw(kek.data()), 256);
  std::array<std::byte, 16> block;
  std::ranges::fill(MutBytes(block).first(8), std::byte{0xA6});
  copy_to(MutBytes(out).subspan(8), key);
  for (std::size_t step = 1; step <= 24 && status == 0; ++step) {
    const MutBytes half = MutBytes(out).subspan(8 + (step - 1) % 4 * 8, 8);
    copy_to(MutBytes(block).subspan(8), half);
    status = mbedtls_aes_crypt_ecb(&aes, MBEDTLS_AES_ENCRYPT, raw(block.data()), raw(block.data()));
    block[7] ^= static_cast<std::byte>(step);
    copy_to(half, ByteView(block).subspan(8));
  }
  copy_to(out, ByteView(block).first(8));
  mbedtls_aes_free(&aes);
  return status == 0;
}

// The secret as the broker sends it, or with a fault. Empty: cryptography failed.
std::string encrypted(const P256Point& guest, ByteView secret, const Faults& faults) {
  MbedBrokerCrypto crypto;
  SecretKey agreed;
  SecretKey kek;
  const auto made = crypto.make_key();
  P256Point to = guest;
  if (faults.kbs_other_key.on) {  // of nobody
    MbedBrokerCrypto stranger;
    if (const auto other = stranger.make_key()) to = *other;
  }
  if (!made || !crypto.agree(to, agreed.octets()) ||
      !concat_kdf(crypto, kbs::kKeyAgreement, {}, {}, agreed.octets(), 256, kek.octets()))
    return {};
  P256Point epk = *made;
  if (faults.kbs_off_curve.on) epk.back() ^= std::byte{1};
  std::string header = written(512, [&](ByteWriter& out) { write_jwe_header(out, epk); });
  if (faults.kbs_other_algorithm.on)
    header = R"({"alg":"RSA-OAEP-256","enc":"A256GCM","epk":{}})";
  const std::string protected_text = base64url(octets_of(header));
  const std::string cek = random_octets(kSecretKeySize);
  const std::string iv = random_octets(12);
  std::array<std::byte, 40> wrapped{};
  std::array<std::byte, 16> tag{};
  std::vector<std::byte> ciphertext(secret.size());
  mbedtls_gcm_context gcm;
  mbedtls_gcm_init(&gcm);
  const bool done = wrap_key(kek.octets(), octets_of(cek), wrapped) &&
                    mbedtls_gcm_setkey(&gcm, MBEDTLS_CIPHER_ID_AES, raw(octets_of(cek).data()), 256) == 0 &&
                    mbedtls_gcm_crypt_and_tag(&gcm, MBEDTLS_GCM_ENCRYPT, secret.size(), raw(octets_of(iv).data()), 12,
                                              raw(octets_of(protected_text).data()), protected_text.size(),
                                              raw(secret.data()), raw(ciphertext.data()), 16, raw(tag.data())) == 0;
  mbedtls_gcm_free(&gcm);
  if (!done) return {};
  if (faults.kbs_wrong_tag.on) tag[0] ^= std::byte{1};
  return written(secret.size() * 2 + 4096, [&](ByteWriter& out) {
    write_kbs_secret(out, protected_text, wrapped, octets_of(iv), ciphertext, tag);
  });
}

}  // namespace

Result<std::shared_ptr<BrokerService>> BrokerService::make(const TestPki& pki, const Options& options,
                                                           BrokerSettings settings, const std::string& log) {
  SNPNV_TRY(RequestLog opened, RequestLog::open(log));
  std::shared_ptr<BrokerService> service(new BrokerService(options, std::move(settings), std::move(opened)));
  SNPNV_TRY(service->ark_, der_of_pem(pki.ark));
  SNPNV_TRY(service->ask_, der_of_pem(pki.ask));
  return service;
}

void BrokerService::serve(Connection& client) {
  const auto request = receive_request(client);
  if (!request) return;
  const Faults& faults = options_.faults;
  if (faults.kbs_silence.on) return say_nothing(client);
  const std::string line = request->line();
  const std::string cookie = request->field("cookie");
  const std::string session = cookie.substr(cookie.find('=') + 1);
  const std::string resource = "GET " + std::string(kBase) + "resource/";
  HttpAnswer answer{404, error_body("InvalidRequestPath", "Request path is invalid")};
  {
    const std::lock_guard lock(mutex_);
    if (busy_.meets(faults.kbs_503, MonotonicClock().now())) answer = {503, "busy\n"};
    else if (line == "POST " + std::string(kBase) + "auth") answer = begin();
    else if (line == "POST " + std::string(kBase) + "attest") answer = attest(session, request->body);
    else if (line.starts_with(resource)) answer = release(session, std::string_view(line).substr(resource.size()));
  }
  log_.note(line, answer.status);
  faults.kbs_endless.on ? send_endless(client, answer) : send_answer(client, answer);
}

HttpAnswer BrokerService::begin() {
  if (options_.faults.kbs_auth_fails.on)
    return {401, error_body("AttestationError", "Attestation error: RCAR handshake Auth failed")};
  const std::string nonce = base64(octets_of(random_octets(32)));
  const std::string id = base64url(octets_of(random_octets(16)));
  Session& session = sessions_[id];
  session.nonce = nonce;
  if (options_.faults.kbs_wrong_nonce.on) session.nonce[0] = nonce[0] == 'A' ? 'B' : 'A';
  HttpAnswer out{200, R"({"nonce":")" + nonce + R"(","extra-params":""})"};
  if (!options_.faults.kbs_no_session.on)
    out.fields = "Set-Cookie: kbs-session-id=" + id + "; Path=/; Secure; HttpOnly\r\n";
  return out;
}

HttpAnswer BrokerService::attest(const std::string& id, std::string_view body) {
  const auto refused = [](const std::string& why) {
    return HttpAnswer{401, error_body("AttestationError", "Attestation error: RCAR handshake Attest failed: " + why)};
  };
  const auto session = sessions_.find(id);
  if (session == sessions_.end()) return refused("No cookie found");
  const auto attestation = KbsAttestation::parse(octets_of(body));
  if (!attestation) return refused("deserialize Attestation: " + std::string(name(attestation.error().code)));
  if (!(attestation->nonce == std::string_view(session->second.nonce)))
    return refused("the nonce in the handshake session is different from the client side");
  if (const std::string why = why_refused(*attestation, session->second.nonce); !why.empty()) return refused(why);
  session->second.key = attestation->key;
  session->second.attested = true;
  return {200, R"({"token":"e30.e30.AA"})"};
}

std::string BrokerService::why_refused(const KbsAttestation& attestation, std::string_view nonce) const {
  MbedCrypto crypto;
  const std::string runtime_data =
      written(512, [&](ByteWriter& out) { write_runtime_data(out, nonce, attestation.key); });
  const auto digest = crypto.digest(Hash::sha384, octets_of(runtime_data));
  if (!digest) return "digest";
  const std::array issuers{Issuer{octets_of(ark_), octets_of(ask_)}};
  const std::array roots{octets_of(ark_)};
  std::vector<std::byte> event_log(attestation.evidence.size());
  const auto room = std::make_unique<EvidenceRoom>();
  room->event_log = event_log;
  const auto verdict = std::make_unique<Verdict>();
  if (verify_evidence(crypto, attestation.evidence, Challenge(digest->view()), CertificatePool{issuers, roots},
                      settings_.policy, std::time(nullptr), *room, *verdict))
    return {};
  if (const auto check = verdict->first_failure()) return std::string(row(*check).name);
  return verdict->error ? std::string(name(verdict->error->code)) : "not verified";
}

HttpAnswer BrokerService::release(const std::string& id, std::string_view resource) {
  const Faults& faults = options_.faults;
  const auto session = sessions_.find(id);
  const bool ended = expired_.meets(faults.kbs_expired, MonotonicClock().now());
  if (ended) sessions_.erase(id);
  if (ended || session == sessions_.end() || !session->second.attested)
    return {401, error_body("TokenNotFound", "Attestation Token not found")};
  if (faults.kbs_policy_deny.on) return {401, error_body("PolicyDeny", "Access denied by policy")};
  const auto found = settings_.resources.find(std::string(resource));
  if (found == settings_.resources.end()) return {401, error_body("PluginInternalError", "Plugin internal error")};
  return {200, encrypted(session->second.key, found->second, faults)};
}

}  // namespace snpnv::paravisor
