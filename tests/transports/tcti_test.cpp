// SPDX-License-Identifier: Apache-2.0
#include "transports/tcti.hpp"

#include <tss2/tss2_tctildr.h>

#include "tests/transports/conformance.hpp"
#include "tests/transports/fake_swtpm.hpp"
#include "tests/transports/interruptions.hpp"

namespace snpnv {
namespace {

using namespace conformance;
using namespace testing;

Tcti connected(const std::string& name) {
  auto tcti = Tcti::open(name, in_time());
  REQUIRE(tcti.has_value());
  return std::move(*tcti);
}

TEST_CASE("Tcti_AnyPeer_IsAnsweredOrRefusedInTime") {
  check_client([](std::uint16_t port) { return connected("swtpm:host=127.0.0.1,port=" + std::to_string(port)); });
}

TEST_CASE("Tcti_BorrowedContext_ConversesAndLeavesItOpen") {
  const TcpSwtpm swtpm;
  TSS2_TCTI_CONTEXT* context = nullptr;
  REQUIRE(Tss2_TctiLdr_Initialize(swtpm.tcti().c_str(), &context) == TSS2_RC_SUCCESS);
  {
    Tcti first(context, in_time());
    CHECK(is_random(get(first, kGetRandom8), 8));
  }
  Tcti second(context, in_time());
  check_conversation(second);
  Tss2_TctiLdr_Finalize(&context);
}

TEST_CASE("Tcti_PeerAnnouncesMoreThanAnyResponse_IsAnError") {
  const FakeSwtpm fake(octets("80017fffffff00000000"));
  Tcti tcti = connected(fake.tcti());
  const Result<Message> answer = ask(tcti, kGetRandom8);
  REQUIRE_FALSE(answer.has_value());
  CHECK(name(answer.error().code) == name(Code::io_tcti));
}

TEST_CASE("TctiOpen_PeerAcceptsAndIsSilent_EndsAtTheDeadline") {
  const PortPair silent;  // the kernel completes the connections
  for (const char* const kind : {"swtpm", "mssim"}) {
    CAPTURE(kind);
    check_deadline([&](Instant deadline) { return Tcti::open(silent.tcti(kind), deadline); });
  }
}

TEST_CASE("TctiOpen_PeerDoesNotEvenConnect_EndsAtTheDeadline") {
  const FullQueue full;
  check_deadline([&](Instant deadline) { return Tcti::open(full.ports.tcti(), deadline); });
}

TEST_CASE("TctiOpen_NobodyListens_KeepsTheReturnCode") {
  const BoundPair closed;
  const auto tcti = Tcti::open(closed.tcti(), in_time());
  REQUIRE_FALSE(tcti.has_value());
  CHECK(name(tcti.error().code) == name(Code::io_tcti));
  // TCG TSS 2.0 Overview and Common Structures, "TSS2_RC": layer TCTI, TSS2_BASE_RC_IO_ERROR.
  CHECK(tcti.error().detail == TSS2_TCTI_RC_IO_ERROR);
}

TEST_CASE("TctiOpen_UnknownName_IsAnError") {
  const auto tcti = Tcti::open("no-such-tcti:x", in_time());
  REQUIRE_FALSE(tcti.has_value());
  CHECK(name(tcti.error().code) == name(Code::io_tcti));
  CHECK(tcti.error().detail != 0);
}

TEST_CASE("Tcti_FarDeadline_DoesNotOverflow") {
  const TcpSwtpm swtpm;
  Tcti tcti = connected(swtpm.tcti());
  tcti.set_deadline(~Instant{0});
  CHECK(is_random(get(tcti, kGetRandom8), 8));
}

}  // namespace
}  // namespace snpnv
