// SPDX-License-Identifier: Apache-2.0
// primitives PKI: the least CPU time, in microseconds, of an ECDSA verification by the provider with the curve's
// table there and without, and of an RSA-4096-PSS verification. PKI has ark.key and vcek.key.
#include <mbedtls/pk.h>

#include <algorithm>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>

#include "snpnv/mbedtls/crypto.hpp"

namespace {

using namespace snpnv;

int counter(void*, unsigned char* out, std::size_t size) {  // signs test data; no secret hangs on it
  for (std::size_t i = 0; i < size; ++i) out[i] = static_cast<unsigned char>(i * 37 + 11);
  return 0;
}

template <class Run>
double least(Run&& run) {
  double out = 1e9;
  for (int i = 0; i < 12; ++i) {
    timespec start{}, end{};
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &start);
    if (!run()) return -1;
    ::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &end);
    out = std::min(out, static_cast<double>(end.tv_sec - start.tv_sec) * 1e6 +
                            static_cast<double>(end.tv_nsec - start.tv_nsec) / 1e3);
  }
  return out;
}

struct Key {
  mbedtls_pk_context pk;
  explicit Key(const std::string& path) {
    mbedtls_pk_init(&pk);
#if MBEDTLS_VERSION_MAJOR < 3
    const int status = mbedtls_pk_parse_keyfile(&pk, path.c_str(), nullptr);
#else
    const int status = mbedtls_pk_parse_keyfile(&pk, path.c_str(), nullptr, counter, nullptr);
#endif
    if (status != 0) std::printf("%s cannot be read\n", path.c_str());
  }
  Key(const Key&) = delete;
  Key& operator=(const Key&) = delete;
  ~Key() { mbedtls_pk_free(&pk); }
};

}  // namespace

int main(int count, char** words) {
  if (count != 2) return 2;
  const std::string folder = words[1];
  Key ark(folder + "/ark.key");
  Key vcek(folder + "/vcek.key");
  Digest digest;
  digest.size = 48;
  digest.octets.fill(std::byte{0x5A});  // of zero, the half that has a table would cost nothing
  unsigned char* const hash = static_cast<unsigned char*>(static_cast<void*>(digest.octets.data()));

  // Mbed TLS gives points and signatures in DER only; what is verified are the numbers within.
  unsigned char der[256];
  const int size = mbedtls_pk_write_pubkey_der(&vcek.pk, der, sizeof der);
  if (size < 97) return 1;
  const ByteView point = std::as_bytes(std::span(der)).last(97);
  unsigned char text[256];
  std::size_t written = 0;
#if MBEDTLS_VERSION_MAJOR < 3
  int status = mbedtls_pk_sign(&vcek.pk, MBEDTLS_MD_SHA384, hash, digest.size, text, &written, counter, nullptr);
#else
  int status = mbedtls_pk_sign(&vcek.pk, MBEDTLS_MD_SHA384, hash, digest.size, text, sizeof text, &written, counter,
                               nullptr);
#endif
  if (status != 0) return 1;
  EcdsaP384Signature signature{};
  std::size_t at = 2;
  for (std::size_t half = 0; half < 2; ++half) {
    std::size_t length = text[at + 1];
    at += 2;
    while (length > 48) ++at, --length;  // a leading zero
    for (std::size_t i = 0; i < length; ++i)
      signature[48 * half + 48 - length + i] = static_cast<std::byte>(text[at + i]);
    at += length;
  }

  unsigned char n[512], e[8], rsa_signature[512];
  mbedtls_rsa_context* const rsa = mbedtls_pk_rsa(ark.pk);
  if (mbedtls_rsa_export_raw(rsa, n, sizeof n, nullptr, 0, nullptr, 0, nullptr, 0, e, sizeof e) != 0) return 1;
#if MBEDTLS_VERSION_MAJOR < 3
  mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA384);
  status = mbedtls_rsa_rsassa_pss_sign(rsa, counter, nullptr, MBEDTLS_RSA_PRIVATE, MBEDTLS_MD_SHA384, 48, hash,
                                       rsa_signature);
#else
  mbedtls_rsa_set_padding(rsa, MBEDTLS_RSA_PKCS_V21, MBEDTLS_MD_SHA384);
  status = mbedtls_rsa_rsassa_pss_sign(rsa, counter, nullptr, MBEDTLS_MD_SHA384, 48, hash, rsa_signature);
#endif
  if (status != 0) return 1;
  const RsaPublicKey key{std::as_bytes(std::span(n)), std::as_bytes(std::span(e))};

  MbedCrypto crypto;
  const double warm = least([&] { return crypto.verify_ecdsa_p384(point, digest, signature).has_value(); });
  const double cold = least([&] { return MbedCrypto().verify_ecdsa_p384(point, digest, signature).has_value(); });
  const double pss = least([&] {
    return crypto.verify_rsa_pss(key, Hash::sha384, digest, std::as_bytes(std::span(rsa_signature))).has_value();
  });
  return std::printf("%.0f %.0f %.0f\n", warm, cold, pss) < 0;
}
