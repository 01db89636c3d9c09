// SPDX-License-Identifier: Apache-2.0
#include "maa_service.hpp"

#include <ctime>

#include "encode.hpp"
#include "snpnv/broker/maa.hpp"
#include "snpnv/verify/certificate_pool.hpp"
#include "snpnv/verify/verify.hpp"
#include "transports/monotonic_clock.hpp"

namespace snpnv::paravisor {
namespace {

constexpr std::string_view kKid = "test attestation";

HttpAnswer refused(std::string_view why) {
  return {400, written(1024, [&](ByteWriter& out) {
            JsonWriter json(out);
            json.begin_object();
            json.key("error");
            json.begin_object();
            json.key("code");
            json.string("InvalidParameter");
            json.key("message");
            json.string(why);
            json.end_object();
            json.end_object();
          })};
}

}  // namespace

Result<std::shared_ptr<MaaService>> MaaService::make(const TestPki& pki, const Options& options,
                                                     const std::string& log) {
  SNPNV_TRY(RequestLog opened, RequestLog::open(log));
  std::shared_ptr<MaaService> service(new MaaService(options, std::move(opened)));
  SNPNV_TRY(service->ark_, der_of_pem(pki.ark));
  SNPNV_TRY(service->ask_, der_of_pem(pki.ask));
  SNPNV_TRY(service->certificate_, der_of_pem(kAttestation));
  if (const int status = parse_key(service->key_, kAttestationKey); status != 0) return mbed_failure(status);
  return service;
}

void MaaService::serve(Connection& client) {
  const auto request = receive_request(client);
  if (!request) return;
  const Faults& faults = options_.faults;
  if (faults.maa_silence.on) return say_nothing(client);
  const std::string line = request->line();
  const std::string issuer = "https://" + request->field("host");
  HttpAnswer answer{404, "{}"};
  {
    const std::lock_guard lock(mutex_);
    if (busy_.meets(faults.maa_429, MonotonicClock().now())) answer = {429, "{}", "Retry-After: 1\r\n"};
    else if (line == "POST " + std::string(kMaaTarget)) answer = attest(issuer, octets_of(request->body));
    else if (line == "GET " + std::string(kMaaKeys)) answer = keys();
  }
  log_.note(line, answer.status);
  faults.maa_endless.on ? send_endless(client, answer) : send_answer(client, answer);
}

HttpAnswer MaaService::keys() const {
  const bool others = options_.faults.maa_other_key.on;
  return {200, R"({"keys":[{"kty":"RSA","kid":")" + std::string(others ? "another" : kKid) + R"(","x5c":[")" +
                   base64(octets_of(certificate_)) + R"("]}]})"};
}

HttpAnswer MaaService::attest(const std::string& issuer, ByteView body) {
  if (options_.faults.maa_refuses.on) return refused("the report is not acceptable");
  std::vector<std::byte> room(2 * body.size());
  const auto evidence = MaaEvidence::parse(body, room);
  if (!evidence) return refused(name(evidence.error().code));
  if (const std::string why = why_refused(*evidence); !why.empty()) return refused(why);
  const auto signed_token = token(issuer, *evidence);
  if (!signed_token) return refused(name(signed_token.error().code));
  return {200, R"({"token":")" + *signed_token + R"("})"};
}

std::string MaaService::why_refused(const MaaEvidence& evidence) const {
  MbedCrypto crypto;
  const std::array issuers{Issuer{octets_of(ark_), octets_of(ask_)}};
  const std::array roots{octets_of(ark_)};
  const auto chain = std::make_unique<ChainCheck>();
  const auto verdict = std::make_unique<Verdict>();
  const auto judge = [&]() -> Result<void> {
    SNPNV_TRY(const std::string vcek, der_of_pem(text_of(evidence.chain_pem)));
    SNPNV_CHECK(verify_chain(crypto, CertificatePool{issuers, roots}, octets_of(vcek), std::time(nullptr), *chain));
    *verdict = chain->verdict;
    if (!chain->chain) return {};
    return verify_report(crypto, *chain->chain, Evidence{evidence.report, evidence.claims, Hash::sha256}, Policy{},
                         std::time(nullptr), CheckScope::all, *verdict);
  };
  if (const auto judged = judge(); !judged) return std::string(name(judged.error().code));
  if (const auto check = verdict->first_failure()) return std::string(row(*check).name);
  return verdict->verified() ? std::string() : "not verified";
}

Result<std::string> MaaService::token(const std::string& issuer, const MaaEvidence& evidence) {
  using R = ATTESTATION_REPORT;
  const Faults& faults = options_.faults;
  SNPNV_TRY(const R report, R::parse(evidence.report));
  std::string runtime(text_of(evidence.claims));
  if (const std::size_t at = runtime.find(R"("user-data":")"); faults.maa_wrong_claims.on && at != std::string::npos)
    runtime[at + 13] = runtime[at + 13] == '0' ? '1' : '0';
  const auto now = static_cast<std::uint64_t>(std::time(nullptr));
  constexpr std::uint64_t kHour = 3600;
  const std::string payload = written(runtime.size() + 4096, [&](ByteWriter& out) {
    JsonWriter json(out);
    json.begin_object();
    const auto member = [&](MaaClaim claim) { json.key(name(claim)); };
    member(MaaClaim::issuer);
    json.string(issuer);
    member(MaaClaim::not_before);
    json.number(now - (faults.maa_expired.on ? 2 * kHour : 0));
    member(MaaClaim::expires);
    json.number(faults.maa_expired.on ? now - kHour : now + kHour);
    member(MaaClaim::type);
    json.string("sevsnpvm");
    member(MaaClaim::compliance);
    json.string(faults.maa_not_compliant.on ? "none" : "azure-compliant-cvm");
    member(MaaClaim::report_data);
    json.hex(report[R::REPORT_DATA]);
    member(MaaClaim::measurement);
    json.hex(report[R::MEASUREMENT]);
    member(MaaClaim::debuggable);
    json.boolean(report[R::POLICY][GuestPolicy::DEBUG] != 0);
    member(MaaClaim::vmpl);
    json.number(report[R::VMPL]);
    json.key("x-ms-runtime");
    json.document(octets_of(runtime));
    json.end_object();
  });
  const std::string header = R"({"alg":")" + std::string(faults.maa_other_algorithm.on ? "none" : "RS256") +
                             R"(","kid":")" + std::string(kKid) + R"(","typ":"JWT"})";
  const std::string both = base64url(octets_of(header)) + "." + base64url(octets_of(payload));
  MbedCrypto crypto;
  SNPNV_TRY(const Digest digest, crypto.digest(Hash::sha256, octets_of(both)));
  SNPNV_TRY(Bytes signature, sign_digest(key_, MBEDTLS_MD_SHA256, digest));
  if (faults.maa_bad_signature.on) signature[0] ^= std::byte{1};
  return both + "." + base64url(signature);
}

}  // namespace snpnv::paravisor
