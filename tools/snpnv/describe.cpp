// SPDX-License-Identifier: Apache-2.0
#include "describe.hpp"

#include <netdb.h>

#include <cerrno>
#include <cstring>

#include "snpnv/core/json_reader.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "snpnv/wire/jwt.hpp"
#include "snpnv/wire/snp_report.hpp"
#include "snpnv/wire/tpm2_constants.hpp"
#include "snpnv/wire/tpm2_rc.hpp"

namespace snpnv::tool {
namespace {

#if SNPNV_TCTI
// What TCTIs and their loader say most, by the lower half of TSS2_RC. TCG TSS 2.0 Overview, "Return Codes".
struct TctiRc {
  std::uint16_t code;
  std::string_view name;
  std::string_view hint;
};
constexpr TctiRc kTctiRcs[] = {
    {6, "TSS2_TCTI_RC_INSUFFICIENT_BUFFER", "the response is longer than any of a TPM"},
    {10, "TSS2_TCTI_RC_IO_ERROR", "nothing serves there, or it closed the connection"},
    {11, "TSS2_TCTI_RC_BAD_VALUE", "the TCTI does not take what stands behind its name"},
    {17, "TSS2_TCTI_RC_MALFORMED_RESPONSE", {}},
    {21, "TSS2_TCTI_RC_NOT_SUPPORTED", "there is no TCTI of that name"},
};
const TctiRc* find_tcti_rc(const Error& error) {
  for (const TctiRc& rc : kTctiRcs)
    if (rc.code == (error.detail & 0xFFFFU)) return &rc;
  return nullptr;
}

// The loader says NOT_SUPPORTED of names that nobody knows, and of libraries that are not installed.
std::string tcti_hint(std::string_view tcti, const Error& error) {
  const TctiRc* const rc = find_tcti_rc(error);
  if (rc == nullptr) return {};
  while (tcti.starts_with("record:") && tcti.contains('=')) tcti.remove_prefix(tcti.find('=') + 1);
  const std::string_view name = tcti.substr(0, tcti.find(':'));
  if (rc->code == 21)
    for (const std::string_view known : {"tabrmd", "mssim", "swtpm", "device", "cmd", "pcap", "libtpms", "spi-helper"})
      if (name == known) return "its library, libtss2-tcti-" + str(name) + ".so.0, is not installed";
  return str(rc->hint);
}
#endif

// The port in a TCTI's options, if it is none.
std::string_view bad_port(std::string_view tcti) {
  const std::size_t at = tcti.rfind("port=");
  if (at == std::string_view::npos) return {};
  std::string_view port = tcti.substr(at + 5);
  port = port.substr(0, port.find(','));
  const auto number = decimal(port, UINT16_MAX);
  return number && *number > 0 ? std::string_view() : tcti.substr(at, 5 + port.size());
}

// What a detail means, for the codes where a number alone says little.
std::string detail_text(const Error& error) {
  switch (error.code) {
    case Code::io_failed: return std::strerror(static_cast<int>(error.detail));
    case Code::io_name: return ::gai_strerror(-static_cast<int>(error.detail));
    case Code::tpm_rc:
    case Code::tpm_retry: return describe_rc(error.detail);
    case Code::quote_scheme:
      if (error.detail == 0) break;
      [[fallthrough]];
    case Code::quote_bank: return str(name(static_cast<TPM_ALG_ID>(error.detail)));
#if SNPNV_VERIFY
    case Code::token_claim: return std::string(name(static_cast<MaaClaim>(error.detail)));
    case Code::crl_extension:  // RFC 5280, "CRL Extensions", "CRL Entry Extensions": id-ce 27, 28, 29
      return error.detail == 27   ? "delta CRL indicator"
             : error.detail == 28 ? "issuing distribution point"
             : error.detail == 29 ? "certificate issuer"
                                  : "another critical extension";
#endif
    case Code::jwe_algorithm:
    case Code::json_missing: return str(name(static_cast<JsonMember>(error.detail)));
    case Code::hcl_report_type:
      return format("report_type %u (%s)", error.detail,
                    str(name(static_cast<HclReportType>(error.detail))).c_str());
    case Code::report_product: {
      const auto family = static_cast<std::uint8_t>(error.detail >> 16);
      const auto model = static_cast<std::uint8_t>(error.detail);
      const CpuModels* const row = find_cpu(family, model);
      return format("family 0x%02x, model 0x%02x%s%s", family, model, row ? ", " : "",
                    row ? str(row->name).c_str() : "");
    }
    case Code::hcl_signature:
    case Code::der_encoding:
    case Code::der_tag:
    case Code::tpm_header: return format("0x%08x", error.detail);
#if SNPNV_TCTI
    case Code::io_tcti: {
      const TctiRc* const rc = find_tcti_rc(error);
      return (rc != nullptr ? str(rc->name) + ", " : std::string()) + format("0x%08x", error.detail);
    }
#endif
    default: break;
  }
  return error.detail != 0 ? format("%u", error.detail) : std::string();
}

// Wire errors say where; errors of an operation have no offset.
bool has_offset(Code code) {
  const auto layer = static_cast<std::uint32_t>(code) >> 8;
  if (code == Code::http_status || code == Code::http_redirect) return false;
  return layer == 2 || code == Code::tpm_header || code == Code::tpm_answer;
}

std::string_view hint_for(std::string_view what, const Error& error) {
  const auto object = static_cast<TPM_HANDLE>(error.object);
  const bool report = object == vtpm::kReportIndex;
  const bool user_data = object == vtpm::kUserDataIndex;
  const bool certificate = object == vtpm::kAkCertificateIndex;
  constexpr std::string_view kNotNeeded = "the host has not issued one yet; not needed, the claims vouch for the key";
  if (error.code == Code::tpm_rc) {
    switch (decode(error.detail).rc) {
      case TPM_RC::HANDLE:
        if (report) return "no paravisor offers a report here: not a confidential VM, or one with /dev/sev-guest";
        if (user_data) return "no report was asked for yet: snpnv report defines it";
        if (object == vtpm::kAttestationKey) return "the paravisor provides this key at boot";
        return certificate ? kNotNeeded : std::string_view();
      case TPM_RC::BAD_AUTH:
      case TPM_RC::AUTH_FAIL:
        return object == vtpm::kAttestationKey ? "the key has a password; this interface needs the empty one"
                                               : "the owner hierarchy has a password; this interface needs the empty one";
      case TPM_RC::NV_UNINITIALIZED:
        if (certificate) return kNotNeeded;
        return report ? "the paravisor has not written a report since boot" : "nothing was written to it since it was defined";
      case TPM_RC::NV_RANGE:
        return report ? "the envelope announces more octets than the index holds, or the index is another program's"
                      : "the index is too small";
      case TPM_RC::NV_SPACE:
        return "the TPM's NV memory is full; tpm2_nvundefine frees what tpm2_getcap handles-nv-index lists";
      case TPM_RC::ATTRIBUTES:
        return user_data ? "this index is the platform's or a policy's, so the owner cannot define it anew" : "";
      case TPM_RC::NV_LOCKED:
      case TPM_RC::NV_AUTHORIZATION: return "another program defined or locked this index";
      case TPM_RC::INITIALIZE: return "the TPM was not started up: a simulator needs TPM2_Startup";
      default: return {};
    }
  }
  switch (error.code) {
    case Code::hcl_report_type: return "snpnv reads SEV-SNP reports";
    case Code::hcl_signature:
      return report ? "another program defined this index: no paravisor offers a report here"
                    : "not the content of NV index 0x01400001";
    case Code::io_unavailable:
      if (what.starts_with("record:")) return "record: wants FILE=TCTI";
      if (what.starts_with("swtpm")) return "this build, without tpm2-tss, takes swtpm:host=ADDRESS,port=N, no name and nothing else";
      return "this build, without tpm2-tss, has device, swtpm, record and replay alone";
    case Code::io_failed:
      if (error.detail == EACCES && (what.starts_with("device") || what.starts_with("/dev/")))
        return "TPM devices are for root and the group tss";
      return error.detail == ECONNREFUSED ? "nothing serves there" : "";
    case Code::report_version: return "display envelope shows the header and the claims";
    case Code::io_name: return "names are looked up in /etc/hosts and by the servers in /etc/resolv.conf";
#if SNPNV_VERIFY  // with the commands that quote
    case Code::quote_scheme: return "the attestation key at 0x81000003 was replaced by another program";
    case Code::quote_key:
      return "the attestation key at 0x81000003 was replaced by another program, or made anew after the report";
    case Code::quote_bank: return "tpm2_getcap pcrs lists the banks that are allocated";
#endif
    case Code::fresh_stale: return "the paravisor did not refresh the report in time; try again";
    case Code::fresh_torn: return "report and claims never matched; another process may be asking";
    case Code::fresh_overwritten: return "another process writes NV index 0x01400002; try again";
    case Code::fresh_no_user_data: return "this firmware cannot prove freshness";
    default: return {};
  }
}

// Hints that quote what they are about.
std::string quoting_hint(std::string_view what, const Error& error) {
  if (error.code == Code::io_tcti || error.code == Code::io_unavailable)
    if (const auto port = bad_port(what); !port.empty()) return concat({port, ": a port is a number from 1 to 65535"});
#if SNPNV_TCTI
  if (error.code == Code::io_tcti) return tcti_hint(what, error);
#endif
  return str(hint_for(what, error));
}

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
  const ResponseCode rc = decode(code);
  std::string out = str(name(rc.rc));
  if (rc.subject != ResponseCode::Subject::none)
    out += ", " + str(name(rc.subject)) + " " + std::to_string(rc.number);
  if (rc.layer != 0) out += format(", from layer %u below the TPM's clients", rc.layer);
  return out + format(", 0x%03x", code);
}

std::string describe_handle(std::uint32_t handle) {
  const auto typed = static_cast<TPM_HANDLE>(handle);
  const char* role = "";
  if (typed == vtpm::kReportIndex) role = " (attestation report)";
  if (typed == vtpm::kUserDataIndex) role = " (user data)";
  if (typed == vtpm::kAkCertificateIndex) role = " (AK certificate)";
  if (typed == vtpm::kAttestationKey) role = " (attestation key)";
  const char* const kind = handle >> 24 == 0x01 ? "NV index" : handle >> 24 == 0x81 ? "key" : "handle";
  return format("%s 0x%08x%s", kind, handle, role);
}

Failure describe(std::string_view what, const Error& error) {
  const bool command = error.command != 0;
  // Hexadecimal digits, base64 and JSON of the envelope are the claims'.
  const auto code = static_cast<std::uint32_t>(error.code);
  const bool claims = static_cast<TPM_HANDLE>(error.object) == vtpm::kReportIndex && code >= 0x0210 && code < 0x0240;
  const std::string detail = detail_text(error);
  return {exit_for(error.code), error.object != 0 ? describe_handle(error.object) : str(what),
          concat({command ? name(static_cast<TPM_CC>(error.command)) : "", command ? ": " : claims ? "claims: " : "", text(error.code),
                  detail.empty() ? "" : ": ", detail,
                  has_offset(error.code) ? format(", at offset %u", error.where) : std::string()}),
          name(error.code), quoting_hint(what, error)};
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
