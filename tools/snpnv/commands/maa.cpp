// SPDX-License-Identifier: Apache-2.0
// snpnv maa: a token of Microsoft Azure Attestation for a fresh report.
#include <ctime>

#include "broker.hpp"
#include "collected.hpp"
#include "commands.hpp"
#include "describe.hpp"
#include "fetch_certificates.hpp"
#include "output.hpp"
#include "snpnv/broker/maa.hpp"
#include "snpnv/wire/kbs.hpp"

namespace snpnv::tool {
namespace {

// What the service says of a refusal, as it says it: {"error":{"code":…,"message":…}}, mostly.
std::unexpected<Failure> refused(std::string_view url, const HttpResponse& response) {
  constexpr std::size_t kMost = 400;
  const std::uint16_t status = response.head.status;
  const bool busy = status == 429 || status >= 500;
  const std::string why = format("refused with HTTP status %u", status);
  const std::string_view said = upto(text_of(response.body), kMost);
  return std::unexpected(Failure{busy ? Exit::failed : Exit::rejected, url,
                                 said.empty() ? why : concat({why, ": ", said}), name(Code::broker_refused),
                                 status == 404 ? "--url is the provider's address, without /attest" : ""});
}

class Provided {
 public:
  Provided(const Arguments& arguments, const Url& url, std::string_view address, const TlsTrust& trust, Instant deadline)
      : url_(url), address_(address), network_(trust), told_(shows_progress(arguments), "the attestation service"),
        asking_{false, true, deadline, told_}, room_(kHttpRoom) {
    asking_.connects_again = true;
  }
  // Borrows the room until the next one.
  [[nodiscard]] Outcome<ByteView> ask(std::string_view path, std::optional<ByteView> body) {
    const std::string target = concat({without_slash(url_.target), path});
    Url url = url_;
    url.target = target;
    const HttpMessage message{.json = body, .bodies = HttpBodies::all};
    const auto response = http_ask_patiently(network_, clock_, url, message, asking_, Backoff(random_seed()),
                                             std::span<std::byte, kHttpRoom>(room_.data(), kHttpRoom));
    if (!response) return network_failure(address_, response.error());
    if (response->head.status != kHttpOk) return refused(address_, *response);
    return response->body;
  }

 private:
  Url url_;
  std::string_view address_;
  Network network_;
  MonotonicClock clock_;
  Told told_;
  HttpAsking<Told> asking_;
  std::vector<std::byte> room_;
};

Outcome<Exit> run_maa(const Arguments& arguments) {
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 60));
  SNPNV_TRY(const Url url, broker_url(arguments));
  const std::string_view address = *arguments.value("url");
  SNPNV_TRY(const auto nonce, nonce_of(arguments, true));
  SNPNV_CHECK(check_vcek_options(arguments));
  const std::string_view path = arguments.value("out").value_or("-");
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  SNPNV_TRY(const bool standard_output, check_outputs_of(arguments, tcti, {std::string(path)}));
  VekFile file;
  if (const auto vcek = arguments.value("vcek")) {
    SNPNV_TRY(file, read_vek_for("maa", *vcek));
  }
  SNPNV_TRY(const TrustFiles trust, TrustFiles::read(arguments));
  SNPNV_CHECK(FetchSettings::read(arguments, deadline, false));  // what is wrong with them is said before anything is asked
  TlsTrust authorities;
  SNPNV_CHECK(read_authorities(arguments.value("ca-file").value_or(kSystemAuthorities), authorities));

  SNPNV_TRY(const Collected parts, collect(arguments, tcti, nonce, deadline, false));
  SNPNV_TRY(const VekFile vek, vek_of(arguments, file, parts.bound.report, trust, deadline, false));
  std::vector<std::byte> room(std::size_t{1} << 18);
  ByteWriter writer(room);
  SNPNV_CHECK(write_maa_request(writer, parts, vek));
  const auto body = writer.finish();
  if (!body) return library_failure("the request", body.error());
  Provided provider(arguments, url, address, authorities, deadline);
  SNPNV_TRY(const ByteView answer, provider.ask(kMaaTarget, *body));
  const auto parsed = parse_token(answer);
  if (!parsed) return network_failure(address, parsed.error());
  const std::string token(*parsed);
  if (!arguments.has("no-verify-token")) {
    SNPNV_TRY(const ByteView keys, provider.ask(kMaaKeys, std::nullopt));
    Provider crypto;
    std::vector<std::byte> scratch(std::size_t{1} << 20);
    const auto good = verify_maa_token(crypto, token, keys, {without_slash(address), parts.bound.report, parts.bound.claims},
                                       static_cast<std::uint64_t>(std::time(nullptr)), scratch);
    if (!good) {
      Failure failure = describe(address, good.error());
      failure.exit = Exit::rejected;
      failure.why = concat({"its token: ", failure.why});
      return std::unexpected(std::move(failure));
    }
  }
  OutputFiles files;
  JsonText json;
  json.json().begin_object();
  json.json().key("nonce");
  json.json().hex(nonce);
  json.json().key("token");
  json.json().string(token);
  json.json().end_object();
  SNPNV_TRY(const std::string object, json.finish());
  const std::string line = token + "\n";
  SNPNV_CHECK(files.stage(path, octets_of(standard_output && arguments.json() ? object : line)));
  if (!standard_output && arguments.json()) SNPNV_CHECK(files.stage("-", octets_of(object)));
  SNPNV_CHECK(files.commit());
  return Exit::done;
}

constexpr auto kOwnMaaOptions = std::to_array({
    OptionSpec{0, "url", "URL", "the attestation provider, https"},
    OptionSpec{0, "nonce", "HEX", "what the report carries, up to 50 octets; default: 48 random ones"},
    OptionSpec{0, "random", "", "take 48 random octets"},
    OptionSpec{0, "ca-file", "FILE", "authorities for the provider, PEM; default: the system's"},
    OptionSpec{0, "out", "FILE", "where the token goes; default -"},
    OptionSpec{0, "vcek", "FILE", "VCEK, ASK and ARK, PEM; default: as --source says"},
    OptionSpec{0, "no-verify-token", "", "do not check the token"},
});
constexpr auto kMaaOptions = joined(kOwnMaaOptions, kPlaceOptions, kTimeAndRoot);

}  // namespace

const CommandSpec kMaa{
    "maa",
    "--url URL [options]",
    "get a token from Microsoft Azure Attestation",
    "Sends a fresh report and the claims to an attestation provider and prints its token, once that is seen to be "
    "signed by one of the provider's keys, by this provider, valid now, and for what was sent.",
    0,
    0,
    kMaaOptions,
    run_maa,
    true};

}  // namespace snpnv::tool
