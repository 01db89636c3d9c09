// SPDX-License-Identifier: Apache-2.0
// esapi_flow TCTI USER-DATA REPORT: the flow by the Enhanced System API, as its users write it: name the
// indices, write, ask for the size, read in chunks.
#include <tss2/tss2_esys.h>
#include <tss2/tss2_tctildr.h>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <vector>

int main(int count, char** words) {
  if (count != 4) return 2;
  TPM2B_MAX_NV_BUFFER user_data{64, {}};
  std::FILE* const input = std::fopen(words[2], "rb");
  if (input == nullptr || std::fread(user_data.buffer, 1, 64, input) != 64) return 1;
  std::fclose(input);

  TSS2_TCTI_CONTEXT* tcti = nullptr;
  ESYS_CONTEXT* esys = nullptr;
  ESYS_TR to = ESYS_TR_NONE;
  ESYS_TR from = ESYS_TR_NONE;
  TPM2B_NV_PUBLIC* shape = nullptr;
  if (Tss2_TctiLdr_Initialize(words[1], &tcti) != TSS2_RC_SUCCESS ||
      Esys_Initialize(&esys, tcti, nullptr) != TSS2_RC_SUCCESS ||
      Esys_TR_FromTPMPublic(esys, 0x01400002, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &to) != TSS2_RC_SUCCESS ||
      Esys_NV_Write(esys, ESYS_TR_RH_OWNER, to, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, &user_data, 0) !=
          TSS2_RC_SUCCESS ||
      Esys_TR_FromTPMPublic(esys, 0x01400001, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &from) !=
          TSS2_RC_SUCCESS ||
      Esys_NV_ReadPublic(esys, from, ESYS_TR_NONE, ESYS_TR_NONE, ESYS_TR_NONE, &shape, nullptr) !=
          TSS2_RC_SUCCESS)
    return 1;
  std::vector<std::uint8_t> content(shape->nvPublic.dataSize);
  Esys_Free(shape);
  for (std::size_t at = 0; at < content.size();) {
    const auto size = static_cast<std::uint16_t>(content.size() - at < 1024 ? content.size() - at : 1024);
    TPM2B_MAX_NV_BUFFER* data = nullptr;
    if (Esys_NV_Read(esys, ESYS_TR_RH_OWNER, from, ESYS_TR_PASSWORD, ESYS_TR_NONE, ESYS_TR_NONE, size,
                     static_cast<std::uint16_t>(at), &data) != TSS2_RC_SUCCESS)
      return 1;
    std::memcpy(content.data() + at, data->buffer, data->size);
    at += data->size;
    Esys_Free(data);
  }
  Esys_Finalize(&esys);
  Tss2_TctiLdr_Finalize(&tcti);
  std::FILE* const output = std::fopen(words[3], "wb");
  return output != nullptr && std::fwrite(content.data() + 32, 1, 1184, output) == 1184 && std::fclose(output) == 0
             ? 0
             : 1;
}
