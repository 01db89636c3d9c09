// SPDX-License-Identifier: Apache-2.0
// What the fuzz targets share.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "snpnv/core/bytes.hpp"

// A property that every input must have. Traps in every build.
#define REQUIRE(...)                      \
  do {                                    \
    if (!(__VA_ARGS__)) __builtin_trap(); \
  } while (false)

namespace snpnv::fuzz {

/// The input itself, not a copy: a read behind its end is seen by the sanitizer.
[[nodiscard]] inline ByteView view(const std::uint8_t* data, std::size_t size) {
  return std::as_bytes(std::span(data, size));
}

/// An error that a parser of `size` octets, which began at offset `base`, may return.
[[nodiscard]] inline bool inside(const Error& error, std::size_t size, std::size_t base = 0) {
  return error.where >= base && error.where <= base + size && name(error.code) != "unknown";
}

}  // namespace snpnv::fuzz

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
