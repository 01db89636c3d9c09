// SPDX-License-Identifier: Apache-2.0
// What an event log explains: which PCR values its digests lead to, and which content a digest covers.
#pragma once

#include <array>
#include <optional>

#include "snpnv/core/digest.hpp"
#include "snpnv/wire/tpm2_systemd_log.hpp"

namespace snpnv {

/// The hash of a bank. Nothing for banks that are not replayed, SHA-1 among them.
[[nodiscard]] constexpr std::optional<Hash> bank_hash(TPM_ALG_ID bank) {
  switch (bank) {
    case TPM_ALG_ID::SHA256: return Hash::sha256;
    case TPM_ALG_ID::SHA384: return Hash::sha384;
    case TPM_ALG_ID::SHA512: return Hash::sha512;
    default: return std::nullopt;
  }
}

/// Whether an event's digest vouches for its content.
enum class EventProof : std::uint8_t {
  proven,        // the digest is that of the content
  unproven,      // the specification ties the digest to the content, and it is another's
  digest_alone,  // the digest is, or may be, of something that the log does not hold; or there is none
};

/// What was measured, as far as the log holds it. Borrows the event's octets.
struct EventContent {
  EventProof proof = EventProof::digest_alone;
  ByteView content;  // what the digest covers, if it is proven
};

namespace detail {

// What follows these marks in GRUB's events is what it hashes, with or without NUL; older ones have no colon.
inline constexpr std::array<std::string_view, 5> kGrubMarks{"grub_cmd: ", "kernel_cmdline: ", "module_cmdline: ",
                                                            "grub_cmd ", "grub_kernel_cmdline "};

/// The parts of an event's data that its digest may cover, in the order in which they are tried. None: the digest is
/// of something else. Source: PFP, "Event Types"; the rest is what shim, GRUB and systemd-stub do.
class EventCandidates {
 public:
  constexpr explicit EventCandidates(const LoggedEvent& event) {
    switch (event.eventType) {
      case EventType::EV_S_CRTM_VERSION:
      case EventType::EV_SEPARATOR:
      case EventType::EV_ACTION:
      case EventType::EV_EFI_ACTION:
      case EventType::EV_EFI_VARIABLE_DRIVER_CONFIG:
      case EventType::EV_EFI_VARIABLE_BOOT2:
      case EventType::EV_EFI_GPT_EVENT: add(event.data); return;
      case EventType::EV_EFI_VARIABLE_AUTHORITY:
        add(event.data);
        if (!event.data.empty()) add(event.data.first(event.data.size() - 1));  // older shims log one octet too many
        return;
      case EventType::EV_EFI_VARIABLE_BOOT:
        add(event.data);
        if (const auto variable = UEFI_VARIABLE_DATA::parse(event.data)) add(variable->VariableData);
        return;
      case EventType::EV_EVENT_TAG:
        if (const auto tagged = TaggedEvent::parse(event.data)) add(tagged->taggedEventData);
        add(event.data);
        tied_ = false;
        return;
      case EventType::EV_IPL:
        add_text(event.data);
        tied_ = false;
        return;
      default: return;
    }
  }
  [[nodiscard]] constexpr std::span<const ByteView> all() const { return std::span(held_).first(count_); }
  /// False where the digest may as well be that of a file, whose name the event is.
  [[nodiscard]] constexpr bool tied() const { return tied_; }

 private:
  constexpr void add(ByteView part) { held_[count_++] = part; }
  constexpr void add_text(ByteView data) {
    add(data);
    if (data.empty() || data.back() != std::byte{0}) return;
    const ByteView text = data.first(data.size() - 1);
    add(text);
    for (const std::string_view mark : kGrubMarks) {
      if (!begins_with(text, mark)) continue;
      add(text.subspan(mark.size()));
      add(data.subspan(mark.size()));
      return;
    }
  }

  std::array<ByteView, 4> held_{};
  std::size_t count_ = 0;
  bool tied_ = true;
};

}  // namespace detail

/// Says what an event's digest for a bank vouches for.
/// @returns the judgement; digest_alone also for a bank that the event has no digest for | what the hasher returns.
template <Hasher H>
[[nodiscard]] Result<EventContent> event_content(H& hasher, const LoggedEvent& event, TPM_ALG_ID bank) {
  const auto hash = bank_hash(bank);
  const ByteView logged = event.digest(bank);
  const detail::EventCandidates candidates(event);
  if (!hash || logged.empty() || candidates.all().empty()) return EventContent{};
  for (const ByteView part : candidates.all()) {
    SNPNV_TRY(const Digest& digest, hasher.digest(*hash, part));
    if (equal(digest.view(), logged)) return EventContent{EventProof::proven, part};
  }
  return EventContent{candidates.tied() ? EventProof::unproven : EventProof::digest_alone, {}};
}

/// What a system measured: by its firmware until it was up, and by systemd since, where there is such a log. Borrows.
struct MeasuredLogs {
  std::optional<ByteView> firmware;
  std::optional<ByteView> systemd;

  [[nodiscard]] constexpr bool any() const { return firmware || systemd; }
  /// Calls take(event) for each record, numbered through; it ends at the first error.
  /// @returns nothing | the errors of EventLogReader, SystemdLogReader, take().
  template <class Take>
  [[nodiscard]] Result<void> each(Take&& take) const {
    SNPNV_TRY(const std::uint32_t count, each_of_firmware(take));
    SystemdLogReader reader;
    for (ByteView rest = systemd.value_or(ByteView()); !rest.empty(); rest = rest.subspan(reader.taken())) {
      SNPNV_TRY(SystemdEvent next, reader.next(rest));
      next.event.number += count;
      SNPNV_CHECK(take(next.event));
    }
    return {};
  }
  /// The same for firmware's alone.
  /// @returns the number of records | as above.
  template <class Take>
  [[nodiscard]] Result<std::uint32_t> each_of_firmware(Take&& take) const {
    std::uint32_t count = 0;
    EventLogReader reader;
    for (ByteView rest = firmware.value_or(ByteView()); !rest.empty(); rest = rest.subspan(reader.taken())) {
      SNPNV_TRY(const LoggedEvent& event, reader.next(rest));
      SNPNV_CHECK(take(event));
      ++count;
    }
    return count;
  }
};

/// The PCRs of one bank, as the events so far make them. A bank of 24 digests.
class PcrReplay {
 public:
  explicit constexpr PcrReplay(Hash hash) : hash_(hash), size_(digest_size(hash)) {
    // Those of the dynamic root of trust begin with ones. PFP, "PCR Usage"; PC Client Platform TPM Profile, "PCR".
    for (std::size_t pcr = 17; pcr <= 22; ++pcr) values_[pcr].fill(std::byte{0xFF});
  }

  /// Extends the event's PCR by its digest for the bank. Takes up the locality of the TPM's start for PCR 0.
  /// @returns true if the PCR was extended; false: the event extends nothing, or has no digest for this bank
  ///   | wire_value - a locality after PCR 0 was extended | what the hasher returns.
  template <Hasher H>
  [[nodiscard]] Result<bool> take(H& hasher, const LoggedEvent& event, TPM_ALG_ID bank) {
    if (const auto locality = startup_locality(event)) {
      if (events_[0] != 0) return fail(Code::wire_value, event.data_offset, *locality);
      values_[0][size_ - 1] = static_cast<std::byte>(*locality);
    }
    const ByteView digest = event.digest(bank);
    if (event.eventType == EventType::EV_NO_ACTION || digest.size() != size_ || event.pcrIndex >= values_.size())
      return false;
    Value& value = values_[event.pcrIndex];
    std::array<std::byte, 2 * SpecIdEvent::kMostDigest> both{};
    copy_to(both, ByteView(value).first(size_));
    copy_to(MutBytes(both).subspan(size_), digest);
    SNPNV_TRY(const Digest& extended, hasher.digest(hash_, ByteView(both).first(2 * size_)));
    copy_to(value, extended.view());
    ++events_[event.pcrIndex];
    return true;
  }

  [[nodiscard]] constexpr ByteView operator[](std::size_t pcr) const { return ByteView(values_[pcr]).first(size_); }
  /// How many events extended the PCR.
  [[nodiscard]] constexpr std::uint32_t events(std::size_t pcr) const { return events_[pcr]; }

 private:
  using Value = std::array<std::byte, SpecIdEvent::kMostDigest>;

  Hash hash_;
  std::size_t size_;
  std::array<Value, EventLogReader::kPcrs> values_{};
  std::array<std::uint32_t, EventLogReader::kPcrs> events_{};
};

}  // namespace snpnv
