// SPDX-License-Identifier: Apache-2.0
// openssl_verify DIR REPORT: what a verifier written for libcrypto does at least: read ark.pem, ask.pem,
// vcek.pem and the report, verify four signatures. No names, dates, SPLs or policy.
#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <array>
#include <cstdio>
#include <string>

namespace {

X509* certificate(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "r");
  if (file == nullptr) return nullptr;
  X509* const out = PEM_read_X509(file, nullptr, nullptr, nullptr);
  std::fclose(file);
  return out;
}

bool signed_by(X509* certificate, X509* issuer) {
  return X509_verify(certificate, X509_get0_pubkey(issuer)) == 1;
}

}  // namespace

int main(int count, char** words) {
  if (count != 3) return 2;
  const std::string directory = words[1];
  X509* const ark = certificate(directory + "/ark.pem");
  X509* const ask = certificate(directory + "/ask.pem");
  X509* const vcek = certificate(directory + "/vcek.pem");
  std::array<unsigned char, 1184> report;
  std::FILE* const file = std::fopen(words[2], "rb");
  if (ark == nullptr || ask == nullptr || vcek == nullptr || file == nullptr ||
      std::fread(report.data(), 1, report.size(), file) != report.size())
    return 1;
  if (!signed_by(ark, ark) || !signed_by(ask, ark) || !signed_by(vcek, ask)) return 1;
  ECDSA_SIG* const signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, BN_lebin2bn(report.data() + 0x2A0, 72, nullptr),
                 BN_lebin2bn(report.data() + 0x2E8, 72, nullptr));
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(signature, &der);
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  if (EVP_DigestVerifyInit(context, nullptr, EVP_sha384(), nullptr, X509_get0_pubkey(vcek)) != 1 ||
      EVP_DigestVerify(context, der, static_cast<std::size_t>(size), report.data(), 0x2A0) != 1)
    return 1;
  return std::puts("VERIFIED") < 0;
}
