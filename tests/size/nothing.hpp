// SPDX-License-Identifier: Apache-2.0
// A transport, a clock and providers of cryptography that do nothing, so that the library alone is measured.
#pragma once

#include "snpnv/snpnv.hpp"

using namespace snpnv;

struct Nowhere {
  Result<ByteView> transact(ByteView, MutBytes) noexcept;
};
struct Stopped {
  Instant now() noexcept;
  void sleep(Millis) noexcept;
};
struct NoCrypto {
  Result<Digest> digest(Hash, ByteView) noexcept;
  Result<void> verify_ecdsa_p384(ByteView, const Digest&, const EcdsaP384Signature&) noexcept;
  Result<void> verify_rsa_pss(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept;
  Result<void> verify_rsa_pkcs1(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept;
  Result<Certificate> parse_certificate(ByteView der) noexcept;
};
// One that verifies no quotes, as a small image may have.
struct NoQuotes {
  Result<Digest> digest(Hash, ByteView) noexcept;
  Result<void> verify_ecdsa_p384(ByteView, const Digest&, const EcdsaP384Signature&) noexcept;
  Result<void> verify_rsa_pss(const RsaPublicKey&, Hash, const Digest&, ByteView) noexcept;
  Result<Certificate> parse_certificate(ByteView der) noexcept;
};
using Collector = ReportCollector<Tpm<Nowhere, Stopped>, NoCrypto>;
