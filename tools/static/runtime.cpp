// The part of the C++ library that a static snpnv needs, in place of the library itself: memory, and
// what its templates call where the program is wrong. Linked into static builds only.
#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <string>

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
