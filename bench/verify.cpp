// SPDX-License-Identifier: Apache-2.0
// What parsing and verification cost in this process, beside OpenSSL's libcrypto, Mbed TLS and Nettle doing the
// same steps. The chain and the report are a scene of tests/verify; evidence with a quote is
// $SNPNV_BENCH/evidence, and an envelope with claims $SNPNV_BENCH/envelope.
#include <benchmark/benchmark.h>
#include <mbedtls/ecdsa.h>
#include <mbedtls/pk.h>

#include <atomic>
#include <fstream>
#include <iterator>

#include "snpnv/core/pem.hpp"
#include "snpnv/nettle/crypto.hpp"
#include "snpnv/openssl/crypto.hpp"
#include "snpnv/wire/evidence.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "tests/verify/scene.hpp"

// Every allocation of this process, whoever asks for it.
static std::atomic<std::uint64_t> allocations;
extern "C" void* __libc_malloc(std::size_t size) noexcept;
extern "C" void* malloc(std::size_t size) noexcept {
  ++allocations;
  return __libc_malloc(size);
}

namespace {

using namespace scene;

Bytes input(const char* name) {
  const char* const folder = std::getenv("SNPNV_BENCH");
  must(folder != nullptr, "SNPNV_BENCH");
  std::ifstream file(std::string(folder) + "/" + name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  must(!text.empty(), name);
  const ByteView in = octets(text);
  return {in.begin(), in.end()};
}

Scene& made() {
  static Scene scene = [] {
    Scene out;
    out.make();
    return out;
  }();
  return scene;
}

template <Crypto C>
VerifiedChain chain_of(C& crypto, const CertificateChain& chain, const Trust& trust) {
  const auto checked = verify_chain(crypto, chain, trust, made().time);
  must(checked && checked->chain, "verify_chain");
  return *checked->chain;
}

// A provider whose signature checks cost nothing: leaves what all other checks cost.
class Digests {
 public:
  Result<Digest> digest(Hash hash, ByteView data) noexcept { return library_.digest(hash, data); }
  Result<void> verify_ecdsa_p384(ByteView, const Digest&, const EcdsaP384Signature&) noexcept {
    return {};
  }
  Result<void> verify_rsa_pss(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept {
    return {};
  }
  Result<void> verify_rsa_pkcs1(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept {
    return {};
  }
  Result<Certificate> parse_certificate(ByteView der) noexcept {
    return library_.parse_certificate(der);
  }

 private:
  MbedCrypto library_;
};

// ---- parsers

void parse_envelope(benchmark::State& state) {
  const Bytes content = input("envelope");
  const std::uint64_t before = allocations;
  for (auto _ : state) {
    const auto envelope = HclReport::parse(content);
    const auto report = ATTESTATION_REPORT::parse(*envelope->snp_report());
    const auto claims = RuntimeClaims::parse(envelope->claims);
    must(report && claims, "parse");
    benchmark::DoNotOptimize(claims->user_data_octets);
  }
  // The loop itself asks for none; state.KeepRunning of the library may.
  state.counters["allocations"] =
      benchmark::Counter(static_cast<double>(allocations - before) / static_cast<double>(state.iterations()));
}
void parse_certificate_snpnv(benchmark::State& state) {
  const std::uint64_t before = allocations;
  for (auto _ : state) must(Certificate::parse(made().vek_der).has_value(), "parse");
  state.counters["allocations"] =
      benchmark::Counter(static_cast<double>(allocations - before) / static_cast<double>(state.iterations()));
}
template <class C>
void parse_certificate(benchmark::State& state) {
  C crypto;
  for (auto _ : state) must(crypto.parse_certificate(made().vek_der).has_value(), "parse");
}
Cert parse(const Bytes& der) {
  const unsigned char* at = raw(der);
  return Cert(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
}
void parse_certificate_by_libcrypto(benchmark::State& state) {
  for (auto _ : state) must(parse(made().vek_der) != nullptr, "d2i_X509");
}

// ---- steps

template <class C>
void step_digest(benchmark::State& state) {
  C crypto;
  for (auto _ : state)
    must(crypto.digest(Hash::sha384, ByteView(made().report).first(ATTESTATION_REPORT::kSignedSize)).has_value(),
         "digest");
}
template <class C>
void step_rsa(benchmark::State& state) {
  C crypto;
  const Certificate ark = *Certificate::parse(made().ark_der);
  const Digest digest = *crypto.digest(Hash::sha384, ark.signed_octets.tbs);
  for (auto _ : state)
    must(crypto.verify_rsa_pss(ark.key.rsa, Hash::sha384, digest, ark.signed_octets.signature).has_value(),
         "verify_rsa_pss");
}

struct EcdsaInput {
  Certificate vek = *Certificate::parse(made().vek_der);
  Digest digest;
  EcdsaP384Signature signature{};
  EcdsaInput() {
    const ByteView report(made().report);
    digest = *MbedCrypto().digest(Hash::sha384, report.first(ATTESTATION_REPORT::kSignedSize));
    const MutBytes numbers(signature);
    std::ranges::reverse_copy(report.subspan(0x2A0, 48), numbers.begin());
    std::ranges::reverse_copy(report.subspan(0x2E8, 48), numbers.subspan(48).begin());
  }
};
template <class C>
void step_ecdsa(benchmark::State& state) {
  const EcdsaInput in;
  C crypto;
  for (auto _ : state)
    must(crypto.verify_ecdsa_p384(in.vek.key.point, in.digest, in.signature).has_value(), "verify_ecdsa_p384");
}
void step_ecdsa_by_libcrypto(benchmark::State& state) {
  const EcdsaInput in;
  const Cert vek = parse(made().vek_der);
  ECDSA_SIG* const signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, BN_bin2bn(raw(ByteView(in.signature)), 48, nullptr),
                 BN_bin2bn(raw(ByteView(in.signature).subspan(48)), 48, nullptr));
  unsigned char der[128];
  unsigned char* at = der;
  const auto size = static_cast<std::size_t>(i2d_ECDSA_SIG(signature, &at));
  ECDSA_SIG_free(signature);
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_pkey(nullptr, X509_get0_pubkey(vek.get()), nullptr);
  must(EVP_PKEY_verify_init(context) == 1, "EVP_PKEY_verify_init");
  for (auto _ : state)
    must(EVP_PKEY_verify(context, der, size, raw(in.digest.view()), in.digest.size) == 1, "EVP_PKEY_verify");
  EVP_PKEY_CTX_free(context);
}

// A group that keeps its table, and a key and signature in its terms.
struct MbedEcdsa {
  mbedtls_ecp_group group;
  mbedtls_ecp_point point;
  mbedtls_mpi r, s;
  MbedEcdsa() {
    mbedtls_ecp_group_init(&group);
    mbedtls_ecp_point_init(&point);
    mbedtls_mpi_init(&r);
    mbedtls_mpi_init(&s);
    must(mbedtls_ecp_group_load(&group, MBEDTLS_ECP_DP_SECP384R1) == 0, "mbedtls_ecp_group_load");
  }
  MbedEcdsa(const MbedEcdsa&) = delete;
  MbedEcdsa& operator=(const MbedEcdsa&) = delete;
  ~MbedEcdsa() {
    mbedtls_mpi_free(&s);
    mbedtls_mpi_free(&r);
    mbedtls_ecp_point_free(&point);
    mbedtls_ecp_group_free(&group);
  }
  void load(const EcdsaInput& in) {
    must(mbedtls_ecp_point_read_binary(&group, &point, raw(in.vek.key.point), in.vek.key.point.size()) == 0 &&
             mbedtls_mpi_read_binary(&r, raw(ByteView(in.signature)), 48) == 0 &&
             mbedtls_mpi_read_binary(&s, raw(ByteView(in.signature).subspan(48)), 48) == 0,
         "mbedtls_mpi_read_binary");
  }
  void verify(const EcdsaInput& in) {
    must(mbedtls_ecdsa_verify(&group, raw(in.digest.view()), in.digest.size, &point, &r, &s) == 0,
         "mbedtls_ecdsa_verify");
  }
};
void step_ecdsa_by_mbedtls(benchmark::State& state) {
  const EcdsaInput in;
  MbedEcdsa library;
  library.load(in);
  for (auto _ : state) library.verify(in);
}
void step_ecdsa_by_mbedtls_cold(benchmark::State& state) {
  const EcdsaInput in;
  for (auto _ : state) {
    MbedEcdsa library;
    library.load(in);
    library.verify(in);
  }
}

// Key and signature in Nettle's terms.
void step_ecdsa_by_nettle(benchmark::State& state) {
  const EcdsaInput in;
  ecc_point point;
  ecc_point_init(&point, nettle_get_secp_384r1());
  mpz_t x, y;
  nettle_mpz_init_set_str_256_u(x, 48, raw(in.vek.key.point.subspan(1)));
  nettle_mpz_init_set_str_256_u(y, 48, raw(in.vek.key.point.subspan(49)));
  must(ecc_point_set(&point, x, y) == 1, "ecc_point_set");
  dsa_signature signature;
  dsa_signature_init(&signature);
  nettle_mpz_set_str_256_u(signature.r, 48, raw(ByteView(in.signature)));
  nettle_mpz_set_str_256_u(signature.s, 48, raw(ByteView(in.signature).subspan(48)));
  for (auto _ : state)
    must(ecdsa_verify(&point, in.digest.size, raw(in.digest.view()), &signature) == 1, "ecdsa_verify");
  dsa_signature_clear(&signature);
  mpz_clear(y);
  mpz_clear(x);
  ecc_point_clear(&point);
}

// ---- chain, and chain and report

template <class C>
void chain(benchmark::State& state) {
  const Scene& scene = made();
  Trust trust = scene.trust();
  if (state.range(0) != 0) trust.root_signature = RootSignature::skip;
  C crypto;
  for (auto _ : state) benchmark::DoNotOptimize(chain_of(crypto, scene.chain(), trust));
}
// A chain and a report, by a caller who keeps the room for the verdict.
struct Verifier {
  ChainCheck out;
  template <class C>
  void run(C& crypto, const Scene& scene) {
    must(verify(crypto, scene.chain(), scene.trust(), scene.evidence(), scene.policy, scene.time, CheckScope::all, out) &&
             out.verdict.verified(), "verify");
  }
};
template <class C>
void full(benchmark::State& state) {
  const Scene& scene = made();
  C crypto;
  Verifier verifier;
  for (auto _ : state) verifier.run(crypto, scene);
}
template <class C>
void full_cold(benchmark::State& state) {
  const Scene& scene = made();
  Verifier verifier;
  for (auto _ : state) {
    C crypto;
    verifier.run(crypto, scene);
  }
}
template <class C>
void report(benchmark::State& state) {
  const Scene& scene = made();
  C crypto;
  const VerifiedChain chain = chain_of(crypto, scene.chain(), scene.trust());
  Verdict verdict;
  for (auto _ : state)
    must(verify_report(crypto, chain, scene.evidence(), scene.policy, scene.time, CheckScope::all, verdict) &&
             verdict.verified(), "verify_report");
}

bool report_by_libcrypto(const Scene& scene, EVP_PKEY* key) {
  ECDSA_SIG* const signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, BN_lebin2bn(raw(ByteView(scene.report).subspan(0x2A0, 72)), 72, nullptr),
                 BN_lebin2bn(raw(ByteView(scene.report).subspan(0x2E8, 72)), 72, nullptr));
  unsigned char der[128];
  unsigned char* at = der;
  const int size = i2d_ECDSA_SIG(signature, &at);
  ECDSA_SIG_free(signature);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  const bool verified =
      EVP_DigestVerifyInit(context, nullptr, EVP_sha384(), nullptr, key) == 1 &&
      EVP_DigestVerify(context, der, static_cast<std::size_t>(size), raw(scene.report),
                       ATTESTATION_REPORT::kSignedSize) == 1;
  EVP_MD_CTX_free(context);
  return verified;
}
void full_by_libcrypto(benchmark::State& state) {
  const Scene& scene = made();
  for (auto _ : state) {
    const Cert ark = parse(scene.ark_der);
    const Cert ask = parse(scene.ask_der);
    const Cert vek = parse(scene.vek_der);
    must(X509_verify(ark.get(), X509_get0_pubkey(ark.get())) == 1 &&
             X509_verify(ask.get(), X509_get0_pubkey(ark.get())) == 1 &&
             X509_verify(vek.get(), X509_get0_pubkey(ask.get())) == 1 &&
             report_by_libcrypto(scene, X509_get0_pubkey(vek.get())),
         "libcrypto");
  }
}

// The sum of Mbed TLS's own: three certificates, their signatures, the report's under a warm table.
void full_by_mbedtls(benchmark::State& state) {
  const Scene& scene = made();
  const EcdsaInput in;
  MbedEcdsa ecdsa;
  const std::array ders{&scene.ark_der, &scene.ask_der, &scene.vek_der};
  constexpr std::array<std::size_t, 3> kIssuers{0, 0, 1};
  for (auto _ : state) {
    std::array<mbedtls_x509_crt, 3> certificates;
    for (std::size_t i = 0; i < ders.size(); ++i) {
      mbedtls_x509_crt_init(&certificates[i]);
      const auto accept = [](void*, const mbedtls_x509_crt*, const mbedtls_x509_buf*, int, const unsigned char*,
                             const unsigned char*) { return 0; };
      must(mbedtls_x509_crt_parse_der_with_ext_cb(&certificates[i], raw(*ders[i]), ders[i]->size(), 0, accept,
                                                  nullptr) == 0, "mbedtls_x509_crt_parse_der");
    }
    for (std::size_t i = 0; i < ders.size(); ++i) {
      const SignedOctets what = Certificate::parse(*ders[i])->signed_octets;
      unsigned char digest[48];
      must(mbedtls_md(mbedtls_md_info_from_type(MBEDTLS_MD_SHA384), raw(what.tbs), what.tbs.size(), digest) == 0,
           "mbedtls_md");
      const mbedtls_pk_rsassa_pss_options options{MBEDTLS_MD_SHA384, 48};
      must(mbedtls_pk_verify_ext(MBEDTLS_PK_RSASSA_PSS, &options, &certificates[kIssuers[i]].pk, MBEDTLS_MD_SHA384,
                                 digest, sizeof digest, raw(what.signature), what.signature.size()) == 0,
           "mbedtls_pk_verify_ext");
    }
    ecdsa.load(in);
    ecdsa.verify(in);
    for (mbedtls_x509_crt& certificate : certificates) mbedtls_x509_crt_free(&certificate);
  }
}

// ---- evidence with a quote, under a chain that was verified before

struct Document {
  Bytes text = input("evidence");
  Bytes vek;
  Trust trust = made().trust();
  CertificateChain chain;

  Document() {
    const auto parsed = TrusteeEvidence::parse(text);
    must(parsed.has_value(), "TrusteeEvidence::parse");
    const ByteView given = parsed->vcek.view();
    vek.assign(given.begin(), given.end());
    if (is_pem(given)) {
      const auto block = PemReader(given, "CERTIFICATE").next(vek);
      must(block && *block, "PemReader");
      vek.resize((*block)->size());
    }
    ark = parse_pem("ark");
    ask = parse_pem("ask");
    chain = {ark, ask, vek, {}};
    trust = {roots};
  }
  static Bytes parse_pem(const std::string& name) {
    std::ifstream file(SNPNV_SOURCE_DIR "/tests/pki/milan/" + name + ".pem");
    const std::string pem{std::istreambuf_iterator<char>(file), {}};
    Bytes der(pem.size());
    const auto block = PemReader(octets(pem), "CERTIFICATE").next(der);
    must(block && *block, "PemReader");
    der.resize((*block)->size());
    return der;
  }
  Bytes ark, ask;
  std::vector<SpkiDigest> roots{spki_of(pki_key("milan/ark"))};
};

template <class C>
void evidence(benchmark::State& state) {
  const Document document;
  C crypto;
  const VerifiedChain chain = chain_of(crypto, document.chain, document.trust);
  Verdict verdict;
  for (auto _ : state) {
    const auto parsed = TrusteeEvidence::parse(document.text);
    const auto envelope = HclReport::parse(parsed->hcl_report.view());
    Evidence in{*envelope->snp_report(), envelope->claims, *envelope->hash(), {}, {}};
    in.quote = QuoteToVerify{parsed->message.view(), parsed->signature.view(),
                             std::span(parsed->pcrs).first(parsed->pcr_count), {}};
    must(verify_report(crypto, chain, in, Policy{}, made().time, CheckScope::all, verdict) && verdict.verified(),
         "verify_report");
  }
}
// Its two signatures alone.
void evidence_by_libcrypto(benchmark::State& state) {
  const Document document;
  const auto parsed = TrusteeEvidence::parse(document.text);
  const auto envelope = HclReport::parse(parsed->hcl_report.view());
  const auto claims = RuntimeClaims::parse(envelope->claims);
  OpenSslCrypto crypto;
  EcdsaInput in;
  const Bytes quoted(parsed->message.view().begin(), parsed->message.view().end());
  const Digest digest = *crypto.digest(Hash::sha256, quoted);
  const RsaPublicKey key{claims->attestation_key.modulus(), claims->attestation_key.exponent()};
  for (auto _ : state)
    must(crypto.verify_ecdsa_p384(in.vek.key.point, in.digest, in.signature) &&
             crypto.verify_rsa_pkcs1(key, Hash::sha256, digest, parsed->signature.view()), "libcrypto");
}

#define SNPNV_BENCHMARK(...) BENCHMARK(__VA_ARGS__)->Unit(benchmark::kMicrosecond)
SNPNV_BENCHMARK(parse_envelope);
SNPNV_BENCHMARK(parse_certificate_snpnv);
SNPNV_BENCHMARK(parse_certificate<MbedCrypto>);
SNPNV_BENCHMARK(parse_certificate<OpenSslCrypto>);
SNPNV_BENCHMARK(parse_certificate<NettleCrypto>);
SNPNV_BENCHMARK(parse_certificate_by_libcrypto);
SNPNV_BENCHMARK(step_digest<MbedCrypto>);
SNPNV_BENCHMARK(step_digest<OpenSslCrypto>);
SNPNV_BENCHMARK(step_digest<NettleCrypto>);
SNPNV_BENCHMARK(step_rsa<MbedCrypto>);
SNPNV_BENCHMARK(step_rsa<OpenSslCrypto>);
SNPNV_BENCHMARK(step_rsa<NettleCrypto>);
SNPNV_BENCHMARK(step_ecdsa<MbedCrypto>);
SNPNV_BENCHMARK(step_ecdsa_by_mbedtls);
SNPNV_BENCHMARK(step_ecdsa_by_mbedtls_cold);
SNPNV_BENCHMARK(step_ecdsa<OpenSslCrypto>);
SNPNV_BENCHMARK(step_ecdsa<NettleCrypto>);
SNPNV_BENCHMARK(step_ecdsa_by_libcrypto);
SNPNV_BENCHMARK(step_ecdsa_by_nettle);
SNPNV_BENCHMARK(chain<MbedCrypto>)->Arg(0)->Arg(1);
SNPNV_BENCHMARK(chain<OpenSslCrypto>)->Arg(0)->Arg(1);
SNPNV_BENCHMARK(chain<NettleCrypto>)->Arg(0)->Arg(1);
SNPNV_BENCHMARK(full<MbedCrypto>);
SNPNV_BENCHMARK(full_by_mbedtls);
SNPNV_BENCHMARK(full_cold<MbedCrypto>);
SNPNV_BENCHMARK(full<OpenSslCrypto>);
SNPNV_BENCHMARK(full<NettleCrypto>);
SNPNV_BENCHMARK(full_cold<OpenSslCrypto>);
SNPNV_BENCHMARK(full_cold<NettleCrypto>);
SNPNV_BENCHMARK(full_by_libcrypto);
SNPNV_BENCHMARK(report<Digests>);
SNPNV_BENCHMARK(report<MbedCrypto>);
SNPNV_BENCHMARK(report<OpenSslCrypto>);
SNPNV_BENCHMARK(report<NettleCrypto>);
SNPNV_BENCHMARK(evidence<Digests>);
SNPNV_BENCHMARK(evidence<MbedCrypto>);
SNPNV_BENCHMARK(evidence<OpenSslCrypto>);
SNPNV_BENCHMARK(evidence<NettleCrypto>);
SNPNV_BENCHMARK(evidence_by_libcrypto);

}  // namespace

BENCHMARK_MAIN();
