// SPDX-License-Identifier: Apache-2.0
#include "http_server.hpp"

#include <sys/eventfd.h>
#include <sys/socket.h>

#include <atomic>
#include <list>
#include <thread>

#include "server.hpp"

namespace snpnv::paravisor {
namespace {

class Server : public HttpServer {
 public:
  Server(Service service, Descriptor listener, std::string url, bool tls)
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
      return service_(client);
    }
    TlsConnection client(fd);
    if (!client.handshake()) return;
    service_(client);
    client.close();
  }

  Service service_;
  Descriptor listener_;
  std::string url_;
  bool tls_;
  Descriptor stop_;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<HttpServer>> HttpServer::start(Service service, const std::string& host, unsigned port,
                                                      bool tls) {
  SNPNV_TRY(Descriptor listener, bind_to(host, port));
  const std::string shown = host.contains(':') ? "[" + host + "]" : host;
  std::string url = (tls ? "https://" : "http://") + shown + ":" + std::to_string(port_of(listener.get()));
  return std::make_unique<Server>(std::move(service), std::move(listener),
                                  std::move(url), tls);
}

}  // namespace snpnv::paravisor
