// SPDX-License-Identifier: Apache-2.0
// The frames around TPM 2.0 commands and responses, in both directions: a guest marshals commands and
// unmarshals responses, an emulated paravisor does the reverse.
#pragma once

#include "snpnv/wire/tpm2_commands.hpp"
#include "snpnv/wire/tpm2_rc.hpp"

namespace snpnv {

/// Octets of the largest command or response. Part 2, "TPM_PT", MAX_COMMAND_SIZE of the reference.
inline constexpr std::size_t kMaxTpmMessage = 4096;

/// What every command and response begins with. Part 1, "Command/Response Header".
struct TpmHeader {
  static constexpr std::size_t kSize = 10;
  TPM_ST tag{};
  std::uint32_t size = 0;  // octets of the whole message
  std::uint32_t code = 0;  // TPM_CC or TPM_RC

  template <class Wire, class Self>
  static constexpr void fields(Wire& wire, Self& self) { wire(self.tag, self.size, self.code); }

  /// How long a message is that begins so, if it is to be believed.
  [[nodiscard]] static constexpr std::uint32_t announced_size(std::span<const std::byte, kSize> front) {
    return load<std::uint32_t, Endian::big>(front.subspan<2, 4>());
  }

  /// Reads the header of a message that fills `message`.
  /// @returns the header | wire_short - where: size of the input
  ///   | tpm_header - where: 2, detail: size, which is not the message's.
  [[nodiscard]] static constexpr Result<TpmHeader> parse(ByteView message) {
    if (message.size() < kSize) return fail(Code::wire_short, message.size(), kSize);
    ByteReader front(message.first(kSize));
    TpmHeader header;
    TpmReader{front}(header);
    if (header.size != message.size()) return fail(Code::tpm_header, 2, header.size);
    return header;
  }
};

namespace detail {

/// Fills in the size of the message in `out`, once it is written.
constexpr Result<ByteView> seal_message(ByteWriter& out) {
  SNPNV_TRY(const ByteView& message, out.finish());
  store<std::uint32_t, Endian::big>(out.written().subspan(2).first<4>(),
                                    static_cast<std::uint32_t>(message.size()));
  return message;
}

/// The header of a command with so many authorizations, whose size is not known yet.
constexpr void marshal_header(TpmWriter& wire, TPM_CC code, std::size_t authorizations) {
  wire(TpmHeader{authorizations > 0 ? TPM_ST::SESSIONS : TPM_ST::NO_SESSIONS, 0, static_cast<std::uint32_t>(code)});
}

/// The authorizations of so many handles, each by the empty password. Part 1, "Password Authorizations".
constexpr void marshal_password_sessions(TpmWriter& wire, std::size_t count) {
  constexpr std::uint32_t kSessionSize = 9;  // handle, empty nonce, attributes, empty password
  wire(static_cast<std::uint32_t>(kSessionSize * count));
  for (; count != 0; --count) wire(TPMS_AUTH_COMMAND{TPM_RH::PW, {}, 0, {}});
}

}  // namespace detail

/// Marshals a command. Each handle that needs an authorization gets a password session with the
/// empty password. Part 1, "Command Structure".
/// @returns the octets written to the front of `out` | wire_overflow.
template <TpmCommand C>
[[nodiscard]] constexpr Result<ByteView> marshal_command(const C& command, MutBytes out) {
  ByteWriter writer(out);
  TpmWriter wire(writer);
  detail::marshal_header(wire, C::kCode, C::kAuthHandles);
  C::handles(wire, command);
  if constexpr (C::kAuthHandles > 0) detail::marshal_password_sessions(wire, C::kAuthHandles);
  C::parameters(wire, command);
  return detail::seal_message(writer);
}

namespace detail {

/// Reads the header of a response that is a success.
/// @returns it | tpm_rc - detail: TPM_RC
///   | tpm_header - where: offset of the size or tag, detail: its value | wire_short.
[[nodiscard]] constexpr Result<TpmHeader> response_header(ByteView message) {
  SNPNV_TRY(const TpmHeader& header, TpmHeader::parse(message));
  if (header.code == 0) return header;
  if (header.tag != TPM_ST::NO_SESSIONS && header.tag != TPM_ST::RSP_COMMAND)
    return fail(Code::tpm_header, 0, static_cast<std::uint32_t>(header.tag));
  if (header.size != TpmHeader::kSize) return fail(Code::tpm_header, 2, header.size);
  return fail(Code::tpm_rc, 6, header.code);
}

/// A response behind its header: its parameters, then the answers to sessions.
class ResponseBody {
 public:
  /// Opens a response to a command with so many password sessions. Borrows `message`.
  /// @returns it | what response_header() returns; also tpm_header for a tag that does not fit the sessions.
  [[nodiscard]] static constexpr Result<ResponseBody> open(ByteView message, std::size_t sessions) {
    SNPNV_TRY(const TpmHeader& header, response_header(message));
    if (header.tag != (sessions > 0 ? TPM_ST::SESSIONS : TPM_ST::NO_SESSIONS))
      return fail(Code::tpm_header, 0, static_cast<std::uint32_t>(header.tag));
    return ResponseBody(ByteReader(message.subspan(TpmHeader::kSize), TpmHeader::kSize), sessions);
  }

  [[nodiscard]] constexpr ByteReader& parameters() { return parameters_; }

  /// Checks, when the parameters have been read, that they and the sessions were all.
  /// @returns nothing | wire_short, wire_trailing, wire_size, wire_value - where: offset in the response.
  [[nodiscard]] constexpr Result<void> finish() {
    rest_.close(parameters_);
    for (std::size_t i = 0; i < sessions_; ++i) {
      TPMS_AUTH_RESPONSE session;
      TpmReader{rest_}(session);
      rest_.require(session.nonce.data.empty() && session.hmac.data.empty(), Code::wire_value);
    }
    return rest_.finish();
  }

 private:
  constexpr ResponseBody(ByteReader rest, std::size_t sessions)
      : rest_(rest),
        parameters_(rest_.sub(sessions > 0 ? rest_.be<std::uint32_t>() : rest_.remaining())),
        sessions_(sessions) {}

  ByteReader rest_;
  ByteReader parameters_;
  std::size_t sessions_;
};

/// The error, with the command and the object that it concerns.
[[nodiscard]] constexpr Error concerning(TPM_CC command, TPM_HANDLE object, Error error) {
  error.command = static_cast<std::uint32_t>(command);
  error.object = static_cast<std::uint32_t>(object);
  return error;
}
template <TpmCommand C>
[[nodiscard]] constexpr Failed fail_command(const C& command, const Error& error) {
  return {concerning(C::kCode, command.object(), error)};
}

// Why what was read is no response to a command. No template of it, which would be in a program once for each command.
[[nodiscard]] constexpr Error response_error(const Result<void>& read, TPM_CC command, TPM_HANDLE object) {
  return concerning(command, object, read ? Error{Code::tpm_answer, TpmHeader::kSize} : read.error());
}

// Not of the command: several have no parameters in their responses.
template <class Response>
[[nodiscard]] constexpr Result<void> read_response(const Result<ByteView>& message, std::size_t sessions,
                                                   Response& response) {
  if (!message) return fail(message.error());
  auto body = ResponseBody::open(*message, sessions);
  if (!body) return fail(body.error());
  TpmReader{body->parameters()}(response);
  return body->finish();
}

}  // namespace detail

/// Unmarshals the response to `command`, or passes on why there is none. Borrows `message`. Tag, sizes, sessions and the
/// answer itself must fit the command exactly.
/// @returns the response
///   | the error of `message` | what ResponseBody returns
///   | tpm_answer - well-formed, but not an answer to this command.
/// Each error names the command and its object.
template <TpmCommand C>
[[nodiscard]] constexpr Result<typename C::Response> unmarshal_response(const C& command,
                                                                        const Result<ByteView>& message) {
  Result<typename C::Response> response{std::in_place};  // in the caller's place: some are large
  const auto read = detail::read_response(message, C::kAuthHandles, *response);
  if (read && command.answered_by(*response)) return response;
  response = std::unexpected(detail::response_error(read, C::kCode, command.object()));
  return response;
}

/// Unmarshals a command that fills `message`. Borrows it. The authorizations are checked for form
/// and passed over: whoever executes the command checks them.
/// @returns the command | tpm_header | wire_short, wire_trailing, wire_size, wire_value.
template <TpmCommand C>
[[nodiscard]] constexpr Result<C> unmarshal_command(ByteView message) {
  SNPNV_TRY(const TpmHeader& header, TpmHeader::parse(message));
  if (header.code != static_cast<std::uint32_t>(C::kCode)) return fail(Code::wire_value, 6, header.code);
  const bool sessions = header.tag == TPM_ST::SESSIONS;
  if (!sessions && (header.tag != TPM_ST::NO_SESSIONS || C::kAuthHandles > 0))
    return fail(Code::tpm_header, 0, static_cast<std::uint32_t>(header.tag));
  ByteReader reader(message.subspan(TpmHeader::kSize), TpmHeader::kSize);
  TpmReader wire(reader);
  C command{};
  C::handles(wire, command);
  if (sessions) {
    ByteReader area = reader.sub(reader.be<std::uint32_t>());
    do {
      TPMS_AUTH_COMMAND session;
      TpmReader{area}(session);
    } while (area.remaining() != 0);
    reader.close(area);
  }
  C::parameters(wire, command);
  return reader.finish(command);
}

/// Marshals a successful response to a command that came with `tag`; with sessions, `session_count`
/// password sessions are acknowledged. Part 1, "Response Structure".
/// @returns the octets written to the front of `out` | wire_overflow.
template <class Response>
[[nodiscard]] constexpr Result<ByteView> marshal_response(const Response& response, TPM_ST tag,
                                                          std::size_t session_count, MutBytes out) {
  ByteWriter writer(out);
  TpmWriter wire(writer);
  wire(TpmHeader{tag, 0, 0});
  if (tag == TPM_ST::SESSIONS) {
    constexpr std::uint8_t kContinueSession = 1;
    const std::size_t at = writer.size();
    wire(std::uint32_t{0}, response);
    if (!writer.ok()) return writer.finish();
    const std::size_t size = writer.size() - at - 4;
    store<std::uint32_t, Endian::big>(writer.written().subspan(at).first<4>(),
                                      static_cast<std::uint32_t>(size));
    for (std::size_t i = 0; i < session_count; ++i)
      wire(TPMS_AUTH_RESPONSE{{}, kContinueSession, {}});
  } else {
    wire(response);
  }
  return detail::seal_message(writer);
}

/// Marshals a response that carries nothing but an error.
[[nodiscard]] constexpr Result<ByteView> marshal_error(std::uint32_t rc, MutBytes out) {
  return marshal(TpmHeader{TPM_ST::NO_SESSIONS, TpmHeader::kSize, rc}, out);
}

}  // namespace snpnv
