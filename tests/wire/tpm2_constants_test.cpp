// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/tpm2_constants.hpp"

#include "tests/test.hpp"

using namespace snpnv;

// Values as tss2_tpm2_types.h of tpm2-tss 3.2.1 gives them.

TEST_CASE("Commands_CodesAndNames_AreTheSpecifications") {
  const std::pair<std::uint32_t, const char*> commands[] = {
      {0x122, "TPM2_NV_UndefineSpace"}, {0x12A, "TPM2_NV_DefineSpace"},
      {0x137, "TPM2_NV_Write"},         {0x144, "TPM2_Startup"},
      {0x14E, "TPM2_NV_Read"},          {0x158, "TPM2_Quote"},
      {0x169, "TPM2_NV_ReadPublic"},    {0x173, "TPM2_ReadPublic"},
      {0x17A, "TPM2_GetCapability"},    {0x17B, "TPM2_GetRandom"},
      {0x17E, "TPM2_PCR_Read"}};
  for (const auto& [code, expected] : commands) CHECK(name(static_cast<TPM_CC>(code)) == expected);
  std::size_t count = 0;
#define SNPNV_X(name, code) ++count;
  SNPNV_TPM_COMMANDS(SNPNV_X)
#undef SNPNV_X
  CHECK(count == std::size(commands));
  CHECK(name(TPM_CC{}) == "TPM command");
}

TEST_CASE("Algorithms_ValuesAndNames_AreTheSpecifications") {
  const std::pair<std::uint16_t, const char*> algorithms[] = {
      {0x0001, "rsa"},    {0x0004, "sha1"},   {0x0006, "aes"},    {0x000B, "sha256"}, {0x000C, "sha384"},
      {0x000D, "sha512"}, {0x0010, "null"},   {0x0014, "rsassa"}, {0x0015, "rsaes"},  {0x0016, "rsapss"},
      {0x0017, "oaep"},   {0x0023, "ecc"},    {0x0043, "cfb"},    {0x0000, "unknown"}};
  for (const auto& [value, expected] : algorithms) CHECK(name(static_cast<TPM_ALG_ID>(value)) == expected);
}

TEST_CASE("Numbers_Values_AreTheSpecifications") {
  CHECK(std::uint16_t(TPM_ST::RSP_COMMAND) == 0x00C4);
  CHECK(std::uint16_t(TPM_ST::NO_SESSIONS) == 0x8001);
  CHECK(std::uint16_t(TPM_ST::SESSIONS) == 0x8002);
  CHECK(std::uint16_t(TPM_ST::ATTEST_NV) == 0x8014);
  CHECK(std::uint16_t(TPM_ST::ATTEST_COMMAND_AUDIT) == 0x8015);
  CHECK(std::uint16_t(TPM_ST::ATTEST_SESSION_AUDIT) == 0x8016);
  CHECK(std::uint16_t(TPM_ST::ATTEST_CERTIFY) == 0x8017);
  CHECK(std::uint16_t(TPM_ST::ATTEST_QUOTE) == 0x8018);
  CHECK(std::uint16_t(TPM_ST::ATTEST_TIME) == 0x8019);
  CHECK(std::uint16_t(TPM_ST::ATTEST_CREATION) == 0x801A);
  CHECK(std::uint16_t(TPM_ST::ATTEST_NV_DIGEST) == 0x801C);  // Part 2, "TPM_ST"
  CHECK(std::uint32_t(TPM_RH::OWNER) == 0x40000001);
  CHECK(std::uint32_t(TPM_RH::NULL_) == 0x40000007);
  CHECK(std::uint32_t(TPM_RH::PW) == 0x40000009);
  CHECK(std::uint32_t(TPM_RH::ENDORSEMENT) == 0x4000000B);
  CHECK(std::uint32_t(TPM_RH::PLATFORM) == 0x4000000C);
  CHECK(std::uint16_t(TPM_SU::CLEAR) == 0);
  CHECK(std::uint16_t(TPM_SU::STATE) == 1);
  CHECK(std::uint32_t(TPM_CAP::HANDLES) == 1);
  CHECK(std::uint32_t(TPM_CAP::TPM_PROPERTIES) == 6);
  CHECK(std::uint32_t(TPM_PT::FAMILY_INDICATOR) == 0x100);
  CHECK(std::uint32_t(TPM_PT::MANUFACTURER) == 0x105);
  CHECK(std::uint32_t(TPM_PT::VENDOR_STRING_1) == 0x106);
  CHECK(std::uint32_t(TPM_PT::FIRMWARE_VERSION_1) == 0x10B);
  CHECK(std::uint32_t(TPM_PT::FIRMWARE_VERSION_2) == 0x10C);
  CHECK(std::uint32_t(TPM_PT::NV_INDEX_MAX) == 0x117);
  CHECK(std::uint32_t(TPM_PT::NV_BUFFER_MAX) == 0x12C);
}

TEST_CASE("NvAttributes_EachBit_HasItsMask") {
  const std::pair<BitName, std::uint32_t> bits[] = {
      {TPMA_NV::PPWRITE, 0x00000001},       {TPMA_NV::OWNERWRITE, 0x00000002},
      {TPMA_NV::AUTHWRITE, 0x00000004},     {TPMA_NV::POLICYWRITE, 0x00000008},
      {TPMA_NV::TPM_NT, 0x000000F0},        {TPMA_NV::POLICY_DELETE, 0x00000400},
      {TPMA_NV::WRITELOCKED, 0x00000800},   {TPMA_NV::WRITEALL, 0x00001000},
      {TPMA_NV::WRITEDEFINE, 0x00002000},   {TPMA_NV::WRITE_STCLEAR, 0x00004000},
      {TPMA_NV::GLOBALLOCK, 0x00008000},    {TPMA_NV::PPREAD, 0x00010000},
      {TPMA_NV::OWNERREAD, 0x00020000},     {TPMA_NV::AUTHREAD, 0x00040000},
      {TPMA_NV::POLICYREAD, 0x00080000},    {TPMA_NV::NO_DA, 0x02000000},
      {TPMA_NV::ORDERLY, 0x04000000},       {TPMA_NV::CLEAR_STCLEAR, 0x08000000},
      {TPMA_NV::READLOCKED, 0x10000000},    {TPMA_NV::WRITTEN, 0x20000000},
      {TPMA_NV::PLATFORMCREATE, 0x40000000}, {TPMA_NV::READ_STCLEAR, 0x80000000}};
  CHECK(std::size(bits) == TPMA_NV::kBits.size());
  for (const auto& [bit, mask] : bits) {
    CAPTURE(bit.name);
    CHECK(TPMA_NV{mask}.has(bit));
    CHECK_FALSE(TPMA_NV{~mask}.has(bit));
    if (bit.first == bit.last) CHECK(TPMA_NV{}.with(bit).value == mask);
  }
}

TEST_CASE("ObjectAttributes_EachBit_HasItsMask") {
  const std::pair<BitName, std::uint32_t> bits[] = {
      {TPMA_OBJECT::fixedTPM, 0x00000002},     {TPMA_OBJECT::stClear, 0x00000004},
      {TPMA_OBJECT::fixedParent, 0x00000010},  {TPMA_OBJECT::sensitiveDataOrigin, 0x00000020},
      {TPMA_OBJECT::userWithAuth, 0x00000040}, {TPMA_OBJECT::adminWithPolicy, 0x00000080},
      {TPMA_OBJECT::noDA, 0x00000400},         {TPMA_OBJECT::encryptedDuplication, 0x00000800},
      {TPMA_OBJECT::restricted, 0x00010000},   {TPMA_OBJECT::decrypt, 0x00020000},
      {TPMA_OBJECT::sign, 0x00040000}};
  CHECK(std::size(bits) == TPMA_OBJECT::kBits.size());
  for (const auto& [bit, mask] : bits) {
    CAPTURE(bit.name);
    CHECK(TPMA_OBJECT{mask}.has(bit));
    CHECK_FALSE(TPMA_OBJECT{~mask}.has(bit));
    CHECK(TPMA_OBJECT{}.with(bit).value == mask);
  }
}
