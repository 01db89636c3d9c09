// SPDX-License-Identifier: Apache-2.0
// snpnv fetch: certificates from the platform, a store, or AMD's key distribution service.
#include <unistd.h>

#include "commands.hpp"
#include "describe.hpp"
#include "fetch_certificates.hpp"
#include "output.hpp"
#include "output_files.hpp"
#include "tools/nearest.hpp"
#include "vcek.hpp"
#include "verdict.hpp"
#include "verify_options.hpp"

namespace snpnv::tool {
namespace {

constexpr auto kOfProduct = std::to_array({
    OptionSpec{'r', "report", "REPORT", "take the product from this report"},
    OptionSpec{'e', "endorser", "KEY", "vcek or vlek; default: that of the report, or vcek"},
});
constexpr auto kOfReport = std::to_array({
    OptionSpec{'p', "processor-model", "PRODUCT", "needed by no report from version 3 on"},
});
constexpr auto kProductOptions = joined(kOfProduct, kSourceOptions, kTimeAndRoot);
constexpr auto kVcekOptions = joined(kOfReport, kSourceOptions, kTimeAndRoot);

Outcome<bool> is_pem_wanted(std::string_view text) {
  const std::string encoding = lower(text);
  if (encoding != "pem" && encoding != "der") return usage(text, "not an encoding: pem or der", nearest_of(encoding, {"pem", "der"}));
  return encoding == "pem";
}

Outcome<Product> product_of(std::string_view text) {
  const std::string wanted = lower(text);
  if (wanted == "bergamo" || wanted == "siena") return Product::genoa;
  for (const Product product : kProducts)
    if (wanted == lower(name(product))) return product;
  return usage(text, "not a product: milan, genoa, bergamo, siena or turin",
               nearest_of(wanted, {"milan", "genoa", "bergamo", "siena", "turin"}));
}

Outcome<FetchSettings> settings_of(const Arguments& arguments) {
  SNPNV_CHECK(is_directory_name("DIR", arguments.operand(1)));
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 60));
  return FetchSettings::read(arguments, deadline);
}

// A report file, kept with its octets.
struct ReportFile {
  std::vector<std::byte> octets;
  std::optional<ATTESTATION_REPORT> report;
};
Outcome<ReportFile> read_report(std::string_view path) {
  ReportFile out;
  SNPNV_TRY(out.octets, read_file(path, kMostOctets));
  const auto report = ATTESTATION_REPORT::parse(out.octets);
  if (!report) return std::unexpected(not_a_report(path, out.octets, report.error()));
  out.report = *report;
  return out;
}

// As fetch_requests(), for the product that the command line names, if it names one.
Outcome<std::vector<CertificateRequest>> requests_of(std::string_view path, const ATTESTATION_REPORT& report,
                                                     std::optional<Product> wanted) {
  SNPNV_TRY(auto out, fetch_requests(path, report));
  if (wanted) std::erase_if(out, [&](const CertificateRequest& request) { return request.product != *wanted; });
  if (out.empty()) return usage(name(*wanted), "not the product of " + std::string(path));
  return out;
}

// A file of a certificate directory.
struct Output {
  std::string_view name;  // without the ending
  std::string_view label;
  const std::vector<std::byte>& der;
};

Outcome<Exit> save(const Arguments& arguments, bool pem, const Fetched& fetched,
                   std::span<const Output> outputs, std::vector<InputFile> inputs) {
  const std::string_view directory = arguments.operand(1);
  const auto path = [&](const Output& output, bool as_pem) {
    return join(directory, std::string(output.name) + (as_pem ? ".pem" : ".der"));
  };
  std::vector<std::string> paths;
  for (const Output& output : outputs) paths.push_back(path(output, pem));
  SNPNV_TRY(const bool standard_output, check_outputs({}, {paths.begin(), paths.end()}, inputs));
  OutputFiles files;
  SNPNV_CHECK(files.make_directories(directory));
  for (const Output& output : outputs) {
    const std::string text = pem ? pem_of(output.der, output.label) : std::string();
    SNPNV_CHECK(files.stage(path(output, pem), pem ? octets_of(text) : ByteView(output.der), 0644U));
    const std::string other = path(output, true);
    if (!pem && ::access(other.c_str(), F_OK) == 0)
      warn(arguments, other + " is there too, and is what verify reads");
  }
  std::string said;
  if (arguments.json()) {
    JsonText text;
    JsonWriter& json = text.json();
    json.begin_object();
    json.key("source");
    json.string(lower(fetched.source));
    json.key("product");
    json.string(name(fetched.product));
    json.key("files");
    json.begin_array();
    for (const std::string& file : paths) json.string(file);
    json.end_array();
    json.end_object();
    SNPNV_TRY(said, text.finish());
  } else if (!arguments.quiet()) {
    for (const std::string& file : paths)
      said += printable(concat({file, ": ", name(fetched.product), ", from ", fetched.source})) + "\n";
  }
  if (!standard_output) SNPNV_CHECK(files.stage("-", octets_of(said)));
  SNPNV_CHECK(files.commit());
  return Exit::done;
}

struct Asked {
  Product product{};
  SIGNING_KEY endorser = SIGNING_KEY::VCEK;
};

// PRODUCT and --endorser, or what the report says. A report that leaves the product open is of the one
// that its VCEK is of.
Outcome<Asked> asked_of(const Arguments& arguments, Fetcher& fetcher) {
  Asked out;
  const auto path = arguments.value("report");
  const bool named = arguments.operand_count() == 3;
  if (named == path.has_value()) return usage("PRODUCT", "needed, or --report REPORT, and not both");
  ReportFile file;
  if (named) {
    SNPNV_TRY(out.product, product_of(arguments.operand(2)));
  } else {
    SNPNV_TRY(file, read_report(*path));
    out.endorser = file.report->signing_key();
  }
  if (const auto key = arguments.value("endorser")) {
    const std::string wanted = lower(*key);
    if (wanted != "vcek" && wanted != "vlek") return usage("--endorser", "needs vcek or vlek", nearest_of(wanted, {"vcek", "vlek"}));
    out.endorser = wanted == "vlek" ? SIGNING_KEY::VLEK : SIGNING_KEY::VCEK;
  }
  if (named) return out;
  const auto possible = products(*file.report);
  if (!possible) return library_failure(*path, possible.error());
  if (const auto only = possible->only()) {
    out.product = *only;
    return out;
  }
  if (file.report->signing_key() != SIGNING_KEY::VCEK || file.report->chip_id_masked())
    return usage("PRODUCT", "needed: " + std::string(*path) + " does not tell it");
  SNPNV_TRY(const auto requests, fetch_requests(*path, *file.report));
  SNPNV_TRY(Fetched fetched, fetcher.fetch(requests, file.report));
  out.product = fetched.product;
  fetcher.offer_issuers(std::move(fetched));
  return out;
}

std::vector<InputFile> report_read(const Arguments& arguments) {
  if (const auto path = arguments.value("report")) return {{"REPORT", *path}};
  return {};
}

Outcome<Exit> fetch_ca(const Arguments& arguments) {
  SNPNV_TRY(const bool pem, is_pem_wanted(arguments.operand(0)));
  SNPNV_TRY(FetchSettings settings, settings_of(arguments));
  SNPNV_TRY(const TrustFiles trust, TrustFiles::read(arguments));
  Fetcher fetcher(std::move(settings), trust);
  SNPNV_TRY(const Asked asked, asked_of(arguments, fetcher));
  const CertificateRequest request{CertificateKind::issuers, asked.product, asked.endorser};
  SNPNV_TRY(const Fetched fetched, fetcher.fetch(std::span(&request, 1), std::nullopt));
  const std::string_view ask = asked.endorser == SIGNING_KEY::VLEK ? "asvk" : "ask";
  const std::array outputs{Output{"ark", kPemCertificate, fetched.ark}, Output{ask, kPemCertificate, fetched.ask}};
  return save(arguments, pem, fetched, outputs, report_read(arguments));
}

Outcome<Exit> fetch_crl(const Arguments& arguments) {
  SNPNV_TRY(const bool pem, is_pem_wanted(arguments.operand(0)));
  SNPNV_TRY(FetchSettings settings, settings_of(arguments));
  SNPNV_TRY(const TrustFiles trust, TrustFiles::read(arguments));
  Fetcher fetcher(std::move(settings), trust);
  SNPNV_TRY(const Asked asked, asked_of(arguments, fetcher));
  const CertificateRequest request{CertificateKind::revocation, asked.product, asked.endorser};
  SNPNV_TRY(const Fetched fetched, fetcher.fetch(std::span(&request, 1), std::nullopt));
  const std::array outputs{Output{"crl", kPemCrl, fetched.crl}};
  return save(arguments, pem, fetched, outputs, report_read(arguments));
}

Outcome<Exit> fetch_vcek(const Arguments& arguments) {
  SNPNV_TRY(const bool pem, is_pem_wanted(arguments.operand(0)));
  SNPNV_TRY(FetchSettings settings, settings_of(arguments));
  SNPNV_TRY(const TrustFiles trust, TrustFiles::read(arguments));
  const std::string_view path = arguments.operand(2);
  SNPNV_TRY(const ReportFile file, read_report(path));
  std::optional<Product> wanted;
  if (const auto text = arguments.value("processor-model")) {
    SNPNV_TRY(wanted, product_of(*text));
  }
  SNPNV_TRY(const auto requests, requests_of(path, *file.report, wanted));
  Fetcher fetcher(std::move(settings), trust);
  Fetched at_hand;
  if (auto ask = read_if_there(arguments, arguments.operand(1), "ask"); ask && !ask->empty()) {
    at_hand.ask = std::move(*ask);
    auto ark = read_if_there(arguments, arguments.operand(1), "ark");
    if (ark) at_hand.ark = std::move(*ark);
    if (at_hand.ark.empty()) {
      const ByteView root = trust.root_of(at_hand.ask);
      at_hand.ark.assign(root.begin(), root.end());
    }
    fetcher.offer_issuers(std::move(at_hand));
  }
  SNPNV_TRY(const Fetched fetched, fetcher.fetch(requests, file.report));
  const std::array outputs{Output{"vcek", kPemCertificate, fetched.vek}};
  return save(arguments, pem, fetched, outputs, {{"REPORT", path}});
}

}  // namespace

const CommandSpec kFetchCa{
    "fetch ca",
    "ENCODING DIR (PRODUCT | -r REPORT) [options]",
    "get the ARK and the ASK or ASVK",
    "Writes ark, and ask or asvk, to DIR as .pem or .der. ENCODING is pem or der; PRODUCT is milan, genoa, "
    "bergamo, siena or turin. Nothing is written unless it leads to a root that AMD pinned, or --root.",
    2,
    3,
    kProductOptions,
    fetch_ca};

const CommandSpec kFetchVcek{
    "fetch vcek",
    "ENCODING DIR REPORT [options]",
    "get the VCEK that signed a report",
    "Writes vcek to DIR as .pem or .der. Nothing is written unless it is the chip's of REPORT, for its TCB, "
    "and leads to a root that AMD pinned, or --root. Its issuers are those in DIR, or are fetched too.",
    3,
    3,
    kVcekOptions,
    fetch_vcek};

const CommandSpec kFetchCrl{
    "fetch crl",
    "ENCODING DIR (PRODUCT | -r REPORT) [options]",
    "get the ARK's revocation list",
    "Writes crl to DIR as .pem or .der, for --crl. Nothing is written unless the root signed it and it is "
    "current. The platform has none.",
    2,
    3,
    kProductOptions,
    fetch_crl};

}  // namespace snpnv::tool
