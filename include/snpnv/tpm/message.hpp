// SPDX-License-Identifier: Apache-2.0
// TPM responses from a stream of octets, which keeps no limits between messages.
#pragma once

#include "snpnv/wire/tpm2_messages.hpp"

namespace snpnv {

/// Receives one response: as many octets as its header announces. `read_some(MutBytes)` gives a
/// Result<std::size_t>, 0 at the end of the stream. What is shorter than a header by its own words, or came
/// with more behind it, is given as it is: whoever asked refuses it.
/// @returns the response | io_closed - the stream ended within it
///   | wire_overflow - the response is larger than `response`; detail: its size | what `read_some` returns.
template <class ReadSome>
[[nodiscard]] Result<ByteView> receive_response(ReadSome&& read_some, MutBytes response) noexcept {
  std::array<std::byte, kMaxTpmMessage> message;
  std::size_t have = 0;
  std::size_t size = TpmHeader::kSize;
  while (have < size) {
    SNPNV_TRY(const std::size_t more, read_some(MutBytes(message).subspan(have)));
    if (more == 0) return fail(Code::io_closed);
    have += more;
    if (have < TpmHeader::kSize) continue;
    const std::uint32_t announced = TpmHeader::announced_size(ByteView(message).first<TpmHeader::kSize>());
    if (announced > message.size()) return fail(Code::wire_overflow, response.size(), announced);
    size = std::max<std::size_t>(announced, size);
  }
  if (have > response.size())
    return fail(Code::wire_overflow, response.size(), static_cast<std::uint32_t>(have));
  return copy_to(response, ByteView(message).first(have));
}

}  // namespace snpnv
