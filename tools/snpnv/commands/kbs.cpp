// SPDX-License-Identifier: Apache-2.0
// snpnv kbs: a secret from Trustee's key broker, for fresh evidence.
#include <unistd.h>

#include <memory>

#include "broker.hpp"
#include "collected.hpp"
#include "commands.hpp"
#include "describe.hpp"
#include "fetch_certificates.hpp"
#include "output.hpp"
#include "secret.hpp"
#include "snpnv/broker/kbs.hpp"
#include "verdict.hpp"
#include "waiting.hpp"

namespace snpnv::tool {
namespace {

// This machine's evidence. What it failed with is kept, since the exchange knows a code alone.
class MachineEvidence {
 public:
  MachineEvidence(const Arguments& arguments, std::string tcti, std::optional<std::string_view> event_log, VekFile vek,
                  const TrustFiles& trust, Instant deadline)
      : arguments_(arguments),
        tcti_(std::move(tcti)),
        event_log_(event_log),
        vek_(std::move(vek)),
        trust_(trust),
        deadline_(deadline) {}

  [[nodiscard]] Result<ByteView> evidence(ByteView nonce, MutBytes room) noexcept {
    ByteWriter out(room);
    if (auto written = write(nonce, out); !written) {
      failure_ = std::make_unique<Failure>(std::move(written.error()));
      return fail(Code::io_failed);
    }
    return out.finish();
  }
  [[nodiscard]] const Failure* failure() const { return failure_.get(); }

 private:
  Outcome<void> write(ByteView nonce, ByteWriter& out) {
    SNPNV_TRY(const Collected parts, collect(arguments_, tcti_, nonce, deadline_, false, event_log_));
    SNPNV_TRY(const VekFile vek, vek_of(arguments_, vek_, parts.bound.report, trust_, deadline_, false));
    write_trustee_evidence(out, parts, vek.vek);
    return {};
  }

  const Arguments& arguments_;
  std::string tcti_;
  std::optional<std::string_view> event_log_;
  VekFile vek_;
  const TrustFiles& trust_;
  Instant deadline_;
  std::unique_ptr<Failure> failure_;
};

// What the broker's names for its errors usually mean. Source: Trustee, "kbs/src/error.rs".
std::string_view refusal_hint(const KbsRefusal& refusal) {
  constexpr std::string_view kVersion =
      "the broker speaks another version of the protocol than 0.4.0, or knows nothing of az-snp-vtpm";
  constexpr std::string_view kEvidence =
      "it did not accept the evidence: reference values, the VCEK, or its clock; its log says which";
  if (!refusal.error) return refusal.status == 404 ? "--url is the broker's address, without /kbs/v0" : std::string_view();
  const std::string_view name = refusal.error->name();
  if (name == "PolicyDeny") return "its resource policy does not grant this to what the evidence shows";
  if (name == "PluginInternalError") return "it has no such resource, or cannot read it";
  if (name == "PluginNotFound" || name == "InvalidRequestPath") return "it serves no resources at this path";
  if (name == "TokenNotFound" || name == "TokenVerifierError") return "the session has ended, twice";
  if (name == "JweError") return "it could not encrypt the secret";
  if (refusal.step == KbsStep::challenge) return kVersion;
  return refusal.step == KbsStep::attestation ? kEvidence : std::string_view();
}

std::unexpected<Failure> refused(std::string_view url, const KbsRefusal& refusal) {
  constexpr std::string_view kSteps[] = {"a challenge", "the evidence", "the secret"};
  std::string why = concat({"refused ", kSteps[static_cast<std::size_t>(refusal.step)], ": "});
  if (refusal.error) {
    constexpr std::size_t kMostDetail = 400;
    std::array<std::byte, kMostDetail> room;
    JsonString::Source source = refusal.error->detail.source();
    ByteWriter detail(room);
    for (char c = 0; detail.size() < room.size() && source.next(c);) detail.text(std::string_view(&c, 1));
    why = concat({why, refusal.error->name(), ": ", text_of(detail.written())});
  } else {
    why += format("HTTP status %u", refusal.status);
  }
  const bool busy = refusal.status == 429 || refusal.status >= 500;
  return std::unexpected(
      Failure{busy ? Exit::failed : Exit::rejected, url, why, name(Code::broker_refused), refusal_hint(refusal)});
}

Outcome<std::string> init_data_of(const Arguments& arguments) {
  const auto path = arguments.value("init-data");
  if (!path) return std::string();
  SNPNV_TRY(const auto octets, read_file(*path, std::size_t{1} << 16));
  if (octets.empty()) return usage("--init-data", "has nothing in it");
  return std::string(text_of(octets));
}

// What is said of a secret that is where --out says.
Outcome<void> tell(const Arguments& arguments, std::string_view resource, std::string_view address) {
  if (!arguments.json()) return print(concat({"kbs: ", resource, " is where --out says\n"}));
  JsonText said;
  said.json().begin_object();
  said.json().key("resource");
  said.json().string(resource);
  said.json().key("url");
  said.json().string(address);
  said.json().end_object();
  SNPNV_TRY(const std::string text, said.finish());
  return print(text);
}

Outcome<Exit> run_kbs(const Arguments& arguments) {
  protect_memory();
  const std::string_view resource = arguments.operand(0);
  if (!is_kbs_resource(resource)) return usage(resource, "not a resource: repository/type/tag");
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 60));
  SNPNV_TRY(const Url url, broker_url(arguments));
  const std::string_view address = *arguments.value("url");
  const auto ca_file = arguments.value("ca-file");
  if (!ca_file) return usage("--ca-file", "missing: what the broker proves itself by", "its certificate, or its authority's, in PEM");
  if (!arguments.has("out") && ::isatty(STDOUT_FILENO) == 1)
    return usage("--out", "missing, and standard output is a terminal", "--out - prints a secret there nevertheless");
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  SNPNV_TRY(const SecretOutput out, SecretOutput::open(arguments.value("out").value_or("-"), tcti));
  SNPNV_TRY(const auto event_log, event_log_file(arguments));
  SNPNV_CHECK(check_vcek_options(arguments));
  VekFile vek;
  if (const auto path = arguments.value("vcek")) {
    SNPNV_TRY(vek, read_vek_for("trustee", *path));
  }
  SNPNV_TRY(const TrustFiles trust, TrustFiles::read(arguments));
  SNPNV_CHECK(FetchSettings::read(arguments, deadline, false));  // what is wrong with them is said before anything is asked
  SNPNV_TRY(const std::string init_data, init_data_of(arguments));
  TlsTrust authorities;
  SNPNV_CHECK(read_authorities(*ca_file, authorities));
  const SecretMemory memory(kMaxHttpBody);
  if (memory.octets().empty()) return os_failure("memory for the secret", ENOMEM);

  MachineEvidence evidence(arguments, tcti, event_log, std::move(vek), trust, deadline);
  Network network(authorities);
  MonotonicClock clock;
  BrokerProvider crypto;
  Told told(shows_progress(arguments), "the key broker");
  HttpAsking<Told> asking{false, true, deadline, told};
  asking.connects_again = true;
  std::vector<std::byte> http_room(kHttpRoom);
  std::vector<std::byte> room(kKbsRoom);
  KbsExchange exchange(network, clock, crypto, evidence, url, asking, random_seed(),
                       std::span<std::byte, kHttpRoom>(http_room.data(), kHttpRoom),
                       std::span<std::byte, kKbsRoom>(room.data(), kKbsRoom));
  if (!init_data.empty()) exchange.send_init_data({init_data.front() == '{' ? "json" : "toml", init_data});
  const auto secret = exchange.get(resource, memory.octets());
  if (!secret && evidence.failure() != nullptr) return std::unexpected(*evidence.failure());
  if (!secret && secret.error().code == Code::broker_refused) return refused(address, exchange.refusal());
  if (!secret) return network_failure(address, secret.error());
  SNPNV_CHECK(out.write(*secret, deadline));
  if (!out.is_standard_output() && (!arguments.quiet() || arguments.json()))
    SNPNV_CHECK(tell(arguments, resource, address));
  return Exit::done;
}

constexpr auto kOwnKbsOptions = std::to_array({
    OptionSpec{0, "url", "URL", "the key broker, https"},
    OptionSpec{0, "ca-file", "FILE", "its certificate or its authority's, PEM; no other is trusted"},
    OptionSpec{0, "out", "OUTPUT", "FILE, unix:PATH, fd:N or -; default -"},
    kEventLogOption,
    OptionSpec{0, "init-data", "FILE", "what PCR 8 was extended with, TOML or JSON"},
    OptionSpec{0, "vcek", "FILE", "the VCEK; default: as --source says"},
});
constexpr auto kKbsOptions = joined(kOwnKbsOptions, kPlaceOptions, kTimeAndRoot);

}  // namespace

const CommandSpec kKbs{
    "kbs",
    "RESOURCE --url URL --ca-file FILE [options]",
    "get a secret from a key broker for fresh evidence",
    "Gets RESOURCE, repository/type/tag, from Trustee's key broker (protocol 0.4.0): shows it evidence that is bound to "
    "its challenge and to a key made for this exchange, and decrypts what it sends. The secret goes to --out alone.",
    1,
    1,
    kKbsOptions,
    run_kbs,
    true};

}  // namespace snpnv::tool
