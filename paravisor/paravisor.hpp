// SPDX-License-Identifier: Apache-2.0
// The emulated paravisor: a transport that adds the NV attestation interface to another transport.
#pragma once

#include "paravisor/envelope.hpp"
#include "paravisor/limits.hpp"
#include "paravisor/sessions.hpp"
#include "snpnv/tpm/nv.hpp"

namespace snpnv::paravisor {

/// A TPM as a paravisor needs it: one that it can switch off and on and whose state it can read.
template <class T>
concept OwnTpm = Transport<T> && requires(T& tpm, typename T::State which) {
  { tpm.power_cycle() } -> std::same_as<Result<void>>;
  { tpm.state(which) } -> std::same_as<Result<Bytes>>;
};

/// Makes the report, and passes the guest's commands to the TPM behind, which has the indices too and knows what
/// to say to each command on them. Software TPMs hold 2048 octets in one index at most: where the guest is told of
/// more, its reads are answered with the octets that the paravisor has. Commands come one at a time.
template <OwnTpm Inner, Clock C>
class Paravisor {
 public:
  static constexpr std::uint16_t kAkCertificateSize = 4096;

  Paravisor(Inner& tpm, C& clock, Platform& platform, const Options& options)
      : tpm_(tpm), clock_(clock), platform_(platform), options_(options) {}

  /// A boot, with the TPM behind just switched on: provisions keys and indices and makes the report of the
  /// boot, which starts the first window. Nothing of an earlier boot stays, but what the TPM keeps.
  /// @returns nothing | tpm_rc of object 0x01400002 - the user data cannot be read, and the machine has no vTPM
  ///   | wire_overflow - the report does not fit into its index | what the TPM behind returns | crypto_failed.
  [[nodiscard]] Result<void> start() {
    sessions_ = {};
    state_ = {};
    SNPNV_CHECK(drop_sha512());
    SNPNV_TRY(commands_, CommandTable::load(tpm_));
    system_random(nullptr, raw(password_.data()), password_.size());
    SNPNV_CHECK(provision_keys());
    SNPNV_TRY(ak_certificate_, make_ak_certificate(keys_.attestation));
    ak_certificate_.resize(kAkCertificateSize);
    const Faults& faults = options_.faults;
    SNPNV_CHECK(define(vtpm::kReportIndex, options_.nv_size, faults.no_index));
    SNPNV_CHECK(define(vtpm::kAkCertificateIndex, kAkCertificateSize, faults.no_ak_cert));
    if (!faults.no_ak_cert && !faults.ak_cert_late) SNPNV_CHECK(fill(vtpm::kAkCertificateIndex, ak_certificate_));
    SNPNV_CHECK(execute(tpm_, HierarchyControl{TPM_RH::PLATFORM, TPM_RH::PLATFORM, 0}, scratch_));
    SNPNV_TRY(const UserData data, user_data());
    return renew(data);
  }

  /// @returns the response | io_deadline - the fault `silence` | what the TPM behind returns.
  [[nodiscard]] Result<ByteView> transact(ByteView message, MutBytes response) noexcept {
    const Faults& faults = options_.faults;
    if (faults.silence) return fail(Code::io_deadline);
    const auto header = TpmHeader::parse(message);
    if (!header) return tpm_.transact(message, response);
    if (faults.retry_rc && (state_.retried = !state_.retried))
      return marshal_error(static_cast<std::uint32_t>(TPM_RC::RETRY), response);
    const auto code = static_cast<TPM_CC>(header->code);
    if (faults.nv_silence && (code == TPM_CC::NV_Read || code == TPM_CC::NV_Write)) return fail(Code::io_deadline);
    if (faults.nv_rate && code == TPM_CC::NV_Write && ++state_.rate_limited % 4 != 0)
      return marshal_error(static_cast<std::uint32_t>(TPM_RC::NV_RATE), response);
    const auto command = GuestCommand::parse(message, commands_[header->code].handles);
    if (!command) return tpm_.transact(message, response);
    if (const std::uint32_t rc = beyond_limits(*command); rc != 0) return marshal_error(rc, response);
    const ReadRange range = ReadRange::of(*command);
    if (range.index == vtpm::kReportIndex) before_read(range.offset);
    SNPNV_TRY(const ByteView answer, pass(*command, message, response));
    if (detail::response_header(answer)) SNPNV_CHECK(succeeded(*command, answer));
    if (range.index == vtpm::kAkCertificateIndex && range.offset == 0) SNPNV_CHECK(certificate_arrives());
    return code == TPM_CC::GetCapability ? tell_limits(*command, answer, response) : answer;
  }

 private:
  // --- what a boot provides ---

  // A bank that the guest must not see. What is allocated changes when the TPM is switched on.
  Result<void> drop_sha512() {
    constexpr std::array kFirst{std::byte{1}, std::byte{0}, std::byte{0}};
    constexpr std::array kAll{std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}};
    constexpr std::array<std::byte, 3> kNone{};
    PCR_Read read;
    read.pcrSelectionIn.add({TPM_ALG_ID::SHA512, 3, kFirst});
    SNPNV_TRY(const auto found, execute(tpm_, read, scratch_));
    if (found.pcrValues.count == 0) return {};
    PCR_Allocate allocate{TPM_RH::PLATFORM, {}};
    for (const TPM_ALG_ID bank : {TPM_ALG_ID::SHA1, TPM_ALG_ID::SHA256, TPM_ALG_ID::SHA384})
      allocate.pcrAllocation.add({bank, 3, kAll});
    allocate.pcrAllocation.add({TPM_ALG_ID::SHA512, 3, kNone});
    SNPNV_CHECK(execute(tpm_, allocate, scratch_));
    SNPNV_CHECK(execute(tpm_, Shutdown{}, scratch_));
    return tpm_.power_cycle();
  }

  Result<void> provision_keys() {
    const Faults& faults = options_.faults;
    TPMT_PUBLIC area = attestation_key_template();
    const TPMA_OBJECT expected = area.objectAttributes;
    if (faults.wrong_ak_attributes) area.objectAttributes.value ^= TPMA_OBJECT{}.with(TPMA_OBJECT::noDA).value;
    Bytes unique(256);
    if (faults.new_ak_each_boot) {
      system_random(nullptr, raw(unique.data()), unique.size());
      area.unique = {unique};
      const EvictControl evict{TPM_RH::OWNER, vtpm::kAttestationKey, vtpm::kAttestationKey};
      const auto gone = execute(tpm_, evict, scratch_);
      if (!gone && !is_rc(gone.error(), TPM_RC::HANDLE)) return fail(gone.error());
    }
    SNPNV_TRY(const PublicKey key, provide_key(tpm_, vtpm::kAttestationKey, area));
    keys_.attestation = key.modulus;
    state_.refreshes = key.attributes == expected;
    if (options_.profile != Profile::openhcl) {
      SNPNV_TRY(const PublicKey persistent, provide_key(tpm_, kEndorsementKey, endorsement_key_template()));
      keys_.endorsement = persistent.modulus;
      return {};
    }
    return with_primary(tpm_, endorsement_key_template(), [&](TpmScratch& room, TPM_HANDLE handle) -> Result<void> {
      SNPNV_TRY(const PublicKey transient, public_key(tpm_, handle, room));
      keys_.endorsement = transient.modulus;
      return {};
    });
  }

  // Anew at each boot, since the password is.
  Result<void> define(TPM_HANDLE index, std::uint16_t size, bool absent) {
    const auto gone = execute(tpm_, NV_UndefineSpace{TPM_RH::PLATFORM, index}, scratch_);
    if (!gone && !is_rc(gone.error(), TPM_RC::HANDLE)) return fail(gone.error());
    sizes_.erase(index);
    if (absent) return {};
    const TPMS_NV_PUBLIC area{index, TPM_ALG_ID::SHA256, kIndexAttributes, {}, std::min(size, kLargestInner)};
    SNPNV_CHECK(execute(tpm_, NV_DefineSpace{TPM_RH::PLATFORM, {password_}, {area}}, scratch_));
    sizes_[index] = size;
    return {};
  }

  // What the TPM's own index holds: all, or the front.
  Result<void> fill(TPM_HANDLE index, ByteView content) {
    content = content.first(std::min<std::size_t>(content.size(), kLargestInner));
    for (std::size_t at = 0; at < content.size(); at += kNvBufferMax) {
      const ByteView part = content.subspan(at, std::min<std::size_t>(kNvBufferMax, content.size() - at));
      const NV_Write write{index, index, {part}, static_cast<std::uint16_t>(at)};
      SNPNV_TRY(const ByteView command, marshal_with_password(write, password_, scratch_.command));
      SNPNV_TRY(const ByteView answer, tpm_.transact(command, scratch_.response));
      if (const auto header = detail::response_header(answer); !header) return detail::fail_command(write, header.error());
    }
    return {};
  }
  Result<void> certificate_arrives() {
    if (!options_.faults.ak_cert_late || std::exchange(state_.certificate_came, true)) return {};
    return fill(vtpm::kAkCertificateIndex, ak_certificate_);
  }

  // --- refreshing the report ---

  Result<void> renew(const UserData& data) {
    SNPNV_TRY(auto report, make_content(platform_, options_, keys_, data));
    if (sizes_.contains(vtpm::kReportIndex)) SNPNV_CHECK(fill(vtpm::kReportIndex, report));
    report_ = std::move(report);
    state_.renewed_at = clock_.now();
    return {};
  }
  // What the guest wrote: the first 64 octets of the index, or all and zeros behind; zeros if there is none yet.
  [[nodiscard]] Result<UserData> user_data() {
    UserData out{};
    Tpm tpm(tpm_, clock_, clock_.now());
    const auto area = nv_public(tpm, vtpm::kUserDataIndex);
    if (!area) return is_rc(area.error(), TPM_RC::HANDLE) ? Result<UserData>(out) : fail(area.error());
    const MutBytes front = MutBytes(out).first(std::min<std::size_t>(area->dataSize, out.size()));
    const auto read = NvReader(tpm, vtpm::kUserDataIndex).read(0, front);
    if (!read && !is_rc(read.error(), TPM_RC::NV_UNINITIALIZED)) return fail(read.error());
    return out;
  }
  // A refresh that fails leaves the old report and its window, as the firmware does.
  void refresh() {
    const Faults& faults = options_.faults;
    if (faults.stale_forever || !state_.refreshes) return;
    if (faults.stale_once && !state_.stale_spent) {
      state_.stale_spent = true;
      state_.renewed_at = clock_.now();
      return;
    }
    if (options_.latency > 0 && options_.refresh == Refresh::on_read) clock_.sleep(options_.latency);
    if (state_.refreshes_failed.meets(faults.refresh_fails, clock_.now())) return;
    if (const auto data = user_data()) (void)renew(*data);
  }
  // Before the command is checked: a read that is refused refreshes too.
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
      auto other = user_data();
      if (!other) return;
      for (std::byte& octet : *other) octet ^= std::byte{0x55};
      (void)renew(*other);
    }
  }

  // --- the guest's commands ---

  /// What a TPM2_NV_Read with an authorization asks for.
  struct ReadRange {
    TPM_HANDLE index{};
    std::uint16_t size = 0;
    std::uint16_t offset = 0;

    [[nodiscard]] static ReadRange of(const GuestCommand& command) {
      if (command.code != TPM_CC::NV_Read || command.sessions.empty()) return {};
      ByteReader reader(command.parameters);
      const auto size = reader.be<std::uint16_t>();
      const auto offset = reader.be<std::uint16_t>();
      return reader.ok() ? ReadRange{command.handles[1], size, offset} : ReadRange{};
    }
    /// The offset at which an index of `inner` octets answers as one of `outer` does: with as many
    /// octets, or with the same error.
    [[nodiscard]] std::uint16_t within(std::uint16_t inner, std::uint16_t outer) const {
      const std::size_t end = std::size_t{offset} + size;
      if (end <= inner || offset > outer) return offset;
      return end <= outer ? std::uint16_t{0} : inner;
    }
  };

  Result<ByteView> pass(const GuestCommand& command, ByteView message, MutBytes response) {
    for (const auto& [index, size] : sizes_)
      if (command.names(index)) return pass_on_index(command, index, size, response);
    return tpm_.transact(message, response);
  }

  // Translates a command on one of our indices, and its answer.
  Result<ByteView> pass_on_index(GuestCommand command, TPM_HANDLE index, std::uint16_t size, MutBytes response) {
    SNPNV_TRY(const auto inner, execute(tpm_, NV_ReadPublic{index}, scratch_));
    const Bytes inner_name = octets(inner.nvName.data);
    TPMS_NV_PUBLIC area = inner.nvPublic.value;
    const std::uint16_t inner_size = std::exchange(area.dataSize, size);
    SNPNV_TRY(const Bytes name, name_of(area));

    const ReadRange range = ReadRange::of(command);
    Bytes parameters = octets(command.parameters);
    if (range.index == index)
      store<std::uint16_t, Endian::big>(MutBytes(parameters).subspan(2).template first<2>(),
                                        range.within(inner_size, size));
    Sessions::Side for_guest{{}, octets(command.parameters)};
    Sessions::Side for_tpm{{}, parameters};
    for (const TPM_HANDLE handle : command.handles) {
      SNPNV_TRY(const Bytes other, handle == index ? Result<Bytes>(name) : name_of(handle));
      for_guest.names = join({for_guest.names, other});
      for_tpm.names = join({for_tpm.names, handle == index ? inner_name : other});
    }
    Sessions::Signing signing;
    SNPNV_TRY(signing.secrets, secrets_of(command));
    sessions_.sign_again(command, for_guest, for_tpm, signing);
    command.parameters = parameters;
    SNPNV_TRY(const ByteView message, command.marshal(scratch_.command));
    SNPNV_TRY(const ByteView answer, tpm_.transact(message, scratch_.response));
    auto given = GuestResponse::parse(answer, false);
    if (!given) return copy_to(response, answer);
    sessions_.answered(command, *given);

    Bytes told = octets(given->parameters);
    if (range.index == index) {
      ByteView data = content(index).subspan(range.offset, range.size);
      if (options_.faults.short_response && !data.empty()) data = data.first(data.size() - 1);
      SNPNV_TRY(told, marshaled(NV_Read::Response{{data}}));
    } else if (command.code == TPM_CC::NV_ReadPublic) {
      SNPNV_TRY(told, marshaled(NV_ReadPublic::Response{{area}, {name}}));
    }
    if (told != octets(given->parameters)) SNPNV_CHECK(sessions_.answer_again(command, *given, told, signing));
    return given->marshal(response);
  }
  [[nodiscard]] ByteView content(TPM_HANDLE index) const {
    return index == vtpm::kReportIndex ? ByteView(report_) : ByteView(ak_certificate_);
  }
  template <class Response>
  [[nodiscard]] static Result<Bytes> marshaled(const Response& response) {
    std::array<std::byte, kMaxTpmMessage> room;
    SNPNV_TRY(const ByteView text, marshal(response, room));
    return octets(text);
  }

  // Names, Part 1: of an index nameAlg and the digest of its public area, of others as the TPM has them.
  [[nodiscard]] Result<Bytes> name_of(const TPMS_NV_PUBLIC& area) {
    SNPNV_TRY(const Bytes text, marshaled(area));
    SNPNV_TRY(const Digest digest, crypto_.digest(Hash::sha256, text));
    return join({{std::byte{0}, std::byte{0x0B}}, octets(digest.view())});
  }
  [[nodiscard]] Result<Bytes> name_of(TPM_HANDLE handle) {
    const auto value = static_cast<std::uint32_t>(handle);
    switch (value >> 24) {
      case 0x01:
        if (const auto area = execute(tpm_, NV_ReadPublic{handle}, scratch_)) return octets(area->nvName.data);
        return Bytes();
      case 0x80:
      case 0x81:
        if (const auto area = execute(tpm_, ReadPublic{handle}, scratch_)) return octets(area->name.data);
        return Bytes();
      default: return be(value);
    }
  }
  // The authorization value of what each session authorizes. Keys that a guest protects by one are not known.
  [[nodiscard]] Result<std::vector<Bytes>> secrets_of(const GuestCommand& command) {
    std::vector<Bytes> out(command.sessions.size());
    for (std::size_t i = 0; i < std::min(out.size(), command.authorized_handles()); ++i) {
      if (command.sessions[i].sessionHandle == TPM_RH::PW || command.handles[i] != TPM_RH::OWNER) continue;
      SNPNV_TRY(const Bytes state, tpm_.state(Inner::State::permanent));
      out[i] = owner_password(state);
    }
    return out;
  }
  // libtpms, PERSISTENT_DATA: version, magic, least version; disableClear; three algorithms and three policies;
  // then the authorization value of the owner.
  [[nodiscard]] static Bytes owner_password(ByteView state) {
    constexpr std::array kMagic{std::byte{0x12}, std::byte{0x21}, std::byte{0x34}, std::byte{0x43}};
    const auto found = std::ranges::search(state, kMagic);
    ByteReader reader(state.subspan(static_cast<std::size_t>(found.end() - state.begin())));
    (void)reader.take(2 + 1 + 3 * 2);
    for (int i = 0; i < 3; ++i) (void)reader.take(reader.be<std::uint16_t>());
    return octets(reader.take(reader.be<std::uint16_t>()));
  }

  // What is remembered of a command that the TPM has executed.
  Result<void> succeeded(const GuestCommand& command, ByteView answer) {
    const auto given = GuestResponse::parse(answer, commands_[static_cast<std::uint32_t>(command.code)].makes_handle);
    if (!given) return {};
    if (command.code == cc::StartAuthSession) {
      SNPNV_TRY(const Bytes state, tpm_.state(Inner::State::is_volatile));
      sessions_.started(command, *given, state);
    }
    sessions_.answered(command, *given);
    if (command.code == TPM_CC::NV_Write && command.names(vtpm::kUserDataIndex)) {
      state_.pending = true;
      state_.written_at = clock_.now();
      state_.tear = options_.faults.torn;
    }
    return {};
  }

  static constexpr std::uint16_t kLargestInner = 2048;  // MAX_NV_INDEX_SIZE of libtpms

  Inner& tpm_;
  C& clock_;
  Platform& platform_;
  Options options_;
  MbedCrypto crypto_;
  TpmScratch scratch_{};
  CommandTable commands_;
  Sessions sessions_;
  Keys keys_;
  std::array<std::byte, 32> password_{};  // of our indices
  std::map<TPM_HANDLE, std::uint16_t> sizes_;  // of our indices, as the guest sees them
  Bytes report_;
  Bytes ak_certificate_;
  // What a boot begins without.
  struct State {
    Instant renewed_at = 0;
    Instant written_at = 0;
    bool refreshes = true;     // the attestation key is as it should be
    bool pending = false;      // written since the last refresh, for Refresh::on_write
    bool tear = false;         // for the fault `torn`
    bool stale_spent = false;  // for the fault `stale-once`
    bool retried = false;      // for the fault `retry-rc`
    bool certificate_came = false;   // for the fault `ak-cert-late`
    FaultCount refreshes_failed;     // for the fault `refresh-fails`
    std::uint32_t rate_limited = 0;  // for the fault `nv-rate`
  };
  State state_;
};

}  // namespace snpnv::paravisor
