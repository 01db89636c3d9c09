// SPDX-License-Identifier: Apache-2.0
// EXPECT: no matching function for call to .take
#include "snpnv/tpm/tpm.hpp"

using namespace snpnv;
struct Throws {
  Result<ByteView> transact(ByteView, MutBytes) { return fail(Code::io_closed); }  // not noexcept
};
struct Fits {
  Result<ByteView> transact(ByteView, MutBytes) noexcept { return fail(Code::io_closed); }
};
template <Transport T>
void take(T&) {}
void use(Throws& throws, Fits& fits) {
  (void)throws;
  take(fits);
  take(throws);  // WRONG
}
