#include "snpnv/wire/tpm2_rc.hpp"

#include "tests/test.hpp"

using namespace snpnv;

// As tpm2_rc_decode of tpm2-tools decodes them.
TEST_CASE("ResponseCode_Known_DecodeAsTpm2ToolsDo") {
  struct Case {
    std::uint32_t code;
    const char* rc;
    const char* subject;
    unsigned number;
  };
  for (const Case& c : {Case{0x18B, "TPM_RC_HANDLE", "handle", 1}, Case{0x28B, "TPM_RC_HANDLE", "handle", 2},
                        Case{0x1C4, "TPM_RC_VALUE", "parameter", 1}, Case{0x1D5, "TPM_RC_SIZE", "parameter", 1},
                        Case{0xFC4, "TPM_RC_VALUE", "parameter", 15}, Case{0x9A2, "TPM_RC_BAD_AUTH", "session", 1},
                        Case{0x98E, "TPM_RC_AUTH_FAIL", "session", 1}, Case{0xA84, "TPM_RC_VALUE", "session", 2},
                        Case{0x14A, "TPM_RC_NV_UNINITIALIZED", "", 0}, Case{0x146, "TPM_RC_NV_RANGE", "", 0},
                        Case{0x148, "TPM_RC_NV_LOCKED", "", 0}, Case{0x149, "TPM_RC_NV_AUTHORIZATION", "", 0},
                        Case{0x14B, "TPM_RC_NV_SPACE", "", 0}, Case{0x14C, "TPM_RC_NV_DEFINED", "", 0},
                        Case{0x100, "TPM_RC_INITIALIZE", "", 0}, Case{0x101, "TPM_RC_FAILURE", "", 0},
                        Case{0x922, "TPM_RC_RETRY", "", 0}, Case{0x908, "TPM_RC_YIELDED", "", 0},
                        Case{0x90A, "TPM_RC_TESTING", "", 0}, Case{0x920, "TPM_RC_NV_RATE", "", 0},
                        Case{0x921, "TPM_RC_LOCKOUT", "", 0}, Case{0x923, "TPM_RC_NV_UNAVAILABLE", "", 0},
                        Case{0x01E, "TPM_RC_BAD_TAG", "", 0}, Case{0x084, "TPM_RC_VALUE", "", 0}}) {
    CAPTURE(c.code);
    const ResponseCode rc = decode(c.code);
    CHECK(name(rc.rc) == c.rc);
    CHECK(name(rc.subject) == c.subject);
    CHECK(rc.number == c.number);
    CHECK(rc.layer == 0);
  }
  CHECK(decode(0xB0143).layer == 11);
  CHECK(name(decode(0xB0143).rc) == "TPM_RC_COMMAND_CODE");
  CHECK(name(decode(0x7FF).rc) == "unknown TPM_RC");
}

TEST_CASE("ResponseCode_RetryWarnings_AreTheseSix") {
  std::size_t count = 0;
  for (std::uint32_t code = 0; code < 0x1000; ++code) count += asks_for_retry(code);
  CHECK(count == 6);
  for (const std::uint32_t code : {0x922U, 0x908U, 0x90AU, 0x920U, 0x923U, 0x921U}) CHECK(asks_for_retry(code));
}
