// SPDX-License-Identifier: Apache-2.0
#include "describe.hpp"

#include "snpnv/words/error.hpp"
#include "transports/words.hpp"

namespace snpnv::tool {
namespace {

Exit exit_for(Code code) {
  switch (code) {
    case Code::io_deadline:
    case Code::tpm_retry:
    case Code::fresh_torn:
    case Code::fresh_stale:
    case Code::fresh_overwritten:
    case Code::fresh_no_user_data: return Exit::not_fresh;
    default: return Exit::failed;
  }
}

}  // namespace

Failure not_a_report(std::string_view path, ByteView content, const Error& error) {
  Failure out = describe(path, error);
  if (content.size() == ATTESTATION_REPORT::kSize) return out;
  out.why = format("%zu octets, a report has %zu", content.size(), ATTESTATION_REPORT::kSize);
  constexpr std::size_t kGuestResponse = 4000;  // linux/sev-guest.h
  constexpr std::size_t kTdReport = 1024;       // Intel TDX module, "TDREPORT_STRUCT"
  if (text_of(content).starts_with("HCLA")) {
    out.hint = "an HCLA envelope, with a report in it: display envelope and verify envelope take it";
  } else if (content.size() == kGuestResponse) {
    out.hint = "a response of /dev/sev-guest: the report is its 1184 octets from offset 32";
  } else if (content.size() == kTdReport) {
    out.hint = "a TDX report has as many; snpnv reads SEV-SNP reports";
  }
  return out;
}

std::string describe_rc(std::uint32_t code) {
  return written(kErrorRoom, [&](ByteWriter& out) { write_response_code(out, code); });
}

std::string describe_handle(std::uint32_t handle) {
  return written(kErrorRoom, [&](ByteWriter& out) { write_handle(out, TPM_HANDLE{handle}); });
}

Failure describe(std::string_view what, const Error& error) {
  std::array<std::byte, kErrorRoom> room;
  std::array<std::byte, kErrorRoom> system_room;
  const ErrorWords words = words_of(what, error, room, system_detail(error, system_room));
  return {exit_for(error.code), words.what, words.why, words.code,
          words.hint.empty() ? system_hint(what, error, system_room) : words.hint};
}

std::unexpected<Failure> library_failure(std::string_view what, const Error& error) {
  return std::unexpected(describe(what, error));
}

Failure describe_json(std::string_view what, [[maybe_unused]] ByteView text, const Error& error) {
  Failure out = describe(what, error);
#if SNPNV_VERIFY  // where there is room for it
  const ByteView member = member_of(text, error);
  if (!member.empty()) out.why = concat({out.why, ": ", text_of(member)});
#endif
  return out;
}

}  // namespace snpnv::tool
