// SPDX-License-Identifier: Apache-2.0
// Uses the whole library with a transport, a clock and cryptography that do nothing.
#include "snpnv/snpnv.hpp"

using namespace snpnv;

namespace {
struct Nowhere {
  Result<ByteView> transact(ByteView, MutBytes) noexcept { return fail(Code::io_closed); }
};
struct Stopped {
  Instant now() noexcept { return 0; }
  void sleep(Millis) noexcept {}
};
struct NoNetwork {
  Result<HttpResponse> exchange(const Url&, const HttpMessage&, Instant, std::span<std::byte, kHttpRoom>) noexcept {
    return fail(Code::io_closed);
  }
  Result<std::size_t> read_some(MutBytes) noexcept { return std::size_t{0}; }
  Result<void> write_all(ByteView) noexcept { return {}; }
};
struct NobodyTold {
  void operator()(const HttpPause&) const noexcept {}
};
struct NoCrypto {
  Result<Digest> digest(Hash, ByteView) noexcept { return fail(Code::crypto_failed); }
  Result<void> verify_ecdsa_p384(ByteView, const Digest&, const EcdsaP384Signature&) noexcept { return {}; }
  Result<void> verify_rsa_pss(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept { return {}; }
  Result<void> verify_rsa_pkcs1(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept { return {}; }
  Result<Certificate> parse_certificate(ByteView der) noexcept { return Certificate::parse(der); }
  Result<P256Point> make_key() noexcept { return P256Point{}; }
  Result<P256Point> use_key(ByteView) noexcept { return P256Point{}; }
  Result<void> agree(const P256Point&, std::span<std::byte, kSecretKeySize>) noexcept { return {}; }
  Result<void> unwrap_key(ByteView, ByteView, std::span<std::byte, kSecretKeySize>) noexcept { return {}; }
  Result<void> decrypt(ByteView, ByteView, ByteView, MutBytes, ByteView) noexcept { return {}; }
};
struct NoEvidence {
  Result<ByteView> evidence(ByteView nonce, MutBytes) noexcept { return nonce; }
};
}  // namespace

extern "C" bool use_broker(const std::byte* in, std::size_t size, std::byte* out, std::size_t room) {
  if (room < kHttpRoom + kKbsRoom) return false;
  const auto url = parse_url(text_of(ByteView(in, size)));
  if (!url) return false;
  const MutBytes buffer(out, room);
  NoNetwork network;
  Stopped clock;
  NoCrypto crypto;
  NoEvidence evidence;
  NobodyTold told;
  KbsExchange exchange(network, clock, crypto, evidence, *url, HttpAsking<NobodyTold>{false, true, 1, told}, 1,
                       buffer.first<kHttpRoom>(), buffer.subspan<kHttpRoom, kKbsRoom>());
  const auto report = ATTESTATION_REPORT::parse(ByteView(in, size));
  if (!report) return false;
  const RuntimeClaims claims{};
  return exchange.get("a/b/c", buffer.subspan(kHttpRoom + kKbsRoom)).has_value() &&
         verify_maa_token(crypto, text_of(ByteView(in, size)), ByteView(in, size), {"x", *report, claims}, 1, buffer)
             .has_value();
}

extern "C" bool use_fetch(const std::byte* in, std::size_t size, std::byte* out, std::size_t room) {
  if (room < kHttpRoom) return false;
  const ByteView octets(in, size);
  const MutBytes buffer(out, room);
  const auto http_room = buffer.first<kHttpRoom>();
  NoNetwork network;
  Stopped clock;
  NoCrypto crypto;
  NobodyTold told;
  const HttpAsking<NobodyTold> asking{false, true, 1, told};
  const auto report = ATTESTATION_REPORT::parse(octets);
  const auto url = parse_url(text_of(octets));
  if (!report || !url) return false;
  const CertificateRequest request{CertificateKind::endorsement, Product::turin, SIGNING_KEY::VCEK,
                                   (*report)[ATTESTATION_REPORT::CHIP_ID], (*report)[ATTESTATION_REPORT::REPORTED_TCB]};
  ByteWriter path(buffer);
  write_store_path(path, request);
  write_store_fallback(path, request);
  const auto response = http_exchange(network, {url->host, url->target}, http_room);
  const auto from_kds = KdsSource(network, clock, *url, asking, Backoff(1), http_room).get(request, buffer);
  const auto from_platform = PlatformSource(network, clock, *url, asking, Backoff(1), http_room).get(request, buffer);
  if (!from_kds || !from_platform || !response) return false;
  const auto accepted = accept(crypto, request, *from_kds, *report, Trust{}, 1);
  return accepted && *accepted && path.ok();
}

extern "C" bool use_evidence(const std::byte* in, std::size_t size, EvidenceRoom* room, Verdict* verdict) {
  const ByteView octets(in, size);
  NoCrypto crypto;
  Policy policy;
  const std::array issuers{Issuer{octets, octets}};
  const std::array roots{octets};
  return expect_init_data(crypto, octets, policy) &&
         verify_evidence(crypto, octets, Challenge(octets), CertificatePool{issuers, roots, octets}, policy,
                         kEarliestTime, *room, *verdict);
}

extern "C" bool use_everything(const std::byte* in, std::size_t size, std::byte* out, std::size_t room, ChainCheck& checked) {
  const ByteView octets(in, size);
  const MutBytes buffer(out, room);
  Nowhere nowhere;
  Stopped clock;
  NoCrypto crypto;
  Tpm tpm(nowhere, clock, 1);
  ReportCollector collector(tpm, crypto, buffer);
  const auto fresh = collector.fresh_report(UserData{});
  const auto boot = collector.boot_report();
  const auto report = ATTESTATION_REPORT::parse(octets);
  const auto envelope = HclReport::parse(octets);
  const auto claims = RuntimeClaims::parse(octets);
  const auto quote = unmarshal_response(Quote{}, octets);
  const auto pcrs = unmarshal_response(PCR_Read{}, octets);
  const auto key = unmarshal_response(ReadPublic{}, octets);
  const auto list = unmarshal_response(GetCapability{}, octets);
  const auto random = unmarshal_response(GetRandom{}, octets);
  const auto command = unmarshal_command<NV_DefineSpace>(octets);
  const auto answer = marshal_response(Startup::Response{}, TPM_ST::NO_SESSIONS, 0, buffer);
  static Policy policy;
  const auto read = parse_policy(octets, policy);
  const auto certificate = PemReader(octets, "CERTIFICATE").next(buffer);
  const auto time = parse_rfc3339("2024-01-01T00:00:00Z");
  if (!read || !certificate || !*certificate || !time) return false;
  const auto judged = verify(crypto, {octets, octets, **certificate, octets}, Trust{},
                             {octets, octets, Hash::sha256, UserData{}}, policy, *time, CheckScope::all, checked);
  ByteWriter writer(buffer);
  write_error(writer, words_of("octets", fresh.error(), buffer));
  write_verdict(writer, checked.verdict);
  JsonWriter json(writer);
  json.begin_object();
  write_verdict(json, checked.verdict);
  json.key("data");
  json.hex(octets);
  json.end_object();
  return fresh && boot && report && products(*report) && envelope && claims && quote && pcrs && key && list &&
         random && command && answer && judged && checked.verdict.verified() && writer.finish() && name(fresh.error().code).size() != 0;
}
