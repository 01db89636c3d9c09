// SPDX-License-Identifier: Apache-2.0
// snpnv display evidence: what Trustee evidence holds. Verifies nothing.
#include <memory>

#include "commands.hpp"
#include "describe.hpp"
#include "fields.hpp"
#include "files.hpp"
#include "output.hpp"
#include "snpnv/wire/evidence.hpp"
#include "snpnv/wire/tpm2_attest.hpp"

namespace snpnv::tool {
namespace {

Outcome<Exit> display_evidence(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto document, read_file(path, kMostOctets));
  const auto parsed = std::make_unique<Result<TrusteeEvidence>>(TrusteeEvidence::parse(document));
  if (!*parsed) return std::unexpected(describe_json(path, document, parsed->error()));
  const TrusteeEvidence& evidence = **parsed;
  const auto attest = unmarshal<TPMS_ATTEST>(evidence.message.view());
  if (!attest) return library_failure(path, attest.error());
  std::string selections;
  for (const TPMS_PCR_SELECTION& bank : attest->quote.pcrSelect.view())
    selections += (selections.empty() ? "" : " ") + std::string(name(bank.hash)) + ":" + hex(bank.pcrSelect);

  Listing out;
  const auto text = [&](std::string_view key, const std::string& value) { out.text(key, key, value); };
  const auto number = [&](std::string_view key, std::uint64_t value) { out.number(key, key, value); };
  number("version", evidence.version);
  text("type", std::string(attest_name(attest->type)));
  text("qualified_signer", hex(attest->qualifiedSigner.data));
  text("extra_data", hex(attest->extraData.data));
  number("clock", attest->clockInfo.clock);
  number("reset_count", attest->clockInfo.resetCount);
  number("restart_count", attest->clockInfo.restartCount);
  text("firmware_version", format("0x%016llx", static_cast<unsigned long long>(attest->firmwareVersion)));
  text("pcr_select", selections);
  text("pcr_digest", hex(attest->quote.pcrDigest.data));
  text("signature", hex(evidence.signature.view()));
  for (std::size_t i = 0; i < evidence.pcr_count; ++i) text(format("pcr_%zu", i), hex(evidence.pcrs[i]));
  number("hcl_report_size", evidence.hcl_report.size);
  number("vcek_size", evidence.vcek.size);
  SNPNV_TRY(const std::string shown, out.finish(arguments.json()));
  SNPNV_CHECK(print(shown));
  return Exit::done;
}

}  // namespace

const CommandSpec kDisplayEvidence{
    "display evidence",
    "FILE",
    "show Trustee evidence",
    "Shows quote, PCRs and sizes of the evidence in FILE. Verifies nothing.",
    1,
    1,
    {},
    display_evidence};

}  // namespace snpnv::tool
