// SPDX-License-Identifier: Apache-2.0
#include "collected.hpp"

#include "describe.hpp"
#include "event_log_file.hpp"
#include "lock.hpp"
#include "output.hpp"
#include "provider.hpp"
#include "snpnv/wire/evidence.hpp"
#include "verdict.hpp"
#include "waiting.hpp"
#ifdef SNPNV_FETCH
#include "fetch_certificates.hpp"
#endif

namespace snpnv::tool {
namespace {

// NV indices are 4096 octets at most on such machines.
constexpr std::size_t kMaxAkCertificate = 4096;

// The AK certificate, where there is one for this key. Nobody needs it, so what is wrong with it is a warning.
std::vector<std::byte> ak_certificate_of(const Arguments& arguments, ToolTpm& tpm, const ClaimsKey& key) {
  std::vector<std::byte> out(kMaxAkCertificate);
  const auto read = attestation_key_certificate(tpm, out);
  if (!read) warn(arguments, "AK certificate: " + describe("", read.error()).why);
  if (!read || !*read) return {};
  out.resize((*read)->size());
  const auto certificate = Certificate::parse(out);
  if (certificate && equal(certificate->key.rsa.modulus, key.modulus()) &&
      equal(certificate->key.rsa.exponent, key.exponent()))
    return out;
  warn(arguments, "AK certificate: left out, since " +
                      (certificate ? "it is for another key than the claims name"
                                   : "it cannot be read: " + describe("", certificate.error()).why));
  return {};
}

// A quote, and the event log, if it was asked for: one that grew while the quote was taken is read again, and another
// quote taken.
template <class TakeQuote>
Outcome<QuoteEvidence> quote_with_log(std::optional<std::string_view> file, std::vector<std::byte>& log,
                                      TakeQuote&& take_quote) {
  constexpr unsigned kTries = 8;
  for (unsigned i = 0; i < kTries; ++i) {
    if (file) {
      SNPNV_TRY(log, read_event_log(*file));
    }
    SNPNV_TRY(QuoteEvidence quote, take_quote());
    if (!file) return quote;
    SNPNV_TRY(const auto again, read_event_log(*file));
    if (again == log) return quote;
  }
  return library_failure(*file, {Code::quote_moving, 0, kTries});
}

}  // namespace

Outcome<std::optional<std::string_view>> event_log_file(const Arguments& arguments) {
  auto file = arguments.value("event-log");
  if (file == "-") return usage("--event-log", "is read again behind the quote, which standard input cannot be");
  if (file && file->empty()) file = kEventLogFile;
  return file;
}

Outcome<Collected> collect(const Arguments& arguments, const std::string& tcti, ByteView nonce, Instant deadline,
                           bool with_certificate, std::optional<std::string_view> event_log,
                           std::optional<std::string_view> systemd_log) {
  SNPNV_TRY(const Lock lock, Lock::acquire(tcti, deadline));
  const Waiting waiting("the report and the quote");
  SNPNV_TRY(SteppedTransport transport, open_tpm(tcti, deadline));
  MonotonicClock clock;
  ToolTpm tpm(transport, clock, deadline);
  Provider crypto;
  UserData user_data{};  // the nonce, zero-padded
  copy_to(user_data, nonce);
  std::vector<std::byte> buffer(kEnvelopeBuffer);
  const auto bound = ReportCollector(tpm, crypto, buffer).fresh_report(user_data);
  if (!bound) return library_failure(tcti, bound.error());
  const ClaimsKey& key = bound->claims.attestation_key;
  LockedLog systemd;
  if (systemd_log) {
    SNPNV_TRY(systemd, read_systemd_log(*systemd_log, deadline));
  }
  std::vector<std::byte> log;
  SNPNV_TRY(const QuoteEvidence quote, quote_with_log(event_log, log, [&]() -> Outcome<QuoteEvidence> {
              const auto taken = QuoteCollector(tpm, crypto).quote(nonce, {}, key.rsa());
              if (!taken) return library_failure(tcti, taken.error());
              return *taken;
            }));
  std::vector<std::byte> certificate;
  if (with_certificate) certificate = ak_certificate_of(arguments, tpm, key);
  return Collected{std::move(buffer), *bound, quote, std::move(certificate), std::move(log),
                   std::move(systemd.octets)};
}

void write_trustee_evidence(ByteWriter& out, const Collected& parts, ByteView vek) {
  std::array<ByteView, PcrSelection::kPcrs> pcrs;
  for (std::size_t i = 0; i < pcrs.size(); ++i) pcrs[i] = parts.quote.pcrs[i];
  write_trustee_evidence(out, parts.quote.signature(), parts.quote.message(), pcrs, parts.hcl_report(), vek,
                         parts.event_log);
}

Outcome<void> write_maa_request(ByteWriter& out, const Collected& parts, const VekFile& vek) {
  std::string chain;
  for (const auto* const der : {&vek.vek, &vek.ask, &vek.ark}) chain += pem_of(*der, kPemCertificate);
  std::vector<std::byte> scratch(std::size_t{1} << 18);
  const auto written = snpnv::write_maa_request(out, parts.bound.report.raw, octets_of(chain),
                                                parts.bound.envelope.claims, scratch);
  if (!written) return library_failure("the request", written.error());
  return {};
}

Outcome<VekFile> read_vek_for(std::string_view form, std::string_view path) {
  SNPNV_TRY(VekFile out, read_vek(path));
  for (const auto& [der, name] : {std::pair(&out.ask, "ASK"), {&out.ark, "ARK"}})
    if (form == "maa" && der->empty())
      return std::unexpected(Failure{Exit::failed, path, concat({"has no ", name, " behind the VCEK"}), "chain.roles",
                                     "MAA takes a chain: VCEK, ASK and ARK as PEM blocks in this order"});
  return out;
}

#ifdef SNPNV_FETCH
Outcome<VekFile> vek_of(const Arguments& arguments, const VekFile& file, const ATTESTATION_REPORT& report,
                        const TrustFiles& trust, Instant deadline, bool with_ca_file) {
  if (!file.vek.empty()) {
    SNPNV_CHECK(check_vek(arguments, *arguments.value("vcek"), file, report, trust));
    return file;
  }
  SNPNV_TRY(FetchSettings settings, FetchSettings::read(arguments, deadline, with_ca_file));
  SNPNV_TRY(const auto requests, fetch_requests("the report", report));
  Fetcher fetcher(std::move(settings), trust);
  SNPNV_TRY(Fetched fetched, fetcher.fetch(requests, report));
  return VekFile{std::move(fetched.vek), std::move(fetched.ask), std::move(fetched.ark)};
}
#endif

}  // namespace snpnv::tool
