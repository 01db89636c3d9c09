// SPDX-License-Identifier: Apache-2.0
#include "certificate_service.hpp"

#include <fcntl.h>

#include "paravisor/kds_target.hpp"
#include "snpnv/core/json_writer.hpp"
#include "snpnv/core/pem.hpp"
#include "snpnv/fetch/kds.hpp"
#include "snpnv/fetch/sources.hpp"
#include "tools/printable.hpp"
#include "transports/monotonic_clock.hpp"

namespace snpnv::paravisor {
namespace {

Result<std::string> der_of(std::string_view pem, std::string_view label) {
  std::string out(pem.size(), '\0');
  SNPNV_TRY(const auto block, PemReader(octets_of(pem), label).next(std::as_writable_bytes(std::span(out))));
  if (!block) return fail(Code::pem_block);
  out.resize(block->size());
  return out;
}

Result<void> read_tcb(const VekCertificate& vek, CertificateRequest& request) {
  for (const TcbLayoutEntry& component : kTcbLayout) {
    if (!request.tcb.get(component, request.product)) continue;
    SNPNV_TRY(const std::uint8_t spl, vek.number(spl_extension(component.component)));
    request.tcb.set(component, request.product, spl);
  }
  return {};
}

Result<std::string> platform_document(const CertificateRequest& request, std::string_view vcek,
                                             std::string_view chain) {
  std::string room(vcek.size() * 2 + chain.size() * 2 + 256, '\0');
  Writer writer(std::as_writable_bytes(std::span(room)));
  TCB_VERSION big_endian = request.tcb;
  std::ranges::reverse(big_endian.octets);
  JsonWriter json(writer);
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
  SNPNV_TRY(const ByteView document, writer.finish());
  return std::string(text_of(document));
}

}  // namespace

Result<std::shared_ptr<CertificateService>> CertificateService::make(const TestPki& pki, const Options& options,
                                                                     const std::string& log) {
  Descriptor file(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0644));
  if (file.get() < 0) return io_failure(errno);
  auto service = std::make_shared<CertificateService>(options, std::move(file));
  SNPNV_CHECK(service->fill(pki));
  return service;
}

Result<void> CertificateService::fill(const TestPki& pki) {
  const EndingFault& other_chip = options_.faults.wrong_certificate;
  const EndingFault& other_tcb = options_.faults.wrong_tcb;
  SNPNV_TRY(const std::string own, der_of(pki.vcek, kPemCertificate));
  SNPNV_TRY(const std::string given, der_of(other_chip.on ? pki.vcek_other_chip : pki.vcek, kPemCertificate));
  SNPNV_TRY(const std::string crl, der_of(pki.crl, "X509 CRL"));
  CertificateRequest request{CertificateKind::issuers, pki.product};
  const auto serve = [&](std::string body) {
    std::array<std::byte, Url::kMaxSize> octets{};
    Writer target(octets);
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
  SNPNV_CHECK(read_tcb(vek, request));
  serve(given);

  std::string at_platform(other_chip.on ? pki.vcek_other_chip : pki.vcek);
  if (other_tcb.on) {
    at_platform = pki.vcek_other_tcb;
    SNPNV_TRY(const std::string der, der_of(at_platform, kPemCertificate));
    SNPNV_TRY(const Certificate other, Certificate::parse(octets_of(der)));
    SNPNV_CHECK(read_tcb(VekCertificate(other), request));
  }
  SNPNV_TRY(std::string document, platform_document(request, at_platform, std::string(pki.ask) + std::string(pki.ark)));
  pages_.push_back({std::string(kPlatformTarget), std::move(document), true});
  return {};
}

void CertificateService::serve(Connection& client) {
  std::string request;
  while (!request.contains("\r\n\r\n")) {
    constexpr std::size_t kMost = 16384;
    const std::string more = client.receive();
    if (more.empty() || request.size() > kMost) return;
    request += more;
  }
  const std::size_t start = request.find(' ') + 1;
  const std::string target = request.substr(start, request.find_first_of(" \r", start) - start);
  const Page* page = nullptr;
  for (const Page& candidate : pages_)
    if (candidate.target == canonical_target(target)) page = &candidate;
  std::string lower_case = request;
  for (char& c : lower_case) c = ascii_lower(c);
  int status = page != nullptr ? 200 : 404;
  if (page != nullptr && page->metadata && !lower_case.contains("\r\nmetadata: true\r\n")) status = 400;
  if (!request.starts_with("GET ")) status = 405;
  if (page != nullptr && page->metadata && busy(options_.faults.http_410)) status = 410;
  if (busy(options_.faults.http_429)) status = 429;
  if (busy(options_.faults.http_503)) status = 503;
  note(printable(request.substr(0, start) + target) + " " + std::to_string(status) + "\n");
  answer(client, status, status == 200 ? page->body : "no\n");
}

// Counts a request against a fault that may end.
bool CertificateService::busy(const EndingFault& fault) {
  const std::lock_guard lock(mutex_);
  return count_.meets(fault, MonotonicClock().now());
}

void CertificateService::note(const std::string& line) const {
  // One write to a file that is appended to: lines of several threads do not mix.
  (void)::write(log_.get(), line.data(), line.size());
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
