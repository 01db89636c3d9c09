// SPDX-License-Identifier: Apache-2.0
// Constants of the TPM 2.0 library specification that this project uses, spelled as there.
#pragma once

#include <cstdint>
#include <string_view>

#include "snpnv/core/layout.hpp"

namespace snpnv {

/// Part 2, "TPM_ST".
enum class TPM_ST : std::uint16_t {
  RSP_COMMAND = 0x00C4,
  NO_SESSIONS = 0x8001,
  SESSIONS = 0x8002,
  ATTEST_NV = 0x8014,
  ATTEST_COMMAND_AUDIT = 0x8015,
  ATTEST_SESSION_AUDIT = 0x8016,
  ATTEST_CERTIFY = 0x8017,
  ATTEST_QUOTE = 0x8018,
  ATTEST_TIME = 0x8019,
  ATTEST_CREATION = 0x801A,
  ATTEST_NV_DIGEST = 0x801C,
};

// Part 2, "TPM_CC": the commands that this project sends or answers.
#define SNPNV_TPM_COMMANDS(X) \
  X(NV_UndefineSpace, 0x122)  \
  X(NV_DefineSpace, 0x12A)    \
  X(NV_Write, 0x137)          \
  X(Startup, 0x144)           \
  X(NV_Read, 0x14E)           \
  X(Quote, 0x158)             \
  X(NV_ReadPublic, 0x169)     \
  X(ReadPublic, 0x173)        \
  X(GetCapability, 0x17A)     \
  X(GetRandom, 0x17B)         \
  X(PCR_Read, 0x17E)

enum class TPM_CC : std::uint32_t {
#define SNPNV_X(name, code) name = code,
  SNPNV_TPM_COMMANDS(SNPNV_X)
#undef SNPNV_X
};

/// The command's name with its TPM2_ prefix.
[[nodiscard]] constexpr std::string_view name(TPM_CC code) {
  switch (code) {
#define SNPNV_X(name, code) \
  case TPM_CC::name: return "TPM2_" #name;
    SNPNV_TPM_COMMANDS(SNPNV_X)
#undef SNPNV_X
  }
  return "TPM command";
}

/// A handle of a permanent entity, NV index or object. Part 2, "TPM_HANDLE".
enum class TPM_HANDLE : std::uint32_t {};

/// Part 2, "TPM_RH", "TPM_HT": the most significant octet is the handle type.
namespace TPM_RH {
inline constexpr TPM_HANDLE OWNER{0x40000001};
inline constexpr TPM_HANDLE NULL_{0x40000007};
inline constexpr TPM_HANDLE PW{0x40000009};  // TPM_RS_PW
inline constexpr TPM_HANDLE ENDORSEMENT{0x4000000B};
inline constexpr TPM_HANDLE PLATFORM{0x4000000C};
}  // namespace TPM_RH

/// Handles of the NV attestation interface. OpenVMM, tpm_protocol/src/lib.rs.
namespace vtpm {
inline constexpr TPM_HANDLE kReportIndex{0x01400001};
inline constexpr TPM_HANDLE kUserDataIndex{0x01400002};
inline constexpr TPM_HANDLE kAkCertificateIndex{0x01C101D0};
inline constexpr TPM_HANDLE kAttestationKey{0x81000003};
}  // namespace vtpm

/// Part 2, "TPM_ALG_ID".
enum class TPM_ALG_ID : std::uint16_t {
  RSA = 0x0001,
  SHA1 = 0x0004,
  AES = 0x0006,
  SHA256 = 0x000B,
  SHA384 = 0x000C,
  SHA512 = 0x000D,
  NULL_ = 0x0010,
  RSASSA = 0x0014,
  RSAES = 0x0015,
  RSAPSS = 0x0016,
  OAEP = 0x0017,
  ECC = 0x0023,
  CFB = 0x0043,
};
[[nodiscard]] constexpr std::string_view name(TPM_ALG_ID alg) {
  switch (alg) {
    case TPM_ALG_ID::RSA: return "rsa";
    case TPM_ALG_ID::SHA1: return "sha1";
    case TPM_ALG_ID::AES: return "aes";
    case TPM_ALG_ID::SHA256: return "sha256";
    case TPM_ALG_ID::SHA384: return "sha384";
    case TPM_ALG_ID::SHA512: return "sha512";
    case TPM_ALG_ID::NULL_: return "null";
    case TPM_ALG_ID::RSASSA: return "rsassa";
    case TPM_ALG_ID::RSAES: return "rsaes";
    case TPM_ALG_ID::RSAPSS: return "rsapss";
    case TPM_ALG_ID::OAEP: return "oaep";
    case TPM_ALG_ID::ECC: return "ecc";
    case TPM_ALG_ID::CFB: return "cfb";
  }
  return "unknown";
}

/// Part 2, "TPM_SU".
enum class TPM_SU : std::uint16_t { CLEAR = 0, STATE = 1 };

/// Part 2, "TPM_CAP".
enum class TPM_CAP : std::uint32_t { HANDLES = 1, TPM_PROPERTIES = 6 };

/// Part 2, "TPM_PT".
enum class TPM_PT : std::uint32_t {
  FAMILY_INDICATOR = 0x100,
  MANUFACTURER = 0x105,
  VENDOR_STRING_1 = 0x106,
  FIRMWARE_VERSION_1 = 0x10B,
  FIRMWARE_VERSION_2 = 0x10C,
  NV_INDEX_MAX = 0x117,
  NV_BUFFER_MAX = 0x12C,
};

/// Attributes of an NV index. Part 2, "TPMA_NV".
struct TPMA_NV {
  std::uint32_t value = 0;
  static constexpr BitName PPWRITE{0, 0, "ppwrite"};
  static constexpr BitName OWNERWRITE{1, 1, "ownerwrite"};
  static constexpr BitName AUTHWRITE{2, 2, "authwrite"};
  static constexpr BitName POLICYWRITE{3, 3, "policywrite"};
  static constexpr BitName TPM_NT{4, 7, "nt"};
  static constexpr BitName POLICY_DELETE{10, 10, "policydelete"};
  static constexpr BitName WRITELOCKED{11, 11, "writelocked"};
  static constexpr BitName WRITEALL{12, 12, "writeall"};
  static constexpr BitName WRITEDEFINE{13, 13, "writedefine"};
  static constexpr BitName WRITE_STCLEAR{14, 14, "write_stclear"};
  static constexpr BitName GLOBALLOCK{15, 15, "globallock"};
  static constexpr BitName PPREAD{16, 16, "ppread"};
  static constexpr BitName OWNERREAD{17, 17, "ownerread"};
  static constexpr BitName AUTHREAD{18, 18, "authread"};
  static constexpr BitName POLICYREAD{19, 19, "policyread"};
  static constexpr BitName NO_DA{25, 25, "no_da"};
  static constexpr BitName ORDERLY{26, 26, "orderly"};
  static constexpr BitName CLEAR_STCLEAR{27, 27, "clear_stclear"};
  static constexpr BitName READLOCKED{28, 28, "readlocked"};
  static constexpr BitName WRITTEN{29, 29, "written"};
  static constexpr BitName PLATFORMCREATE{30, 30, "platformcreate"};
  static constexpr BitName READ_STCLEAR{31, 31, "read_stclear"};
  static constexpr auto kBits = std::to_array({
      PPWRITE,      OWNERWRITE,    AUTHWRITE,   POLICYWRITE,   TPM_NT,     POLICY_DELETE,
      WRITELOCKED,  WRITEALL,      WRITEDEFINE, WRITE_STCLEAR, GLOBALLOCK, PPREAD,
      OWNERREAD,    AUTHREAD,      POLICYREAD,  NO_DA,         ORDERLY,    CLEAR_STCLEAR,
      READLOCKED,   WRITTEN,       PLATFORMCREATE, READ_STCLEAR});

  [[nodiscard]] constexpr bool has(BitName bit) const { return extract(value, bit) != 0; }
  [[nodiscard]] constexpr TPMA_NV with(BitName bit) const { return {value | (1U << bit.first)}; }
  friend constexpr bool operator==(TPMA_NV, TPMA_NV) = default;
};

/// Attributes of an object. Part 2, "TPMA_OBJECT".
struct TPMA_OBJECT {
  std::uint32_t value = 0;
  static constexpr BitName fixedTPM{1, 1, "fixedtpm"};
  static constexpr BitName stClear{2, 2, "stclear"};
  static constexpr BitName fixedParent{4, 4, "fixedparent"};
  static constexpr BitName sensitiveDataOrigin{5, 5, "sensitivedataorigin"};
  static constexpr BitName userWithAuth{6, 6, "userwithauth"};
  static constexpr BitName adminWithPolicy{7, 7, "adminwithpolicy"};
  static constexpr BitName noDA{10, 10, "noda"};
  static constexpr BitName encryptedDuplication{11, 11, "encryptedduplication"};
  static constexpr BitName restricted{16, 16, "restricted"};
  static constexpr BitName decrypt{17, 17, "decrypt"};
  static constexpr BitName sign{18, 18, "sign"};
  static constexpr auto kBits =
      std::to_array({fixedTPM, stClear, fixedParent, sensitiveDataOrigin, userWithAuth, adminWithPolicy, noDA,
                     encryptedDuplication, restricted, decrypt, sign});

  [[nodiscard]] constexpr bool has(BitName bit) const { return extract(value, bit) != 0; }
  [[nodiscard]] constexpr TPMA_OBJECT with(BitName bit) const { return {value | (1U << bit.first)}; }
  friend constexpr bool operator==(TPMA_OBJECT, TPMA_OBJECT) = default;
};

}  // namespace snpnv
