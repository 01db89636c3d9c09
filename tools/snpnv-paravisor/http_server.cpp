#include "http_server.hpp"

#include <fcntl.h>
#include <mbedtls/ssl.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <list>
#include <mutex>
#include <thread>

#include "server.hpp"
#include "snpnv/core/json.hpp"
#include "snpnv/core/pem.hpp"
#include "snpnv/fetch/kds.hpp"
#include "snpnv/fetch/sources.hpp"
#include "test_pki.hpp"
#include "tools/printable.hpp"
#include "transports/monotonic_clock.hpp"
#include "transports/paravisor/kds_target.hpp"
#include "transports/paravisor/platform.hpp"

namespace snpnv::paravisor {
namespace {

ByteView view(std::string_view text) { return std::as_bytes(std::span(text.data(), text.size())); }

Result<std::string> der_of(std::string_view pem, std::string_view label) {
  std::string out(pem.size(), '\0');
  SNPNV_TRY(const auto block, PemReader(view(pem), label).next(std::as_writable_bytes(std::span(out))));
  if (!block) return fail(Code::pem_block);
  out.resize(block->size());
  return out;
}

// A connection as the service sees it.
class Connection {
 public:
  virtual ~Connection() = default;
  virtual bool send(std::string_view text) = 0;
  virtual std::string receive() = 0;  // empty at the end
  virtual void pause(int ms) = 0;     // or until the other side has gone
};

class PlainConnection : public Connection {
 public:
  explicit PlainConnection(int fd) : fd_(fd) {}
  bool send(std::string_view text) override {
    while (!text.empty()) {
      const ssize_t n = ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  std::string receive() override {
    std::string out(4096, '\0');
    const ssize_t n = ::recv(fd_, out.data(), out.size(), 0);
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }
  void pause(int ms) override {
    pollfd entry{fd_, POLLRDHUP, 0};
    (void)::poll(&entry, 1, ms);
  }

 private:
  int fd_;
};

class TlsConnection : public Connection {
 public:
  explicit TlsConnection(int fd) : fd_(fd), plain_(fd) {
    mbedtls_ssl_init(&ssl_);
    mbedtls_ssl_config_init(&config_);
    mbedtls_x509_crt_init(&certificate_);
    mbedtls_pk_init(&key_);
  }
  TlsConnection(const TlsConnection&) = delete;
  TlsConnection& operator=(const TlsConnection&) = delete;
  ~TlsConnection() override {
    mbedtls_ssl_free(&ssl_);
    mbedtls_ssl_config_free(&config_);
    mbedtls_x509_crt_free(&certificate_);
    mbedtls_pk_free(&key_);
  }

  // Certificate and key are read anew for each connection: Mbed TLS keeps what it computes within them.
  bool handshake() {
    const std::string certificate(kHttpsServer);
    const std::string key(kHttpsServerKey);
    const auto octets = [](const std::string& text) {
      return static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
    };
    if (mbedtls_x509_crt_parse(&certificate_, octets(certificate), certificate.size() + 1) != 0) return false;
#if MBEDTLS_VERSION_MAJOR >= 3
    if (mbedtls_pk_parse_key(&key_, octets(key), key.size() + 1, nullptr, 0, system_random, nullptr) != 0) return false;
#else
    if (mbedtls_pk_parse_key(&key_, octets(key), key.size() + 1, nullptr, 0) != 0) return false;
#endif
    if (mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_SERVER, MBEDTLS_SSL_TRANSPORT_STREAM,
                                    MBEDTLS_SSL_PRESET_DEFAULT) != 0)
      return false;
#if MBEDTLS_VERSION_MAJOR >= 3
    mbedtls_ssl_conf_max_tls_version(&config_, MBEDTLS_SSL_VERSION_TLS1_2);  // 1.3 shares state of PSA
#endif
    mbedtls_ssl_conf_rng(&config_, system_random, nullptr);
    if (mbedtls_ssl_conf_own_cert(&config_, &certificate_, &key_) != 0 || mbedtls_ssl_setup(&ssl_, &config_) != 0)
      return false;
    mbedtls_ssl_set_bio(&ssl_, this, send_octets, receive_octets, nullptr);
    return mbedtls_ssl_handshake(&ssl_) == 0;
  }
  void close() { (void)mbedtls_ssl_close_notify(&ssl_); }

  bool send(std::string_view text) override {
    while (!text.empty()) {
      const int n = mbedtls_ssl_write(
          &ssl_, static_cast<const unsigned char*>(static_cast<const void*>(text.data())), text.size());
      if (n <= 0) return false;
      text.remove_prefix(static_cast<std::size_t>(n));
    }
    return true;
  }
  std::string receive() override {
    std::string out(4096, '\0');
    const int n = mbedtls_ssl_read(&ssl_, static_cast<unsigned char*>(static_cast<void*>(out.data())), out.size());
    out.resize(n > 0 ? static_cast<std::size_t>(n) : 0);
    return out;
  }
  void pause(int ms) override { plain_.pause(ms); }

 private:
  static int send_octets(void* self, const unsigned char* from, std::size_t size) {
    const std::string_view text(static_cast<const char*>(static_cast<const void*>(from)), size);
    return static_cast<TlsConnection*>(self)->plain_.send(text) ? static_cast<int>(size)
                                                                : MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  }
  static int receive_octets(void* self, unsigned char* to, std::size_t size) {
    return static_cast<int>(::recv(static_cast<TlsConnection*>(self)->fd_, to, size, 0));
  }

  int fd_;
  PlainConnection plain_;
  mbedtls_ssl_context ssl_;
  mbedtls_ssl_config config_;
  mbedtls_x509_crt certificate_;
  mbedtls_pk_context key_;
};

class Service : public CertificateService {
 public:
  Service(const Options& options, Descriptor log) : options_(options), log_(std::move(log)) {}

  Result<void> fill(const TestPki& pki) {
    const EndingFault& other_chip = options_.faults.wrong_certificate;
    const EndingFault& other_tcb = options_.faults.wrong_tcb;
    SNPNV_TRY(const std::string own, der_of(pki.vcek, kPemCertificate));
    SNPNV_TRY(const std::string given, der_of(other_chip.on ? pki.vcek_other_chip : pki.vcek, kPemCertificate));
    SNPNV_TRY(const std::string crl, der_of(pki.crl, "X509 CRL"));
    CertificateRequest request{CertificateKind::issuers, pki.product};
    const auto serve = [&](std::string body) {
      std::array<std::byte, Url::kMaxSize> octets{};
      Writer target(octets);
      write_kds_target(target, request);
      pages_.push_back({canonical_target(http::text(target.written())), std::move(body), false});
    };
    serve(std::string(pki.ask) + std::string(pki.ark));
    request.endorser = SIGNING_KEY::VLEK;
    serve(std::string(pki.asvk) + std::string(pki.ark));
    request.kind = CertificateKind::revocation;
    serve(crl);
    request.endorser = SIGNING_KEY::VCEK;
    serve(crl);
    request.kind = CertificateKind::endorsement;
    SNPNV_TRY(const Certificate certificate, Certificate::parse(view(own)));
    const VekCertificate vek(certificate);
    SNPNV_TRY(request.chip_id, vek.hw_id(chip_id_size(pki.product)));
    SNPNV_CHECK(read_tcb(vek, request));
    serve(given);

    std::string at_platform(other_chip.on ? pki.vcek_other_chip : pki.vcek);
    if (other_tcb.on) {
      at_platform = pki.vcek_other_tcb;
      SNPNV_TRY(const std::string der, der_of(at_platform, kPemCertificate));
      SNPNV_TRY(const Certificate other, Certificate::parse(view(der)));
      SNPNV_CHECK(read_tcb(VekCertificate(other), request));
    }
    SNPNV_TRY(std::string document, platform_document(request, at_platform, std::string(pki.ask) + std::string(pki.ark)));
    pages_.push_back({std::string(kPlatformTarget), std::move(document), true});
    return {};
  }

  void serve(Connection& client) {
    std::string request;
    while (!request.contains("\r\n\r\n")) {
      constexpr std::size_t kMost = 16384;
      const std::string more = client.receive();
      if (more.empty() || request.size() > kMost) return;
      request += more;
    }
    const std::size_t start = request.find(' ') + 1;
    const std::string target = request.substr(start, request.find_first_of(" \r", start) - start);
    const Page* page = nullptr;
    for (const Page& candidate : pages_)
      if (candidate.target == canonical_target(target)) page = &candidate;
    std::string lower_case = request;
    for (char& c : lower_case) c = http::lower(c);
    int status = page != nullptr ? 200 : 404;
    if (page != nullptr && page->metadata && !lower_case.contains("\r\nmetadata: true\r\n")) status = 400;
    if (!request.starts_with("GET ")) status = 405;
    if (page != nullptr && page->metadata && busy(options_.faults.http_410)) status = 410;
    if (busy(options_.faults.http_429)) status = 429;
    if (busy(options_.faults.http_503)) status = 503;
    note(printable(request.substr(0, start) + target) + " " + std::to_string(status) + "\n");
    answer(client, status, status == 200 ? page->body : "no\n");
  }

 private:
  struct Page {
    std::string target;
    std::string body;
    bool metadata = false;
  };

  static Result<void> read_tcb(const VekCertificate& vek, CertificateRequest& request) {
    for (const TcbLayoutEntry& component : kTcbLayout) {
      if (!request.tcb.get(component, request.product)) continue;
      SNPNV_TRY(const std::uint8_t spl, vek.number(spl_extension(component.component)));
      request.tcb.set(component, request.product, spl);
    }
    return {};
  }

  static Result<std::string> platform_document(const CertificateRequest& request, std::string_view vcek,
                                               std::string_view chain) {
    std::string room(vcek.size() * 2 + chain.size() * 2 + 256, '\0');
    Writer writer(std::as_writable_bytes(std::span(room)));
    TCB_VERSION big_endian = request.tcb;
    std::ranges::reverse(big_endian.octets);
    JsonWriter json(writer);
    json.begin_object();
    json.key("vcekCert");
    json.string(vcek);
    json.key("tcbm");
    json.hex(big_endian.octets);
    json.key("certificateChain");
    json.string(chain);
    json.key("cacheControl");
    json.string("86400");
    json.end_object();
    SNPNV_TRY(const ByteView document, writer.finish());
    return std::string(http::text(document));
  }

  // Counts a request against a fault that may end.
  bool busy(const EndingFault& fault) {
    const std::lock_guard lock(mutex_);
    return count_.meets(fault, MonotonicClock().now());
  }

  void note(const std::string& line) const {
    // One write to a file that is appended to: lines of several threads do not mix.
    (void)::write(log_.get(), line.data(), line.size());
  }

  void answer(Connection& client, int status, const std::string& body) const {
    constexpr int kQuarter = 250;
    const Faults& faults = options_.faults;
    const bool endless = faults.http_endless.on && status == 200;
    std::string text = "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " Refused") +
                       "\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n";
    text += endless ? std::string("Transfer-Encoding: chunked\r\n\r\n")
                    : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
    if (faults.http_slow.on) {
      for (const char c : text + body) {
        client.pause(kQuarter);
        if (!client.send(std::string_view(&c, 1))) return;
      }
      return;
    }
    if (!client.send(text)) return;
    if (endless) {
      const std::string chunk = "1000\r\n" + std::string(0x1000, 'A') + "\r\n";
      while (client.send(chunk)) {
      }
      return;
    }
    (void)client.send(faults.http_truncated.on && status == 200 ? std::string_view(body).substr(0, body.size() / 2)
                                                                : std::string_view(body));
  }

  Options options_;
  Descriptor log_;
  std::vector<Page> pages_;
  std::mutex mutex_;
  FaultCount count_;
};

class Server : public HttpServer {
 public:
  Server(std::shared_ptr<Service> service, Descriptor listener, std::string url, bool tls)
      : service_(std::move(service)), listener_(std::move(listener)), url_(std::move(url)), tls_(tls),
        stop_(::eventfd(0, EFD_CLOEXEC)), thread_([this] { accept_all(); }) {}
  ~Server() override {
    (void)::eventfd_write(stop_.get(), 1);
    thread_.join();
  }
  [[nodiscard]] const std::string& url() const override { return url_; }

 private:
  struct Client {
    Descriptor fd;
    std::thread thread;
    std::atomic<bool> gone = false;
  };

  void accept_all() {
    std::list<Client> clients;
    while (true) {
      pollfd entries[] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
      if (::poll(entries, 2, -1) < 0) continue;
      if (entries[1].revents != 0) break;
      clients.remove_if([](Client& client) {
        if (!client.gone) return false;
        client.thread.join();
        return true;
      });
      const int fd = ::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) continue;
      Client& client = clients.emplace_back();
      client.fd = Descriptor(fd);
      client.thread = std::thread([this, &client] {
        serve(client.fd.get());
        ::shutdown(client.fd.get(), SHUT_RDWR);
        client.gone = true;
      });
    }
    for (Client& client : clients) {
      ::shutdown(client.fd.get(), SHUT_RDWR);
      client.thread.join();
    }
  }

  void serve(int fd) {
    if (!tls_) {
      PlainConnection client(fd);
      return service_->serve(client);
    }
    TlsConnection client(fd);
    if (!client.handshake()) return;
    service_->serve(client);
    client.close();
  }

  std::shared_ptr<Service> service_;
  Descriptor listener_;
  std::string url_;
  bool tls_;
  Descriptor stop_;
  std::thread thread_;
};

}  // namespace

Result<std::shared_ptr<CertificateService>> CertificateService::make(const TestPki& pki, const Options& options,
                                                                     const std::string& log) {
  Descriptor file(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  if (file.get() < 0) return io_failure(errno);
  auto service = std::make_shared<Service>(options, std::move(file));
  SNPNV_CHECK(service->fill(pki));
  return service;
}

Result<std::unique_ptr<HttpServer>> HttpServer::start(std::shared_ptr<CertificateService> service,
                                                      const std::string& host, unsigned port, bool tls) {
  SNPNV_TRY(Descriptor listener, bind_to(host, port));
  const std::string shown = host.contains(':') ? "[" + host + "]" : host;
  std::string url = (tls ? "https://" : "http://") + shown + ":" + std::to_string(port_of(listener.get()));
  return std::make_unique<Server>(std::static_pointer_cast<Service>(std::move(service)), std::move(listener),
                                  std::move(url), tls);
}

}  // namespace snpnv::paravisor
