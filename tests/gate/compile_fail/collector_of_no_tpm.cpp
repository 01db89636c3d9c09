// SPDX-License-Identifier: Apache-2.0
// EXPECT: constraints not satisfied|no viable constructor or deduction guide|does not satisfy 'TpmClient'
#include "snpnv/collect/fresh_report.hpp"

using namespace snpnv;
struct Nowhere {
  Result<ByteView> transact(ByteView, MutBytes) noexcept { return fail(Code::io_closed); }
};
struct Stopped {
  Instant now() noexcept { return 0; }
  void sleep(Millis) noexcept {}
};
struct NoHash {
  Result<Digest> digest(Hash, ByteView) noexcept { return fail(Code::crypto_failed); }
};
using Right = ReportCollector<Tpm<Nowhere, Stopped>, NoHash>;
using Wrong = ReportCollector<Nowhere, NoHash>;  // WRONG
