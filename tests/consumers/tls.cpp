// SPDX-License-Identifier: Apache-2.0
// What a user of snpnv::tls has: a client of HTTPS, linked with Mbed TLS's TLS library.
#include <mbedtls/ssl.h>

#include "snpnv/mbedtls/tls.hpp"

int main() {
  mbedtls_ssl_config config;
  mbedtls_ssl_config_init(&config);
  return mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM,
                                     MBEDTLS_SSL_PRESET_DEFAULT);
}
