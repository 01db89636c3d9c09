// SPDX-License-Identifier: Apache-2.0
#include "transports/open.hpp"

#include <sys/stat.h>

#include <fstream>

#include "tests/transports/conformance.hpp"
#include "tests/transports/tcp_swtpm.hpp"

namespace snpnv {
namespace {

using namespace conformance;
using namespace testing;

Error error_of(const std::string& name) {
  const auto opened = open_transport(name, in_time());
  REQUIRE_FALSE(opened.has_value());
  return opened.error();
}

void check_swtpm(const std::string& tcti) {
  const TcpSwtpm swtpm;
  auto tpm = open_transport(tcti + std::to_string(swtpm.port()), in_time());
  REQUIRE(tpm.has_value());
  check_conversation(*tpm);
  swtpm.stop();
  check_silence(*tpm);
}

TEST_CASE("OpenTransport_Swtpm_Converses") { check_swtpm("swtpm:host=localhost,port="); }

#ifdef SNPNV_TCTI
TEST_CASE("OpenTransport_Tcti_Converses") { check_swtpm("libtss2-tcti-swtpm.so.0:host=127.0.0.1,port="); }

TEST_CASE("OpenTransport_SwtpmWithOtherOptions_IsATcti") {
  CHECK(error_of("swtpm:port=65536").code == Code::io_tcti);
  CHECK(error_of("swtpm:no-such-option=1").code == Code::io_tcti);
}
#endif

TEST_CASE("OpenTransport_DeviceNames_OpenTheDevice") {
  CHECK(error_of("device:/no/such/tpm") == Error{Code::io_failed, 0, ENOENT});
  CHECK(error_of("/dev/no-such-tpm") == Error{Code::io_failed, 0, ENOENT});
  CHECK(error_of("device:") == Error{Code::io_failed, 0, ENOENT});
  for (const char* const name : {"device:/dev/full", "/dev/full"}) {
    auto device = open_transport(name, in_time());
    REQUIRE(device.has_value());
    const Result<Message> answer = ask(*device, kGetRandom8);
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error() == Error{Code::io_failed, 0, ENOSPC});
  }
}

TEST_CASE("OpenTransport_Replay_AnswersFromTheFile") {
  const Folder folder;
  std::ofstream(folder / "r=1") << "snpnv-recording 1\n> 80010000000c0000017b0008\n"
                                   "< 80010000000a0000018b\n";
  auto replay = open_transport("replay:" + folder / "r=1", in_time());
  REQUIRE(replay.has_value());
  CHECK(get(*replay, kGetRandom8) == kNoSuchHandle);
  CHECK(error_of("replay:" + folder / "absent") == Error{Code::io_failed, 0, ENOENT});
}

TEST_CASE("OpenTransport_RecordOfAReplay_IsTheSameRecording") {
  const Folder folder;
  const std::string text =
      "snpnv-recording 1\n> 80010000000c0000017b0008\n< 80010000000a0000018b\n";
  std::ofstream(folder / "from") << text;
  auto both = open_transport("record:" + folder / "to" + "=replay:" + folder / "from", in_time());
  REQUIRE(both.has_value());
  CHECK(get(*both, kGetRandom8) == kNoSuchHandle);
  std::ifstream file(folder / "to");
  CHECK(std::string(std::istreambuf_iterator<char>(file), {}) == text);
}

TEST_CASE("OpenTransport_RecordWithoutItsParts_IsUnavailable") {
  CHECK(error_of("record:file") == Error{Code::io_unavailable});
  CHECK(error_of("record:=device") == Error{Code::io_unavailable});
}

TEST_CASE("OpenTransport_RecordOfNothing_MakesNoFile") {
  const Folder folder;
  CHECK(error_of("record:" + folder / "file" + "=device:/no/such/tpm") ==
        Error{Code::io_failed, 0, ENOENT});
  CHECK_FALSE(std::filesystem::exists(folder / "file"));
}

TEST_CASE("DefaultTransportName_Device_IsThisMachinesOwn") {
  if (std::filesystem::exists("/dev/tpmrm0"))
    CHECK(default_transport_name() == "device:/dev/tpmrm0");
  else if (std::filesystem::exists("/dev/tpm0"))
    CHECK(default_transport_name() == "device:/dev/tpm0");
  else
    CHECK(default_transport_name() == std::nullopt);
}

}  // namespace
}  // namespace snpnv
