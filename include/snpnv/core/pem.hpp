// SPDX-License-Identifier: Apache-2.0
// Textual encodings of certificates and the like: base64 between BEGIN and END lines.
#pragma once

#include <optional>

#include "snpnv/core/encoding.hpp"

namespace snpnv {

/// Labels of PEM blocks. Source: RFC 7468, "Textual Encoding of Certificates", "... of CRLs".
inline constexpr std::string_view kPemCertificate = "CERTIFICATE";
inline constexpr std::string_view kPemCrl = "X509 CRL";

/// True if the octets are text with a PEM block in it.
[[nodiscard]] constexpr bool is_pem(ByteView octets) {
  constexpr std::string_view kBegin = "-----BEGIN ";
  return !std::ranges::search(octets, kBegin, [](std::byte a, char b) {
            return a == static_cast<std::byte>(b);
          }).empty();
}

/// Takes the blocks with one label from a text, front to back. What stands between blocks is passed
/// over. Borrows the text.
/// Source: RFC 7468, "Lax Textual Encoding": white space anywhere between the digits.
class PemReader {
 public:
  constexpr PemReader(ByteView text, std::string_view label) : text_(text), label_(label) {}

  /// Decodes the next block to the front of `out`.
  /// @returns its octets | nothing behind the last block
  ///   | pem_block - where: offset of a block without an end
  ///   | text_base64 - where: offset | wire_overflow - as in decode_base64url().
  [[nodiscard]] constexpr Result<std::optional<ByteView>> next(MutBytes out) {
    const auto begin = find(kBegin, at_);
    if (!begin) return std::nullopt;
    const std::size_t body = *begin + kBegin.size() + label_.size() + kDashes.size();
    const auto end = find(kEnd, body);
    if (!end) return fail(Code::pem_block, *begin);
    at_ = *end + kEnd.size() + label_.size() + kDashes.size();
    SNPNV_TRY(const ByteView& octets, decode_base64url(FromBase64(Body(text_.first(*end), body)), out));
    return octets;
  }

 private:
  static constexpr std::string_view kBegin = "-----BEGIN ";
  static constexpr std::string_view kEnd = "-----END ";
  static constexpr std::string_view kDashes = "-----";

  // The digits without white space.
  class Body {
   public:
    constexpr Body(ByteView text, std::size_t at) : text_(text), at_(at) {}
    constexpr bool next(char& c) {
      while (at_ < text_.size()) {
        c = static_cast<char>(text_[at_++]);
        if (c == ' ' || c == '\t' || c == '\r' || c == '\n') continue;
        return true;
      }
      return false;
    }
    [[nodiscard]] constexpr std::size_t offset() const { return at_; }

   private:
    ByteView text_;
    std::size_t at_;
  };

  [[nodiscard]] constexpr bool stands_at(std::size_t at, std::string_view what) const {
    return text_.size() - at >= what.size() &&
           std::ranges::equal(text_.subspan(at, what.size()), what,
                              [](std::byte a, char b) { return a == static_cast<std::byte>(b); });
  }
  // The offset of PREFIX LABEL-----, from `at` on.
  [[nodiscard]] constexpr std::optional<std::size_t> find(std::string_view prefix,
                                                          std::size_t at) const {
    for (; at + prefix.size() + label_.size() + kDashes.size() <= text_.size(); ++at)
      if (text_[at] == std::byte{'-'} && stands_at(at, prefix) && stands_at(at + prefix.size(), label_) &&
          stands_at(at + prefix.size() + label_.size(), kDashes))
        return at;
    return std::nullopt;
  }

  ByteView text_;
  std::string_view label_;
  std::size_t at_ = 0;
};

/// What a certificate or the like is in DER: its first PEM block with the label, decoded to the front of
/// `out`; or the octets as they are, if there is no PEM block among them.
/// @returns the octets | pem_block - no such block, or nothing in it | the errors of PemReader::next().
[[nodiscard]] constexpr Result<ByteView> der_of(ByteView octets, std::string_view label, MutBytes out) {
  if (!is_pem(octets)) return octets;
  SNPNV_TRY(const std::optional<ByteView>& block, PemReader(octets, label).next(out));
  if (!block || block->empty()) return fail(Code::pem_block);
  return *block;
}

}  // namespace snpnv
