// Captures of real machines, where the folder is: SNPNV_VECTORS, or ../shared/vectors.
#pragma once

#include <doctest/doctest.h>

#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "snpnv/core/pem.hpp"
#include "tests/verify/scene.hpp"

namespace vectors {

using scene::Bytes;

inline std::string folder() {
  const char* const named = std::getenv("SNPNV_VECTORS");
  return named != nullptr ? named : std::string(SNPNV_SOURCE_DIR) + "/../shared/vectors";
}

/// The file's octets; empty if there is no such file.
inline Bytes read(const std::string& path) {
  std::ifstream in(folder() + "/" + path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const auto view = scene::octets(text);
  return {view.begin(), view.end()};
}

/// The DER of a file that is DER or PEM.
inline Bytes read_der(const std::string& path) {
  Bytes content = read(path);
  if (!snpnv::is_pem(content)) return content;
  Bytes out(content.size());
  const auto block = snpnv::PemReader(content, "CERTIFICATE").next(out);
  REQUIRE(block.has_value());
  REQUIRE(block->has_value());
  out.resize((*block)->size());
  return out;
}

/// Says that a test was skipped for want of the vectors.
inline bool absent() {
  const bool missing = read("README.md").empty();
  if (missing) MESSAGE("SKIPPED: no vectors at ", folder());
  return missing;
}

}  // namespace vectors
