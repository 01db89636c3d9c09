// SPDX-License-Identifier: Apache-2.0
// The part of the C++ library that a static snpnv needs, in place of the library itself: memory, and
// what its templates call where the program is wrong. Then, of the C library, what would bring much that
// snpnv has no use for. Linked into static builds only.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <ctime>
#include <memory>
#include <new>
#include <string>

#if defined(__GLIBC__) && !defined(__UCLIBC__)  // which defines both
#define SNPNV_GLIBC 1
#include "snpnv/core/civil_time.hpp"
#if SNPNV_FETCH
#include <nss.h>
#endif
#endif

namespace {
// Without exceptions nobody could go on. The status is that of other failures; a new file that was
// being written beside its place stays there.
[[noreturn]] void out_of_memory() {
  constexpr char kText[] = "snpnv: memory: not enough (out_of_memory)\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kText, sizeof kText - 1);
  ::_exit(3);
}
}  // namespace

void* operator new(std::size_t size) {
  void* const memory = std::malloc(size != 0 ? size : 1);
  if (memory == nullptr) out_of_memory();
  return memory;
}
void* operator new[](std::size_t size) { return operator new(size); }
const std::nothrow_t std::nothrow{};
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return std::malloc(size != 0 ? size : 1); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

// These names are the library's own, and each is a mistake in the program, but for the first two.
extern "C" void __cxa_pure_virtual() { std::abort(); }
namespace std {
void __throw_bad_alloc() { out_of_memory(); }
void __throw_bad_array_new_length() { out_of_memory(); }
void __throw_bad_function_call() { std::abort(); }
void __throw_length_error(const char*) { std::abort(); }
void __throw_logic_error(const char*) { std::abort(); }
void __throw_out_of_range_fmt(const char*, ...) { std::abort(); }
bool _Sp_make_shared_tag::_S_eq(const type_info&) noexcept { return false; }
}  // namespace std

#if SNPNV_GLIBC
#if __SIZEOF_LONG__ == 8
// UTC has no zones: without this one, those of the C library, and sscanf() to read them. With 32 bits the C library
// has one for each size of a time_t.
extern "C" std::tm* gmtime_r(const std::time_t* time, std::tm* out) noexcept {
  const snpnv::CivilTime civil = snpnv::civil_time(*time);
  *out = std::tm{};
  out->tm_year = static_cast<int>(civil.year) - 1900;
  out->tm_mon = static_cast<int>(civil.month) - 1;
  out->tm_mday = static_cast<int>(civil.day);
  out->tm_hour = static_cast<int>(civil.hour);
  out->tm_min = static_cast<int>(civil.minute);
  out->tm_sec = static_cast<int>(civil.second);
  return out;
}
#endif

// Messages of the C library stay untranslated.
extern "C" void __assert_fail(const char* expression, const char*, unsigned, const char*) noexcept {
  for (const char* const text : {"snpnv: assertion in the C library: ", expression, "\n"})
    [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text, std::strlen(text));
  std::abort();
}
extern "C" char* __dcgettext(const char*, const char* text, int) noexcept { return const_cast<char*>(text); }

#if SNPNV_FETCH
// Names come from /etc/hosts and from DNS, which glibc has within. Other services that /etc/nsswitch.conf
// names would be shared libraries.
[[gnu::constructor]] static void look_names_up_without_libraries() { __nss_configure_lookup("hosts", "files dns"); }
#endif
#endif
