// SPDX-License-Identifier: Apache-2.0
// Without an operating system: collects a fresh report from a recording and verifies it. The files are recording,
// user, ark.der, ask.der, vcek.der and at, a time in RFC 3339. Prints what was done, and how deep the stack went.
#include <cstdio>
#include <cstdlib>

#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/core/civil_time.hpp"
#include "snpnv/verify/verify.hpp"
#include "tests/bare_metal/crypto.hpp"

// The library's would bring exceptions along. Providers ask with nothrow.
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size); }
void operator delete(void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }

namespace {
using namespace snpnv;

// ---- how deep the stack went

constexpr std::byte kUntouched{0xA5};
constexpr std::size_t kPainted = 64 * 1024;

std::byte* here() { return static_cast<std::byte*>(__builtin_frame_address(0)); }
[[gnu::noinline]] void paint_stack() {
  for (volatile std::byte* at = here() - 64; at != here() - kPainted; --at) *at = kUntouched;
}
[[gnu::noinline]] std::size_t stack_used() {
  const std::byte* at = here() - kPainted + 1;
  while (*at == kUntouched) ++at;
  return static_cast<std::size_t>(here() - at);
}

// ---- the host's files

template <std::size_t Room>
struct File {
  std::array<std::byte, Room> octets;
  std::size_t size = 0;

  explicit File(const char* name) {
    std::FILE* const file = std::fopen(name, "rb");
    if (file == nullptr) return;
    size = std::fread(octets.data(), 1, Room, file);
    std::fclose(file);
  }
  [[nodiscard]] ByteView view() const { return ByteView(octets).first(size); }
  [[nodiscard]] std::string_view text() const {
    return {static_cast<const char*>(static_cast<const void*>(octets.data())), size};
  }
};

// Plays a recording back: lines "> COMMAND" and "< RESPONSE" in hexadecimal.
class Replay {
 public:
  explicit Replay(std::string_view recording) : rest_(recording) {}

  Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    std::array<std::byte, 4096> recorded;
    SNPNV_TRY(const ByteView expected, decode_hex(line("> "), recorded));
    if (!equal(command, expected)) return fail(Code::io_failed);
    return decode_hex(line("< "), response);
  }

 private:
  std::string_view line(std::string_view mark) {
    while (!rest_.empty()) {
      const std::string_view whole = rest_.substr(0, rest_.find('\n'));
      rest_.remove_prefix(std::min(rest_.size(), whole.size() + 1));
      if (whole.starts_with(mark)) return whole.substr(mark.size());
    }
    return {};
  }
  std::string_view rest_;
};

// Nothing is waited for in a recording.
struct Standstill {
  Instant now() noexcept { return 0; }
  void sleep(Millis) noexcept {}
};

void say(const char* what, std::string_view name) {
  std::printf("%s: %.*s\n", what, static_cast<int>(name.size()), name.data());
}
void say_stack(const char* what) { std::printf("stack to %s: %u\n", what, static_cast<unsigned>(stack_used())); }

std::array<std::byte, 4096> envelope;  // room for it, which the caller gives

int collect_and_verify() {
  static const File<32768> recording("recording");
  static const File<sizeof(UserData)> user("user");
  static const File<2048> ark("ark.der"), ask("ask.der"), vcek("vcek.der");
  static const File<32> at("at");
  UserData user_data{};
  copy_to(user_data, user.view());
  const auto time = parse_rfc3339(at.text());
  if (!time) return 1;

  static Replay transport(recording.text());
  static Standstill clock;
  static ImageCrypto crypto;
  static Tpm tpm(transport, clock, 1);
  paint_stack();
  const auto fresh = ReportCollector(tpm, crypto, envelope).fresh_report(user_data);
  say_stack("collect");
  say("report", fresh ? std::string_view("fresh") : name(fresh.error().code));
  if (!fresh) return 1;

  const auto certificate = Certificate::parse(ark.view());
  if (!certificate) return 1;
  const auto root = spki_digest(crypto, *certificate);
  if (!root) return 1;
  const std::array<SpkiDigest, 1> roots{*root};
  static const Policy policy;
  static ChainCheck chain;
  static Verdict verdict;
  paint_stack();
  auto judged = verify_chain(crypto, {ark.view(), ask.view(), vcek.view(), {}}, Trust{roots}, *time, chain);
  if (judged && chain.chain)
    judged = verify_report(crypto, *chain.chain, {fresh->report.raw, fresh->envelope.claims, {}, user_data}, policy, *time,
                           CheckScope::all, verdict);
  say_stack("verify");
  if (!judged) return 1;
  const Verdict& result = chain.chain ? verdict : chain.verdict;
  const auto failure = result.first_failure();
  say("verdict", failure ? name(*failure) : result.verified() ? "VERIFIED" : "incomplete");
  return result.verified() ? 0 : 1;
}

}  // namespace

int main() { return collect_and_verify(); }
