// What the paravisor puts into the vTPM at boot: the attestation key, the endorsement key, and a
// certificate for the former.
#pragma once

#include <mbedtls/rsa.h>

#include "transports/paravisor/platform.hpp"
#include "snpnv/tpm/execute.hpp"

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
using Modulus = std::vector<std::byte>;

/// Makes sure that a key of the endorsement hierarchy is at `handle`, and returns its modulus.
template <Transport T>
[[nodiscard]] Result<Modulus> provide_key(T& tpm, TPM_HANDLE handle, const TPMT_PUBLIC& area) {
  auto scratch = std::make_unique<TpmScratch>();
  auto key = execute(tpm, ReadPublic{handle}, *scratch);
  if (!key) {
    if (!is_rc(key.error(), TPM_RC::HANDLE)) return fail(key.error());
    const CreatePrimary create{TPM_RH::ENDORSEMENT, {}, {area}, {}, {}};
    SNPNV_TRY(const ByteView command, marshal_command(create, scratch->command));
    SNPNV_TRY(const ByteView answer, tpm.transact(command, scratch->response));
    SNPNV_TRY(const TpmHeader header, TpmHeader::parse(answer));
    if (header.code != 0) return fail({Code::tpm_rc, 6, header.code});
    if (answer.size() < TpmHeader::kSize + 4) return fail(Code::wire_short, answer.size());
    const TPM_HANDLE transient{
        load<std::uint32_t, Endian::big>(answer.subspan(TpmHeader::kSize).template first<4>())};
    SNPNV_CHECK(execute(tpm, EvictControl{TPM_RH::OWNER, transient, handle}, *scratch));
    SNPNV_CHECK(execute(tpm, FlushContext{transient}, *scratch));
    key = execute(tpm, ReadPublic{handle}, *scratch);
    if (!key) return fail(key.error());
  }
  const ByteView modulus = key->outPublic.value.unique.data;
  return Modulus(modulus.begin(), modulus.end());
}

/// A certificate for the attestation key, DER, by an authority that lives no longer than this call.
/// @returns the octets | crypto_failed.
[[nodiscard]] inline Result<std::vector<std::byte>> make_ak_certificate(const Modulus& modulus) {
  mbedtls_pk_context subject;
  mbedtls_pk_context issuer;
  mbedtls_x509write_cert certificate;
  mbedtls_pk_init(&subject);
  mbedtls_pk_init(&issuer);
  mbedtls_x509write_crt_init(&certificate);
  std::array<unsigned char, 4096> der{};
  const auto make = [&]() -> int {
    constexpr unsigned char kExponent[] = {1, 0, 1};
    constexpr unsigned char kSerial[] = {1};
    int status = mbedtls_pk_setup(&subject, mbedtls_pk_info_from_type(MBEDTLS_PK_RSA));
    if (status == 0)
      status = mbedtls_rsa_import_raw(mbedtls_pk_rsa(subject), raw(modulus.data()), modulus.size(), nullptr,
                                      0, nullptr, 0, nullptr, 0, kExponent, sizeof kExponent);
    if (status == 0) status = mbedtls_rsa_complete(mbedtls_pk_rsa(subject));
    if (status == 0) status = mbedtls_pk_setup(&issuer, mbedtls_pk_info_from_type(MBEDTLS_PK_ECKEY));
    if (status == 0)
      status = mbedtls_ecp_gen_key(MBEDTLS_ECP_DP_SECP256R1, mbedtls_pk_ec(issuer), system_random, nullptr);
    if (status != 0) return status;
    mbedtls_x509write_crt_set_subject_key(&certificate, &subject);
    mbedtls_x509write_crt_set_issuer_key(&certificate, &issuer);
    mbedtls_x509write_crt_set_md_alg(&certificate, MBEDTLS_MD_SHA256);
    status = mbedtls_x509write_crt_set_subject_name(&certificate, "CN=snpnv test AK");
    if (status == 0)
      status = mbedtls_x509write_crt_set_issuer_name(&certificate, "CN=snpnv test AK authority");
    if (status == 0)
      status = mbedtls_x509write_crt_set_validity(&certificate, "20230101000000", "20480101000000");
#if MBEDTLS_VERSION_NUMBER >= 0x03040000
    std::array<unsigned char, 1> serial{kSerial[0]};
    if (status == 0)
      status = mbedtls_x509write_crt_set_serial_raw(&certificate, serial.data(), serial.size());
#else
    mbedtls_mpi serial;
    mbedtls_mpi_init(&serial);
    if (status == 0) status = mbedtls_mpi_read_binary(&serial, kSerial, sizeof kSerial);
    if (status == 0) status = mbedtls_x509write_crt_set_serial(&certificate, &serial);
    mbedtls_mpi_free(&serial);
#endif
    if (status != 0) return status;
    return mbedtls_x509write_crt_der(&certificate, der.data(), der.size(), system_random, nullptr);
  };
  const int size = make();
  mbedtls_x509write_crt_free(&certificate);
  mbedtls_pk_free(&issuer);
  mbedtls_pk_free(&subject);
  if (size <= 0) return mbed_failure(size);
  const auto text = std::as_bytes(std::span(der)).last(static_cast<std::size_t>(size));
  return std::vector<std::byte>(text.begin(), text.end());
}

}  // namespace snpnv::paravisor
