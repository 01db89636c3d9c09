// SPDX-License-Identifier: Apache-2.0
// Where a certificate is: in AMD's key distribution service, and in a store on disk.
#pragma once

#include "snpnv/fetch/certificate_request.hpp"
#include "snpnv/wire/vek_certificate.hpp"

namespace snpnv {

inline constexpr std::string_view kKdsUrl = "https://kdsintf.amd.com";

namespace detail::kds {

/// "vcek" or "vlek"
[[nodiscard]] constexpr std::string_view family(const CertificateRequest& request) {
  return request.endorser == SIGNING_KEY::VLEK ? std::string_view("vlek") : std::string_view("vcek");
}
/// Two digits at least.
constexpr void write_spl(ByteWriter& out, std::uint8_t spl) {
  char digits[3] = {static_cast<char>('0' + spl / 100), static_cast<char>('0' + spl / 10 % 10),
                    static_cast<char>('0' + spl % 10)};
  out.text(from(std::string_view(digits, 3), spl < 100 ? 1 : 0));
}
constexpr void write_hw_id(ByteWriter& out, const CertificateRequest& request) {
  encode_hex(out, request.chip_id.first(std::min(chip_id_size(request.product), request.chip_id.size())));
}

}  // namespace detail::kds

/// Appends path and query of a request, to be put behind the service's URL.
/// Source: AMD 57230, "KDS Interface".
constexpr void write_kds_target(ByteWriter& out, const CertificateRequest& request) {
  out.text("/");
  out.text(detail::kds::family(request));
  out.text("/v1/");
  out.text(name(request.product));
  switch (request.kind) {
    case CertificateKind::issuers: return out.text("/cert_chain");
    case CertificateKind::revocation: return out.text("/crl");
    case CertificateKind::endorsement: break;
  }
  out.text("/");
  detail::kds::write_hw_id(out, request);
  char separator = '?';
  for (const TcbLayoutEntry& component : kTcbLayout) {
    const auto spl = request.tcb.get(component, request.product);
    if (!spl) continue;
    out.text(std::string_view(&separator, 1));
    out.text(row(spl_extension(component.component)).name);
    out.text("=");
    detail::kds::write_spl(out, *spl);
    separator = '&';
  }
}

/// Appends the path within a store. VCEKs are where other verifiers keep them too; issuers and lists
/// are where the service has them, since there is no custom.
constexpr void write_store_path(ByteWriter& out, const CertificateRequest& request) {
  out.text(detail::kds::family(request));
  out.text("/");
  if (request.kind != CertificateKind::endorsement) {
    out.text(name(request.product));
    return out.text(request.kind == CertificateKind::issuers ? std::string_view("/cert_chain.pem")
                                                             : std::string_view("/crl.der"));
  }
  detail::kds::write_hw_id(out, request);
  out.text("/");
  const auto write = [&](const TcbLayoutEntry& component) {
    const auto spl = request.tcb.get(component, request.product);
    if (!spl) return;
    const std::string_view name = row(spl_extension(component.component)).name;
    out.text(upto(name, name.size() - std::string_view("SPL").size()));
    detail::kds::write_spl(out, *spl);
    out.text("_");
  };
  const TcbLayoutEntry& fmc = kTcbLayout.front();
  static_assert(kTcbLayout.front().component == TcbComponent::fmc);
  for (const TcbLayoutEntry& component : kTcbLayout)
    if (&component != &fmc) write(component);
  write(fmc);
  out.text("vcek.der");
}

/// Where a store may keep the VCEK of a chip for any TCB.
constexpr void write_store_fallback(ByteWriter& out, const CertificateRequest& request) {
  out.text(detail::kds::family(request));
  out.text("/");
  detail::kds::write_hw_id(out, request);
  out.text("/vcek.der");
}

}  // namespace snpnv
