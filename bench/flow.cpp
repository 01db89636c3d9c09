// SPDX-License-Identifier: Apache-2.0
// The report flow in this process, beside the same octets marshalled by hand: on a swtpm of its own whose
// index 0x01400001 holds the envelope in $SNPNV_BENCH/envelope, made for $SNPNV_BENCH/user; and on a TPM that
// answers at once, which leaves what the flow itself costs.
#include <benchmark/benchmark.h>

#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <optional>
#include <string>
#include <vector>

#include "bench/hand_marshalled.hpp"
#include "snpnv/collect/fresh_report.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/openssl/crypto.hpp"
#include "transports/monotonic_clock.hpp"
#include "transports/swtpm.hpp"

namespace {

using namespace snpnv;
using Bytes = std::vector<std::byte>;

void must(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "flow: %s failed\n", what);
  std::exit(1);
}

Bytes input(const char* name) {
  const char* const folder = std::getenv("SNPNV_BENCH");
  must(folder != nullptr, "SNPNV_BENCH");
  std::ifstream file(std::string(folder) + "/" + name, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  must(!text.empty(), name);
  const auto octets = std::as_bytes(std::span(text));
  return {octets.begin(), octets.end()};
}

// swtpm with both indices as a paravisor leaves them.
class Machine {
 public:
  static constexpr std::uint16_t kSize = 2048;  // what swtpm holds in one index

  Machine() {
    must(::mkdtemp(folder_.data()) != nullptr, "mkdtemp");
    auto started = Swtpm::start(folder_);
    must(started.has_value(), "swtpm");
    swtpm_.emplace(std::move(*started));
    Bytes content = input("envelope");
    must(content.size() <= kSize, "envelope");
    content.resize(kSize);
    copy_to(user_data, input("user"));
    MonotonicClock clock;
    Tpm tpm(*swtpm_, clock, clock.now() + 60'000);
    TPMS_NV_PUBLIC report = user_data_public(kSize);
    report.nvIndex = vtpm::kReportIndex;
    must(tpm.execute(NV_DefineSpace{TPM_RH::OWNER, {}, {report}}).has_value(), "NV_DefineSpace");
    for (std::uint16_t at = 0; at < kSize; at += 1024)
      must(tpm.execute(NV_Write{TPM_RH::OWNER, vtpm::kReportIndex, {ByteView(content).subspan(at, 1024)}, at})
               .has_value(), "NV_Write");
    must(write_user_data(tpm, user_data).has_value(), "write_user_data");
  }
  Machine(const Machine&) = delete;
  Machine& operator=(const Machine&) = delete;
  ~Machine() {
    swtpm_.reset();
    (void)std::system(("rm -r " + folder_).c_str());
  }
  [[nodiscard]] Swtpm& swtpm() { return *swtpm_; }
  UserData user_data{};

 private:
  std::string folder_ = "/tmp/snpnv-bench-XXXXXX";
  std::optional<Swtpm> swtpm_;
};
Machine& machine() {
  static Machine made;
  return made;
}

// Keeps the answers of one flow, and gives them again.
class Canned {
 public:
  explicit Canned(Swtpm& tpm) : tpm_(&tpm) {}
  void replay() { tpm_ = nullptr; }
  void rewind() { at_ = 0; }
  Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    if (tpm_ != nullptr) {
      SNPNV_TRY(const ByteView answer, tpm_->transact(command, response));
      answers_.emplace_back(answer.begin(), answer.end());
      return answer;
    }
    const Bytes& answer = answers_[at_++];
    copy_to(response, answer);
    return ByteView(response.first(answer.size()));
  }

 private:
  Swtpm* tpm_;
  std::vector<Bytes> answers_;
  std::size_t at_ = 0;
};

template <class C, class T>
bool fresh(T& transport) {
  MonotonicClock clock;
  Tpm tpm(transport, clock, clock.now() + 10'000);
  C crypto;
  static std::array<std::byte, kEnvelopeBuffer> buffer;
  ReportCollector collector(tpm, crypto, buffer);
  return collector.fresh_report(machine().user_data).has_value();
}
template <class T>
bool by_hand(T& transport) {
  struct Port {
    T& inner;
    bool exchange(ByteView command, MutBytes response) {
      const auto answer = inner.transact(command, response);
      return answer && answer->size() == response.size();
    }
  };
  static std::array<std::byte, kEnvelopeBuffer> buffer;
  return bench::hand_marshalled(Port{transport}, machine().user_data, buffer) != 0;
}

template <class C>
void flow_swtpm(benchmark::State& state) {
  Swtpm& swtpm = machine().swtpm();
  for (auto _ : state) must(fresh<C>(swtpm), "fresh_report");
}
void flow_swtpm_by_hand(benchmark::State& state) {
  Swtpm& swtpm = machine().swtpm();
  for (auto _ : state) must(by_hand(swtpm), "by_hand");
}
template <class C>
void flow_instant(benchmark::State& state) {
  Canned canned(machine().swtpm());
  must(fresh<C>(canned), "fresh_report");
  canned.replay();
  for (auto _ : state) {
    canned.rewind();
    must(fresh<C>(canned), "fresh_report");
  }
}
void flow_instant_by_hand(benchmark::State& state) {
  Canned canned(machine().swtpm());
  must(by_hand(canned), "by_hand");
  canned.replay();
  for (auto _ : state) {
    canned.rewind();
    must(by_hand(canned), "by_hand");
  }
}

BENCHMARK(flow_swtpm<MbedCrypto>)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(flow_swtpm<OpenSslCrypto>)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(flow_swtpm_by_hand)->Unit(benchmark::kMicrosecond)->UseRealTime();
BENCHMARK(flow_instant<MbedCrypto>)->Unit(benchmark::kMicrosecond);
BENCHMARK(flow_instant<OpenSslCrypto>)->Unit(benchmark::kMicrosecond);
BENCHMARK(flow_instant_by_hand)->Unit(benchmark::kMicrosecond);

}  // namespace

BENCHMARK_MAIN();
