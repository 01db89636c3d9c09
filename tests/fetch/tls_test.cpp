// SPDX-License-Identifier: Apache-2.0
#include "snpnv/mbedtls/tls.hpp"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#include <memory>

#include "tests/test.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

const std::string kPki = SNPNV_SOURCE_DIR "/tests/pki/https/";

// A server by OpenSSL at the other end, with no network between. Fails the client's writes after `writes`.
class Server {
 public:
  explicit Server(std::size_t writes = 1000, X509* certificate = nullptr) : writes_(writes) {
    if (certificate != nullptr) REQUIRE(SSL_use_certificate(ssl_.get(), certificate) == 1);
    else REQUIRE(SSL_use_certificate_file(ssl_.get(), (kPki + "server.pem").c_str(), SSL_FILETYPE_PEM) == 1);
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

// The server's certificate with another common name and other alternative names; none if they are empty.
std::unique_ptr<X509, decltype(&X509_free)> certificate_for(const std::string& common_name, const std::string& names) {
  const auto open = [](const std::string& name) {
    return std::unique_ptr<BIO, decltype(&BIO_free)>(BIO_new_file((kPki + name).c_str(), "r"), BIO_free);
  };
  const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
      PEM_read_bio_PrivateKey(open("ca.key").get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
  std::unique_ptr<X509, decltype(&X509_free)> made(PEM_read_bio_X509(open("server.pem").get(), nullptr, nullptr, nullptr),
                                                   X509_free);
  REQUIRE(key != nullptr);
  REQUIRE(made != nullptr);
  X509_NAME* const name = X509_get_subject_name(made.get());
  const auto* const text = static_cast<const unsigned char*>(static_cast<const void*>(common_name.c_str()));
  X509_NAME_ENTRY_free(X509_NAME_delete_entry(name, X509_NAME_get_index_by_NID(name, NID_commonName, -1)));
  REQUIRE(X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0) == 1);
  X509_EXTENSION_free(X509_delete_ext(made.get(), X509_get_ext_by_NID(made.get(), NID_subject_alt_name, -1)));
  if (!names.empty()) {
    X509_EXTENSION* const extension = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name, names.c_str());
    REQUIRE(extension != nullptr);
    X509_add_ext(made.get(), extension, -1);
    X509_EXTENSION_free(extension);
  }
  REQUIRE(X509_sign(made.get(), key.get(), EVP_sha256()) > 0);
  return made;
}

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

TEST_CASE("Tls_Address_IsProvenByAnIpAddressAlone") {
  const auto proven = [](const std::string& common_name, const std::string& names, std::string_view host,
                         std::string_view octets) {
    CAPTURE(common_name);
    CAPTURE(names);
    const auto certificate = certificate_for(common_name, names);
    Server server(1000, certificate.get());
    TlsTrust trust;
    add(trust, kPki + "ca.pem");
    TlsStream tls(server);
    const auto result = tls.handshake(trust, host, hex(octets));
    if (!result) {
      CHECK(name(result.error().code) == name(Code::io_certificate));
      CHECK(certificate_fault(result.error().detail) == "its certificate is for another name");
    }
    return result.has_value();
  };
  const std::string_view host = "127.0.0.1", octets = "7f000001";
  CHECK(proven("anything", "IP:127.0.0.1", host, octets));
  CHECK(proven("anything", "DNS:other,IP:10.0.0.1,IP:127.0.0.1", host, octets));
  CHECK(proven("anything", "IP:::1", "::1", "00000000000000000000000000000001"));
  CHECK_FALSE(proven("127.0.0.1", "", host, octets));
  CHECK_FALSE(proven("127.0.0.1", "IP:10.0.0.1", host, octets));
  CHECK_FALSE(proven("anything", "DNS:127.0.0.1", host, octets));
  CHECK_FALSE(proven("anything", "DNS:*.0.0.1", host, octets));
  CHECK_FALSE(proven("anything", "DNS:127.0.0.1,IP:10.0.0.1", host, octets));
  CHECK_FALSE(proven("::1", "", "::1", "00000000000000000000000000000001"));
  // A name is what a dNSName says, as before.
  CHECK(proven("anything", "DNS:localhost", "localhost", ""));
  CHECK(proven("anything", "DNS:*.example.org", "kds.example.org", ""));
  CHECK_FALSE(proven("anything", "IP:127.0.0.1", "localhost", ""));
}

TEST_CASE("Tls_ConnectionEndsWithinTheHandshake_IsTheStreamsError") {
  for (const std::size_t writes : {0U, 1U}) {
    CAPTURE(writes);
    Server server(writes);
    CHECK(handshake(server, kPki + "ca.pem", "localhost") == Result<void>(fail(Code::io_closed)));
  }
}
