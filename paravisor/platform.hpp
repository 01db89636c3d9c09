// SPDX-License-Identifier: Apache-2.0
// The emulated AMD secure processor: a chip with its endorsement key, which signs reports.
#pragma once

#include <mbedtls/asn1.h>
#include <mbedtls/bignum.h>
#include <mbedtls/pk.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#include <sys/random.h>

#include <memory>
#include <string>
#include <vector>

#include "paravisor/options.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/wire/snp_report.hpp"
#include "snpnv/wire/vek_certificate.hpp"

namespace snpnv::paravisor {

using Bytes = std::vector<std::byte>;

[[nodiscard]] inline unsigned char* raw(std::byte* p) {
  return static_cast<unsigned char*>(static_cast<void*>(p));
}
[[nodiscard]] inline const unsigned char* raw(const std::byte* p) {
  return static_cast<const unsigned char*>(static_cast<const void*>(p));
}
[[nodiscard]] inline detail::Failed mbed_failure(int status) {
  return fail(Code::crypto_failed, 0, static_cast<std::uint32_t>(-status));
}

/// Randomness for Mbed TLS: blinding, and keys that live as long as the process.
inline int system_random(void*, unsigned char* out, std::size_t size) {
  while (size > 0) {
    const ssize_t n = ::getrandom(out, size, 0);
    if (n < 0) return MBEDTLS_ERR_PK_INVALID_ALG;
    out += n;
    size -= static_cast<std::size_t>(n);
  }
  return 0;
}

/// Reads a private key, PEM. @returns the status of Mbed TLS.
[[nodiscard]] inline int parse_key(mbedtls_pk_context& key, std::string_view pem) {
  const std::string text(pem);  // Mbed TLS wants the NUL behind PEM
  const unsigned char* const octets = raw(octets_of(text).data());
#if MBEDTLS_VERSION_MAJOR >= 3
  return mbedtls_pk_parse_key(&key, octets, text.size() + 1, nullptr, 0, system_random, nullptr);
#else
  return mbedtls_pk_parse_key(&key, octets, text.size() + 1, nullptr, 0);
#endif
}
/// Signs a digest, by RSASSA-PKCS1-v1_5 or ECDSA as the key is.
/// @returns the signature | crypto_failed.
[[nodiscard]] inline Result<Bytes> sign_digest(mbedtls_pk_context& key, mbedtls_md_type_t hash, const Digest& digest) {
  Bytes out(MBEDTLS_PK_SIGNATURE_MAX_SIZE);
  std::size_t size = 0;
#if MBEDTLS_VERSION_MAJOR >= 3
  const int status = mbedtls_pk_sign(&key, hash, raw(digest.octets.data()), digest.size, raw(out.data()), out.size(),
                                     &size, system_random, nullptr);
#else
  const int status = mbedtls_pk_sign(&key, hash, raw(digest.octets.data()), digest.size, raw(out.data()), &size,
                                     system_random, nullptr);
#endif
  if (status != 0) return mbed_failure(status);
  out.resize(size);
  return out;
}

/// Bytes that a seed decides: the digest of seed and label.
[[nodiscard]] inline Digest seeded(MbedCrypto& crypto, std::uint64_t seed, std::string_view label) {
  std::array<std::byte, 64> text{};
  ByteWriter writer(text);
  writer.be(seed);
  writer.text(label);
  const auto digest = crypto.digest(Hash::sha512, writer.written());
  return digest ? *digest : Digest{{}, 64};
}

/// The field's octets in a structure that is being made.
template <class Type, std::size_t Offset>
[[nodiscard]] MutBytes slot(MutBytes structure, LayoutField<Type, Offset>) {
  return structure.subspan(Offset, LayoutField<Type, Offset>::size);
}
template <class T, std::size_t Offset>
void put(MutBytes structure, LayoutField<Le<T>, Offset> field, T value) {
  store<T, Endian::little>(slot(structure, field).template first<sizeof(T)>(), value);
}

/// The chip: its identity comes from its VCEK certificate, so that both always agree.
class Platform {
 public:
  using ReportOctets = std::array<std::byte, ATTESTATION_REPORT::kSize>;

  Platform() {
    mbedtls_pk_init(&key_);
    mbedtls_x509_crt_init(&certificate_);
  }
  Platform(const Platform&) = delete;
  Platform& operator=(const Platform&) = delete;
  ~Platform() {
    mbedtls_pk_free(&key_);
    mbedtls_x509_crt_free(&certificate_);
  }

  /// Takes the VCEK certificate and its private key, both PEM.
  /// @returns nothing | crypto_failed | the codes of Certificate::parse() and VekCertificate.
  [[nodiscard]] Result<void> load(Product product, std::string_view certificate_pem,
                                  std::string_view key_pem) {
    product_ = product;
    const std::string certificate(certificate_pem);  // Mbed TLS wants the NUL behind PEM
    int status = mbedtls_x509_crt_parse(&certificate_, octets(certificate), certificate.size() + 1);
    if (status != 0) return mbed_failure(status);
    status = parse_key(key_, key_pem);
    if (status != 0) return mbed_failure(status);
    return read_identity();
  }

  /// A signed report. `seed` decides its identifiers.
  /// @returns the report | crypto_failed.
  [[nodiscard]] Result<ReportOctets> report(const Options& options, const Digest& report_data) {
    using R = ATTESTATION_REPORT;
    ReportOctets out{};
    const MutBytes structure(out);
    const auto chosen = [&](auto field, std::string_view label) {
      copy_to(slot(structure, field), seeded(crypto_, options.seed, label).view());
    };
    put(structure, R::VERSION, options.report_version);
    put(structure, R::GUEST_SVN, std::uint32_t{2});
    store<std::uint64_t, Endian::little>(slot(structure, R::POLICY).first<8>(), 0x3001F);
    copy_to(slot(structure, R::FAMILY_ID), std::array{std::byte{1}});
    copy_to(slot(structure, R::IMAGE_ID), std::array{std::byte{2}});
    put(structure, R::SIGNATURE_ALGO, R::kEcdsaP384Sha384);
    store<std::uint64_t, Endian::little>(slot(structure, R::PLATFORM_INFO).first<8>(), 0x25);
    copy_to(slot(structure, R::REPORT_DATA), report_data.view());
    chosen(R::MEASUREMENT, "measurement");
    chosen(R::ID_KEY_DIGEST, "id key");
    chosen(R::REPORT_ID, "report id");
    std::ranges::fill(slot(structure, R::REPORT_ID_MA), std::byte{0xFF});
    copy_to(slot(structure, R::CURRENT_TCB), tcb_.octets);
    copy_to(slot(structure, R::REPORTED_TCB), tcb_.octets);
    copy_to(slot(structure, R::COMMITTED_TCB), tcb_.octets);
    copy_to(slot(structure, R::LAUNCH_TCB), tcb_.octets);
    if (options.report_version >= R::CPUID_FAM_ID.since) {
      for (const CpuModels& row : kCpuModels) {
        if (row.product != product_) continue;
        put(structure, R::CPUID_FAM_ID, row.family);
        put(structure, R::CPUID_MOD_ID, static_cast<std::uint8_t>(row.first + 1));
        put(structure, R::CPUID_STEP, std::uint8_t{1});
        break;
      }
    }
    copy_to(slot(structure, R::CHIP_ID), chip_id_);
    put(structure, R::CURRENT_BUILD, std::uint8_t{29});
    put(structure, R::CURRENT_MINOR, std::uint8_t{55});
    put(structure, R::CURRENT_MAJOR, std::uint8_t{1});
    put(structure, R::COMMITTED_BUILD, std::uint8_t{29});
    put(structure, R::COMMITTED_MINOR, std::uint8_t{55});
    put(structure, R::COMMITTED_MAJOR, std::uint8_t{1});
    if (options.report_version >= R::LAUNCH_MIT_VECTOR.since) {
      put(structure, R::LAUNCH_MIT_VECTOR, std::uint64_t{3});
      put(structure, R::CURRENT_MIT_VECTOR, std::uint64_t{3});
    }
    SNPNV_CHECK(sign(structure));
    if (options.faults.bad_signature) slot(structure, R::SIGNATURE_R)[0] ^= std::byte{1};
    return out;
  }

 private:
  static const unsigned char* octets(const std::string& text) {
    return raw(std::as_bytes(std::span(text)).data());
  }

  // CHIP_ID and TCB from AMD's extensions of the certificate.
  Result<void> read_identity() {
    const ByteView der = std::as_bytes(std::span(certificate_.raw.p, certificate_.raw.len));
    SNPNV_TRY(const Certificate certificate, Certificate::parse(der));
    const VekCertificate vek(certificate);
    SNPNV_TRY(const ByteView chip, vek.hw_id(chip_id_size(product_)));
    chip_id_.assign(chip.begin(), chip.end());
    SNPNV_TRY(tcb_, vek.tcb(product_));
    return {};
  }

  // ECDSA P-384 with SHA-384, deterministic as in RFC 6979; R and S little-endian.
  Result<void> sign(MutBytes structure) {
    using R = ATTESTATION_REPORT;
    SNPNV_TRY(const Digest digest, crypto_.digest(Hash::sha384, structure.first(R::kSignedSize)));
    SNPNV_TRY(Bytes der, sign_digest(key_, MBEDTLS_MD_SHA384, digest));
    unsigned char* at = raw(der.data());
    const unsigned char* const end = at + der.size();
    std::size_t inner = 0;
    int status = mbedtls_asn1_get_tag(&at, end, &inner, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
    for (const MutBytes out : {slot(structure, R::SIGNATURE_R), slot(structure, R::SIGNATURE_S)}) {
      mbedtls_mpi number;
      mbedtls_mpi_init(&number);
      std::array<std::byte, 48> big_endian{};
      if (status == 0) status = mbedtls_asn1_get_mpi(&at, end, &number);
      if (status == 0) status = mbedtls_mpi_write_binary(&number, raw(big_endian.data()), big_endian.size());
      mbedtls_mpi_free(&number);
      std::ranges::reverse_copy(big_endian, out.begin());
    }
    if (status != 0) return mbed_failure(status);
    return {};
  }

  MbedCrypto crypto_;
  Product product_{};
  mbedtls_pk_context key_;
  mbedtls_x509_crt certificate_;
  std::vector<std::byte> chip_id_;
  TCB_VERSION tcb_{};
};

}  // namespace snpnv::paravisor
