// SPDX-License-Identifier: Apache-2.0
// snpnv-paravisor: an emulated paravisor for machines without the hardware.
#include <fcntl.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
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
#include "settings.hpp"
#include "test_pki.hpp"
#include "tools/printable.hpp"
#include "transports/swtpm.hpp"

namespace snpnv::paravisor {
namespace {

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
