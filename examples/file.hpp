// SPDX-License-Identifier: Apache-2.0
// What the examples share: a file as octets, a certificate in DER whatever the file is in, a verdict printed.
#pragma once

#include <array>
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>

#include "snpnv/core/pem.hpp"
#include "snpnv/words/verdict.hpp"

inline std::string file(const char* path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}
inline snpnv::ByteView octets(const std::string& text) { return std::as_bytes(std::span(text)); }

struct CertificateFile {
  explicit CertificateFile(const char* path) : text(file(path)) {
    der = snpnv::der_of(octets(text), snpnv::kPemCertificate, room).value_or(snpnv::ByteView());
  }
  std::string text;
  std::array<std::byte, 4096> room;
  snpnv::ByteView der;  // nothing: no certificate, by which nothing is verified
};

inline void print(const snpnv::Verdict& verdict) {
  static std::array<std::byte, snpnv::kVerdictTextRoom> room;
  snpnv::ByteWriter words(room);
  write_verdict(words, verdict);
  std::fwrite(room.data(), 1, words.size(), stdout);
}
