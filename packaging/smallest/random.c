// SPDX-License-Identifier: Apache-2.0
/* The seed of Mbed TLS's random octets, from the kernel. */
#include <errno.h>
#include <mbedtls/entropy.h>
#include <mbedtls/entropy_poll.h>
#include <sys/random.h>

int mbedtls_hardware_poll(void *data, unsigned char *output, size_t size, size_t *length) {
  (void)data;
  size_t have = 0;
  while (have < size) {
    const ssize_t n = getrandom(output + have, size - have, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return MBEDTLS_ERR_ENTROPY_SOURCE_FAILED;
    have += (size_t)n;
  }
  *length = have;
  return 0;
}
