// SPDX-License-Identifier: Apache-2.0
#include "transports/swtpm_client.hpp"

#include <thread>

#include "snpnv/tpm/tpm.hpp"
#include "tests/transports/conformance.hpp"
#include "tests/transports/fake_swtpm.hpp"
#include "tests/transports/interruptions.hpp"

namespace snpnv {
namespace {

using namespace conformance;
using namespace testing;

SocketAddress at(std::uint16_t port) { return *SocketAddress::parse("127.0.0.1", port); }

SwtpmClient connected(std::uint16_t port) {
  return SwtpmClient(at(port), in_time());
}

// What a client makes of a peer that answers every command so.
Result<Message> answer_of(const char* hex) {
  const FakeSwtpm fake(octets(hex));
  SwtpmClient client = connected(fake.port());
  return ask(client, kGetRandom8);
}

bool is_same(const std::optional<SocketAddress>& address, const char* host, std::uint16_t port) {
  const auto wanted = SocketAddress::parse(host, port);
  REQUIRE(wanted.has_value());
  return address && address->size == wanted->size &&
         equal(std::as_bytes(std::span(&address->storage, 1)), std::as_bytes(std::span(&wanted->storage, 1)));
}

TEST_CASE("SwtpmClient_AnyPeer_IsAnsweredOrRefusedInTime") {
  check_client(connected);
}

TEST_CASE("SwtpmClient_TwoAtOnce_TakeTurns") {
  const TcpSwtpm swtpm;
  SwtpmClient one = connected(swtpm.port());
  SwtpmClient other = connected(swtpm.port());
  for (int i = 0; i < 20; ++i) {
    CHECK(get(other, kReadPublicOfNoIndex) == kNoSuchHandle);
    CHECK(is_random(get(one, kGetRandom8), 8));
  }
}

TEST_CASE("SwtpmClient_PeerHangsUpWithinAResponse_HasClosed") {
  for (const char* const said : {"", "8001000000", "8001000000140000000000080102"}) {
    CAPTURE(said);
    const PortPair ports;
    SwtpmClient client = connected(ports.port);
    std::thread server([&] {
      take_no_signals();
      const Descriptor peer(::accept(ports.data.get(), nullptr, nullptr));
      std::array<char, 4096> command;
      (void)!::recv(peer.get(), command.data(), command.size(), 0);
      const Message answer = octets(said);
      ::send(peer.get(), answer.data(), answer.size(), MSG_NOSIGNAL);
    });
    const Result<Message> answer = ask(client, kGetRandom8);
    server.join();
    REQUIRE_FALSE(answer.has_value());
    CHECK(name(answer.error().code) == name(Code::io_closed));
    CHECK(ask(client, kGetRandom8) == Result<Message>(fail(Code::io_closed)));
  }
}

TEST_CASE("SwtpmClient_PeerAnnouncesMoreThanTheBufferHolds_IsAnOverflow") {
  const Result<Message> answer = answer_of("80017fffffff00000000");
  REQUIRE_FALSE(answer.has_value());
  CHECK(answer.error() == Error{Code::wire_overflow, 4096, 0x7FFFFFFF});
}

TEST_CASE("SwtpmClient_PeerSaysNotWhatItAnnounced_GivesWhatTheTpmLayerRefuses") {
  for (const char* const said :
       {"80010000000000000000", "80010000000900000000", "8001000000090000000000", "8001000000100000000000040102030405"}) {
    CAPTURE(said);
    CHECK(answer_of(said) == octets(said));
    const FakeSwtpm fake(octets(said));
    SwtpmClient client = connected(fake.port());
    MonotonicClock clock;
    Tpm tpm(client, clock, in_time());
    const auto area = tpm.execute(NV_ReadPublic{vtpm::kReportIndex});
    REQUIRE_FALSE(area.has_value());
    CHECK(name(area.error().code) == name(Code::tpm_header));
  }
}

TEST_CASE("SwtpmClient_PeerDoesNotEvenConnect_EndsAtTheDeadline") {
  const FullQueue full;
  SwtpmClient client = connected(full.ports.port);
  check_silence(client);
}

TEST_CASE("SwtpmClient_NobodyListens_IsRefused") {
  const BoundPair closed;
  SwtpmClient client = connected(closed.port);
  CHECK(ask(client, kGetRandom8) == Result<Message>(fail(Error{Code::io_failed, 0, ECONNREFUSED})));
}

TEST_CASE("SwtpmClientParse_OptionsOfTheTcti_GiveTheAddress") {
  // tpm2-tss, tss2-tcti-swtpm(7): host=localhost, port=2321.
  CHECK(is_same(SwtpmClient::parse(""), "127.0.0.1", 2321));
  CHECK(is_same(SwtpmClient::parse("host=localhost"), "127.0.0.1", 2321));
  CHECK(is_same(SwtpmClient::parse("port=1"), "127.0.0.1", 1));
  CHECK(is_same(SwtpmClient::parse("host=10.1.2.3,port=65535"), "10.1.2.3", 65535));
  CHECK(is_same(SwtpmClient::parse("port=2322,host=::1"), "::1", 2322));
}

TEST_CASE("SwtpmClientParse_AnythingElse_IsNothing") {
  for (const char* const options :
       {"host=", "host=name.example", "host=127.0.0.1:2321", "port=", "port=0", "port=65536", "port=-1", "port=1x",
        "port=99999999999999999999", "path=/run/swtpm", "host", "Host=::1", ",", "host=::1,,port=1", "port=1 "}) {
    CAPTURE(options);
    CHECK_FALSE(SwtpmClient::parse(options).has_value());
  }
}

}  // namespace
}  // namespace snpnv
