// SPDX-License-Identifier: Apache-2.0
// Certificates and NV contents among the captures of real machines.
#pragma once

#include "snpnv/core/pem.hpp"
#include "tests/test.hpp"

namespace vectors {

using Bytes = snpnv::test::Octets;

/// The file's octets; empty if there is no such file.
inline Bytes read(const std::string& name) {
  return snpnv::test::vector_file(name).value_or(Bytes{});
}

/// The DER of a file that is DER or PEM.
inline Bytes read_der(const std::string& name) {
  const Bytes content = read(name);
  if (!snpnv::is_pem(content)) return content;
  Bytes out(content.size());
  const auto block = snpnv::PemReader(content, "CERTIFICATE").next(out);
  REQUIRE(block.has_value());
  REQUIRE(block->has_value());
  out.resize((*block)->size());
  return out;
}

/// True, and said, if there are no captures here.
inline bool absent() { return !snpnv::test::vector_file("README.md"); }

}  // namespace vectors
