// SPDX-License-Identifier: Apache-2.0
// A guest's command taken apart as far as every command is alike: handles, authorizations, parameters.
#pragma once

#include <map>
#include <optional>
#include <vector>

#include "snpnv/wire/tpm2_messages.hpp"

namespace snpnv::paravisor {

// Commands beside those of snpnv/wire, as a paravisor meets them. Part 2, "TPM_CC".
namespace cc {
inline constexpr TPM_CC NV_UndefineSpaceSpecial{0x11F};
inline constexpr TPM_CC GetCommandAuditDigest{0x133};
inline constexpr TPM_CC Certify{0x148};
inline constexpr TPM_CC CertifyCreation{0x14A};
inline constexpr TPM_CC GetTime{0x14C};
inline constexpr TPM_CC GetSessionAuditDigest{0x14D};
inline constexpr TPM_CC StartAuthSession{0x176};
inline constexpr TPM_CC NV_Certify{0x184};
}  // namespace cc

/// A command that is whole so far; what its parameters say is not looked at.
struct GuestCommand {
  TPM_CC code{};
  std::vector<TPM_HANDLE> handles;
  std::vector<TPMS_AUTH_COMMAND> sessions;  // they and the parameters borrow the message
  ByteView parameters;

  /// @returns the command | tpm_header | wire_short, wire_trailing, wire_size.
  [[nodiscard]] static Result<GuestCommand> parse(ByteView message, std::size_t handle_count) {
    SNPNV_TRY(const TpmHeader header, TpmHeader::parse(message));
    if (header.tag != TPM_ST::SESSIONS && header.tag != TPM_ST::NO_SESSIONS)
      return fail(Code::tpm_header, 0, static_cast<std::uint32_t>(header.tag));
    GuestCommand out;
    out.code = static_cast<TPM_CC>(header.code);
    ByteReader reader(message.subspan(TpmHeader::kSize), TpmHeader::kSize);
    for (std::size_t i = 0; i < handle_count; ++i) out.handles.push_back(TPM_HANDLE{reader.be<std::uint32_t>()});
    if (header.tag == TPM_ST::SESSIONS) {
      ByteReader area = reader.sub(reader.be<std::uint32_t>());
      do {
        TpmReader{area}(out.sessions.emplace_back());
      } while (area.remaining() != 0);
      reader.close(area);
    }
    out.parameters = reader.take(reader.remaining());
    return reader.finish(out);
  }

  [[nodiscard]] bool names(TPM_HANDLE handle) const { return std::ranges::find(handles, handle) != handles.end(); }

  /// How many of the handles want an authorization, for commands on NV indices. Part 3, their clauses.
  [[nodiscard]] std::size_t authorized_handles() const {
    if (code == TPM_CC::NV_ReadPublic) return 0;
    return code == cc::NV_Certify || code == cc::NV_UndefineSpaceSpecial ? 2 : 1;
  }

  /// The command again.
  /// @returns the octets written to the front of `out` | wire_overflow.
  [[nodiscard]] Result<ByteView> marshal(MutBytes out) const {
    ByteWriter writer(out);
    TpmWriter wire(writer);
    wire(TpmHeader{sessions.empty() ? TPM_ST::NO_SESSIONS : TPM_ST::SESSIONS, 0, static_cast<std::uint32_t>(code)});
    for (const TPM_HANDLE handle : handles) wire(handle);
    if (!sessions.empty()) {
      const std::size_t at = writer.size();
      wire(std::uint32_t{0});
      for (const TPMS_AUTH_COMMAND& session : sessions) wire(session);
      if (!writer.ok()) return writer.finish();
      store<std::uint32_t, Endian::big>(writer.written().subspan(at).first<4>(),
                                        static_cast<std::uint32_t>(writer.size() - at - 4));
    }
    writer.bytes(parameters);
    return detail::seal_message(writer);
  }
};

/// A successful response to such a command.
struct GuestResponse {
  ByteView handle;  // of 4 octets, if the command makes one
  ByteView parameters;
  std::vector<TPMS_AUTH_RESPONSE> sessions;

  /// @returns the response | what response_header() returns | wire_short, wire_trailing, wire_size.
  [[nodiscard]] static Result<GuestResponse> parse(ByteView message, bool makes_handle) {
    SNPNV_TRY(const TpmHeader header, detail::response_header(message));
    GuestResponse out;
    ByteReader reader(message.subspan(TpmHeader::kSize), TpmHeader::kSize);
    if (makes_handle) out.handle = reader.take(4);
    const bool sessions = header.tag == TPM_ST::SESSIONS;
    out.parameters = reader.take(sessions ? reader.be<std::uint32_t>() : reader.remaining());
    do {
      if (sessions) TpmReader{reader}(out.sessions.emplace_back());
    } while (reader.remaining() != 0);
    return reader.finish(out);
  }

  /// The response again.
  /// @returns the octets written to the front of `out` | wire_overflow.
  [[nodiscard]] Result<ByteView> marshal(MutBytes out) const {
    ByteWriter writer(out);
    TpmWriter wire(writer);
    wire(TpmHeader{sessions.empty() ? TPM_ST::NO_SESSIONS : TPM_ST::SESSIONS, 0, 0});
    writer.bytes(handle);
    if (!sessions.empty()) wire(static_cast<std::uint32_t>(parameters.size()));
    writer.bytes(parameters);
    for (const TPMS_AUTH_RESPONSE& session : sessions) wire(session);
    return detail::seal_message(writer);
  }
};

/// What the TPM says of its commands. Part 2, "TPMA_CC".
class CommandTable {
 public:
  struct Entry {
    std::size_t handles = 0;
    bool makes_handle = false;
  };

  /// Asks `tpm` for them all.
  /// @returns the table | what the TPM returns | wire_short, wire_trailing.
  template <class T>
  [[nodiscard]] static Result<CommandTable> load(T& tpm) {
    constexpr std::uint32_t kCommands = 2;  // TPM_CAP_COMMANDS
    constexpr std::uint32_t kFirst = 0x11F;
    constexpr std::uint32_t kAll = 254;
    std::array<std::byte, 22> command{};
    ByteWriter writer(command);
    TpmWriter{writer}(TpmHeader{TPM_ST::NO_SESSIONS, 0, static_cast<std::uint32_t>(TPM_CC::GetCapability)}, kCommands,
                      kFirst, kAll);
    SNPNV_TRY(const ByteView message, detail::seal_message(writer));
    std::array<std::byte, kMaxTpmMessage> response;
    SNPNV_TRY(const ByteView answer, tpm.transact(message, response));
    SNPNV_CHECK(detail::response_header(answer));
    ByteReader reader(answer.subspan(TpmHeader::kSize), TpmHeader::kSize);
    (void)reader.take(1 + 4);  // moreData, the capability
    CommandTable out;
    for (auto count = reader.be<std::uint32_t>(); count > 0 && reader.ok(); --count) {
      const auto attributes = reader.be<std::uint32_t>();
      out.entries_[attributes & 0xFFFFU] = {(attributes >> 25) & 7U, (attributes >> 28 & 1U) != 0};
    }
    return reader.finish(out);
  }
  [[nodiscard]] Entry operator[](std::uint32_t code) const {
    const auto found = entries_.find(code);
    return found != entries_.end() ? found->second : Entry{};
  }

 private:
  std::map<std::uint32_t, Entry> entries_;
};

}  // namespace snpnv::paravisor
