// SPDX-License-Identifier: Apache-2.0
// TLS by Mbed TLS (2.28 or 3.6), over any stream. The only other file that sees its headers.
#pragma once

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/version.h>
#include <mbedtls/x509_crt.h>
#if MBEDTLS_VERSION_MAJOR >= 3
#include <psa/crypto.h>
#endif

#include <algorithm>
#include <array>
#include <string_view>

#include "snpnv/fetch/http.hpp"

namespace snpnv {

/// The authorities that may vouch for servers.
class TlsTrust {
 public:
  TlsTrust() { mbedtls_x509_crt_init(&authorities_); }
  TlsTrust(const TlsTrust&) = delete;
  TlsTrust& operator=(const TlsTrust&) = delete;
  ~TlsTrust() { mbedtls_x509_crt_free(&authorities_); }

  /// Takes the certificates of a PEM text, which ends with a NUL octet. Those of a kind that Mbed TLS
  /// does not know are passed over.
  /// @returns nothing | crypto_failed - detail: its status, negated; no certificate among it.
  [[nodiscard]] Result<void> add(ByteView pem) noexcept {
    const int status = mbedtls_x509_crt_parse(
        &authorities_, static_cast<const unsigned char*>(static_cast<const void*>(pem.data())), pem.size());
    if (status < 0) return fail(Code::crypto_failed, 0, static_cast<std::uint32_t>(-status));
    return {};
  }
  [[nodiscard]] mbedtls_x509_crt* authorities() const { return &authorities_; }

 private:
  mutable mbedtls_x509_crt authorities_;  // Mbed TLS wants it so; it only reads
};

/// What a server's certificate lacks, by io_certificate's detail.
[[nodiscard]] inline std::string_view certificate_fault(std::uint32_t flags) {
  if ((flags & MBEDTLS_X509_BADCERT_NOT_TRUSTED) != 0) return "no trusted authority signed its certificate";
  if ((flags & MBEDTLS_X509_BADCERT_CN_MISMATCH) != 0) return "its certificate is for another name";
  if ((flags & MBEDTLS_X509_BADCERT_EXPIRED) != 0) return "its certificate has expired";
  if ((flags & MBEDTLS_X509_BADCERT_FUTURE) != 0) return "its certificate is not valid yet; is the clock set?";
  return "its certificate is not acceptable";
}

/// The client's side of TLS 1.2 or later. Borrows the stream and the trust. Its deadline is the stream's.
template <Stream S>
class TlsStream {
 public:
  explicit TlsStream(S& inner) : inner_(inner) {
    mbedtls_ssl_init(&ssl_);
    mbedtls_ssl_config_init(&config_);
    mbedtls_entropy_init(&entropy_);
    mbedtls_ctr_drbg_init(&random_);
  }
  TlsStream(const TlsStream&) = delete;
  TlsStream& operator=(const TlsStream&) = delete;
  ~TlsStream() {
    mbedtls_ssl_free(&ssl_);
    mbedtls_ssl_config_free(&config_);
    mbedtls_ctr_drbg_free(&random_);
    mbedtls_entropy_free(&entropy_);
  }

  /// Shakes hands with a server that proves to be `host`: a name, or an address for which `address`
  /// has the octets.
  /// @returns nothing | io_certificate - detail: flags; certificate_fault() says them
  ///   | io_tls - detail: status, negated | what the stream returns.
  [[nodiscard]] Result<void> handshake(const TlsTrust& trust, std::string_view host,
                                       ByteView address = {}) noexcept {
    address_ = address;
    std::array<char, 256> name{};  // ends with NUL
    if (host.size() >= name.size()) return fail(Code::url_syntax);
    std::ranges::copy(host, name.begin());
    int status = mbedtls_ctr_drbg_seed(&random_, mbedtls_entropy_func, &entropy_, nullptr, 0);
    if (status != 0) return tls_failure(status);
    status = mbedtls_ssl_config_defaults(&config_, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                         MBEDTLS_SSL_PRESET_DEFAULT);
    if (status != 0) return tls_failure(status);
#if MBEDTLS_VERSION_MAJOR >= 3
    if (psa_crypto_init() != PSA_SUCCESS) return fail(Code::io_tls);  // TLS 1.3 computes by PSA
    mbedtls_ssl_conf_min_tls_version(&config_, MBEDTLS_SSL_VERSION_TLS1_2);
#else
    mbedtls_ssl_conf_min_version(&config_, MBEDTLS_SSL_MAJOR_VERSION_3, MBEDTLS_SSL_MINOR_VERSION_3);
#endif
    mbedtls_ssl_conf_authmode(&config_, MBEDTLS_SSL_VERIFY_REQUIRED);
    mbedtls_ssl_conf_ca_chain(&config_, trust.authorities(), nullptr);
    mbedtls_ssl_conf_rng(&config_, mbedtls_ctr_drbg_random, &random_);
    mbedtls_ssl_conf_verify(&config_, verify, this);
    if (status = mbedtls_ssl_setup(&ssl_, &config_); status != 0) return tls_failure(status);
    if (status = mbedtls_ssl_set_hostname(&ssl_, name.data()); status != 0) return tls_failure(status);
    mbedtls_ssl_set_bio(&ssl_, this, send, receive, nullptr);
    status = mbedtls_ssl_handshake(&ssl_);
    if (status == 0) return {};
    // First, since telling the server of it may have failed as well. All bits: nothing was verified.
    if (const std::uint32_t flags = mbedtls_ssl_get_verify_result(&ssl_); flags != 0 && flags != UINT32_MAX)
      return fail(Code::io_certificate, 0, flags);
    if (inner_error_) return fail(*inner_error_);
    if (status == MBEDTLS_ERR_SSL_CONN_EOF) return fail(Code::io_closed);
    return tls_failure(status);
  }

  /// @returns as the concept says; the orderly end is TLS's own | io_closed - the connection ended
  ///   before | io_tls - detail: status, negated.
  [[nodiscard]] Result<std::size_t> read_some(MutBytes to) noexcept {
    while (true) {
      const int n =
          mbedtls_ssl_read(&ssl_, static_cast<unsigned char*>(static_cast<void*>(to.data())), to.size());
      if (n > 0) return static_cast<std::size_t>(n);
      if (n == MBEDTLS_ERR_SSL_PEER_CLOSE_NOTIFY) return std::size_t{0};
      if (inner_error_) return fail(*inner_error_);
#ifdef MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET
      if (n == MBEDTLS_ERR_SSL_RECEIVED_NEW_SESSION_TICKET) continue;
#endif
      if (n == 0 || n == MBEDTLS_ERR_SSL_CONN_EOF) return fail(Code::io_closed);
      return tls_failure(n);
    }
  }
  [[nodiscard]] Result<void> write_all(ByteView from) noexcept {
    while (!from.empty()) {
      const int n = mbedtls_ssl_write(
          &ssl_, static_cast<const unsigned char*>(static_cast<const void*>(from.data())), from.size());
      if (inner_error_) return fail(*inner_error_);
      if (n <= 0) return tls_failure(n);
      from = from.subspan(static_cast<std::size_t>(n));
    }
    return {};
  }

 private:
  static detail::Failed tls_failure(int status) noexcept {
    return fail(Code::io_tls, 0, static_cast<std::uint32_t>(-status));
  }

  // Mbed TLS 2.28 knows names only, and 3.6 compares an address with them too: a common name, a dNSName or
  // even a wildcard would do. An address is proven by an iPAddress, [7], alone.
  // RFC 5280, "Subject Alternative Name"; RFC 9110, "https Certificate Verification".
  static int verify(void* self, mbedtls_x509_crt* certificate, int depth, std::uint32_t* flags) noexcept {
    constexpr int kIpAddress = MBEDTLS_ASN1_CONTEXT_SPECIFIC | 7;
    const ByteView address = static_cast<TlsStream*>(self)->address_;
    if (depth != 0 || address.empty()) return 0;
    *flags |= MBEDTLS_X509_BADCERT_CN_MISMATCH;
    for (const mbedtls_x509_sequence* name = &certificate->subject_alt_names; name != nullptr;
         name = name->next) {
      const ByteView octets(static_cast<const std::byte*>(static_cast<const void*>(name->buf.p)),
                            name->buf.len);
      if (name->buf.tag == kIpAddress && equal(octets, address))
        *flags &= ~static_cast<std::uint32_t>(MBEDTLS_X509_BADCERT_CN_MISMATCH);
    }
    return 0;
  }

  static int send(void* self, const unsigned char* from, std::size_t size) noexcept {
    TlsStream& stream = *static_cast<TlsStream*>(self);
    const auto sent = stream.inner_.write_all(
        ByteView(static_cast<const std::byte*>(static_cast<const void*>(from)), size));
    if (sent) return static_cast<int>(size);
    stream.inner_error_ = sent.error();
    return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  }
  static int receive(void* self, unsigned char* to, std::size_t size) noexcept {
    TlsStream& stream = *static_cast<TlsStream*>(self);
    const auto read =
        stream.inner_.read_some(MutBytes(static_cast<std::byte*>(static_cast<void*>(to)), size));
    if (read) return static_cast<int>(*read);
    stream.inner_error_ = read.error();
    return MBEDTLS_ERR_SSL_INTERNAL_ERROR;
  }

  S& inner_;
  ByteView address_;
  std::optional<Error> inner_error_;
  mbedtls_ssl_context ssl_;
  mbedtls_ssl_config config_;
  mbedtls_entropy_context entropy_;
  mbedtls_ctr_drbg_context random_;
};

}  // namespace snpnv
