// SPDX-License-Identifier: Apache-2.0
#include "fetch_certificates.hpp"

#include <cerrno>
#include <ctime>

#include "describe.hpp"
#include "files.hpp"
#include "output.hpp"
#include "tools/nearest.hpp"
#include "vcek.hpp"
#include "verdict.hpp"
#include "waiting.hpp"

namespace snpnv::tool {
namespace {

std::vector<std::byte> copy(ByteView octets) { return {octets.begin(), octets.end()}; }

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

Outcome<std::vector<SourceName>> sources_of(std::string_view text, bool store) {
  if (text == "auto")
    return store ? std::vector(kSources.begin(), kSources.end())
                 : std::vector{SourceName::platform, SourceName::kds};
  for (const SourceName source : kSources)
    if (text == lower(name(source))) {
      if (source == SourceName::store && !store) return usage("--source", "store needs --store DIR");
      return std::vector{source};
    }
  return usage("--source", "needs auto, platform, store or kds", nearest_of(text, {"auto", "platform", "store", "kds"}));
}

}  // namespace

Outcome<FetchSettings> FetchSettings::read(const Arguments& arguments, Instant deadline, bool with_ca_file) {
  FetchSettings out;
  out.store = arguments.value("store").value_or("");
  if (arguments.has("store") && out.store.empty()) return usage("--store", "needs a directory");
  SNPNV_CHECK(is_directory_name("--store", out.store));
  SNPNV_TRY(out.sources, sources_of(arguments.value("source").value_or("auto"), !out.store.empty()));
  out.kds_url = arguments.value("kds-url").value_or(kKdsUrl);
  out.platform_url = arguments.value("platform-url").value_or(kPlatformUrl);
  for (const auto& [option, url] : {std::pair("--kds-url", &out.kds_url), {"--platform-url", &out.platform_url}})
    if (const auto parsed = parse_url(*url); !parsed || parsed->target.contains('?'))
      return usage(option, "needs http://HOST[:PORT][/PATH], or https");
  if (with_ca_file) out.ca_file = arguments.value("ca-file").value_or("");
  out.deadline = deadline;
  out.at = static_cast<UnixTime>(std::time(nullptr));
  out.quiet = arguments.quiet();
  out.progress = shows_progress(arguments);
  return out;
}

Outcome<std::vector<CertificateRequest>> fetch_requests(std::string_view what, const ATTESTATION_REPORT& report) {
  const auto refuse = [&](std::string_view why, std::string_view code, std::string_view hint) {
    return std::unexpected(Failure{Exit::failed, what, why, code, hint});
  };
  if (report.signing_key() == SIGNING_KEY::VLEK)
    return refuse("signed by a VLEK, which no guest can fetch", "vek.signing_key",
                  "whoever runs the host has the VLEK; fetch ca -e vlek gets its issuers");
  if (report.signing_key() != SIGNING_KEY::VCEK)
    return refuse("not signed by a VCEK", "vek.signing_key", {});
  if (report.chip_id_masked())
    return refuse("CHIP_ID is masked, so nobody can tell which VCEK signed it", "vek.hwid",
                  "the host has MASK_CHIP_ID set; its owner must give the VCEK");
  return vek_requests(what, report);
}

Fetcher::Fetcher(FetchSettings settings, const TrustFiles& trust)
    : settings_(std::move(settings)), trust_(trust), store_(settings_.store), http_room_(kHttpRoom),
      room_(2 * kMaxHttpBody) {}

Fetcher::Reason Fetcher::reason_of(const Error& error) const {
  const Failure failure = describe_network("", error);
  Reason out{failure.why, failure.code, failure.hint};
  switch (error.code) {
    case Code::http_status:
      out.text = format("HTTP status %u", error.detail);
      out.other_product_may_do = error.detail == 404;
      if (error.detail == 404) out.hint = "there is no such certificate: wrong product, TCB or chip";
      if (error.detail == 429) out.hint = "too many requests; a longer --timeout or a --store helps";
      break;
    case Code::io_certificate:
      out.hint = "--ca-file names the authorities of a private server";
      break;
    case Code::fetch_content:
      out.hint = "another server may have answered in its place, such as a proxy";
      break;
    default: break;
  }
  return out;
}

Outcome<void> Fetcher::read_authorities() {
  if (authorities_read_) return {};
  const std::string path = settings_.ca_file.empty() ? std::string(kSystemAuthorities) : settings_.ca_file;
  SNPNV_CHECK(tool::read_authorities(path, authorities_));
  authorities_read_ = true;
  return {};
}

Fetcher::Tried<CertificateChain> Fetcher::get(SourceName source, const Turns::Turn& turn,
                                              const CertificateRequest& request) {
  Told told(settings_.progress, name(source));
  std::optional<HttpBusy> busy;
  const HttpAsking<Told> asking{false, turn.patient, turn.until, told, &busy};
  const std::span<std::byte, kHttpRoom> http_room(http_room_.data(), kHttpRoom);
  const auto given = [&]() -> Result<CertificateChain> {
    if (source == SourceName::store) return store_.get(request, room_);
    const std::string& text = source == SourceName::kds ? settings_.kds_url : settings_.platform_url;
    SNPNV_TRY(const Url url, parse_url(text));
    const Waiting waiting(text);
    if (source == SourceName::kds)
      return KdsSource(network_, clock_, url, asking, Backoff(random_seed()), http_room).get(request, room_);
    return PlatformSource(network_, clock_, url, asking, Backoff(random_seed()), http_room).get(request, room_);
  }();
  if (given) return *given;
  Reason reason = reason_of(given.error());
  if (given.error().code == Code::fetch_content) {
    const std::string_view from = source == SourceName::store ? settings_.store
                                  : source == SourceName::kds ? settings_.kds_url
                                                              : settings_.platform_url;
    reason.text += concat({", from ", from});
  }
  reason.silent = given.error().code == Code::io_deadline;
  reason.busy = busy;
  return std::unexpected(std::move(reason));
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
    out.ark = copy(trust_.root_of_list(out.crl));
  }
  const auto accepted = accept(crypto_, request, {out.ark, out.ask, out.vek, out.crl}, report,
                               trust_.trust(), settings_.at);
  if (!accepted) return std::unexpected(reason_of(accepted.error()));
  if (!*accepted) {
    return std::unexpected(Reason{"refused: " + refusal_text(accepted->error()),
                                  std::string(row(accepted->error().check).name)});
  }
  return out;
}

Fetcher::Tried<Fetched> Fetcher::ask(SourceName source, const Turns::Turn& turn,
                                     std::span<const CertificateRequest> requests,
                                     const std::optional<ATTESTATION_REPORT>& report) {
  const std::string& url = source == SourceName::kds ? settings_.kds_url : settings_.platform_url;
  if (source != SourceName::store && url.starts_with("https"))
    if (const auto read = read_authorities(); !read)
      return std::unexpected(Reason{read.error().what + ": " + read.error().why, read.error().code,
                                    "--ca-file names a file with the authorities to trust"});
  Tried<Fetched> tried = std::unexpected(Reason{});
  Tried<CertificateChain> given;
  for (const CertificateRequest& request : requests) {
    // The platform gives the same answer for any product.
    if (source != SourceName::platform || &request == &requests.front()) given = get(source, turn, request);
    tried = given ? judge(source, request, *given, report) : std::unexpected(given.error());
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

// A lock that is held for long costs a quarter of the time, not all of it.
void Fetcher::take_lock() {
  lock_asked_for_ = true;
  const Instant now = clock_.now();
  const Millis left = settings_.deadline > now ? settings_.deadline - now : 0;
  if (store_.lock(now + left / 4) || settings_.quiet) return;
  print_warning({settings_.store, ": another process holds its lock; going on without"});
}

Outcome<Fetched> Fetcher::fetch(std::span<const CertificateRequest> requests,
                                const std::optional<ATTESTATION_REPORT>& report, SourceName from) {
  const CertificateRequest& first = requests.front();
  Failure failure{Exit::failed, wanted(first), {}, {}};
  std::vector<SourceName> sources;
  for (const SourceName source : settings_.sources)
    if (offers(source, first) && (source == SourceName::store || source >= from)) sources.push_back(source);
  if (sources.empty()) return usage("--source", "the platform has no " + failure.what);
  Turns turns(sources.size(), settings_.deadline, random_seed());
  std::vector<Reason> reasons(sources.size(), Reason{"not asked: no time left", "io_deadline"});
  while (const auto turn = turns.next(clock_.now())) {
    const SourceName source = sources[turn->source];
    const Instant now = clock_.now();
    if (turn->from > now) {
      Told(settings_.progress, name(source))({turn->busy.status, turn->from - now, settings_.deadline - now});
      clock_.sleep(turn->from - now);
    }
    if (source != SourceName::store && sources.front() == SourceName::store && !lock_asked_for_) {
      take_lock();
      // Who waited for the lock finds what its holder fetched.
      if (auto stored = ask(SourceName::store, *turn, requests, report)) return std::move(*stored);
      continue;  // the time has gone on
    }
    auto tried = ask(source, *turn, requests, report);
    if (tried) return std::move(*tried);
    Reason& reason = reasons[turn->source] = std::move(tried.error());
    if (reason.busy) turns.was_busy(*turn, *reason.busy, clock_.now());
    else if (reason.silent) turns.was_silent(*turn);
    else turns.failed(*turn);
  }
  for (std::size_t i = 0; i < sources.size(); ++i)
    failure.why += (i == 0 ? "" : "; ") + std::string(name(sources[i])) + ": " + reasons[i].text;
  failure.code = reasons.back().code;
  failure.hint = reasons.back().hint;
  return std::unexpected(failure);
}

}  // namespace snpnv::tool
