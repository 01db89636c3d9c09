// SPDX-License-Identifier: Apache-2.0
// Evidence of this machine for one nonce, and the VCEK that goes with it.
#pragma once

#include "quote_files.hpp"
#include "snpnv/collect/fresh_report.hpp"
#include "vcek.hpp"

namespace snpnv::tool {

/// What was collected for one nonce. The report borrows the envelope's octets.
struct Collected {
  std::vector<std::byte> envelope;
  BoundReport bound;
  QuoteEvidence quote;
  std::vector<std::byte> ak_certificate;  // empty: none
  std::vector<std::byte> event_log;       // empty: not asked for
  std::vector<std::byte> systemd_log;     // the same

  [[nodiscard]] ByteView hcl_report() const { return ByteView(envelope).first(bound.envelope.size()); }
};

inline constexpr OptionSpec kEventLogOption{0, "event-log", "[=FILE]",
                                            "with what the boot measured; default: the kernel's, by tpm0"};
/// The file that --event-log names, or the kernel's; nothing: it was not given. It is read twice, so it is no pipe.
[[nodiscard]] Outcome<std::optional<std::string_view>> event_log_file(const Arguments& arguments);

/// Asks the TPM for a fresh report and a quote that carry the nonce; `with_certificate`: of its key too; with the event
/// log of that file, and systemd's log, which stands still meanwhile.
[[nodiscard]] Outcome<Collected> collect(const Arguments& arguments, const std::string& tcti, ByteView nonce,
                                         Instant deadline, bool with_certificate,
                                         std::optional<std::string_view> event_log = {},
                                         std::optional<std::string_view> systemd_log = {});

/// Appends it as Trustee's evidence.
void write_trustee_evidence(ByteWriter& out, const Collected& parts, ByteView vek);
/// Appends it as the request body of Microsoft Azure Attestation.
[[nodiscard]] Outcome<void> write_maa_request(ByteWriter& out, const Collected& parts, const VekFile& vek);

/// Reads --vcek FILE for `form`, trustee or maa, which takes issuers too.
[[nodiscard]] Outcome<VekFile> read_vek_for(std::string_view form, std::string_view path);

#ifdef SNPNV_FETCH
/// The VCEK that goes with the report: `file`, judged, if there is one, otherwise got from where the options say;
/// `with_ca_file` as in FetchSettings.
[[nodiscard]] Outcome<VekFile> vek_of(const Arguments& arguments, const VekFile& file, const ATTESTATION_REPORT& report,
                                      const TrustFiles& trust, Instant deadline, bool with_ca_file);
#endif

}  // namespace snpnv::tool
