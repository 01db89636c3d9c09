/* Random octets for Mbed TLS, from the kernel. */
#include <errno.h>
#include <psa/crypto.h>
#include <sys/random.h>

psa_status_t mbedtls_psa_external_get_random(mbedtls_psa_external_random_context_t *context,
                                             uint8_t *output, size_t output_size,
                                             size_t *output_length) {
  (void)context;
  size_t have = 0;
  while (have < output_size) {
    const ssize_t n = getrandom(output + have, output_size - have, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return PSA_ERROR_INSUFFICIENT_ENTROPY;
    have += (size_t)n;
  }
  *output_length = have;
  return PSA_SUCCESS;
}
