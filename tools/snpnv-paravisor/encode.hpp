// SPDX-License-Identifier: Apache-2.0
// Texts that services make and read, on the heap.
#pragma once

#include <string>

#include "paravisor/platform.hpp"
#include "snpnv/core/json_writer.hpp"
#include "snpnv/core/pem.hpp"

namespace snpnv::paravisor {

/// What `write` appends to a ByteWriter, up to `most` octets.
template <class Write>
[[nodiscard]] std::string written(std::size_t most, Write write) {
  std::string out(most, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  write(writer);
  out.resize(writer.size());
  return out;
}
[[nodiscard]] inline std::string base64url(ByteView octets, Padding padding = Padding::none) {
  return written(octets.size() * 2 + 4, [&](ByteWriter& out) { encode_base64url(out, octets, padding); });
}
/// RFC 4648, "Base 64 Encoding".
[[nodiscard]] inline std::string base64(ByteView octets) {
  std::string out = base64url(octets, Padding::padded);
  for (char& c : out) c = c == '-' ? '+' : c == '_' ? '/' : c;
  return out;
}
[[nodiscard]] inline std::string random_octets(std::size_t size) {
  std::string out(size, '\0');
  system_random(nullptr, raw(std::as_writable_bytes(std::span(out)).data()), size);
  return out;
}
/// @returns the first block of that label | pem_block, text_base64.
[[nodiscard]] inline Result<std::string> der_of_pem(std::string_view pem, std::string_view label = kPemCertificate) {
  std::string out(pem.size(), '\0');
  SNPNV_TRY(const auto block, PemReader(octets_of(pem), label).next(std::as_writable_bytes(std::span(out))));
  if (!block) return fail(Code::pem_block);
  out.resize(block->size());
  return out;
}

}  // namespace snpnv::paravisor
