// SPDX-License-Identifier: Apache-2.0
#include "certificate_service.hpp"

#include "encode.hpp"
#include "paravisor/kds_target.hpp"
#include "snpnv/fetch/kds.hpp"
#include "snpnv/fetch/sources.hpp"
#include "transports/monotonic_clock.hpp"

namespace snpnv::paravisor {
namespace {

std::string platform_document(const CertificateRequest& request, std::string_view vcek, std::string_view chain) {
  return written(vcek.size() * 2 + chain.size() * 2 + 256, [&](ByteWriter& out) {
    TCB_VERSION big_endian = request.tcb;
    std::ranges::reverse(big_endian.octets);
    JsonWriter json(out);
    json.begin_object();
    json.key("vcekCert");
    json.string(vcek);
    json.key("tcbm");
    json.hex(big_endian.octets);
    json.key("certificateChain");
    json.string(chain);
    json.key("cacheControl");
    json.string("86400");
    json.end_object();
  });
}

}  // namespace

Result<std::shared_ptr<CertificateService>> CertificateService::make(const TestPki& pki, const Options& options,
                                                                     const std::string& log) {
  SNPNV_TRY(RequestLog opened, RequestLog::open(log));
  auto service = std::make_shared<CertificateService>(options, std::move(opened));
  SNPNV_CHECK(service->fill(pki));
  return service;
}

Result<void> CertificateService::fill(const TestPki& pki) {
  const EndingFault& other_chip = options_.faults.wrong_certificate;
  const EndingFault& other_tcb = options_.faults.wrong_tcb;
  SNPNV_TRY(const std::string own, der_of_pem(pki.vcek));
  SNPNV_TRY(const std::string given, der_of_pem(other_chip.on ? pki.vcek_other_chip : pki.vcek));
  SNPNV_TRY(const std::string crl, der_of_pem(pki.crl, "X509 CRL"));
  CertificateRequest request{CertificateKind::issuers, pki.product};
  const auto serve = [&](std::string body) {
    std::array<std::byte, Url::kMaxSize> octets{};
    ByteWriter target(octets);
    write_kds_target(target, request);
    pages_.push_back({canonical_target(text_of(target.written())), std::move(body), false});
  };
  serve(std::string(pki.ask) + std::string(pki.ark));
  request.endorser = SIGNING_KEY::VLEK;
  serve(std::string(pki.asvk) + std::string(pki.ark));
  request.kind = CertificateKind::revocation;
  serve(crl);
  request.endorser = SIGNING_KEY::VCEK;
  serve(crl);
  request.kind = CertificateKind::endorsement;
  SNPNV_TRY(const Certificate certificate, Certificate::parse(octets_of(own)));
  const VekCertificate vek(certificate);
  SNPNV_TRY(request.chip_id, vek.hw_id(chip_id_size(pki.product)));
  SNPNV_TRY(request.tcb, vek.tcb(pki.product));
  serve(given);

  std::string at_platform(other_chip.on ? pki.vcek_other_chip : pki.vcek);
  if (other_tcb.on) {
    at_platform = pki.vcek_other_tcb;
    SNPNV_TRY(const std::string der, der_of_pem(at_platform));
    SNPNV_TRY(const Certificate other, Certificate::parse(octets_of(der)));
    SNPNV_TRY(request.tcb, VekCertificate(other).tcb(pki.product));
  }
  pages_.push_back({std::string(kPlatformTarget),
                    platform_document(request, at_platform, std::string(pki.ask) + std::string(pki.ark)), true});
  return {};
}

void CertificateService::serve(Connection& client) {
  const auto request = receive_request(client);
  if (!request) return;
  const std::string line = request->line();
  const std::string target = line.substr(line.find(' ') + 1);
  const Page* page = nullptr;
  for (const Page& candidate : pages_)
    if (candidate.target == canonical_target(target)) page = &candidate;
  int status = page != nullptr ? 200 : 404;
  if (page != nullptr && page->metadata && request->field("metadata") != "true") status = 400;
  if (!line.starts_with("GET ")) status = 405;
  if (page != nullptr && page->metadata && busy(options_.faults.http_410)) status = 410;
  if (busy(options_.faults.http_429)) status = 429;
  if (busy(options_.faults.http_503)) status = 503;
  log_.note(line, status);
  answer(client, status, status == 200 ? page->body : "no\n");
}

// Counts a request against a fault that may end.
bool CertificateService::busy(const EndingFault& fault) {
  const std::lock_guard lock(mutex_);
  return count_.meets(fault, MonotonicClock().now());
}

void CertificateService::answer(Connection& client, int status, const std::string& body) const {
  constexpr int kQuarter = 250;
  const Faults& faults = options_.faults;
  const bool endless = faults.http_endless.on && status == 200;
  std::string text = "HTTP/1.1 " + std::to_string(status) + (status == 200 ? " OK" : " Refused") +
                     "\r\nContent-Type: application/octet-stream\r\nConnection: close\r\n";
  text += endless ? std::string("Transfer-Encoding: chunked\r\n\r\n")
                  : "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  if (faults.http_slow.on) {
    for (const char c : text + body) {
      client.pause(kQuarter);
      if (!client.send(std::string_view(&c, 1))) return;
    }
    return;
  }
  if (!client.send(text)) return;
  if (endless) {
    const std::string chunk = "1000\r\n" + std::string(0x1000, 'A') + "\r\n";
    while (client.send(chunk)) {
    }
    return;
  }
  (void)client.send(faults.http_truncated.on && status == 200 ? std::string_view(body).substr(0, body.size() / 2)
                                                              : std::string_view(body));
}

}  // namespace snpnv::paravisor
