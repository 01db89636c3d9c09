// SPDX-License-Identifier: Apache-2.0
// GCC's C++ headers, configured for glibc, on musl: included before everything else. Only headers are
// used, so no binary interface of glibc is met.
#include <features.h>

#define __GLIBC_PREREQ(major, minor) 0
#define __locale_t locale_t
// Weak references to threads would be null in a static program, and locks would do nothing.
#define _GLIBCXX_GTHREAD_USE_WEAK 0

// What <ctype.h> of glibc has and <locale> names; nothing here classifies characters by it.
enum {
  _ISupper = 1 << 0,
  _ISlower = 1 << 1,
  _ISalpha = 1 << 2,
  _ISdigit = 1 << 3,
  _ISxdigit = 1 << 4,
  _ISspace = 1 << 5,
  _ISprint = 1 << 6,
  _ISpunct = 1 << 7,
  _IScntrl = 1 << 8,
  _ISblank = 1 << 9,
  _ISalnum = _ISalpha | _ISdigit,
};

#include <bits/c++config.h>
#undef _GLIBCXX_USE_PTHREAD_COND_CLOCKWAIT
#undef _GLIBCXX_USE_PTHREAD_MUTEX_CLOCKLOCK
#undef _GLIBCXX_USE_PTHREAD_RWLOCK_CLOCKLOCK
