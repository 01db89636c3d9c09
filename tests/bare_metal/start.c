// SPDX-License-Identifier: Apache-2.0
/* What a Cortex-M33 needs before main(). Files and standard output are the host's, by semihosting: newlib's rdimon. */
#include <stdlib.h>

extern char __bss_start__[], __bss_end__[], stack_top[];
extern void initialise_monitor_handles(void);
extern void __libc_init_array(void);
extern int main(void);

void reset(void) {
  for (char *at = __bss_start__; at != __bss_end__; ++at) *at = 0;
  initialise_monitor_handles();
  __libc_init_array();
  exit(main());
}
static void fault(void) { _Exit(99); }
void _init(void) {}
void *__dso_handle;  /* for destructors of statics */

__attribute__((section(".vectors"), used)) static const void *const vectors[16] = {
    stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault};
