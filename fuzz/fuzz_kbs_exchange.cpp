// SPDX-License-Identifier: Apache-2.0
// The whole exchange with a hostile broker: each response is as long as the two octets before it say. It ends before
// the deadline of a virtual clock, and leaves nothing where it fails.
#include "fuzz/fuzz.hpp"
#include "snpnv/broker/kbs.hpp"
#include "tests/manual_clock.hpp"

using namespace snpnv;

namespace {

struct NobodyTold {
  void operator()(const HttpPause&) const noexcept {}
};
constexpr Millis kDeadline = 60000;

// A connection that says one response in pieces.
struct Said {
  ByteView left;
  Result<std::size_t> read_some(MutBytes to) noexcept {
    const ByteView piece = left.first(std::min({left.size(), to.size(), std::size_t{37}}));
    copy_to(to, piece);
    left = left.subspan(piece.size());
    return piece.size();
  }
  Result<void> write_all(ByteView) noexcept { return {}; }
};

struct Broker {
  ByteView left;
  test::ManualClock& clock;
  Result<HttpResponse> exchange(const Url& url, const HttpMessage& message, Instant deadline,
                                std::span<std::byte, kHttpRoom> room) noexcept {
    REQUIRE(clock.now() < deadline && deadline == kDeadline);
    clock.time += 50;
    if (clock.now() >= deadline) return fail(Code::io_deadline);
    if (left.size() < 2) return fail(Code::io_failed, 0, 111);
    const std::size_t size = std::min<std::size_t>(left.size() - 2, load<std::uint16_t, Endian::big>(left.first<2>()));
    Said said{left.subspan(2, size)};
    left = left.subspan(2 + size);
    return http_exchange(said, {url.authority, url.target, message}, room);
  }
};

// Cryptography that agrees with everything: what is decrypted is the ciphertext.
struct Agreeable {
  Result<Digest> digest(Hash hash, ByteView) noexcept {
    Digest out;
    out.size = digest_size(hash);
    return out;
  }
  Result<P256Point> make_key() noexcept { return P256Point{std::byte{4}}; }
  Result<P256Point> use_key(ByteView) noexcept { return P256Point{std::byte{4}}; }
  Result<void> agree(const P256Point&, std::span<std::byte, kSecretKeySize>) noexcept { return {}; }
  Result<void> unwrap_key(ByteView, ByteView wrapped, std::span<std::byte, kSecretKeySize>) noexcept {
    REQUIRE(wrapped.size() == kSecretKeySize + 8);
    return {};
  }
  Result<void> decrypt(ByteView, ByteView iv, ByteView aad, MutBytes, ByteView tag) noexcept {
    REQUIRE(iv.size() == 12 && tag.size() == 16 && !aad.empty());
    return {};
  }
};

struct Evidence {
  Result<ByteView> evidence(ByteView nonce, MutBytes room) noexcept {
    REQUIRE(nonce.size() == 32 || nonce.size() == 48 || nonce.size() == 64);
    ByteWriter out(room);
    out.text("{}");
    return out.finish();
  }
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static std::array<std::byte, kHttpRoom> http_room;
  static std::array<std::byte, kKbsRoom> room;
  static std::array<std::byte, 4096> out;
  test::ManualClock clock{0, {}};
  Broker broker{fuzz::view(data, size), clock};
  Agreeable crypto;
  Evidence evidence;
  NobodyTold told;
  HttpAsking<NobodyTold> asking{false, true, kDeadline, told};
  asking.connects_again = true;
  KbsExchange exchange(broker, clock, crypto, evidence, *parse_url("https://kbs.example"), asking, 1, http_room, room);
  const auto secret = exchange.get("a/b/c", out);
  REQUIRE(clock.now() <= kDeadline + 50);
  if (!secret) {
    REQUIRE(name(secret.error().code) != "unknown");
    if (secret.error().code == Code::broker_refused) REQUIRE(exchange.refusal().status == secret.error().detail);
  } else {
    REQUIRE(secret->size() <= out.size());
  }
  return 0;
}
