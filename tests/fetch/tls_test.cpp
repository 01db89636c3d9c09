#include "snpnv/mbedtls/tls.hpp"

#include <openssl/ssl.h>

#include <memory>

#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

const std::string kPki = SNPNV_SOURCE_DIR "/tests/pki/https/";

// A server by OpenSSL at the other end, with no network between. Fails the client's writes after `writes`.
class Server {
 public:
  explicit Server(std::size_t writes = 1000) : writes_(writes) {
    REQUIRE(SSL_use_certificate_file(ssl_.get(), (kPki + "server.pem").c_str(), SSL_FILETYPE_PEM) == 1);
    REQUIRE(SSL_use_PrivateKey_file(ssl_.get(), (kPki + "server.key").c_str(), SSL_FILETYPE_PEM) == 1);
    SSL_set_bio(ssl_.get(), BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
    SSL_set_accept_state(ssl_.get());
  }
  Result<void> write_all(ByteView from) noexcept {
    if (writes_ == 0) return fail(Code::io_closed);
    --writes_;
    BIO_write(SSL_get_rbio(ssl_.get()), from.data(), static_cast<int>(from.size()));
    std::array<char, 16> got{};
    const int n = SSL_read(ssl_.get(), got.data(), got.size());  // shakes hands first
    if (n > 0) SSL_write(ssl_.get(), got.data(), n);
    return {};
  }
  Result<std::size_t> read_some(MutBytes to) noexcept {
    const int n = BIO_read(SSL_get_wbio(ssl_.get()), to.data(), static_cast<int>(to.size()));
    return n > 0 ? static_cast<std::size_t>(n) : 0;
  }

 private:
  struct Free {
    void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
    void operator()(SSL* ssl) const { SSL_free(ssl); }
  };
  std::unique_ptr<SSL_CTX, Free> context_{SSL_CTX_new(TLS_server_method())};
  std::unique_ptr<SSL, Free> ssl_{SSL_new(context_.get())};
  std::size_t writes_;
};

void add(TlsTrust& trust, const std::string& authority) {
  auto pem = read_file(authority);
  REQUIRE(pem.has_value());
  pem->push_back(std::byte{0});
  REQUIRE(trust.add(*pem).has_value());
}

Result<void> handshake(Server& server, const std::string& authority, std::string_view host) {
  TlsTrust trust;
  add(trust, authority);
  TlsStream tls(server);
  return tls.handshake(trust, host);
}

}  // namespace

TEST_CASE("Tls_TrustedServer_EchoesWhatIsSent") {
  Server server;
  TlsTrust trust;
  add(trust, kPki + "ca.pem");
  TlsStream tls(server);
  REQUIRE(tls.handshake(trust, "localhost").has_value());
  REQUIRE(tls.write_all(view("ping")).has_value());
  std::array<std::byte, 16> got{};
  CHECK(tls.read_some(got) == Result<std::size_t>(4));
  CHECK(text(ByteView(got).first(4)) == "ping");
}

// The server may be gone before it is told what its certificate lacks.
TEST_CASE("Tls_RefusedServer_IsACertificateErrorWhateverBecomesOfTheConnection") {
  const std::string stranger = SNPNV_SOURCE_DIR "/tests/pki/milan/ark.pem";
  for (const std::size_t writes : {1U, 1000U}) {
    CAPTURE(writes);
    Server unknown(writes);
    const auto untrusted = handshake(unknown, stranger, "localhost");
    REQUIRE_FALSE(untrusted.has_value());
    CHECK(name(untrusted.error().code) == name(Code::io_certificate));
    CHECK(certificate_fault(untrusted.error().detail) == "no trusted authority signed its certificate");
    Server other(writes);
    const auto misnamed = handshake(other, kPki + "ca.pem", "kds.invalid");
    REQUIRE_FALSE(misnamed.has_value());
    CHECK(name(misnamed.error().code) == name(Code::io_certificate));
    CHECK(certificate_fault(misnamed.error().detail) == "its certificate is for another name");
  }
}

TEST_CASE("Tls_ConnectionEndsWithinTheHandshake_IsTheStreamsError") {
  for (const std::size_t writes : {0U, 1U}) {
    CAPTURE(writes);
    Server server(writes);
    CHECK(handshake(server, kPki + "ca.pem", "localhost") == Result<void>(fail(Code::io_closed)));
  }
}
