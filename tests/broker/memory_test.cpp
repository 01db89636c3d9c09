// SPDX-License-Identifier: Apache-2.0
// What is left of a secret and of the keys on the way to it in the whole memory of the process, by each provider.
#include <fcntl.h>
#include <pthread.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <functional>

#include "snpnv/broker/kbs.hpp"
#include "tests/broker/crypto.hpp"
#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

// Of tests/data/kbs_secret.json, by Python's integers and `openssl enc -id-aes256-wrap`. Only as digits: the octets
// stand nowhere but where the exchange puts them.
constexpr std::string_view kScalar = "5449836690d75caf29f0dd029ddb31b3ddb8aba9d2d515c5012465e817d4a9dc";
struct Secret {
  const char* what;
  std::string_view digits;
};
constexpr Secret kSecrets[] = {
    {"the private key", kScalar},
    {"what the keys agree on", "290caeca4295a623d547def2dffd2d63afc2bbd63dcb641c4d8f49b76b92a853"},
    {"the key encryption key", "73309a9e2637d9184fd724cda5754967c2533efdee107512091217213898e5cb"},
    {"the content encryption key", "e23bb3687d58e51d563e5b487cb5a9c5858f5b38ecd573eeb3a6611ab015d00f"},
    {"the secret", "6f70656e20736573616d65"},
};

std::byte octet_at(std::string_view digits, std::size_t i) {
  return static_cast<std::byte>(hex_digit(digits[2 * i]) << 4 | hex_digit(digits[2 * i + 1]));
}

// The exchange by a key that is known.
struct KnownKey : TestBrokerCrypto {
  Result<P256Point> make_key() noexcept {
    SecretKey scalar;
    for (std::size_t i = 0; i < kSecretKeySize; ++i) scalar.octets()[i] = octet_at(kScalar, i);
    return use_key(scalar.octets());
  }
};

struct StoppedClock {
  Instant now() noexcept { return 0; }
  void sleep(Millis) noexcept {}
};
struct Nobody {
  void operator()(const HttpPause&) const noexcept {}
};
struct Evidence {
  Result<ByteView> evidence(ByteView, MutBytes room) noexcept {
    ByteWriter out(room);
    out.text("{}");
    return out.finish();
  }
};
struct Broker {
  std::string secret;
  Result<HttpResponse> exchange(const Url& url, const HttpMessage&, Instant, std::span<std::byte, kHttpRoom>) noexcept {
    static const std::string head = "HTTP/1.1 200 X\r\nSet-Cookie: kbs-session-id=s1\r\n\r\n";
    static const std::string nonce = R"({"nonce":"AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="})";
    static const std::string token = R"({"token":"e30.e30.c2ln"})";
    return HttpResponse{*parse_http_head(view(head)), view(url.target.ends_with("auth")     ? nonce
                                                           : url.target.ends_with("attest") ? token
                                                                                            : secret)};
  }
};

// How often each secret stands in memory that can be written, of which the test's own program keeps none.
std::vector<std::string> found_in_memory() {
  constexpr std::size_t kMost = std::size_t{1} << 28;  // larger are the sanitizers'
  std::vector<std::string> out;
  const int memory = ::open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
  REQUIRE(memory >= 0);
  std::ifstream maps("/proc/self/maps");
  std::vector<std::byte> copy;
  std::size_t looked_at = 0;
  for (std::string line; std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    char read = 0, write = 0;
    if (std::sscanf(line.c_str(), "%lx-%lx %c%c", &from, &to, &read, &write) != 4 || read != 'r' || write != 'w') continue;
    if (to - from > kMost) continue;
    copy.resize(to - from);
    const ssize_t size = ::pread(memory, copy.data(), copy.size(), static_cast<off_t>(from));
    if (size <= 0) continue;
    looked_at += static_cast<std::size_t>(size);
    for (const auto& [what, digits] : kSecrets)
      for (std::size_t at = 0; at + digits.size() / 2 <= static_cast<std::size_t>(size); ++at) {
        std::size_t same = 0;
        while (same < digits.size() / 2 && copy[at + same] == octet_at(digits, same)) ++same;
        if (same == digits.size() / 2) out.push_back(std::string(what) + " in " + line);
      }
    wipe(copy);
  }
  ::close(memory);
  CHECK(looked_at > 0);
  return out;
}

// One exchange, its secret altered by `spoil`, and the secret overwritten as the caller does.
template <class Spoil>
bool exchange(Spoil spoil) {
  const auto file = read_file(SNPNV_SOURCE_DIR "/tests/data/kbs_secret.json");
  REQUIRE(file.has_value());
  Broker broker{std::string(text(*file))};
  spoil(broker.secret);
  StoppedClock clock;
  KnownKey crypto;
  Evidence evidence;
  Nobody nobody;
  std::vector<std::byte> http_room(kHttpRoom);
  std::vector<std::byte> room(kKbsRoom);
  SecretOctets<64> out;
  KbsExchange exchange(broker, clock, crypto, evidence, *parse_url("https://kbs.example"),
                       HttpAsking<Nobody>{false, true, 1000, nobody}, 1,
                       std::span<std::byte, kHttpRoom>(http_room.data(), kHttpRoom),
                       std::span<std::byte, kKbsRoom>(room.data(), kKbsRoom));
  const auto secret = exchange.get("a/b/c", out.octets());
  for (std::size_t i = 0; secret && i < kSecrets[4].digits.size() / 2; ++i)
    CHECK((*secret)[i] == octet_at(kSecrets[4].digits, i));
  return secret.has_value();
}

// Calls it on a stack of its own, which stays as it was left: the search does not overwrite it.
void on_own_stack(const std::function<void()>& function) {
  static std::vector<std::byte> stack(std::size_t{1} << 20);
  pthread_attr_t attributes;
  pthread_t thread{};
  pthread_attr_init(&attributes);
  REQUIRE(pthread_attr_setstack(&attributes, stack.data(), stack.size()) == 0);
  const auto run = [](void* what) -> void* { return (*static_cast<const std::function<void()>*>(what))(), nullptr; };
  auto function_copy = function;
  REQUIRE(pthread_create(&thread, &attributes, run, &function_copy) == 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

void nothing_is_left() {
  for (const std::string& what : found_in_memory()) FAIL_CHECK(what);
}

}  // namespace

TEST_CASE("Memory_Search_Finds") {
  CHECK(found_in_memory().empty());
  SecretOctets<11> held;
  for (std::size_t i = 0; i < 11; ++i) held.octets()[i] = octet_at(kSecrets[4].digits, i);
  CHECK(found_in_memory().size() == 1);
}

TEST_CASE("Memory_AfterAnExchange_HasNothingOfTheSecret") {
  on_own_stack([] { CHECK(exchange([](std::string&) {})); });
  nothing_is_left();
}

TEST_CASE("Memory_AfterARefusal_HasNothingOfTheKeys") {
  for (const std::string member : {"encrypted_key", "tag", "ciphertext", "iv"}) {
    CAPTURE(member);
    on_own_stack([&] {
      CHECK_FALSE(exchange([&](std::string& secret) {
        const std::size_t at = secret.find("\"" + member + "\":\"") + member.size() + 4;
        secret[at] = secret[at] == 'A' ? 'B' : 'A';
      }));
    });
    nothing_is_left();
  }
}
