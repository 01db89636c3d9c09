// SPDX-License-Identifier: Apache-2.0
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
#include <mutex>
#include <optional>
#include <thread>

#ifdef SNPNV_FETCH
#include "broker_service.hpp"
#include "certificate_service.hpp"
#include "http_server.hpp"
#include "maa_service.hpp"
#include "snpnv/verify/policy_json.hpp"
#endif
#include "paravisor/paravisor.hpp"
#include "qemu.hpp"
#include "server.hpp"
#include "snpnv/version.hpp"
#include "test_pki.hpp"
#include "tools/nearest.hpp"
#include "tools/printable.hpp"
#include "transports/swtpm.hpp"

namespace snpnv::paravisor {
namespace {

constexpr int kUsage = 2;
constexpr int kFailed = 3;

struct Address {
  std::string host;
  unsigned port = 0;
};

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
  std::optional<Address> http;
  std::optional<Address> https;
  std::optional<Address> kbs;
  std::optional<Address> maa;
  std::string kbs_policy;
  std::vector<std::pair<std::string, std::string>> resources;  // name, file
  std::string qemu;
  bool once = false;
  bool seeded = false;
  Options options;
};

void complain(std::string_view what, std::string_view why, std::string_view hint = {}) {
  std::fprintf(stderr, "snpnv-paravisor: %s: %s\n", printable(what).c_str(), printable(why).c_str());
  if (!hint.empty()) std::fprintf(stderr, "hint: %s\n", printable(hint).c_str());
}

std::string words(const Error& error) {
  std::string out(text(error.code));
  if (error.code == Code::io_failed) out += std::string(": ") + std::strerror(static_cast<int>(error.detail));
  if (error.code == Code::tpm_rc) {
    char digits[16];
    std::snprintf(digits, sizeof digits, ": 0x%03x", error.detail);
    out += digits;
  }
  out += " (" + std::string(name(error.code)) + ")";
  if (static_cast<TPM_HANDLE>(error.object) == vtpm::kUserDataIndex)
    out += "; NV index 0x01400002 cannot be read by the owner with the empty password, so this machine has no vTPM";
  return out;
}

bool number(std::string_view text, std::uint64_t least, std::uint64_t most, std::uint64_t& out) {
  const auto value = decimal(text, most);
  out = value.value_or(0);
  return value && out >= least;
}

// Each option with a value: what it accepts, and how it is taken. False: not acceptable.
struct Option {
  std::string_view name;
  const char* value;
  const char* help;
  bool (*take)(Settings&, std::string_view);
  void (*offer)(Nearest&) = nullptr;  // the words of which it takes one, or several
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

std::optional<Address> address_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::uint64_t port = 0;
  if (colon == std::string_view::npos || colon == 0 || !number(text.substr(colon + 1), 0, 65534, port))
    return std::nullopt;
  std::string host(text.substr(0, colon));
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return Address{std::move(host), static_cast<unsigned>(port)};
}
bool take_listen(Settings& settings, std::string_view text) {
  const auto address = address_of(text);
  if (!address) return false;
  settings.host = address->host;
  settings.port = address->port;
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
void offer_products(Nearest& nearest) {
  for (const TestPki& pki : kTestPki) nearest.offer(pki.folder);
}
void offer_profiles(Nearest& nearest) {
#define SNPNV_X(member, name, ...) nearest.offer(name);
  SNPNV_PARAVISOR_PROFILES(SNPNV_X)
#undef SNPNV_X
}
void offer_cases(Nearest& nearest) {
  for (const std::string_view word : {"lower", "upper"}) nearest.offer(word);
}
void offer_refreshes(Nearest& nearest) {
  for (const std::string_view word : {"on-read", "on-write"}) nearest.offer(word);
}
void offer_faults(Nearest& nearest) {
#define SNPNV_X(member, name, text) nearest.offer(name);
  SNPNV_PARAVISOR_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_ENDING_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_HTTP_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_KBS_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_MAA_FAULTS(SNPNV_X)
#undef SNPNV_X
}
bool take_case(Settings& settings, std::string_view text) {
  settings.options.upper_case = text == "upper";
  return text == "upper" || text == "lower";
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

#ifdef SNPNV_FETCH
bool take_resource(Settings& settings, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || !is_kbs_resource(text.substr(0, equals))) return false;
  settings.resources.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  return true;
}
#endif

constexpr std::string_view kProfile = "--profile";

constexpr Option kOptions[] = {
    {"--state", "DIR", "keep the TPM's state and the certificates there; made if absent",
     [](Settings& s, std::string_view text) { return s.state = text, !text.empty(); }},
    {"--listen", "HOST:PORT", "serve the swtpm TCTI there and one port above; port 0 picks a pair",
     take_listen},
#ifdef SNPNV_FETCH
    {"--http", "HOST:PORT", "serve AMD's key distribution service and the platform's endpoint there",
     [](Settings& s, std::string_view text) { return (s.http = address_of(text)).has_value(); }},
    {"--https", "HOST:PORT", "the same over TLS; clients trust DIR/https-ca.pem",
     [](Settings& s, std::string_view text) { return (s.https = address_of(text)).has_value(); }},
    {"--kbs", "HOST:PORT", "serve a key broker there over TLS; clients trust DIR/https-ca.pem",
     [](Settings& s, std::string_view text) { return (s.kbs = address_of(text)).has_value(); }},
    {"--maa", "HOST:PORT", "serve an attestation provider there over TLS; clients trust DIR/https-ca.pem",
     [](Settings& s, std::string_view text) { return (s.maa = address_of(text)).has_value(); }},
    {"--resource", "NAME=FILE", "what the broker has as repository/type/tag; may be repeated", take_resource},
    {"--kbs-policy", "FILE", "what evidence the broker accepts, as snpnv verify --policy",
     [](Settings& s, std::string_view text) { return s.kbs_policy = text, !text.empty(); }},
#endif
    {"--qemu", "SOCKET", "serve QEMU's -tpmdev emulator there too, one machine at a time",
     [](Settings& s, std::string_view text) { return s.qemu = text, !text.empty(); }},
    {kProfile, "NAME", "firmware: openhcl, azure-2023 or azure-2024; default openhcl; other options stand above it",
     [](Settings& s, std::string_view text) { return s.options.take_profile(text); }, offer_profiles},
    {"--product", "NAME", "milan, genoa or turin; default milan", take_product, offer_products},
    {"--report-version", "N", "2, 3 or 5; default the profile's: 3, 2, 2", take_number<&Options::report_version, 2, 3, 5>},
    {"--envelope-version", "N", "1 or 2; default the profile's: 2, 1, 1", take_number<&Options::envelope_version, 1, 2>},
    {"--nv-size", "OCTETS", "2048, 2600 or 2900; default the profile's: 2900, 2048, 2600",
     take_number<&Options::nv_size, 2048, 2600, 2900>},
    {"--user-data-case", "CASE", "lower or upper; default the profile's: lower, upper, upper", take_case,
     offer_cases},
    {"--refresh", "WHEN", "on-read or on-write; default on-read", take_refresh, offer_refreshes},
    {"--interval-ms", "MS", "at most one refresh in this time, on read; default 2000",
     take_millis<&Options::interval>},
    {"--latency-ms", "MS", "what a refresh takes; default 0", take_millis<&Options::latency>},
    {"--fault", "LIST", "faults, separated by commas", take_faults, offer_faults},
    {"--seed", "N", "decides all that the paravisor chooses; default: at random",
     [](Settings& s, std::string_view text) {
       return s.seeded = number(text, 0, ~std::uint64_t{0} >> 1, s.options.seed);
     }},
};

void help() {
  std::printf(
      "usage: snpnv-paravisor --state DIR [options]\n\n"
      "A vTPM with the NV attestation interface of a confidential VM, in front of a\n"
      "swtpm that it starts itself. Its reports are signed by the test PKI, which\n"
      "vouches for nothing.\n\noptions:\n");
  const auto entry = [](std::string_view what, std::string_view meaning) {
    std::printf("%s", two_columns("  " + std::string(what), 28, meaning, 80).c_str());
  };
  for (const Option& option : kOptions) entry(std::string(option.name) + " " + option.value, option.help);
  entry("--once", "end a second after the first client has gone");
  entry("--help", "explain");
  entry("--version", "print the version");
  std::printf("\nfaults:\n");
#define SNPNV_X(member, name, text) entry(name, text);
  SNPNV_PARAVISOR_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_ENDING_FAULTS(SNPNV_X)
#undef SNPNV_X
#ifdef SNPNV_FETCH
  std::printf("\nfaults of --http and --https:\n");
#define SNPNV_X(member, name, text) entry(name, text);
  SNPNV_PARAVISOR_HTTP_FAULTS(SNPNV_X)
#undef SNPNV_X
  std::printf("\nfaults of --kbs:\n");
#define SNPNV_X(member, name, text) entry(name, text);
  SNPNV_PARAVISOR_KBS_FAULTS(SNPNV_X)
#undef SNPNV_X
  std::printf("\nfaults of --maa:\n");
#define SNPNV_X(member, name, text) entry(name, text);
  SNPNV_PARAVISOR_MAA_FAULTS(SNPNV_X)
#undef SNPNV_X
#endif
  std::printf("\nPrints one line when it serves: `ready tcti=NAME [qemu=SOCKET] state=DIR\n"
              "[kbs=URL] [maa=URL] [http=URL] [https=URL]`. DIR/http.log, DIR/kbs.log and\n"
              "DIR/maa.log list the requests. Ends on SIGTERM and SIGINT.\n");
}

// What was probably meant by the first word that the option does not know; empty if it knows all, or there is no list.
std::string suggestion(const Option& option, std::string_view words) {
  while (option.offer != nullptr) {
    const std::size_t comma = words.find(',');
    Nearest nearest(words.substr(0, std::min(comma, words.find('='))));
    option.offer(nearest);
    if (!nearest.found()) return nearest.hint("", "--help lists them");
    if (comma == std::string_view::npos) break;
    words.remove_prefix(comma + 1);
  }
  return {};
}

// The exit status to end with at once, or -1 to go on.
int parse(int argc, char** argv, Settings& settings) {
  std::vector<std::pair<const Option*, std::string_view>> given;
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
    if (option == nullptr) {
      Nearest nearest(spelled);
      for (const Option& known : kOptions) nearest.offer(known.name);
      return complain(word, "unknown option; --help lists them", nearest.hint("", "")), kUsage;
    }
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < argc) {
      value = argv[++i];
    } else {
      return complain(spelled, std::string("needs a value: ") + option->value), kUsage;
    }
    given.emplace_back(option, value);
  }
  for (const bool profile : {true, false})  // which comes first, wherever it stands
    for (const auto& [option, value] : given)
      if ((option->name == kProfile) == profile && !option->take(settings, value))
        return complain(option->name, "not acceptable: " + std::string(value) + "; " + option->value + ": " + option->help,
                        suggestion(*option, value)),
               kUsage;
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

#ifdef SNPNV_FETCH
std::optional<std::vector<std::byte>> read_file(const std::string& path) {
  std::FILE* const file = std::fopen(path.c_str(), "re");
  if (file == nullptr) return std::nullopt;
  std::vector<std::byte> out(std::size_t{1} << 19);
  out.resize(std::fread(out.data(), 1, out.size(), file));
  const bool whole = std::ferror(file) == 0 && std::fgetc(file) == EOF;
  std::fclose(file);
  if (!whole) return std::nullopt;
  return out;
}

// Nothing if a file cannot be used, which is said then.
std::optional<BrokerSettings> broker_settings(const Settings& settings) {
  BrokerSettings out;
  for (const auto& [name, path] : settings.resources) {
    auto content = read_file(path);
    if (!content) return complain(path, "cannot be read, or is larger than 512 KiB"), std::nullopt;
    out.resources[name] = std::move(*content);
  }
  if (settings.kbs_policy.empty()) return out;
  const auto text = read_file(settings.kbs_policy);
  if (!text) return complain(settings.kbs_policy, "cannot be read"), std::nullopt;
  out.policy_room.resize(text->size());
  if (const auto read = parse_policy(*text, out.policy, out.policy_room); !read)
    return complain(settings.kbs_policy, words(read.error()), "docs/policy.md lists the members of a policy"), std::nullopt;
  return out;
}

// The services that are asked for, each at its address.
class Services {
 public:
  Services(const Settings& settings, const TestPki& pki) : settings_(settings), pki_(pki) {}

  // False: one of them cannot be, as has been said.
  bool start() {
    const bool any = settings_.http || settings_.https || settings_.kbs || settings_.maa;
    const std::string authority = settings_.state + "/https-ca.pem";
    if (any && !write_file(authority, kHttpsCa)) return complain(authority, std::strerror(errno)), false;
    return start_broker() && start_provider() && start_certificates();
  }
  // ` NAME=URL` of each.
  [[nodiscard]] const std::string& urls() const { return urls_; }

 private:
  bool start_broker() {
    if (!settings_.kbs) return true;
    auto broker = broker_settings(settings_);
    return broker && serve("kbs", *settings_.kbs, true, made<BrokerService>("kbs.log", std::move(*broker)));
  }
  bool start_provider() {
    return !settings_.maa || serve("maa", *settings_.maa, true, made<MaaService>("maa.log"));
  }
  bool start_certificates() {
    if (!settings_.http && !settings_.https) return true;
    const auto service = made<CertificateService>("http.log");
    return (!settings_.http || serve("http", *settings_.http, false, service)) &&
           (!settings_.https || serve("https", *settings_.https, true, service));
  }

  // A service that lists its requests in that file; null: it cannot be, as has been said.
  template <class Service, class... More>
  std::shared_ptr<Service> made(const std::string& log, More&&... more) {
    const std::string path = settings_.state + "/" + log;
    auto service = Service::make(pki_, settings_.options, std::forward<More>(more)..., path);
    if (!service) return complain(path, words(service.error())), nullptr;
    return std::move(*service);
  }
  template <class Service>
  bool serve(const std::string& name, const Address& address, bool tls, const std::shared_ptr<Service>& service) {
    if (service == nullptr) return false;
    auto server = HttpServer::start([service](Connection& client) { service->serve(client); }, address.host,
                                    address.port, tls);
    if (!server) return complain("--" + name, words(server.error())), false;
    urls_ += " " + name + "=" + (*server)->url();
    servers_.push_back(std::move(*server));
    return true;
  }

  const Settings& settings_;
  const TestPki& pki_;
  std::vector<std::unique_ptr<HttpServer>> servers_;
  std::string urls_;
};
#else
class Services {
 public:
  Services(const Settings&, const TestPki&) {}
  static bool start() { return true; }
  [[nodiscard]] static std::string urls() { return {}; }
};
#endif

// Chooses what was left to chance, and writes the certificates that clients trust. False: not possible, as has been said.
bool prepare(Settings& settings, const TestPki& pki) {
  const MutBytes seed = std::as_writable_bytes(std::span(&settings.options.seed, 1));
  if (!settings.seeded) system_random(nullptr, raw(seed.data()), seed.size());
  if (::mkdir(settings.state.c_str(), 0700) != 0 && errno != EEXIST)
    return complain(settings.state, std::strerror(errno)), false;
  for (const auto& [name, pem] : {std::pair{"ark.pem", pki.ark}, {"ask.pem", pki.ask}, {"vcek.pem", pki.vcek}})
    if (!write_file(settings.state + "/" + name, pem))
      return complain(settings.state + "/" + name, std::strerror(errno)), false;
  return true;
}

// What can be read once the process is to end. Threads inherit nothing of this but the mask.
Descriptor blocked_signals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return Descriptor(::signalfd(-1, &signals, SFD_CLOEXEC));
}

int run(Settings settings) {
  const TestPki& pki = pki_of(settings.options.product);
  if (!prepare(settings, pki)) return kFailed;
  auto tpm = Swtpm::start(settings.state);
  if (!tpm) return complain("swtpm", words(tpm.error())), kFailed;
  const Descriptor stop = blocked_signals();

  StoppableClock clock(stop.get());
  Platform platform;
  if (const auto loaded = platform.load(settings.options.product, pki.vcek, pki.vcek_key); !loaded)
    return complain("test PKI", words(loaded.error())), kFailed;
  Paravisor paravisor(*tpm, clock, platform, settings.options);
  if (const auto started = paravisor.start(); !started)
    return complain("vTPM", words(started.error())), kFailed;
  std::mutex one_at_a_time;
  const Execute execute = [&](ByteView command, MutBytes response) {
    const std::lock_guard lock(one_at_a_time);
    return paravisor.transact(command, response);
  };
  const auto listener = listen_on(settings.host, settings.port);
  if (!listener) return complain(settings.host, words(listener.error())), kFailed;
  Services services(settings, pki);
  if (!services.start()) return kFailed;
  std::string ready = "ready tcti=swtpm:host=" + listener->host + ",port=" + std::to_string(listener->port);

  std::thread machines;
  std::optional<QemuSocket> socket;
  const std::function<Result<void>()> boot = [&]() -> Result<void> {
    const std::lock_guard lock(one_at_a_time);
    SNPNV_CHECK(tpm->power_cycle());
    auto started = paravisor.start();
    if (!started) complain("vTPM", words(started.error()));
    return started;
  };
  if (!settings.qemu.empty()) {
    auto made = QemuSocket::listen_at(settings.qemu);
    if (!made) return complain(settings.qemu, words(made.error())), kFailed;
    socket.emplace(std::move(*made));
    ready += " qemu=" + printable(settings.qemu);
    machines = std::thread([&] {
      serve_qemu(*socket, execute, boot, stop.get(), settings.once);
      if (settings.once) ::kill(::getpid(), SIGTERM);  // which ends the other front too
    });
  }
  std::printf("%s state=%s%s\n", ready.c_str(), printable(settings.state).c_str(), services.urls().c_str());
  std::fflush(stdout);
  serve(*listener, execute, stop.get(), settings.once);
  if (machines.joinable()) {
    ::kill(::getpid(), SIGTERM);  // blocked: makes `stop` readable where `once` ended serve()
    machines.join();
  }
  return 0;
}

}  // namespace
}  // namespace snpnv::paravisor

int main(int argc, char** argv) {
  snpnv::paravisor::Settings settings;
  const int status = snpnv::paravisor::parse(argc, argv, settings);
  return status >= 0 ? status : snpnv::paravisor::run(std::move(settings));
}
