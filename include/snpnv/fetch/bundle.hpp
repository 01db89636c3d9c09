// SPDX-License-Identifier: Apache-2.0
// How certificates come over the network: PEM bundles, and the JSON of a platform's endpoint.
#pragma once

#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/pem.hpp"
#include "snpnv/verify/chain.hpp"
#include "snpnv/wire/snp_tcb.hpp"

namespace snpnv {

namespace detail {

/// Decodes the next certificate of `pem` to the front of `room`, and takes that off the room.
/// @returns the certificate's DER | pem_block - where: the end; there is no further one
///   | as PemReader::next().
[[nodiscard]] constexpr Result<ByteView> next_certificate(PemReader& pem, std::size_t end, MutBytes& room) {
  SNPNV_TRY(const auto& der, pem.next(room));
  if (!der) return fail(Code::pem_block, end);
  room = room.subspan(der->size());
  return *der;
}

}  // namespace detail

/// Parses a bundle of two certificates, ASK or ASVK and then ARK. The chain borrows the room, which
/// is reduced to what is left.
/// @returns the chain without its leaf | wire_trailing - a third certificate | pem_block | text_base64
///   | wire_overflow - where: offset in the text.
/// Source: AMD 57230, "KDS Interface"; RFC 7468.
[[nodiscard]] constexpr Result<CertificateChain> parse_issuers(ByteView text, MutBytes& room) {
  CertificateChain out;
  PemReader pem(text, kPemCertificate);
  SNPNV_TRY(out.ask, detail::next_certificate(pem, text.size(), room));
  SNPNV_TRY(out.ark, detail::next_certificate(pem, text.size(), room));
  SNPNV_TRY(const auto& third, pem.next(room));
  if (third) return fail(Code::wire_trailing, text.size());
  return out;
}

/// What a platform's endpoint answers. Borrows the room that it was decoded to.
struct PlatformCertificates {
  CertificateChain chain;  // of a VCEK
  TCB_VERSION tcbm;        // that the VCEK is said to be for
};

/// Parses the answer: vcekCert, certificateChain and tcbm; other members are passed over.
/// @returns the certificates | json_missing - detail: JsonMember | the codes of JsonReader,
///   parse_issuers() and decode_hex() - where: offset in the text, or in a member's own text for PEM
///   | text_length - tcbm; detail: 8.
/// Source: docs/sources.md, "Platform endpoint".
[[nodiscard]] constexpr Result<PlatformCertificates> parse_platform(ByteView text, MutBytes room) {
  JsonReader in(text);
  std::optional<JsonString> vcek;
  std::optional<JsonString> issuers;
  std::optional<JsonString> tcbm;
  in.enter_object();
  for (JsonString name; in.next_member(name);) {
    if (name == "vcekCert") {
      vcek = in.string();
    } else if (name == "certificateChain") {
      issuers = in.string();
    } else if (name == "tcbm") {
      tcbm = in.string();
    } else {
      in.skip();
    }
  }
  in.require(vcek.has_value(), JsonMember::vcekCert);
  in.require(issuers.has_value(), JsonMember::certificateChain);
  in.require(tcbm.has_value(), JsonMember::tcbm);
  SNPNV_CHECK(in.finish());

  PlatformCertificates out;
  std::array<std::byte, TCB_VERSION::kSize> big_endian{};
  SNPNV_TRY(const ByteView& tcb, decode_hex(tcbm->source(), big_endian));
  if (tcb.size() != big_endian.size())
    return fail(Code::text_length, tcbm->offset, static_cast<std::uint32_t>(big_endian.size()));
  std::ranges::reverse_copy(big_endian, out.tcbm.octets.begin());

  const auto decoded = [&](const JsonString& string) -> Result<ByteView> {
    SNPNV_TRY(const ByteView& plain, string.copy(room));
    room = room.subspan(plain.size());
    return plain;
  };
  SNPNV_TRY(const ByteView& chain_text, decoded(*issuers));
  SNPNV_TRY(out.chain, parse_issuers(chain_text, room));
  SNPNV_TRY(const ByteView& vcek_text, decoded(*vcek));
  PemReader pem(vcek_text, kPemCertificate);
  SNPNV_TRY(out.chain.vek, detail::next_certificate(pem, vcek_text.size(), room));
  SNPNV_TRY(const auto& second, pem.next(room));
  if (second) return fail(Code::wire_trailing, vcek_text.size());
  return out;
}

}  // namespace snpnv
