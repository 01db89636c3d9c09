// SPDX-License-Identifier: Apache-2.0
// Peers on swtpm's ports that are no TPM.
#pragma once

#include <mutex>
#include <thread>
#include <vector>

#include "tests/transports/conformance.hpp"
#include "tests/transports/interruptions.hpp"
#include "tests/transports/tcp_swtpm.hpp"

namespace snpnv::testing {

/// Takes the control commands of the swtpm TCTI and answers each command on the data port with
/// `said`. At its end the connections are closed, which lets abandoned threads finish.
class FakeSwtpm {
 public:
  explicit FakeSwtpm(conformance::Message said) : said_(std::move(said)) {
    control_ = std::thread([this] {
      take_no_signals();
      while (true) {
        const Descriptor peer(::accept(ports_.control.get(), nullptr, nullptr));
        if (peer.get() < 0) return;
        std::array<char, 64> request;
        const std::array<char, 4> success{};
        if (::recv(peer.get(), request.data(), request.size(), 0) > 0)
          ::send(peer.get(), success.data(), success.size(), MSG_NOSIGNAL);
      }
    });
    data_ = std::thread([this] {
      take_no_signals();
      while (true) {  // clients connect anew for every command
        const int peer = ::accept(ports_.data.get(), nullptr, nullptr);
        if (peer < 0) return;
        {
          const std::lock_guard lock(mutex_);
          peers_.emplace_back(peer);
        }
        std::array<char, 4096> command;
        while (::recv(peer, command.data(), command.size(), 0) > 0)
          if (!said_.empty()) ::send(peer, said_.data(), said_.size(), MSG_NOSIGNAL);
      }
    });
  }
  FakeSwtpm(const FakeSwtpm&) = delete;
  FakeSwtpm& operator=(const FakeSwtpm&) = delete;
  ~FakeSwtpm() {
    ::shutdown(ports_.control.get(), SHUT_RDWR);
    ::shutdown(ports_.data.get(), SHUT_RDWR);
    {
      const std::lock_guard lock(mutex_);
      for (const Descriptor& peer : peers_) ::shutdown(peer.get(), SHUT_RDWR);
    }
    control_.join();
    data_.join();
  }
  [[nodiscard]] std::string tcti() const { return ports_.tcti(); }
  [[nodiscard]] std::uint16_t port() const { return ports_.port; }

 private:
  PortPair ports_;
  conformance::Message said_;
  std::mutex mutex_;
  std::vector<Descriptor> peers_;  // open until the end, so that no number stands for another file
  std::thread control_, data_;
};

/// A queue of one that is full: further connections are neither accepted nor refused.
struct FullQueue {
  PortPair ports;
  std::vector<Descriptor> waiting;

  FullQueue() {
    ::listen(ports.data.get(), 0);
    for (int i = 0; i < 4; ++i) {
      waiting.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
      const sockaddr_in address = loopback(ports.port);
      (void)::connect(waiting.back().get(), generic(address), sizeof address);
    }
  }
};

/// What a transport that connects to swtpm's ports owes, with a swtpm there and with less. `connect(port)`
/// opens one.
template <class Connect>
void check_client(Connect&& connect) {
  using namespace conformance;
  SUBCASE("a real swtpm converses") {
    const TcpSwtpm swtpm;
    auto tpm = connect(swtpm.port());
    check_conversation(tpm);
  }
  SUBCASE("signals change nothing") {
    const TcpSwtpm swtpm;
    const Interruptions signals;
    auto tpm = connect(swtpm.port());
    while (signals.count() < 100) check_conversation(tpm);
  }
  SUBCASE("a swtpm that stops") {
    const TcpSwtpm swtpm;
    auto tpm = connect(swtpm.port());
    CHECK(is_random(get(tpm, kGetRandom8), 8));
    swtpm.stop();
    check_silence(tpm);
  }
  SUBCASE("a swtpm that dies") {
    const TcpSwtpm swtpm;
    auto tpm = connect(swtpm.port());
    CHECK(is_random(get(tpm, kGetRandom8), 8));
    swtpm.die();
    check_closed(tpm);
  }
  SUBCASE("a command larger than any TPM takes is refused unsent") {
    const TcpSwtpm swtpm;
    auto tpm = connect(swtpm.port());
    const Result<Message> answer = ask(tpm, Message(kMaxTpmMessage + 1));
    REQUIRE_FALSE(answer.has_value());
    CHECK(answer.error() == Error{Code::wire_overflow, 0, kMaxTpmMessage + 1});
    CHECK(is_random(get(tpm, kGetRandom8), 8));
  }
  SUBCASE("a peer that says nothing, half a header, or less than it announced") {
    for (const char* const said : {"", "8001000000", "8001000000140000000000080102"}) {
      CAPTURE(said);
      const FakeSwtpm fake(octets(said));
      auto tpm = connect(fake.port());
      check_silence(tpm);
    }
  }
}

}  // namespace snpnv::testing
