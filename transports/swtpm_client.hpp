// SPDX-License-Identifier: Apache-2.0
// A swtpm, or an emulated paravisor, that listens on TCP: `swtpm:host=…,port=…` without tpm2-tss.
#pragma once

#include "snpnv/core/text.hpp"
#include "snpnv/tpm/message.hpp"
#include "snpnv/tpm/transport.hpp"
#include "transports/tcp.hpp"

namespace snpnv {

/// Connects anew for each command, as the swtpm TCTI does: swtpm serves one connection at a time, so that
/// others get their turn. After any error but wire_overflow the transport refuses further commands.
/// Source: swtpm(8), "--server"; commands and responses follow each other with nothing between.
class SwtpmClient {
 public:
  /// Where `host=ADDRESS,port=N` points; without one of them to 127.0.0.1 and 2321, as tpm2-tss has it.
  /// @returns nothing if it says anything else; a host's name is not looked up, but for `localhost`.
  [[nodiscard]] static std::optional<SocketAddress> parse(std::string_view options) {
    std::string_view host = "localhost";
    std::uint16_t port = 2321;
    while (!options.empty()) {
      const std::string_view option = options.substr(0, options.find(','));
      options.remove_prefix(std::min(options.size(), option.size() + 1));
      if (option.starts_with("host=")) {
        host = option.substr(5);
      } else if (option.starts_with("port=")) {
        const auto number = decimal(option.substr(5), UINT16_MAX);
        if (!number || *number == 0) return std::nullopt;
        port = static_cast<std::uint16_t>(*number);
      } else {
        return std::nullopt;
      }
    }
    return SocketAddress::parse(host == "localhost" ? "127.0.0.1" : host, port);
  }

  SwtpmClient(const SocketAddress& address, Instant deadline) noexcept : address_(address), deadline_(deadline) {}

  /// @returns the response | io_failed - detail: errno; ECONNREFUSED: nobody listens | io_deadline | io_closed
  ///   | wire_overflow - the response is larger than `response`; detail: its size.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    if (failed_) return fail(Code::io_closed);
    auto answer = exchange(command, response);
    failed_ = !answer && answer.error().code != Code::wire_overflow;
    return answer;
  }
  void set_deadline(Instant deadline) noexcept { deadline_ = deadline; }

 private:
  Result<ByteView> exchange(ByteView command, MutBytes response) noexcept {
    if (command.size() > kMaxTpmMessage)
      return fail(Code::wire_overflow, 0, static_cast<std::uint32_t>(command.size()));
    SNPNV_TRY(TcpStream stream, TcpStream::connect(address_, deadline_));
    SNPNV_CHECK(stream.write_all(command));
    return receive_response([&](MutBytes to) { return stream.read_some(to); }, response);
  }

  SocketAddress address_;
  Instant deadline_;
  bool failed_ = false;
};
static_assert(Transport<SwtpmClient>);

}  // namespace snpnv
