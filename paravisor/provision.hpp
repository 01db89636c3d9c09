// SPDX-License-Identifier: Apache-2.0
// What the paravisor makes of the TPM at boot: the attestation key and a certificate for it, the endorsement key,
// NV indices, and a platform hierarchy that is closed.
#pragma once

#include <mbedtls/asn1write.h>
#include <mbedtls/rsa.h>

#include "paravisor/platform.hpp"
#include "snpnv/tpm/nv.hpp"

namespace snpnv::paravisor {

// Commands that only a paravisor sends. Part 3, the clause of that name.
inline constexpr TPM_HANDLE kEndorsementKey{0x81010001};

struct TPMS_SENSITIVE_CREATE {
  TPM2B_AUTH userAuth{};
  TPM2B_DATA data{};
  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) { wire(self.userAuth, self.data); }
};

/// Part 3, "TPM2_CreatePrimary". The response begins with a handle, which is all that is read of it.
struct CreatePrimary {
  static constexpr TPM_CC kCode{0x131};
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE primaryHandle{};
  Sized<TPMS_SENSITIVE_CREATE> inSensitive{};
  Sized<TPMT_PUBLIC> inPublic{};
  TPM2B_DATA outsideInfo{};
  TPML_PCR_SELECTION creationPCR{};

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.primaryHandle); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) {
    wire(self.inSensitive, self.inPublic, self.outsideInfo, self.creationPCR);
  }
  using Response = Startup::Response;
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return primaryHandle; }
};

/// Part 3, "TPM2_EvictControl".
struct EvictControl {
  static constexpr TPM_CC kCode{0x120};
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE auth{};
  TPM_HANDLE objectHandle{};
  TPM_HANDLE persistentHandle{};

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.auth, self.objectHandle); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.persistentHandle); }
  using Response = Startup::Response;
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return persistentHandle; }
};

/// Part 3, "TPM2_FlushContext".
struct FlushContext {
  static constexpr TPM_CC kCode{0x165};
  static constexpr std::size_t kAuthHandles = 0;
  TPM_HANDLE flushHandle{};

  template <class Wire, class Self>
  static constexpr void handles(Wire&, Self&) {}
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.flushHandle); }
  using Response = Startup::Response;
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return flushHandle; }
};

/// Part 3, "TPM2_Shutdown".
struct Shutdown : Startup {
  static constexpr TPM_CC kCode{0x145};
};

/// Part 3, "TPM2_HierarchyControl".
struct HierarchyControl {
  static constexpr TPM_CC kCode{0x121};
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE authHandle{};
  TPM_HANDLE enable{};
  std::uint8_t state = 0;  // TPMI_YES_NO

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.authHandle); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.enable, self.state); }
  using Response = Startup::Response;
  [[nodiscard]] constexpr bool answered_by(const Response&) const { return true; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return enable; }
};

/// Part 3, "TPM2_PCR_Allocate".
struct PCR_Allocate {
  static constexpr TPM_CC kCode{0x12B};
  static constexpr std::size_t kAuthHandles = 1;
  TPM_HANDLE authHandle{};
  TPML_PCR_SELECTION pcrAllocation{};

  template <class Wire, class Self>
  static constexpr void handles(Wire& wire, Self& self) { wire(self.authHandle); }
  template <class Wire, class Self>
  static constexpr void parameters(Wire& wire, Self& self) { wire(self.pcrAllocation); }
  struct Response {
    std::uint8_t allocationSuccess = 0;  // TPMI_YES_NO
    std::uint32_t maxPCR = 0;
    std::uint32_t sizeNeeded = 0;
    std::uint32_t sizeAvailable = 0;
    template <class Wire, class Self>
    static constexpr void fields(Wire& wire, Self& self) {
      wire(self.allocationSuccess, self.maxPCR, self.sizeNeeded, self.sizeAvailable);
    }
  };
  [[nodiscard]] constexpr bool answered_by(const Response& r) const { return r.allocationSuccess == 1; }
  [[nodiscard]] constexpr TPM_HANDLE object() const { return authHandle; }
};

/// The RSA-2048 key that signs quotes.
[[nodiscard]] inline TPMT_PUBLIC attestation_key_template() {
  TPMT_PUBLIC out;
  out.type = TPM_ALG_ID::RSA;
  out.nameAlg = TPM_ALG_ID::SHA256;
  out.objectAttributes = TPMA_OBJECT{}
                             .with(TPMA_OBJECT::fixedTPM)
                             .with(TPMA_OBJECT::fixedParent)
                             .with(TPMA_OBJECT::sensitiveDataOrigin)
                             .with(TPMA_OBJECT::userWithAuth)
                             .with(TPMA_OBJECT::noDA)
                             .with(TPMA_OBJECT::restricted)
                             .with(TPMA_OBJECT::sign);
  out.scheme = {TPM_ALG_ID::RSASSA, TPM_ALG_ID::SHA256};
  out.keyBits = 2048;
  return out;
}

/// The endorsement key's usual template. TCG EK Credential Profile, "Template L-1: RSA 2048".
[[nodiscard]] inline TPMT_PUBLIC endorsement_key_template() {
  // PolicySecret(TPM_RH_ENDORSEMENT), as that document gives it.
  static constexpr std::array<std::uint8_t, 32> kPolicy{
      0x83, 0x71, 0x97, 0x67, 0x44, 0x84, 0xB3, 0xF8, 0x1A, 0x90, 0xCC, 0x8D, 0x46, 0xA5, 0xD7, 0x24,
      0xFD, 0x52, 0xD7, 0x6E, 0x06, 0x52, 0x0B, 0x64, 0xF2, 0xA1, 0xDA, 0x1B, 0x33, 0x14, 0x69, 0xAA};
  static constexpr std::array<std::byte, 256> kUnique{};
  TPMT_PUBLIC out;
  out.type = TPM_ALG_ID::RSA;
  out.nameAlg = TPM_ALG_ID::SHA256;
  out.objectAttributes = TPMA_OBJECT{}
                             .with(TPMA_OBJECT::fixedTPM)
                             .with(TPMA_OBJECT::fixedParent)
                             .with(TPMA_OBJECT::sensitiveDataOrigin)
                             .with(TPMA_OBJECT::adminWithPolicy)
                             .with(TPMA_OBJECT::restricted)
                             .with(TPMA_OBJECT::decrypt);
  out.authPolicy = {std::as_bytes(std::span(kPolicy))};
  out.symmetric = {TPM_ALG_ID::AES, 128, TPM_ALG_ID::CFB};
  out.keyBits = 2048;
  out.unique = {kUnique};
  return out;
}

/// The modulus of an RSA-2048 key, big-endian.
using Modulus = Bytes;

/// Calls use(scratch, handle) with a primary key of the endorsement hierarchy, which is gone afterwards.
/// @returns what `use` returns | what the TPM returns.
template <Transport T, class Use>
[[nodiscard]] Result<void> with_primary(T& tpm, const TPMT_PUBLIC& area, Use&& use) {
  auto scratch = std::make_unique<TpmScratch>();
  const CreatePrimary create{TPM_RH::ENDORSEMENT, {}, {area}, {}, {}};
  SNPNV_TRY(const ByteView command, marshal_command(create, scratch->command));
  SNPNV_TRY(const ByteView answer, tpm.transact(command, scratch->response));
  if (const auto header = detail::response_header(answer); !header) return detail::fail_command(create, header.error());
  if (answer.size() < TpmHeader::kSize + 4) return fail(Code::wire_short, answer.size());
  const TPM_HANDLE handle{load<std::uint32_t, Endian::big>(answer.subspan(TpmHeader::kSize).template first<4>())};
  const Result<void> used = use(*scratch, handle);
  SNPNV_CHECK(execute(tpm, FlushContext{handle}, *scratch));
  return used;
}

/// What is known of a key.
struct PublicKey {
  Modulus modulus;
  TPMA_OBJECT attributes{};
};
template <Transport T>
[[nodiscard]] Result<PublicKey> public_key(T& tpm, TPM_HANDLE handle, TpmScratch& scratch) {
  SNPNV_TRY(const auto area, execute(tpm, ReadPublic{handle}, scratch));
  const ByteView modulus = area.outPublic.value.unique.data;
  return PublicKey{Modulus(modulus.begin(), modulus.end()), area.outPublic.value.objectAttributes};
}

/// The key at `handle`, after making it one of the endorsement hierarchy if there is none.
template <Transport T>
[[nodiscard]] Result<PublicKey> provide_key(T& tpm, TPM_HANDLE handle, const TPMT_PUBLIC& area) {
  auto scratch = std::make_unique<TpmScratch>();
  const auto key = public_key(tpm, handle, *scratch);
  if (key || !is_rc(key.error(), TPM_RC::HANDLE)) return key;
  const auto made = with_primary(tpm, area, [&](TpmScratch& room, TPM_HANDLE transient) -> Result<void> {
    SNPNV_CHECK(execute(tpm, EvictControl{TPM_RH::OWNER, transient, handle}, room));
    return {};
  });
  if (!made) return fail(made.error());
  return public_key(tpm, handle, *scratch);
}

/// A command with that password for its one authorization.
template <TpmCommand C>
[[nodiscard]] Result<ByteView> marshal_with_password(const C& command, ByteView password, MutBytes out) {
  ByteWriter writer(out);
  TpmWriter wire(writer);
  const TPMS_AUTH_COMMAND session{TPM_RH::PW, {}, 0, {password}};
  wire(TpmHeader{TPM_ST::SESSIONS, 0, static_cast<std::uint32_t>(C::kCode)});
  C::handles(wire, command);
  wire(static_cast<std::uint32_t>(9 + password.size()), session);
  C::parameters(wire, command);
  return detail::seal_message(writer);
}

/// The paravisor's indices: the guest's owner may read them; their password, of this boot, no guest knows.
inline constexpr TPMA_NV kIndexAttributes = TPMA_NV{}
                                                .with(TPMA_NV::AUTHREAD)
                                                .with(TPMA_NV::AUTHWRITE)
                                                .with(TPMA_NV::OWNERREAD)
                                                .with(TPMA_NV::PLATFORMCREATE)
                                                .with(TPMA_NV::NO_DA);

/// The TBSCertificate without the NULL that Mbed TLS puts into its signature algorithm. RFC 5758, section 3.2.
[[nodiscard]] inline Bytes without_null(ByteView tbs) {
  static constexpr std::array<std::uint8_t, 14> kWithNull{0x30, 0x0C, 0x06, 0x08, 0x2A, 0x86, 0x48,
                                                          0xCE, 0x3D, 0x04, 0x03, 0x02, 0x05, 0x00};
  Bytes out(tbs.begin(), tbs.end());
  const auto found = std::ranges::search(out, std::as_bytes(std::span(kWithNull)));
  if (found.empty()) return out;
  found.begin()[1] = std::byte{kWithNull[1] - 2};
  out.erase(found.end() - 2, found.end());
  const auto length = MutBytes(out).subspan<2, 2>();  // the certificate of an RSA-2048 key has more than 255 octets
  store<std::uint16_t, Endian::big>(length, static_cast<std::uint16_t>(load<std::uint16_t, Endian::big>(length) - 2));
  return out;
}

/// A certificate over that TBSCertificate: with ECDSA and SHA-256.
[[nodiscard]] inline Result<Bytes> sign_certificate(mbedtls_pk_context& issuer, const Bytes& tbs) {
  MbedCrypto crypto;
  SNPNV_TRY(const Digest digest, crypto.digest(Hash::sha256, tbs));
  std::array<unsigned char, MBEDTLS_PK_SIGNATURE_MAX_SIZE> signature{};
  std::size_t size = 0;
#if MBEDTLS_VERSION_MAJOR >= 3
  int status = mbedtls_pk_sign(&issuer, MBEDTLS_MD_SHA256, raw(digest.octets.data()), digest.size, signature.data(),
                               signature.size(), &size, system_random, nullptr);
#else
  int status = mbedtls_pk_sign(&issuer, MBEDTLS_MD_SHA256, raw(digest.octets.data()), digest.size, signature.data(),
                               &size, system_random, nullptr);
#endif
  if (status != 0) return mbed_failure(status);
  Bytes out(4096);  // written from its end
  unsigned char* at = raw(out.data()) + out.size();
  unsigned char* const start = raw(out.data());
  std::size_t total = 0;
  const auto add = [&](int written) {
    if (written < 0 && status == 0) status = written;
    if (written > 0) total += static_cast<std::size_t>(written);
  };
  constexpr std::string_view kEcdsaWithSha256("\x2A\x86\x48\xCE\x3D\x04\x03\x02", 8);
  add(mbedtls_asn1_write_bitstring(&at, start, signature.data(), 8 * size));
  add(mbedtls_asn1_write_oid(&at, start, kEcdsaWithSha256.data(), kEcdsaWithSha256.size()));
  add(mbedtls_asn1_write_len(&at, start, 2 + kEcdsaWithSha256.size()));
  add(mbedtls_asn1_write_tag(&at, start, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE));
  add(mbedtls_asn1_write_raw_buffer(&at, start, raw(tbs.data()), tbs.size()));
  add(mbedtls_asn1_write_len(&at, start, total));
  add(mbedtls_asn1_write_tag(&at, start, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE));
  if (status != 0) return mbed_failure(status);
  return Bytes(out.end() - static_cast<std::ptrdiff_t>(total), out.end());
}

/// A certificate for an RSA key in the making, and an authority that lives no longer than it. Calls return a status of
/// Mbed TLS.
class CertificateDraft {
 public:
  CertificateDraft() {
    mbedtls_pk_init(&subject_);
    mbedtls_pk_init(&issuer_);
    mbedtls_x509write_crt_init(&content_);
  }
  CertificateDraft(const CertificateDraft&) = delete;
  CertificateDraft& operator=(const CertificateDraft&) = delete;
  ~CertificateDraft() {
    mbedtls_x509write_crt_free(&content_);
    mbedtls_pk_free(&issuer_);
    mbedtls_pk_free(&subject_);
  }
  [[nodiscard]] mbedtls_pk_context& issuer() { return issuer_; }

  [[nodiscard]] int make_keys(const Modulus& modulus) {
    constexpr unsigned char kExponent[] = {1, 0, 1};
    int status = mbedtls_pk_setup(&subject_, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
    if (status == 0)
      status = mbedtls_rsa_import_raw(mbedtls_pk_rsa(subject_), raw(modulus.data()), modulus.size(), nullptr,
                                      0, nullptr, 0, nullptr, 0, kExponent, sizeof kExponent);
    if (status == 0) status = mbedtls_rsa_complete(mbedtls_pk_rsa(subject_));
    if (status == 0) status = mbedtls_pk_setup(&issuer_, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (status == 0)
      status = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(issuer_), system_random, nullptr);
    return status;
  }
  [[nodiscard]] int fill_in() {
    mbedtls_x509write_crt_set_subject_key(&content_, &subject_);
    mbedtls_x509write_crt_set_issuer_key(&content_, &issuer_);
    mbedtls_x509write_crt_set_md_alg(&content_, MBEDTLS_MD_SHA256);
    int status = mbedtls_x509write_crt_set_subject_name(&content_, "CN=snpnv test AK");
    if (status == 0) status = mbedtls_x509write_crt_set_issuer_name(&content_, "CN=snpnv test AK authority");
    if (status == 0) status = mbedtls_x509write_crt_set_validity(&content_, "20230101000000", "20480101000000");
    // Without any extension, some versions of Mbed TLS write an empty list, which RFC 5280 does not allow.
    if (status == 0) status = mbedtls_x509write_crt_set_key_usage(&content_, MBEDTLS_X509_KU_DIGITAL_SIGNATURE);
    return status == 0 ? set_serial() : status;
  }
  /// Writes DER to the end of `to`. @returns its size, or a status.
  [[nodiscard]] int write(std::span<unsigned char> to) {
    return mbedtls_x509write_crt_der(&content_, to.data(), to.size(), system_random, nullptr);
  }

 private:
  [[nodiscard]] int set_serial() {
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
    std::array<unsigned char, 1> serial{1};
    return mbedtls_x509write_crt_set_serial_raw(&content_, serial.data(), serial.size());
#else
    constexpr unsigned char kSerial[] = {1};
    mbedtls_mpi serial;
    mbedtls_mpi_init(&serial);
    int status = mbedtls_mpi_read_binary(&serial, kSerial, sizeof kSerial);
    if (status == 0) status = mbedtls_x509write_crt_set_serial(&content_, &serial);
    mbedtls_mpi_free(&serial);
    return status;
#endif
  }

  mbedtls_pk_context subject_;
  mbedtls_pk_context issuer_;
  mbedtls_x509write_cert content_;
};

/// A certificate for the attestation key, DER, by an authority that lives no longer than this call.
/// @returns the octets | crypto_failed.
[[nodiscard]] inline Result<Bytes> make_ak_certificate(const Modulus& modulus) {
  CertificateDraft draft;
  int status = draft.make_keys(modulus);
  if (status == 0) status = draft.fill_in();
  if (status != 0) return mbed_failure(status);
  std::array<unsigned char, 4096> der{};
  const int size = draft.write(der);
  if (size <= 0) return mbed_failure(size);
  unsigned char* const end = der.data() + der.size();
  unsigned char* at = end - size;
  std::size_t length = 0;
  status = mbedtls_asn1_get_tag(&at, end, &length, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
  const unsigned char* const tbs = at;
  if (status == 0)
    status = mbedtls_asn1_get_tag(&at, end, &length, MBEDTLS_ASN1_CONSTRUCTED | MBEDTLS_ASN1_SEQUENCE);
  if (status != 0) return mbed_failure(status);
  return sign_certificate(draft.issuer(), without_null(std::as_bytes(std::span(tbs, at + length))));
}

}  // namespace snpnv::paravisor
