#include "fetch_certificates.hpp"

#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "describe.hpp"
#include "files.hpp"
#include "verdict.hpp"
#include "waiting.hpp"

namespace snpnv::tool {
namespace {

constexpr std::string_view kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

std::vector<std::byte> copy(ByteView octets) { return {octets.begin(), octets.end()}; }

std::uint64_t seed() {
  std::uint64_t out = 0;
  if (::getrandom(&out, sizeof out, GRND_NONBLOCK) != sizeof out) out = static_cast<std::uint64_t>(::getpid());
  return out;
}

// Says on a terminal why nothing happens for a while.
struct Told {
  bool progress;
  SourceName source;
  void operator()(const Pause& pause) const noexcept {
    if (!progress) return;
    std::fprintf(stderr, "snpnv: %s answers %u; asking again in %u.%u s, %u s left\n",
                 std::string(name(source)).c_str(), pause.status, static_cast<unsigned>(pause.length / 1000),
                 static_cast<unsigned>(pause.length / 100 % 10), static_cast<unsigned>((pause.left + 500) / 1000));
  }
};

std::string wanted(const CertificateRequest& request) {
  switch (request.kind) {
    case CertificateKind::endorsement: return "VCEK";
    case CertificateKind::issuers:
      return (request.endorser == SIGNING_KEY::VLEK ? "ASVK and ARK of " : "ASK and ARK of ") +
             std::string(name(request.product));
    case CertificateKind::revocation: return "revocation list of " + std::string(name(request.product));
  }
  return {};
}

// Whether `source` has such a thing at all.
bool offers(SourceName source, const CertificateRequest& request) {
  return source != SourceName::platform || (request.kind != CertificateKind::revocation &&
                                            request.endorser != SIGNING_KEY::VLEK);
}

// Whether a VCEK says that an ASK of this product issued it.
bool issued_for(Product product, ByteView vek) {
  const auto certificate = Certificate::parse(vek);
  return !certificate || text_of(certificate->issuer.common_name) == "SEV-" + std::string(name(product));
}

}  // namespace

Fetcher::Fetcher(FetchSettings settings, const TrustFiles& trust)
    : settings_(std::move(settings)), trust_(trust), store_(settings_.store), http_room_(kHttpRoom),
      room_(2 * kMaxHttpBody) {}

Fetcher::Reason Fetcher::reason_of(const Error& error) const {
  const Failure failure = describe("", error);
  Reason out{failure.why, failure.code, failure.hint};
  switch (error.code) {
    case Code::io_failed:
      out.text = std::strerror(static_cast<int>(error.detail));
      break;
    case Code::http_status:
      out.text = format("HTTP status %u", error.detail);
      out.other_product_may_do = error.detail == 404;
      if (error.detail == 404) out.hint = "there is no such certificate: wrong product, TCB or chip";
      if (error.detail == 429) out.hint = "too many requests; a longer --timeout or a --store helps";
      break;
    case Code::io_certificate:
      out.text = std::string(certificate_fault(error.detail));
      out.hint = "--ca-file names the authorities of a private server";
      break;
    default: break;
  }
  return out;
}

Outcome<void> Fetcher::read_authorities() {
  if (authorities_read_) return {};
  const std::string path = settings_.ca_file.empty() ? std::string(kSystemAuthorities) : settings_.ca_file;
  SNPNV_TRY(auto pem, read_file(path, std::size_t{1} << 24));
  pem.push_back(std::byte{0});
  if (const auto added = authorities_.add(pem); !added) return library_failure(path, added.error());
  authorities_read_ = true;
  return {};
}

Result<CertificateChain> Fetcher::get(SourceName source, bool last, const CertificateRequest& request) {
  if (source == SourceName::store) return store_.get(request, room_);
  const std::string& text = source == SourceName::kds ? settings_.kds_url : settings_.platform_url;
  SNPNV_TRY(const Url url, parse_url(text));
  const Waiting waiting(text);
  Told told{settings_.progress, source};
  const Asking<Told> asking{false, last, share_of(clock_.now(), settings_.deadline, last), told};
  const std::span<std::byte, kHttpRoom> http_room(http_room_.data(), kHttpRoom);
  if (source == SourceName::kds)
    return KdsSource(network_, clock_, url, asking, Backoff(seed()), http_room).get(request, room_);
  return PlatformSource(network_, clock_, url, asking, Backoff(seed()), http_room).get(request, room_);
}

Outcome<Fetched> Fetcher::issuers_of(SourceName source, Product product, const CertificateChain& given) {
  if (!given.ask.empty()) return Fetched{product, {}, copy(given.ark), copy(given.ask), {}, {}};
  const CertificateRequest request{CertificateKind::issuers, product};
  if (offered_) {
    const auto accepted = accept(crypto_, request, {offered_->ark, offered_->ask, {}, {}}, std::nullopt,
                                 trust_.trust(), settings_.at);
    if (accepted && *accepted) return *offered_;
  }
  SNPNV_TRY(auto issuers, fetch(std::span(&request, 1), std::nullopt, source));
  offered_ = issuers;
  return issuers;
}

Fetcher::Tried<Fetched> Fetcher::judge(SourceName source, const CertificateRequest& request,
                                       CertificateChain given,
                                       const std::optional<ATTESTATION_REPORT>& report) {
  Fetched out{request.product, std::string(name(source)), copy(given.ark), copy(given.ask), {}, {}};
  if (request.kind == CertificateKind::endorsement) {
    out.vek = copy(given.vek);
    if (!issued_for(request.product, out.vek))
      return std::unexpected(Reason{"a VCEK of another product", "vek.product", {}, true});
    auto issuers = issuers_of(source, request.product, given);
    if (!issuers)
      return std::unexpected(Reason{"has a VCEK, but its issuers: " + issuers.error().why, issuers.error().code,
                                    issuers.error().hint});
    out.ark = std::move(issuers->ark);
    out.ask = std::move(issuers->ask);
  }
  if (request.kind == CertificateKind::revocation) {
    out.crl = copy(given.crl);
    if (const auto list = RevocationList::parse(out.crl)) out.ark = copy(trust_.root_named(list->issuer.raw));
  }
  const auto accepted = accept(crypto_, request, {out.ark, out.ask, out.vek, out.crl}, report,
                               trust_.trust(), settings_.at);
  if (!accepted) return std::unexpected(reason_of(accepted.error()));
  if (!*accepted) {
    const StepRow& step = row(accepted->error().step);
    return std::unexpected(Reason{"refused: " + std::string(step.name) + ": " + detail_of(step, accepted->error().result),
                                  std::string(step.name)});
  }
  return out;
}

Fetcher::Tried<Fetched> Fetcher::ask(SourceName source, bool last, std::span<const CertificateRequest> requests,
                                     const std::optional<ATTESTATION_REPORT>& report) {
  const std::string& url = source == SourceName::kds ? settings_.kds_url : settings_.platform_url;
  if (source != SourceName::store && url.starts_with("https"))
    if (const auto read = read_authorities(); !read)
      return std::unexpected(Reason{read.error().what + ": " + read.error().why, read.error().code,
                                    "--ca-file names a file with the authorities to trust"});
  Tried<Fetched> tried = std::unexpected(Reason{});
  Result<CertificateChain> given;
  for (const CertificateRequest& request : requests) {
    // The platform gives the same answer for any product.
    if (source != SourceName::platform || &request == &requests.front()) given = get(source, last, request);
    tried = given ? judge(source, request, *given, report) : std::unexpected(reason_of(given.error()));
    if (tried) keep(source, request, *tried);
    if (tried && request.kind == CertificateKind::endorsement && !given->ask.empty())
      keep(source, {CertificateKind::issuers, request.product}, *tried);
    if (tried || !tried.error().other_product_may_do) break;
  }
  return tried;
}

void Fetcher::keep(SourceName source, const CertificateRequest& request, const Fetched& fetched) {
  if (source == SourceName::store || !store_.exists()) return;
  Outcome<void> kept;
  if (request.kind == CertificateKind::issuers) {
    const std::string bundle = pem_of(fetched.ask, kPemCertificate) + pem_of(fetched.ark, kPemCertificate);
    kept = store_.put(request, octets_of(bundle));
  } else {
    kept = store_.put(request, request.kind == CertificateKind::revocation ? fetched.crl : fetched.vek);
  }
  if (kept || warned_ || settings_.quiet) return;
  warned_ = true;
  print_warning({"not stored: ", kept.error().what, ": ", kept.error().why});
}

Outcome<Fetched> Fetcher::fetch(std::span<const CertificateRequest> requests,
                                const std::optional<ATTESTATION_REPORT>& report, SourceName from) {
  const CertificateRequest& first = requests.front();
  Failure failure{Exit::failed, wanted(first), {}, {}};
  std::vector<SourceName> sources;
  for (const SourceName source : settings_.sources)
    if (offers(source, first) && (source == SourceName::store || source >= from)) sources.push_back(source);
  if (sources.empty()) return usage("--source", "the platform has no " + failure.what);
  const bool stores = sources.front() == SourceName::store;
  for (std::size_t i = 0; i < sources.size(); ++i) {
    const bool last = i + 1 == sources.size();
    if (stores && i == 1) {
      // Who waited for the lock finds what its holder fetched.
      SNPNV_TRY(const bool held, store_.lock(settings_.deadline));
      if (held)
        if (auto stored = ask(SourceName::store, false, requests, report)) return std::move(*stored);
    }
    auto tried = ask(sources[i], last, requests, report);
    if (tried) return std::move(*tried);
    failure.why += (i == 0 ? "" : "; ") + std::string(name(sources[i])) + ": " + tried.error().text;
    failure.code = tried.error().code;
    failure.hint = tried.error().hint;
  }
  return std::unexpected(failure);
}

}  // namespace snpnv::tool
