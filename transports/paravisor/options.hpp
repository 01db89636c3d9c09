// What can be chosen of an emulated paravisor.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "snpnv/core/clock.hpp"
#include "snpnv/wire/snp_tcb.hpp"

namespace snpnv::paravisor {

// X(member, name on the command line, what happens)
#define SNPNV_PARAVISOR_FAULTS(X)                                                                   \
  X(stale_forever, "stale-forever", "the report is never refreshed")                                \
  X(stale_once, "stale-once", "the first refresh that is due fails, and its window passes")         \
  X(torn, "torn", "a refresh for another writer between the chunks of the first read after a write") \
  X(wrong_digest, "wrong-digest", "REPORT_DATA is not the claims' digest")                          \
  X(wrong_user_data, "wrong-user-data", "the claims carry other user data, hashed and signed")      \
  X(bad_signature, "bad-signature", "the report's signature does not verify")                       \
  X(truncated, "truncated", "the envelope claims more octets than the index holds")                 \
  X(bad_json, "bad-json", "the claims are not JSON, but hashed and signed")                         \
  X(duplicate_key, "duplicate-key", "the claims repeat a member name, hashed and signed")           \
  X(retry_rc, "retry-rc", "every command is first answered with TPM_RC_RETRY")                      \
  X(nv_rate, "nv-rate", "every TPM2_NV_Write is first answered with TPM_RC_NV_RATE three times")    \
  X(silence, "silence", "commands get no answer")                                                   \
  X(nv_silence, "nv-silence", "TPM2_NV_Read and TPM2_NV_Write get no answer")                       \
  X(short_response, "short-response", "TPM2_NV_Read returns one octet less than asked for")         \
  X(no_index, "no-index", "there is no NV index 0x01400001")

// The same of the certificate services; the first two may end: NAME=N after N requests, NAME=Ns N seconds
// after the first one.
#define SNPNV_PARAVISOR_HTTP_FAULTS(X)                                                              \
  X(http_429, "http-429", "429 Too Many Requests; =N: N times, =Ns: for N seconds")                 \
  X(http_410, "http-410", "410 Gone at the platform's endpoint; =N and =Ns as above")                 \
  X(http_503, "http-503", "503 Service Unavailable; =N and =Ns as above")                           \
  X(http_slow, "http-slow", "responses come an octet in a quarter of a second")                     \
  X(http_truncated, "http-truncated", "the connection ends in the middle of a body")                \
  X(http_endless, "http-endless", "a chunked body goes on for ever")                                \
  X(wrong_certificate, "wrong-certificate", "the VCEK is that of another chip")                     \
  X(wrong_tcb, "wrong-tcb", "the platform has the VCEK of another TCB, and says so in tcbm")

/// A fault with an end.
struct HttpFault {
  bool on = false;
  std::uint64_t requests = 0;  // 0: no end by number
  Millis span = 0;             // 0: no end by time

  /// Takes what stands behind the name: nothing, "=N" or "=Ns".
  [[nodiscard]] constexpr bool parse(std::string_view text) {
    if (text.empty()) return on = true;
    const bool seconds = text.ends_with('s');
    text = text.substr(0, text.size() - (seconds ? 1 : 0));
    if (text.size() < 2 || text.size() > 6 || text.front() != '=') return false;
    std::uint64_t value = 0;
    for (const char c : text.substr(1)) {
      if (c < '0' || c > '9') return false;
      value = value * 10 + static_cast<std::uint64_t>(c - '0');
    }
    (seconds ? span : requests) = seconds ? value * 1000 : value;
    return on = value != 0;
  }
};

struct Faults {
#define SNPNV_X(member, name, text) bool member = false;
  SNPNV_PARAVISOR_FAULTS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(member, name, text) HttpFault member{};
  SNPNV_PARAVISOR_HTTP_FAULTS(SNPNV_X)
#undef SNPNV_X

  /// Switches on a fault by its name. False if there is none.
  [[nodiscard]] constexpr bool add(std::string_view wanted) {
#define SNPNV_X(member, name, text) \
  if (wanted == name) return member = true;
    SNPNV_PARAVISOR_FAULTS(SNPNV_X)
#undef SNPNV_X
    const std::string_view bare = wanted.substr(0, wanted.find('='));
    const std::string_view end = wanted.substr(bare.size());
    const bool may_end = bare == "http-429" || bare == "http-410" || bare == "http-503";
#define SNPNV_X(member, name, text) \
  if (bare == name) return (may_end || end.empty()) && member.parse(end);
    SNPNV_PARAVISOR_HTTP_FAULTS(SNPNV_X)
#undef SNPNV_X
    return false;
  }
};

enum class Refresh : std::uint8_t {
  on_read,   // inside TPM2_NV_Read at offset 0, once an interval
  on_write,  // after TPM2_NV_Write of the user data, when the latency has passed
};

struct Options {
  Product product = Product::milan;
  std::uint32_t report_version = 3;    // 2, 3 or 5
  std::uint32_t envelope_version = 2;  // 1 or 2
  std::uint16_t nv_size = 2600;        // octets; 2048 leaves room for one key, as in 2023
  Refresh refresh = Refresh::on_read;
  Millis interval = 2000;
  Millis latency = 0;  // what a refresh takes
  Faults faults{};
  std::uint64_t seed = 0;  // decides all that the paravisor chooses
};

}  // namespace snpnv::paravisor
