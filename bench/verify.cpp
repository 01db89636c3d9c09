// What verification costs, beside the same steps by OpenSSL's libcrypto:
// - full: parse three certificates, three RSA signatures, the report's signature
// - report: the report's signature (and, here, every other check) under a chain verified before
#include <benchmark/benchmark.h>

#include "tests/verify/scene.hpp"

namespace {

using namespace scene;

Scene& made() {
  static Scene scene = [] {
    Scene out;
    out.make();
    return out;
  }();
  return scene;
}

void full_snpnv(benchmark::State& state) {
  const Scene& scene = made();
  MbedCrypto crypto;
  for (auto _ : state) must(scene.verify(crypto)->verified(), "verify");
}

void report_snpnv(benchmark::State& state) {
  const Scene& scene = made();
  MbedCrypto crypto;
  const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
  must(checked && checked->chain, "verify_chain");
  for (auto _ : state)
    must(verify_report(crypto, *checked->chain, scene.evidence(), scene.policy, scene.time)->verified(),
         "verify_report");
}

// A provider whose signature checks cost nothing.
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

// What a further report costs beside its one signature check: digests and all other checks.
void report_snpnv_without_ecdsa(benchmark::State& state) {
  const Scene& scene = made();
  Digests crypto;
  const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
  must(checked && checked->chain, "verify_chain");
  for (auto _ : state)
    must(verify_report(crypto, *checked->chain, scene.evidence(), scene.policy, scene.time)->verified(),
         "verify_report");
}

Cert parse(const Bytes& der) {
  const unsigned char* at = raw(der);
  return Cert(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
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

void full_libcrypto(benchmark::State& state) {
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

void report_libcrypto(benchmark::State& state) {
  const Scene& scene = made();
  const Cert vek = parse(scene.vek_der);
  for (auto _ : state)
    must(report_by_libcrypto(scene, X509_get0_pubkey(vek.get())), "libcrypto");
}

BENCHMARK(full_snpnv)->Unit(benchmark::kMicrosecond);
BENCHMARK(full_libcrypto)->Unit(benchmark::kMicrosecond);
BENCHMARK(report_snpnv)->Unit(benchmark::kMicrosecond);
BENCHMARK(report_snpnv_without_ecdsa)->Unit(benchmark::kMicrosecond);
BENCHMARK(report_libcrypto)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
