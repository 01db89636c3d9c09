// SPDX-License-Identifier: Apache-2.0
#include "transports/tcp.hpp"

#include <thread>

#include "tests/test.hpp"
#include "tests/transports/tcp_swtpm.hpp"

using namespace snpnv;
using namespace snpnv::test;
using namespace snpnv::testing;

namespace {

constexpr Millis kSoon = 300;

// Sleeps no longer than until its deadline, and a moment.
template <class Call>
void ends_at_its_deadline(Instant deadline, Call call) {
  const Millis slept = asleep([&] {
    const auto result = call();
    REQUIRE_FALSE(result.has_value());
    CHECK(result.error().code == Code::io_deadline);
  });
  CHECK(in(0) >= deadline);
  CHECK(slept < kSoon + 2000);
}

}  // namespace

TEST_CASE("Tcp_Octets_GoBothWaysUntilTheEnd") {
  const Descriptor listener = listen_on(0);
  std::thread server([&] {
    const Descriptor peer(::accept(listener.get(), nullptr, nullptr));
    std::array<char, 4> got{};
    (void)::recv(peer.get(), got.data(), got.size(), MSG_WAITALL);
    (void)::send(peer.get(), got.data(), got.size(), 0);
  });
  auto stream = TcpStream::connect("127.0.0.1", port_of(listener), in_time());
  REQUIRE(stream.has_value());
  CHECK(stream->write_all(view("ping")).has_value());
  std::string got;
  while (true) {
    std::array<std::byte, 3> piece{};
    const auto size = stream->read_some(piece);
    REQUIRE(size.has_value());
    if (*size == 0) break;
    got += text(ByteView(piece).first(*size));
  }
  server.join();
  CHECK(got == "ping");
}

TEST_CASE("Tcp_LocalhostByName_IsFound") {
  const Descriptor listener = listen_on(0);
  CHECK(TcpStream::connect("localhost", port_of(listener), in_time()).has_value());
}

TEST_CASE("Tcp_NobodyListens_IsRefused") {
  Descriptor listener = listen_on(0);
  const std::uint16_t port = port_of(listener);
  listener.reset();
  const auto stream = TcpStream::connect("127.0.0.1", port, in_time());
  REQUIRE_FALSE(stream.has_value());
  CHECK(stream.error() == Error{Code::io_failed, 0, ECONNREFUSED});
}

TEST_CASE("Tcp_NoSuchName_IsAnError") {
  const auto stream = TcpStream::connect("name.invalid", 1, in_time());
  REQUIRE_FALSE(stream.has_value());
  CHECK((stream.error().code == Code::io_name || stream.error().code == Code::io_deadline));
}

TEST_CASE("Tcp_SilentPeer_EndsAtTheDeadline") {
  const Descriptor listener = listen_on(0);
  const Instant deadline = in(kSoon);
  auto stream = TcpStream::connect("127.0.0.1", port_of(listener), deadline);
  REQUIRE(stream.has_value());
  std::array<std::byte, 16> room{};
  ends_at_its_deadline(deadline, [&] { return stream->read_some(room); });
}

TEST_CASE("Tcp_PeerThatNeverReads_EndsAtTheDeadline") {
  const Descriptor listener = listen_on(0);
  const Instant deadline = in(kSoon);
  auto stream = TcpStream::connect("127.0.0.1", port_of(listener), deadline);
  REQUIRE(stream.has_value());
  const Octets much(std::size_t{1} << 26);
  ends_at_its_deadline(deadline, [&] { return stream->write_all(much); });
}

TEST_CASE("Tcp_PeerThatNeverPauses_EndsAtTheDeadline") {
  const Descriptor listener = listen_on(0);
  std::thread server([&] {
    const Descriptor peer(::accept(listener.get(), nullptr, nullptr));
    const Octets much(65536);
    while (::send(peer.get(), much.data(), much.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  {
    const Instant deadline = in(kSoon);
    auto stream = TcpStream::connect("127.0.0.1", port_of(listener), deadline);
    REQUIRE(stream.has_value());
    std::array<std::byte, 4096> room{};
    ends_at_its_deadline(deadline, [&] {
      while (true)
        if (auto size = stream->read_some(room); !size) return size;
    });
  }
  server.join();
}

TEST_CASE("Tcp_QueueThatIsFull_EndsAtTheDeadline") {
  const Descriptor listener = listen_on(0, 0);
  std::vector<TcpStream> queued;
  const Instant deadline = in(kSoon);
  ends_at_its_deadline(deadline, [&]() -> Result<void> {
    while (true) {  // Linux answers nothing once the queue is full
      auto stream = TcpStream::connect("127.0.0.1", port_of(listener), deadline);
      if (!stream) return fail(stream.error());
      queued.push_back(std::move(*stream));
    }
  });
  CHECK(queued.size() >= 1);
}

TEST_CASE("Tcp_PeerThatResets_HasClosed") {
  const Descriptor listener = listen_on(0);
  auto stream = TcpStream::connect("127.0.0.1", port_of(listener), in_time());
  REQUIRE(stream.has_value());
  {
    const Descriptor peer(::accept(listener.get(), nullptr, nullptr));
    constexpr linger kReset{1, 0};
    ::setsockopt(peer.get(), SOL_SOCKET, SO_LINGER, &kReset, sizeof kReset);
  }
  std::array<std::byte, 16> room{};
  const auto got = stream->read_some(room);
  REQUIRE_FALSE(got.has_value());
  CHECK(got.error().code == Code::io_closed);
}
