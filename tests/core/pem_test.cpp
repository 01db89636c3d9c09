// SPDX-License-Identifier: Apache-2.0
#include "snpnv/core/pem.hpp"

#include <doctest/doctest.h>

#include <array>
#include <string>

using namespace snpnv;

namespace {

ByteView octets(std::string_view text) { return std::as_bytes(std::span(text)); }
std::string next(PemReader& reader) {
  std::array<std::byte, 64> out{};
  const auto block = reader.next(out);
  if (!block) return std::string(name(block.error().code));
  if (!*block) return "end";
  std::string text;
  for (const std::byte b : **block) text += static_cast<char>(b);
  return text;
}

}  // namespace

TEST_CASE("Pem_BlocksAmongOtherText_AreTakenInOrder") {
  const std::string text =  // printf 'hello world?>' | base64
      "text before\r\n"
      "-----BEGIN CERTIFICATE-----\naGVsbG8g\nd29ybGQ/Pg==\n-----END CERTIFICATE-----\n"
      "-----BEGIN EC PRIVATE KEY-----\n!!\n-----END EC PRIVATE KEY-----\n  "
      "-----BEGIN CERTIFICATE-----\r\n  Zm8r\r\n  -----END CERTIFICATE-----";
  CHECK(is_pem(octets(text)));
  PemReader reader(octets(text), "CERTIFICATE");
  CHECK(next(reader) == "hello world?>");
  CHECK(next(reader) == "fo+");
  CHECK(next(reader) == "end");
  PemReader others(octets(text), "X509 CRL");
  CHECK(next(others) == "end");
}

TEST_CASE("Pem_MalformedBlocks_AreErrors") {
  const auto outcome = [](std::string_view text) {
    PemReader reader(octets(text), "CERTIFICATE");
    return next(reader);
  };
  CHECK(outcome("-----BEGIN CERTIFICATE-----\naGVs") == "pem_block");
  CHECK(outcome("-----BEGIN CERTIFICATE-----\na-Vs\n-----END CERTIFICATE-----") == "text_base64");
  CHECK(outcome("-----BEGIN CERTIFICATE-----\na_Vs\n-----END CERTIFICATE-----") == "text_base64");
  CHECK(outcome("-----BEGIN CERTIFICATE-----\naGVsb\n-----END CERTIFICATE-----") == "text_base64");
  CHECK(outcome("-----BEGIN CERTIFICATE-----\naGVs=\n-----END CERTIFICATE-----") == "text_base64");
  CHECK(outcome("-----BEGIN CERTIFICATE----") == "end");
  CHECK_FALSE(is_pem(octets("\x30\x82")));
}
