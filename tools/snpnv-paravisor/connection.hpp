// SPDX-License-Identifier: Apache-2.0
// Connections of HTTP's clients, with TLS and without.
#pragma once

#include <mbedtls/ssl.h>
#include <poll.h>
#include <sys/socket.h>

#include <string>

#include "paravisor/platform.hpp"
#include "snpnv/core/text.hpp"
#include "test_pki.hpp"
#include "transports/descriptor.hpp"

namespace snpnv::paravisor {

/// A connection as the service sees it.
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
    return send_all(fd_, octets_of(text)).has_value();
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
    const auto octets = [](const std::string& text) {
      return static_cast<const unsigned char*>(static_cast<const void*>(text.data()));
    };
    if (mbedtls_x509_crt_parse(&certificate_, octets(certificate), certificate.size() + 1) != 0) return false;
    if (parse_key(key_, kHttpsServerKey) != 0) return false;
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
    const std::string_view text = text_of(std::as_bytes(std::span(from, size)));
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

}  // namespace snpnv::paravisor
