// SPDX-License-Identifier: Apache-2.0
// snpnv report: a fresh report, or the one that is there.
#include <memory>

#include "commands.hpp"
#include "describe.hpp"
#include "lock.hpp"
#include "output.hpp"
#include "output_files.hpp"
#include "provider.hpp"
#include "snpnv/collect/fresh_report.hpp"
#include "step.hpp"
#include "waiting.hpp"

namespace snpnv::tool {
namespace {

constexpr OptionSpec kReportOptions[] = {
    {'r', "random", "", "take 64 random octets and write them to USER-DATA"},
    {0, "boot", "", "do not write: save the report that is there, whatever its age"},
    {0, "envelope", "FILE", "save the whole HCLA content, without padding"},
    {0, "claims", "FILE", "save the runtime claims, exactly as hashed"},
    {0, "timeout", "SECONDS", "give up then; default 10"},
    {'v', "vmpl", "N", "accepted; the paravisor asks at VMPL 0"},
    {'a', "azure-cvm", "", "accepted; changes nothing"},
    {0, "openhcl", "", "accepted; changes nothing"},
};

Outcome<UserData> read_user_data(const Arguments& arguments) {
  UserData out{};
  const std::string_view path = arguments.operand(1);
  if (arguments.has("random")) {
    SNPNV_CHECK(random_octets(out));
    return out;
  }
  SNPNV_TRY(const auto content, read_file(path, kMostOctets));
  if (content.size() != out.size())
    return std::unexpected(Failure{Exit::failed, path, format("user data are 64 octets, not %zu", content.size()),
                                   "text_length", "-r makes random ones"});
  copy_to(out, content);
  return out;
}

Outcome<bool> check_outputs_of(const Arguments& arguments, std::string_view tcti) {
  std::vector<std::string_view> outputs{arguments.operand(0)};
  InputFile input{"USER-DATA", {}};
  if (arguments.has("random"))
    outputs.push_back(arguments.operand(1));
  else if (!arguments.has("boot"))
    input.path = arguments.operand(1);
  for (const auto option : {"envelope", "claims"})
    if (const auto path = arguments.value(option)) outputs.push_back(*path);
  return check_outputs(tcti, std::move(outputs), std::span(&input, 1));
}

std::string last_seen(const FreshTrace& trace) {
  const std::string counts = format("%u reads, %u writes", trace.reads, trace.writes);
  if (trace.last_user_data_size == 0) return counts + "; no user data seen";
  return counts + "; last user data seen " +
         hex(ByteView(trace.last_user_data).first(trace.last_user_data_size));
}

Outcome<std::string> summary(const Arguments& arguments, const BoundReport& bound,
                             const FreshTrace& trace) {
  const bool fresh = trace.last == FreshTrace::Seen::fresh;
  if (arguments.json()) {
    JsonText text;
    JsonWriter& json = text.json();
    json.begin_object();
    json.key("fresh");
    json.boolean(fresh);
    json.key("report_version");
    json.number(bound.report[ATTESTATION_REPORT::VERSION]);
    json.key("report_data");
    json.hex(bound.report[ATTESTATION_REPORT::REPORT_DATA]);
    json.key("user_data");
    json.hex(bound.claims.user_data());
    json.key("reads");
    json.number(trace.reads);
    json.key("writes");
    json.number(trace.writes);
    json.end_object();
    return text.finish();
  }
  if (!fresh) return std::string("boot report: bound to its claims, of unknown age\n");
  return std::string("fresh report: REPORT_DATA is the claims' digest, and the claims carry the user data\n");
}

Outcome<Exit> run_report(const Arguments& arguments) {
  const bool boot = arguments.has("boot");
  if (boot && arguments.has("random"))
    return usage("--boot", "writes nothing, so --random has no use");
  if (!boot && arguments.operand_count() < 2)
    return usage("USER-DATA", "missing", "a file of 64 octets, or -r to make one");
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 10));
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  SNPNV_TRY(const bool standard_output, check_outputs_of(arguments, tcti));
  if (const auto text = arguments.value("vmpl")) {
    SNPNV_TRY(const std::uint64_t vmpl, number("--vmpl", *text, 0, 3));
    if (vmpl != 0) warn(arguments, "--vmpl has no effect: the paravisor asks at VMPL 0");
  }
  if (boot && arguments.operand_count() == 2) warn(arguments, "USER-DATA has no use with --boot");
  UserData user_data{};
  if (!boot) {
    SNPNV_TRY(user_data, read_user_data(arguments));
  }

  SNPNV_TRY(const Lock lock, Lock::acquire(tcti, deadline));
  Waiting waiting("the report");
  SNPNV_TRY(SteppedTransport transport, open_tpm(tcti, deadline));
  MonotonicClock clock;
  ToolTpm tpm(transport, clock, deadline);
  Provider crypto;
  std::vector<std::byte> buffer(kEnvelopeBuffer);
  ReportCollector collector(tpm, crypto, buffer);
  const auto bound = boot ? collector.boot_report() : collector.fresh_report(user_data);
  waiting.end();
  if (!bound) {
    Failure failure = describe(tcti, bound.error());
    if (failure.exit == Exit::not_fresh) failure.why += " (" + last_seen(collector.trace()) + ")";
    return std::unexpected(failure);
  }

  OutputFiles files;
  if (arguments.has("random")) SNPNV_CHECK(files.stage(arguments.operand(1), user_data));
  if (const auto path = arguments.value("envelope"))
    SNPNV_CHECK(files.stage(*path, ByteView(buffer).first(bound->envelope.size())));
  if (const auto path = arguments.value("claims"))
    SNPNV_CHECK(files.stage(*path, bound->envelope.claims));
  SNPNV_CHECK(files.stage(arguments.operand(0), bound->report.raw));
  if (!standard_output && (!arguments.quiet() || arguments.json())) {
    SNPNV_TRY(const std::string text, summary(arguments, *bound, collector.trace()));
    SNPNV_CHECK(files.stage("-", octets_of(text)));
  }
  SNPNV_CHECK(files.commit());
  return Exit::done;
}

}  // namespace

const CommandSpec kReport{
    "report",
    "REPORT USER-DATA [options]",
    "get a fresh attestation report",
    "Writes the 64 octets of USER-DATA to the vTPM, gets a report that is proven by its content to "
    "carry them, and saves its 1184 octets as REPORT. Nothing is saved unless that is so.",
    1,
    2,
    kReportOptions,
    run_report,
    true};

}  // namespace snpnv::tool
