// snpnv-paravisor: an emulated paravisor for machines without the hardware.
#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "server.hpp"
#include "snpnv/version.hpp"
#include "test_pki.hpp"
#include "transports/paravisor/paravisor.hpp"
#include "transports/swtpm.hpp"

namespace snpnv::paravisor {
namespace {

constexpr int kUsage = 2;
constexpr int kFailed = 3;

// The system's clock, whose sleep ends early once `stop` can be read.
class StoppableClock {
 public:
  explicit StoppableClock(int stop) noexcept : stop_(stop) {}
  [[nodiscard]] Instant now() noexcept { return MonotonicClock().now(); }
  void sleep(Millis ms) noexcept { (void)await(stop_, POLLIN, now() + ms); }

 private:
  int stop_;
};
static_assert(Clock<StoppableClock>);

struct Settings {
  std::string state;
  std::string host = "127.0.0.1";
  unsigned port = 0;
  bool once = false;
  bool seeded = false;
  Options options;
};

void complain(std::string_view what, std::string_view why) {
  std::fprintf(stderr, "snpnv-paravisor: %.*s: %.*s\n", static_cast<int>(what.size()), what.data(),
               static_cast<int>(why.size()), why.data());
}

std::string words(const Error& error) {
  std::string out(text(error.code));
  if (error.code == Code::io_failed) out += std::string(": ") + std::strerror(static_cast<int>(error.detail));
  if (error.code == Code::tpm_rc) {
    char digits[16];
    std::snprintf(digits, sizeof digits, ": 0x%03x", error.detail);
    out += digits;
  }
  return out + " (" + std::string(name(error.code)) + ")";
}

bool number(std::string_view text, std::uint64_t least, std::uint64_t most, std::uint64_t& out) {
  if (text.empty() || text.size() > 19) return false;
  out = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return false;
    out = out * 10 + static_cast<std::uint64_t>(c - '0');
  }
  return out >= least && out <= most;
}

// Each option with a value: what it accepts, and how it is taken. False: not acceptable.
struct Option {
  const char* name;
  const char* value;
  const char* help;
  bool (*take)(Settings&, std::string_view);
};

template <auto Member, std::uint64_t... Allowed>
bool take_number(Settings& settings, std::string_view text) {
  std::uint64_t value = 0;
  if (!number(text, 0, 0xFFFFFFFF, value) || !((value == Allowed) || ...)) return false;
  using Type = std::remove_reference_t<decltype(settings.options.*Member)>;
  settings.options.*Member = static_cast<Type>(value);
  return true;
}
template <auto Member>
bool take_millis(Settings& settings, std::string_view text) {
  return number(text, 0, 3600000, settings.options.*Member);
}

bool take_listen(Settings& settings, std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::uint64_t port = 0;
  if (colon == std::string_view::npos || colon == 0 || !number(text.substr(colon + 1), 0, 65534, port))
    return false;
  settings.host = text.substr(0, colon);
  if (settings.host.front() == '[' && settings.host.back() == ']')
    settings.host = settings.host.substr(1, settings.host.size() - 2);
  settings.port = static_cast<unsigned>(port);
  return true;
}
bool take_product(Settings& settings, std::string_view text) {
  for (const TestPki& pki : kTestPki) {
    if (text != pki.folder) continue;
    settings.options.product = pki.product;
    return true;
  }
  return false;
}
bool take_refresh(Settings& settings, std::string_view text) {
  settings.options.refresh = text == "on-write" ? Refresh::on_write : Refresh::on_read;
  return text == "on-write" || text == "on-read";
}
bool take_faults(Settings& settings, std::string_view text) {
  while (true) {
    const std::size_t comma = text.find(',');
    if (!settings.options.faults.add(text.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

constexpr Option kOptions[] = {
    {"--state", "DIR", "keep the TPM's state and the certificates there; made if absent",
     [](Settings& s, std::string_view text) { return s.state = text, !text.empty(); }},
    {"--listen", "HOST:PORT", "serve the swtpm TCTI there and one port above; port 0 picks a pair",
     take_listen},
    {"--product", "NAME", "milan, genoa or turin; default milan", take_product},
    {"--report-version", "N", "2, 3 or 5; default 3", take_number<&Options::report_version, 2, 3, 5>},
    {"--envelope-version", "N", "1 or 2; default 2", take_number<&Options::envelope_version, 1, 2>},
    {"--nv-size", "OCTETS", "2048, 2600 or 2900; default 2600",
     take_number<&Options::nv_size, 2048, 2600, 2900>},
    {"--refresh", "WHEN", "on-read or on-write; default on-read", take_refresh},
    {"--interval-ms", "MS", "at most one refresh in this time, on read; default 2000",
     take_millis<&Options::interval>},
    {"--latency-ms", "MS", "what a refresh takes; default 0", take_millis<&Options::latency>},
    {"--fault", "LIST", "faults, separated by commas", take_faults},
    {"--seed", "N", "decides all that the paravisor chooses; default: at random",
     [](Settings& s, std::string_view text) {
       return s.seeded = number(text, 0, ~std::uint64_t{0} >> 1, s.options.seed);
     }},
};

void help() {
  std::printf(
      "usage: snpnv-paravisor --state DIR [options]\n\n"
      "A vTPM with the NV attestation interface of a confidential VM, in front of a swtpm that it\n"
      "starts itself. Its reports are signed by the test PKI, which vouches for nothing.\n\noptions:\n");
  for (const Option& option : kOptions)
    std::printf("  %-26s %s\n", (std::string(option.name) + " " + option.value).c_str(), option.help);
  std::printf("  %-26s %s\n", "--once", "end a second after the first client has gone");
  std::printf("  %-26s %s\n  %-26s %s\n\nfaults:\n", "--help", "explain", "--version", "print the version");
#define SNPNV_X(member, name, text) std::printf("  %-26s %s\n", name, text);
  SNPNV_PARAVISOR_FAULTS(SNPNV_X)
#undef SNPNV_X
  std::printf("\nPrints one line `ready tcti=NAME state=DIR` when it serves. Ends on SIGTERM and SIGINT.\n");
}

// The exit status to end with at once, or -1 to go on.
int parse(int argc, char** argv, Settings& settings) {
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "--help" || word == "-h") return help(), 0;
    if (word == "--version") return std::puts("snpnv-paravisor " SNPNV_VERSION), 0;
    if (word == "--once") {
      settings.once = true;
      continue;
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const std::string_view spelled = word.substr(0, equals);
    const Option* option = nullptr;
    for (const Option& candidate : kOptions)
      if (spelled == candidate.name) option = &candidate;
    if (option == nullptr) return complain(word, "unknown option; --help lists them"), kUsage;
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < argc) {
      value = argv[++i];
    } else {
      return complain(spelled, std::string("needs a value: ") + option->value), kUsage;
    }
    if (!option->take(settings, value))
      return complain(spelled, std::string("not acceptable: ") + std::string(value)), kUsage;
  }
  if (settings.state.empty()) return complain("--state", "missing"), kUsage;
  return -1;
}

const TestPki& pki_of(Product product) {
  for (const TestPki& pki : kTestPki)
    if (pki.product == product) return pki;
  return kTestPki[0];
}

bool write_file(const std::string& path, std::string_view text) {
  std::FILE* const file = std::fopen(path.c_str(), "we");
  if (file == nullptr) return false;
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  return std::fclose(file) == 0 && written;
}

int run(Settings settings) {
  if (!settings.seeded) system_random(nullptr, raw(std::as_writable_bytes(std::span(&settings.options.seed, 1)).data()), sizeof settings.options.seed);
  if (::mkdir(settings.state.c_str(), 0700) != 0 && errno != EEXIST)
    return complain(settings.state, std::strerror(errno)), kFailed;
  const TestPki& pki = pki_of(settings.options.product);
  for (const auto& [name, pem] : {std::pair{"ark.pem", pki.ark}, {"ask.pem", pki.ask}, {"vcek.pem", pki.vcek}})
    if (!write_file(settings.state + "/" + name, pem))
      return complain(settings.state + "/" + name, std::strerror(errno)), kFailed;

  // Signals come through a descriptor; threads and swtpm inherit nothing of this but the mask.
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  auto tpm = Swtpm::start(settings.state);
  if (!tpm) return complain("swtpm", words(tpm.error())), kFailed;
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  const Descriptor stop(::signalfd(-1, &signals, SFD_CLOEXEC));

  StoppableClock clock(stop.get());
  Platform platform;
  if (const auto loaded = platform.load(settings.options.product, pki.vcek, pki.vcek_key); !loaded)
    return complain("test PKI", words(loaded.error())), kFailed;
  Paravisor paravisor(*tpm, clock, platform, settings.options);
  if (const auto started = paravisor.start(); !started)
    return complain("vTPM", words(started.error())), kFailed;
  const auto listener = listen_on(settings.host, settings.port);
  if (!listener) return complain(settings.host, words(listener.error())), kFailed;
  std::printf("ready tcti=swtpm:host=%s,port=%u state=%s\n", listener->host.c_str(), listener->port,
              settings.state.c_str());
  std::fflush(stdout);
  serve(*listener, [&](ByteView command, MutBytes response) { return paravisor.transact(command, response); },
        stop.get(), settings.once);
  return 0;
}

}  // namespace
}  // namespace snpnv::paravisor

int main(int argc, char** argv) {
  snpnv::paravisor::Settings settings;
  const int status = snpnv::paravisor::parse(argc, argv, settings);
  return status >= 0 ? status : snpnv::paravisor::run(std::move(settings));
}
