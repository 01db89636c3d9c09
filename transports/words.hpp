// SPDX-License-Identifier: Apache-2.0
// What only an operating system and TCTIs know of an error in words, beside words/error.hpp.
#pragma once

#include <netdb.h>

#include <cerrno>
#include <cstring>

#include "snpnv/core/encoding.hpp"
#include "snpnv/core/text.hpp"

namespace snpnv {

#if SNPNV_TCTI
namespace detail {

// What TCTIs and their loader say most, by the lower half of TSS2_RC. TCG TSS 2.0 Overview, "Return Codes".
struct TctiRc {
  std::uint16_t code;
  std::string_view name;
  std::string_view hint;
};
inline constexpr std::uint16_t kTctiNotSupported = 21;
inline constexpr TctiRc kTctiRcs[] = {
    {6, "TSS2_TCTI_RC_INSUFFICIENT_BUFFER", "the response is longer than any of a TPM"},
    {10, "TSS2_TCTI_RC_IO_ERROR", "nothing serves there, or it closed the connection"},
    {11, "TSS2_TCTI_RC_BAD_VALUE", "the TCTI does not take what stands behind its name"},
    {17, "TSS2_TCTI_RC_MALFORMED_RESPONSE", {}},
    {kTctiNotSupported, "TSS2_TCTI_RC_NOT_SUPPORTED", "there is no TCTI of that name"},
};
[[nodiscard]] inline const TctiRc* find_tcti_rc(const Error& error) {
  for (const TctiRc& rc : kTctiRcs)
    if (rc.code == (error.detail & 0xFFFFU)) return &rc;
  return nullptr;
}

// The loader says NOT_SUPPORTED of names that nobody knows, and of libraries that are not installed.
inline void write_tcti_hint(ByteWriter& out, std::string_view tcti, const Error& error) {
  const TctiRc* const rc = find_tcti_rc(error);
  if (rc == nullptr) return;
  while (tcti.starts_with("record:") && tcti.contains('=')) tcti.remove_prefix(tcti.find('=') + 1);
  const std::string_view name = tcti.substr(0, tcti.find(':'));
  if (rc->code == kTctiNotSupported)
    for (const std::string_view known : {"tabrmd", "mssim", "swtpm", "device", "cmd", "pcap", "libtpms", "spi-helper"})
      if (name == known) {
        out.text("its library, libtss2-tcti-");
        out.text(name);
        return out.text(".so.0, is not installed");
      }
  out.text(rc->hint);
}

}  // namespace detail
#endif

/// What the detail of an error says, where only the system knows; empty for all others. `room`, of kErrorRoom, holds
/// what is composed.
[[nodiscard]] inline std::string_view system_detail(const Error& error, [[maybe_unused]] MutBytes room) {
  switch (error.code) {
    case Code::io_failed: return std::strerror(static_cast<int>(error.detail));
    case Code::io_name: return ::gai_strerror(-static_cast<int>(error.detail));
#if SNPNV_TCTI
    case Code::io_tcti: {
      ByteWriter out(room);
      if (const detail::TctiRc* const rc = detail::find_tcti_rc(error)) {
        out.text(rc->name);
        out.text(", ");
      }
      out.text("0x");
      encode_number(out, error.detail, 16, 8);
      return text_of(out.written());
    }
#endif
    default: return {};
  }
}

namespace detail {

// The port in a transport's name, if it is none.
[[nodiscard]] inline std::string_view bad_port(std::string_view name) {
  const std::size_t at = name.rfind("port=");
  if (at == std::string_view::npos) return {};
  std::string_view port = name.substr(at + 5);
  port = port.substr(0, port.find(','));
  const auto number = decimal(port, UINT16_MAX);
  return number && *number > 0 ? std::string_view() : name.substr(at, 5 + port.size());
}

}  // namespace detail

/// What an error about a transport, or a host, of this name is due to, where that is known; else empty. `room`, of
/// kErrorRoom, holds what is composed.
[[nodiscard]] inline std::string_view system_hint(std::string_view name, const Error& error, MutBytes room) {
  ByteWriter out(room);
  if (error.code == Code::io_tcti || error.code == Code::io_unavailable)
    if (const auto port = detail::bad_port(name); !port.empty()) {
      out.text(port);
      out.text(": a port is a number from 1 to 65535");
      return text_of(out.written());
    }
  switch (error.code) {
#if SNPNV_TCTI
    case Code::io_tcti: detail::write_tcti_hint(out, name, error); return text_of(out.written());
#endif
    case Code::io_unavailable:
      if (name.starts_with("record:")) return "record: wants FILE=TCTI";
      if (name.starts_with("swtpm"))
        return "this build, without tpm2-tss, takes swtpm:host=ADDRESS,port=N, no name and nothing else";
      return "this build, without tpm2-tss, has device, swtpm, record and replay alone";
    case Code::io_failed:
      if (error.detail == EACCES && (name.starts_with("device") || name.starts_with("/dev/")))
        return "TPM devices are for root and the group tss";
      return error.detail == ECONNREFUSED ? "nothing serves there" : "";
    case Code::io_name: return "names are looked up in /etc/hosts and by the servers in /etc/resolv.conf";
    default: return {};
  }
}

}  // namespace snpnv
