// SPDX-License-Identifier: Apache-2.0
// snpnv quote: a TPM quote by the attestation key.
#include "commands.hpp"
#include "describe.hpp"
#include "output.hpp"
#include "output_files.hpp"
#include "provider.hpp"
#include "quote_files.hpp"
#include "tools/nearest.hpp"
#include "waiting.hpp"

namespace snpnv::tool {
namespace {

// "sha256:0,4,7-9" or "sha256:all", one bank.
Outcome<PcrSelection> selection_of(std::string_view text) {
  constexpr std::string_view kNeeds = "needs one bank and its PCRs, as sha256:0-23, sha256:0,4,7 or sha256:all";
  if (text.contains('+'))
    return usage("--pcrs", "names several banks", "a quote that a verifier can check against one list of PCRs has one bank");
  const std::size_t colon = text.find(':');
  if (colon == std::string_view::npos) return usage("--pcrs", kNeeds);
  PcrSelection out{TPM_ALG_ID::NULL_, 0};
  for (const TPM_ALG_ID bank : {TPM_ALG_ID::SHA1, TPM_ALG_ID::SHA256, TPM_ALG_ID::SHA384, TPM_ALG_ID::SHA512})
    if (name(bank) == text.substr(0, colon)) out.bank = bank;
  if (out.bank == TPM_ALG_ID::NULL_)
    return usage("--pcrs", kNeeds, nearest_of(text.substr(0, colon), {"sha1", "sha256", "sha384", "sha512"}));
  text.remove_prefix(colon + 1);
  if (text == "all") {
    out.mask = PcrSelection::kAll;
    return out;
  }
  while (true) {
    const std::size_t comma = text.find(',');
    const std::string_view part = text.substr(0, comma);
    const std::size_t dash = part.find('-');
    SNPNV_TRY(const std::uint64_t first, number("--pcrs", part.substr(0, dash), 0, PcrSelection::kPcrs - 1));
    std::uint64_t last = first;
    if (dash != std::string_view::npos) {
      SNPNV_TRY(last, number("--pcrs", part.substr(dash + 1), 0, PcrSelection::kPcrs - 1));
      if (last < first) return usage("--pcrs", concat({part, " runs backwards"}));
    }
    for (std::uint64_t pcr = first; pcr <= last; ++pcr) out.mask |= 1U << pcr;
    if (comma == std::string_view::npos) return out;
    text.remove_prefix(comma + 1);
  }
}

Outcome<Exit> run_quote(const Arguments& arguments) {
  const std::string_view directory = arguments.operand(0);
  SNPNV_CHECK(is_directory_name("DIR", directory));
  SNPNV_TRY(const Instant deadline, start_deadline(arguments, 10));
  SNPNV_TRY(const auto nonce, nonce_of(arguments));
  SNPNV_TRY(const PcrSelection selection, selection_of(arguments.value("pcrs").value_or("sha256:0-23")));
  SNPNV_TRY(const std::string tcti, tcti_name(arguments));
  std::vector<std::string> outputs;
  add_paths(outputs, directory, kQuoteFiles);
  SNPNV_TRY(const bool standard_output, check_outputs_of(arguments, tcti, outputs));
  Waiting waiting("the quote");
  SNPNV_TRY(SteppedTransport transport, open_tpm(tcti, deadline));
  MonotonicClock clock;
  ToolTpm tpm(transport, clock, deadline);
  Provider crypto;
  const auto key = attestation_key(tpm);  // there are no claims to name it
  if (!key) return library_failure(tcti, key.error());
  const auto quote = QuoteCollector(tpm, crypto).quote(nonce, selection, key->rsa());
  waiting.end();
  if (!quote) return library_failure(tcti, quote.error());
  OutputFiles files;
  SNPNV_CHECK(files.make_directories(directory));
  SNPNV_CHECK(stage_quote(files, directory, *quote));
  if (arguments.json() && !standard_output) {
    JsonText out;
    out.json().begin_object();
    out.json().key("nonce");
    out.json().hex(nonce);
    out.json().key("message");
    out.json().hex(quote->message());
    out.json().end_object();
    SNPNV_TRY(const std::string text, out.finish());
    SNPNV_CHECK(files.stage("-", octets_of(text)));
  } else if (!arguments.quiet() && !standard_output) {
    SNPNV_CHECK(files.stage("-", octets_of("quote: message, signature and pcrs belong together and carry the nonce\n")));
  }
  SNPNV_CHECK(files.commit());
  return Exit::done;
}

constexpr OptionSpec kQuoteOptions[] = {
    {0, "nonce", "HEX", "what the quote carries, up to 50 octets"},
    {0, "pcrs", "BANK:LIST", "PCRs to quote; default sha256:0-23"},
    {0, "timeout", "SECONDS", "give up then; default 10"},
};

}  // namespace

const CommandSpec kQuote{
    "quote",
    "DIR --nonce HEX [options]",
    "get a TPM quote by the attestation key",
    "Saves message, signature and pcrs in DIR, in the forms of tpm2-tools. The three belong together: a PCR "
    "that moves in between is noticed, and the quote taken again.",
    1,
    1,
    kQuoteOptions,
    run_quote,
    true};

}  // namespace snpnv::tool
