// SPDX-License-Identifier: Apache-2.0
#include "vcek.hpp"

#include <ctime>

#include "check_options.hpp"
#include "describe.hpp"
#include "files.hpp"
#include "output.hpp"
#include "provider.hpp"

namespace snpnv::tool {
namespace {

// The root of a chain that is given for evidence is for whoever takes the evidence to judge. Adds its digest to
// those that are trusted, with a warning, if it is not among them.
void trust_own_root(const Arguments& arguments, std::string_view path, ByteView ark, std::vector<SpkiDigest>& trusted) {
  Provider crypto;
  const auto certificate = crypto.parse_certificate(ark);
  if (!certificate) return;  // the chain's check says why
  const auto digest = spki_digest(crypto, *certificate);
  if (!digest || std::ranges::find(trusted, *digest) != trusted.end()) return;
  for (const PinnedRoot& pinned : kPinnedRoots)
    if (pinned.spki_sha384 == *digest) return;
  warn(arguments, std::string(path) + ": its ARK is neither AMD's nor that of a --root");
  trusted.push_back(*digest);
}

}  // namespace

Outcome<VekFile> read_vek(std::string_view path) {
  VekFile out;
  SNPNV_TRY(auto ders, read_all_der(path, kPemCertificate));
  std::array places{&out.vek, &out.ask, &out.ark};
  if (ders.size() > places.size())
    return std::unexpected(Failure{Exit::failed, path, "has more certificates than VCEK, ASK and ARK", "chain.roles"});
  for (std::size_t i = 0; i < ders.size(); ++i) *places[i] = std::move(ders[i]);
  for (const auto* const der : {&out.vek, &out.ask, &out.ark})
    if (const auto certificate = Certificate::parse(*der); !der->empty() && !certificate)
      return library_failure(path, certificate.error());
  if (const auto first = Certificate::parse(out.vek); first && first->ca)
    return std::unexpected(Failure{Exit::failed, path, "begins with the certificate of an issuer; the order is VCEK, ASK, ARK",
                                   "chain.roles"});
  return out;
}

Outcome<void> check_vek(const Arguments& arguments, std::string_view path, const VekFile& file,
                        const ATTESTATION_REPORT& report, const TrustFiles& trust) {
  SNPNV_TRY(const auto requests, vek_requests(path, report));
  const auto request = std::ranges::find_if(
      requests, [&](const CertificateRequest& each) { return issued_for(each.product, file.vek); });
  const CertificateRequest& chosen = request == requests.end() ? requests.front() : *request;
  Provider crypto;
  Acceptance accepted;
  if (file.ask.empty()) {
    accepted = accept_unproven(crypto, chosen.product, file.vek, report);
  } else {
    const auto given = trust.trust().additional_roots;
    std::vector<SpkiDigest> trusted(given.begin(), given.end());
    const ByteView ark = file.ark.empty() ? trust.root_of(file.ask) : ByteView(file.ark);
    trust_own_root(arguments, path, file.ark, trusted);
    const auto judged = accept(crypto, chosen, {ark, file.ask, file.vek, {}}, report, Trust{trusted},
                               static_cast<UnixTime>(std::time(nullptr)));
    if (!judged) return library_failure(path, judged.error());
    accepted = *judged;
  }
  if (accepted) return {};
  return std::unexpected(Failure{Exit::failed, path, "not the report's VCEK: " + refusal_text(accepted.error()),
                                 std::string(row(accepted.error().check).name)});
}

Outcome<std::vector<CertificateRequest>> vek_requests(std::string_view what, const ATTESTATION_REPORT& report) {
  using R = ATTESTATION_REPORT;
  const auto possible = products(report);
  if (!possible) return library_failure(what, possible.error());
  std::vector<CertificateRequest> out;
  for (const Product product : kProducts)
    if (possible->has(product))
      out.push_back({CertificateKind::endorsement, product, report.signing_key(), report[R::CHIP_ID],
                     report[R::REPORTED_TCB]});
  return out;
}

bool issued_for(Product product, ByteView vek) {
  const auto certificate = Certificate::parse(vek);
  if (!certificate) return true;  // what is wrong with it is said later
  const std::string_view issuer = text_of(certificate->issuer.common_name);
  return issuer == "SEV-" + std::string(name(product)) || issuer == "SEV-VLEK-" + std::string(name(product));
}

std::string refusal_text(const Refusal& refusal) {
  return written(kCheckLineRoom, [&](ByteWriter& out) {
    out.text(name(refusal.check));
    write_detail(out, refusal.check, refusal.result, teller(), ": ", Escape::none);
  });
}

}  // namespace snpnv::tool
