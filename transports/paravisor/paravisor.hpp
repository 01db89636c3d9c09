// The emulated paravisor: a transport that adds the NV attestation interface to another transport.
#pragma once

#include "snpnv/tpm/nv.hpp"
#include "transports/paravisor/envelope.hpp"
#include "transports/paravisor/sessions.hpp"

namespace snpnv::paravisor {

/// Answers for the NV indices that the paravisor owns and passes all else to the TPM behind it.
/// The indices are virtual: software TPMs hold 2048 octets at most. Commands come one at a time.
template <Transport Inner, Clock C>
class Paravisor {
 public:
  static constexpr std::uint16_t kAkCertificateSize = 4096;

  Paravisor(Inner& tpm, C& clock, Platform& platform, const Options& options)
      : tpm_(tpm), clock_(clock), platform_(platform), options_(options) {}

  /// A boot, with the TPM behind just switched on: provisions the keys and makes the report of the
  /// boot, which starts the first window. Nothing of an earlier boot stays, but what the TPM keeps.
  [[nodiscard]] Result<void> start() {
    sessions_ = {};
    state_ = {};
    SNPNV_TRY(keys_.attestation, provide_key(tpm_, vtpm::kAttestationKey, attestation_key_template()));
    SNPNV_TRY(keys_.endorsement, provide_key(tpm_, kEndorsementKey, endorsement_key_template()));
    SNPNV_TRY(ak_certificate_, make_ak_certificate(keys_.attestation));
    ak_certificate_.resize(kAkCertificateSize);
    SNPNV_CHECK(renew(user_data()));
    return {};
  }

  /// @returns the response | io_deadline - the fault `silence` | what the TPM behind returns.
  [[nodiscard]] Result<ByteView> transact(ByteView command, MutBytes response) noexcept {
    const Faults& faults = options_.faults;
    if (faults.silence) return fail(Code::io_deadline);
    const auto header = TpmHeader::parse(command);
    if (!header) return tpm_.transact(command, response);
    if (faults.retry_rc && (state_.retried = !state_.retried))
      return marshal_error(static_cast<std::uint32_t>(TPM_RC::RETRY), response);
    const auto code = static_cast<TPM_CC>(header->code);
    if (faults.nv_silence && (code == TPM_CC::NV_Read || code == TPM_CC::NV_Write))
      return fail(Code::io_deadline);
    if (faults.nv_rate && code == TPM_CC::NV_Write && ++state_.rate_limited % 4 != 0)
      return marshal_error(static_cast<std::uint32_t>(TPM_RC::NV_RATE), response);
    if (code == StartAuthSession::kCode) return start_auth_session(command, response);
    if (code == FlushContext::kCode) return flush_context(command, response);
    switch (code) {
      case TPM_CC::NV_ReadPublic: return nv_read_public(command, response);
      case TPM_CC::NV_Read: return nv_read(command, response);
      case TPM_CC::NV_Write: return nv_write(command, response);
      case TPM_CC::NV_DefineSpace: return nv_define(command, response);
      case TPM_CC::NV_UndefineSpace: return nv_undefine(command, response);
      case TPM_CC::GetCapability: return get_capability(command, response);
      default: return tpm_.transact(command, response);
    }
  }

 private:
  // Response codes with their subjects. Part 2, "TPM_RC", "Format 1".
  static constexpr std::uint32_t handle(TPM_RC rc, std::uint32_t number) {
    return static_cast<std::uint32_t>(rc) | (number << 8);
  }
  static constexpr std::uint32_t parameter(TPM_RC rc, std::uint32_t number) {
    return static_cast<std::uint32_t>(rc) | 0x40U | (number << 8);
  }
  static constexpr std::uint32_t session(TPM_RC rc, std::uint32_t number) {
    return static_cast<std::uint32_t>(rc) | ((number + 8) << 8);
  }

  // --- the indices ---

  [[nodiscard]] bool owns(TPM_HANDLE index) const {
    return (index == vtpm::kReportIndex && !options_.faults.no_index) ||
           index == vtpm::kAkCertificateIndex;
  }
  [[nodiscard]] TPMS_NV_PUBLIC area(TPM_HANDLE index) const {
    constexpr TPMA_NV kAttributes = TPMA_NV{}
                                        .with(TPMA_NV::AUTHREAD)
                                        .with(TPMA_NV::AUTHWRITE)
                                        .with(TPMA_NV::OWNERREAD)
                                        .with(TPMA_NV::PLATFORMCREATE)
                                        .with(TPMA_NV::NO_DA)
                                        .with(TPMA_NV::WRITTEN);
    return {index, TPM_ALG_ID::SHA256, kAttributes, {},
            index == vtpm::kReportIndex ? options_.nv_size : kAkCertificateSize};
  }
  [[nodiscard]] ByteView content(TPM_HANDLE index) const {
    return index == vtpm::kReportIndex ? ByteView(report_) : ByteView(ak_certificate_);
  }

  // --- refreshing the report ---

  Result<void> renew(const UserData& data) {
    SNPNV_TRY(report_, make_content(platform_, options_, keys_, data));
    state_.renewed_at = clock_.now();
    return {};
  }
  // What the guest wrote; zeros if it has not.
  [[nodiscard]] UserData user_data() {
    UserData out{};
    Tpm tpm(tpm_, clock_, clock_.now());
    if (!NvReader(tpm, vtpm::kUserDataIndex).read(0, out)) out = {};
    return out;
  }
  // A refresh that fails leaves the old report, as the firmware does.
  void refresh() {
    if (options_.faults.stale_forever) return;
    if (options_.faults.stale_once && !state_.stale_spent) {
      state_.stale_spent = true;
      state_.renewed_at = clock_.now();
      return;
    }
    if (options_.latency > 0 && options_.refresh == Refresh::on_read) clock_.sleep(options_.latency);
    (void)renew(user_data());
  }
  void before_read(std::size_t offset) {
    if (options_.refresh == Refresh::on_write) {
      if (!state_.pending || clock_.now() < state_.written_at + options_.latency) return;
      state_.pending = false;
      refresh();
    } else if (offset == 0 && clock_.now() >= state_.renewed_at + options_.interval) {
      refresh();
    } else if (offset != 0 && state_.tear) {
      // Another writer's data, refreshed while this reader is between two chunks.
      state_.tear = false;
      UserData other = user_data();
      for (std::byte& octet : other) octet ^= std::byte{0x55};
      (void)renew(other);
    }
  }

  // --- commands ---

  // Each answer for a command: malformed ones go to the TPM, which knows the right error.
  Result<ByteView> nv_read_public(ByteView command, MutBytes response) {
    const auto parsed = unmarshal_command<NV_ReadPublic>(command);
    if (!parsed) return tpm_.transact(command, response);
    if (!owns(parsed->nvIndex)) return absent_or_inner(parsed->nvIndex, 1, command, response);
    SNPNV_TRY(const auto name, name_of(parsed->nvIndex));
    const NV_ReadPublic::Response out{{area(parsed->nvIndex)}, {name}};
    return marshal_response(out, TPM_ST::NO_SESSIONS, 0, response);
  }
  // nameAlg and the digest of the public area. Part 1, "Names".
  [[nodiscard]] Result<std::array<std::byte, 34>> name_of(TPM_HANDLE index) {
    std::array<std::byte, 64> marshaled{};
    std::array<std::byte, 34> name{};
    SNPNV_TRY(const ByteView text, marshal(area(index), marshaled));
    SNPNV_TRY(const Digest digest, crypto_.digest(Hash::sha256, text));
    Writer writer(name);
    writer.be(static_cast<std::uint16_t>(TPM_ALG_ID::SHA256));
    writer.bytes(digest.view());
    return name;
  }

  Result<ByteView> nv_read(ByteView command, MutBytes response) {
    const auto parsed = unmarshal_command<NV_Read>(command);
    if (!parsed) return tpm_.transact(command, response);
    if (!owns(parsed->nvIndex)) return absent_or_inner(parsed->nvIndex, 2, command, response);
    const Authorization authorization = read_authorization(command);
    if (const std::uint32_t rc = read_refused(*parsed, authorization); rc != 0)
      return marshal_error(rc, response);
    if (parsed->nvIndex == vtpm::kReportIndex) before_read(parsed->offset);
    ByteView data = content(parsed->nvIndex).subspan(parsed->offset, parsed->size);
    if (options_.faults.short_response && !data.empty()) data = data.first(data.size() - 1);
    const NV_Read::Response out{{data}};
    if (authorization.session.sessionHandle == TPM_RH::PW)
      return marshal_response(out, TPM_ST::SESSIONS, 1, response);
    return answer_session(out, authorization, response);
  }

  // The one authorization of a command with two handles, and the parameters behind it.
  struct Authorization {
    TPMS_AUTH_COMMAND session;
    ByteView parameters;
  };
  [[nodiscard]] static Authorization read_authorization(ByteView command) {
    Reader reader(command.subspan(TpmHeader::kSize + 4 + 4));
    Reader area = reader.sub(reader.be<std::uint32_t>());
    Authorization out;
    TpmReader{area}(out.session);
    out.parameters = reader.take(reader.remaining());
    return out;
  }
  [[nodiscard]] Result<ByteView> answer_session(const NV_Read::Response& out,
                                                const Authorization& authorization, MutBytes response) {
    std::array<std::byte, kMaxTpmMessage> buffer;
    SNPNV_TRY(const ByteView parameters, marshal(out, buffer));
    const auto session = sessions_.answer(authorization.session, TPM_CC::NV_Read, parameters);
    Writer writer(response);
    TpmWriter{writer}(TpmHeader{TPM_ST::SESSIONS, 0, 0}, static_cast<std::uint32_t>(parameters.size()));
    writer.bytes(parameters);
    writer.bytes(session);
    return seal_message(writer);
  }

  // 0, or why this read is refused, in the order in which the reference implementation looks.
  [[nodiscard]] std::uint32_t read_refused(const NV_Read& read, const Authorization& authorization) {
    if (const std::uint32_t rc =
            authorization_refused(TPM_CC::NV_Read, read.authHandle, read.nvIndex, authorization);
        rc != 0)
      return rc;
    if (read.size > kNvBufferMax) return parameter(TPM_RC::VALUE, 1);
    if (std::size_t{read.offset} + read.size > content(read.nvIndex).size())
      return static_cast<std::uint32_t>(TPM_RC::NV_RANGE);
    return 0;
  }
  // The owner may read with the empty password. The index has a password that no guest knows.
  [[nodiscard]] std::uint32_t authorization_refused(TPM_CC code, TPM_HANDLE authHandle, TPM_HANDLE index,
                                                    const Authorization& authorization) {
    const TPMS_AUTH_COMMAND& given = authorization.session;
    bool accepted = given.sessionHandle == TPM_RH::PW && given.hmac.data.empty();
    if (const auto name = name_of(index); !accepted && name) {
      std::array<std::byte, 4 + 34> names{};  // a permanent handle is its own name
      Writer writer(names);
      writer.be(static_cast<std::uint32_t>(authHandle));
      writer.bytes(*name);
      accepted = sessions_.accepts(given, code, writer.written(), authorization.parameters);
    }
    if (!accepted || authHandle == index) return session(TPM_RC::BAD_AUTH, 1);
    if (authHandle != TPM_RH::OWNER) return static_cast<std::uint32_t>(TPM_RC::NV_AUTHORIZATION);
    return 0;
  }

  Result<ByteView> start_auth_session(ByteView command, MutBytes response) {
    const auto answer = tpm_.transact(command, response);
    if (answer) sessions_.started(command, *answer);
    return answer;
  }
  Result<ByteView> flush_context(ByteView command, MutBytes response) {
    if (const auto parsed = unmarshal_command<FlushContext>(command)) sessions_.flushed(parsed->flushHandle);
    return tpm_.transact(command, response);
  }

  Result<ByteView> nv_write(ByteView command, MutBytes response) {
    const auto parsed = unmarshal_command<NV_Write>(command);
    if (!parsed || !owns(parsed->nvIndex)) {
      const auto answer = tpm_.transact(command, response);
      if (parsed && parsed->nvIndex == vtpm::kUserDataIndex && answer) note_write(*answer);
      return answer;
    }
    const std::uint32_t rc = authorization_refused(TPM_CC::NV_Write, parsed->authHandle, parsed->nvIndex,
                                                   read_authorization(command));
    return marshal_error(rc != 0 ? rc : static_cast<std::uint32_t>(TPM_RC::NV_AUTHORIZATION), response);
  }
  void note_write(ByteView answer) {
    const auto header = TpmHeader::parse(answer);
    if (!header || header->code != 0) return;
    state_.pending = true;
    state_.written_at = clock_.now();
    state_.tear = options_.faults.torn;
  }

  Result<ByteView> nv_define(ByteView command, MutBytes response) {
    const auto parsed = unmarshal_command<NV_DefineSpace>(command);
    if (!parsed || !owns(parsed->publicInfo.value.nvIndex)) return tpm_.transact(command, response);
    return marshal_error(static_cast<std::uint32_t>(TPM_RC::NV_DEFINED), response);
  }

  Result<ByteView> nv_undefine(ByteView command, MutBytes response) {
    const auto parsed = unmarshal_command<NV_UndefineSpace>(command);
    if (!parsed || !owns(parsed->nvIndex)) return tpm_.transact(command, response);
    // PLATFORMCREATE: the owner may not.
    return marshal_error(static_cast<std::uint32_t>(TPM_RC::NV_AUTHORIZATION), response);
  }

  // The list of NV indices, with ours among them.
  Result<ByteView> get_capability(ByteView command, MutBytes response) {
    constexpr std::uint32_t kNvIndices = 0x01000000;  // TPM_HT_NV_INDEX
    const auto parsed = unmarshal_command<GetCapability>(command);
    SNPNV_TRY(const ByteView answer, tpm_.transact(command, response));
    if (!parsed || parsed->capability != TPM_CAP::HANDLES || parsed->property >> 24 != kNvIndices >> 24)
      return answer;
    auto listed = unmarshal_response(*parsed, answer);
    if (!listed) return answer;
    TPML_HANDLE& handles = listed->capabilityData.handles;
    for (const TPM_HANDLE index : {vtpm::kReportIndex, vtpm::kAkCertificateIndex}) {
      if (!owns(index) || static_cast<std::uint32_t>(index) < parsed->property) continue;
      const auto place = std::ranges::lower_bound(handles.view(), index);
      const auto at = static_cast<std::size_t>(place - handles.view().begin());
      if (listed->moreData != 0 && at == handles.count) continue;  // behind what fits
      if (handles.count == TPML_HANDLE::kMax) {
        listed->moreData = 1;
        --handles.count;
      }
      handles.add(index);
      std::ranges::sort(std::span(handles.entries).first(handles.count));
    }
    if (handles.count > parsed->propertyCount) {
      handles.count = parsed->propertyCount;
      listed->moreData = 1;
    }
    return marshal_response(*listed, TPM_ST::NO_SESSIONS, 0, response);
  }

  // An index that is not ours is the TPM's, except for one that the fault `no-index` took away.
  Result<ByteView> absent_or_inner(TPM_HANDLE index, std::uint32_t number, ByteView command,
                                   MutBytes response) {
    if (index == vtpm::kReportIndex) return marshal_error(handle(TPM_RC::HANDLE, number), response);
    return tpm_.transact(command, response);
  }

  Inner& tpm_;
  C& clock_;
  Platform& platform_;
  Options options_;
  MbedCrypto crypto_;
  Sessions sessions_;
  Keys keys_;
  std::vector<std::byte> report_;
  std::vector<std::byte> ak_certificate_;
  // What a boot begins without.
  struct State {
    Instant renewed_at = 0;
    Instant written_at = 0;
    bool pending = false;      // written since the last refresh, for Refresh::on_write
    bool tear = false;         // for the fault `torn`
    bool stale_spent = false;  // for the fault `stale-once`
    bool retried = false;      // for the fault `retry-rc`
    std::uint32_t rate_limited = 0;  // for the fault `nv-rate`
  };
  State state_;
};

}  // namespace snpnv::paravisor
