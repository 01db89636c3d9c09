// SPDX-License-Identifier: Apache-2.0
// The event log of a measured boot, as the firmware keeps it and the kernel shows it: crypto-agile records,
// little-endian. Source: TCG "PC Client Platform Firmware Profile" (PFP) 1.06, "Event Logging".
#pragma once

#include <optional>

#include "snpnv/wire/tpm2_constants.hpp"

namespace snpnv {

// PFP, "Event Types": the types by their standard names.
#define SNPNV_EVENT_TYPES(X)                      \
  X(EV_PREBOOT_CERT, 0x00000000)                  \
  X(EV_POST_CODE, 0x00000001)                     \
  X(EV_UNUSED, 0x00000002)                        \
  X(EV_NO_ACTION, 0x00000003)                     \
  X(EV_SEPARATOR, 0x00000004)                     \
  X(EV_ACTION, 0x00000005)                        \
  X(EV_EVENT_TAG, 0x00000006)                     \
  X(EV_S_CRTM_CONTENTS, 0x00000007)               \
  X(EV_S_CRTM_VERSION, 0x00000008)                \
  X(EV_CPU_MICROCODE, 0x00000009)                 \
  X(EV_PLATFORM_CONFIG_FLAGS, 0x0000000A)         \
  X(EV_TABLE_OF_DEVICES, 0x0000000B)              \
  X(EV_COMPACT_HASH, 0x0000000C)                  \
  X(EV_IPL, 0x0000000D)                           \
  X(EV_IPL_PARTITION_DATA, 0x0000000E)            \
  X(EV_NONHOST_CODE, 0x0000000F)                  \
  X(EV_NONHOST_CONFIG, 0x00000010)                \
  X(EV_NONHOST_INFO, 0x00000011)                  \
  X(EV_OMIT_BOOT_DEVICE_EVENTS, 0x00000012)       \
  X(EV_POST_CODE2, 0x00000013)                    \
  X(EV_EFI_VARIABLE_DRIVER_CONFIG, 0x80000001)    \
  X(EV_EFI_VARIABLE_BOOT, 0x80000002)             \
  X(EV_EFI_BOOT_SERVICES_APPLICATION, 0x80000003) \
  X(EV_EFI_BOOT_SERVICES_DRIVER, 0x80000004)      \
  X(EV_EFI_RUNTIME_SERVICES_DRIVER, 0x80000005)   \
  X(EV_EFI_GPT_EVENT, 0x80000006)                 \
  X(EV_EFI_ACTION, 0x80000007)                    \
  X(EV_EFI_PLATFORM_FIRMWARE_BLOB, 0x80000008)    \
  X(EV_EFI_HANDOFF_TABLES, 0x80000009)            \
  X(EV_EFI_PLATFORM_FIRMWARE_BLOB2, 0x8000000A)   \
  X(EV_EFI_HANDOFF_TABLES2, 0x8000000B)           \
  X(EV_EFI_VARIABLE_BOOT2, 0x8000000C)            \
  X(EV_EFI_GPT_EVENT2, 0x8000000D)                \
  X(EV_EFI_HCRTM_EVENT, 0x80000010)               \
  X(EV_EFI_VARIABLE_AUTHORITY, 0x800000E0)        \
  X(EV_EFI_SPDM_FIRMWARE_BLOB, 0x800000E1)        \
  X(EV_EFI_SPDM_FIRMWARE_CONFIG, 0x800000E2)      \
  X(EV_EFI_SPDM_DEVICE_POLICY, 0x800000E3)        \
  X(EV_EFI_SPDM_DEVICE_AUTHORITY, 0x800000E4)

enum class EventType : std::uint32_t {
#define SNPNV_X(name, value) name = value,
  SNPNV_EVENT_TYPES(SNPNV_X)
#undef SNPNV_X
};

/// The type's standard name, or "unknown event type".
[[nodiscard]] constexpr std::string_view name(EventType type) {
  switch (type) {
#define SNPNV_X(name, value) \
  case EventType::name: return #name;
    SNPNV_EVENT_TYPES(SNPNV_X)
#undef SNPNV_X
  }
  return "unknown event type";
}

/// An algorithm of the log, and the octets of its digests.
struct EventLogBank {
  TPM_ALG_ID algorithm{};
  std::uint16_t size = 0;
};

/// The digest of one event for one bank.
struct EventDigest {
  TPM_ALG_ID algorithm{};
  ByteView octets;
};

/// TCG_EfiSpecIdEvent: what the first record of a crypto-agile log says of the rest.
struct SpecIdEvent {
  static constexpr std::size_t kMostBanks = 8;
  static constexpr std::size_t kMostDigest = 64;  // octets
  static constexpr std::string_view kSignature{"Spec ID Event03\0", 16};

  std::uint32_t platformClass = 0;
  std::uint8_t specVersionMinor = 0;
  std::uint8_t specVersionMajor = 0;
  std::uint8_t specErrata = 0;
  std::uint8_t uintnSize = 0;  // 1: 32 bits, 2: 64 bits
  std::array<EventLogBank, kMostBanks> held{};
  std::size_t count = 0;

  [[nodiscard]] constexpr std::span<const EventLogBank> banks() const { return std::span(held).first(count); }
  [[nodiscard]] constexpr const EventLogBank* bank(TPM_ALG_ID algorithm) const {
    for (const EventLogBank& each : banks())
      if (each.algorithm == algorithm) return &each;
    return nullptr;
  }
};

/// One record. Borrows the octets it is read from.
struct LoggedEvent {
  std::uint32_t number = 0;  // from 0, which is the record that describes the log
  std::uint32_t offset = 0;  // of the record in the log
  std::uint32_t data_offset = 0;
  std::uint32_t pcrIndex = 0;
  EventType eventType{};
  std::array<EventDigest, SpecIdEvent::kMostBanks> held{};
  std::size_t count = 0;
  ByteView data;

  [[nodiscard]] constexpr std::span<const EventDigest> digests() const { return std::span(held).first(count); }
  /// The digest for a bank; empty if there is none.
  [[nodiscard]] constexpr ByteView digest(TPM_ALG_ID algorithm) const {
    for (const EventDigest& each : digests())
      if (each.algorithm == algorithm) return each.octets;
    return {};
  }
};

namespace detail {

/// True if the octets are these characters.
[[nodiscard]] constexpr bool spells(ByteView octets, std::string_view characters) {
  return std::ranges::equal(octets, characters, [](std::byte b, char c) { return b == static_cast<std::byte>(c); });
}

/// True if the octets begin with these characters.
[[nodiscard]] constexpr bool begins_with(ByteView octets, std::string_view characters) {
  return octets.size() >= characters.size() && spells(octets.first(characters.size()), characters);
}

}  // namespace detail

/// Reads a log record by record, each from the front of a window that the caller moves over it: the whole rest of a
/// log in memory, or a buffer that is filled anew. Keeps nothing of it but the header.
class EventLogReader {
 public:
  /// PCRs of a TPM of a PC client.
  static constexpr std::uint32_t kPcrs = 24;

  /// Takes the next record from the front of `window`, which is not empty.
  /// @returns the record; taken() octets of the window belong to it. Offsets count from the start of the log
  ///   | wire_short - the window ends within the record. Nothing was taken: whoever has more of the log asks again
  ///   | wire_too_large - the log is longer than kMaxInput
  ///   | eventlog_sha1 - the older form, which has SHA-1 alone
  ///   | eventlog_algorithm - detail: one that the header does not list, or lists twice or with another size
  ///   | eventlog_digests - detail: their number, none or more than the header's algorithms, or with a repeated one
  ///   | wire_value - detail: a PCR that there is not, or a number of algorithms that no header has; where: 0, and the
  ///     log is of other registers than PCRs, as a TDX guest's
  ///   | wire_trailing - octets behind the header's last field.
  [[nodiscard]] constexpr Result<LoggedEvent> next(ByteView window) {
    taken_ = 0;
    if (window.size() > kMaxInput - offset_) return fail(Code::wire_too_large, kMaxInput, kMaxInput);
    ByteReader reader(window, offset_);
    const LoggedEvent event = number_ == 0 ? first(reader) : further(reader);
    if (!reader.ok()) return fail(reader.error());
    taken_ = reader.offset() - offset_;
    offset_ = reader.offset();
    ++number_;
    return event;
  }

  [[nodiscard]] constexpr std::size_t taken() const { return taken_; }
  /// Of the next record.
  [[nodiscard]] constexpr std::size_t offset() const { return offset_; }
  [[nodiscard]] constexpr const SpecIdEvent& header() const { return header_; }

 private:
  static constexpr std::size_t kSha1Size = 20;

  // TCG_PCClientPCREvent with TCG_EfiSpecIdEvent in it.
  constexpr LoggedEvent first(ByteReader& reader) {
    LoggedEvent out = begin(reader);
    const ByteView digest = reader.take(kSha1Size);
    take_data(reader, out);
    if (!reader.ok()) return out;
    const bool agile = out.eventType == EventType::EV_NO_ACTION && all_zero(digest) &&
                       detail::begins_with(out.data, SpecIdEvent::kSignature);
    if (!agile) {
      reader.fail_at(Code::eventlog_sha1, out.offset);
      return out;
    }
    if (out.pcrIndex != 0) reader.fail_at(Code::wire_value, out.offset, out.pcrIndex);
    ByteReader data(out.data, out.data_offset);
    header_ = read_header(data);
    reader.close(data);
    return out;
  }

  static constexpr SpecIdEvent read_header(ByteReader& in) {
    SpecIdEvent out;
    (void)in.take(SpecIdEvent::kSignature.size());
    out.platformClass = in.le<std::uint32_t>();
    out.specVersionMinor = in.le<std::uint8_t>();
    out.specVersionMajor = in.le<std::uint8_t>();
    out.specErrata = in.le<std::uint8_t>();
    out.uintnSize = in.le<std::uint8_t>();
    const std::size_t at = in.offset();
    const std::uint32_t count = in.le<std::uint32_t>();
    if (in.ok() && (count == 0 || count > SpecIdEvent::kMostBanks)) in.fail_at(Code::wire_value, at, count);
    for (std::uint32_t i = 0; i < count && in.ok(); ++i) read_bank(in, out);
    (void)in.take(in.le<std::uint8_t>());  // vendorInfo
    return out;
  }
  static constexpr void read_bank(ByteReader& in, SpecIdEvent& out) {
    const std::size_t at = in.offset();
    EventLogBank bank;
    bank.algorithm = TPM_ALG_ID{in.le<std::uint16_t>()};
    bank.size = in.le<std::uint16_t>();
    const std::size_t known = digest_octets(bank.algorithm);
    if (in.ok() && (bank.size == 0 || bank.size > SpecIdEvent::kMostDigest || (known != 0 && known != bank.size) ||
                    out.bank(bank.algorithm) != nullptr))
      in.fail_at(Code::eventlog_algorithm, at, static_cast<std::uint32_t>(bank.algorithm));
    out.held[out.count++] = bank;
  }

  // TCG_PCR_EVENT2.
  constexpr LoggedEvent further(ByteReader& reader) const {
    LoggedEvent out = begin(reader);
    if (reader.ok() && out.eventType != EventType::EV_NO_ACTION && out.pcrIndex >= kPcrs)
      reader.fail_at(Code::wire_value, out.offset, out.pcrIndex);
    const std::size_t at = reader.offset();
    const std::uint32_t count = reader.le<std::uint32_t>();
    if (reader.ok() && (count == 0 || count > header_.count)) reader.fail_at(Code::eventlog_digests, at, count);
    for (std::uint32_t i = 0; i < count && reader.ok(); ++i) read_digest(reader, out);
    take_data(reader, out);
    return out;
  }
  constexpr void read_digest(ByteReader& reader, LoggedEvent& out) const {
    const std::size_t at = reader.offset();
    const TPM_ALG_ID algorithm{reader.le<std::uint16_t>()};
    if (!reader.ok()) return;
    const EventLogBank* const bank = header_.bank(algorithm);
    if (bank == nullptr)
      return reader.fail_at(Code::eventlog_algorithm, at, static_cast<std::uint32_t>(algorithm));
    if (!out.digest(algorithm).empty()) return reader.fail_at(Code::eventlog_digests, at, out.count + 1);
    out.held[out.count++] = {algorithm, reader.take(bank->size)};
  }

  constexpr LoggedEvent begin(ByteReader& reader) const {
    LoggedEvent out;
    out.number = number_;
    out.offset = static_cast<std::uint32_t>(reader.offset());
    out.pcrIndex = reader.le<std::uint32_t>();
    out.eventType = EventType{reader.le<std::uint32_t>()};
    return out;
  }
  static constexpr void take_data(ByteReader& reader, LoggedEvent& out) {
    const std::uint32_t size = reader.le<std::uint32_t>();
    out.data_offset = static_cast<std::uint32_t>(reader.offset());
    out.data = reader.take(size);
  }

  static constexpr std::size_t digest_octets(TPM_ALG_ID algorithm) {
    switch (algorithm) {
      case TPM_ALG_ID::SHA1: return kSha1Size;
      case TPM_ALG_ID::SHA256: return 32;
      case TPM_ALG_ID::SHA384: return 48;
      case TPM_ALG_ID::SHA512: return 64;
      default: return 0;
    }
  }

  SpecIdEvent header_;
  std::size_t offset_ = 0;
  std::size_t taken_ = 0;
  std::uint32_t number_ = 0;
};

/// UEFI_VARIABLE_DATA, the content of EV_EFI_VARIABLE_ events. Borrows. PFP, "Measuring UEFI Variables".
struct UEFI_VARIABLE_DATA {
  ByteView VariableName;  // GUID, 16 octets
  ByteView UnicodeName;   // UTF-16LE, without NUL
  ByteView VariableData;

  /// @returns the structure | wire_short, wire_trailing | wire_size - a name or data longer than the event.
  [[nodiscard]] static constexpr Result<UEFI_VARIABLE_DATA> parse(ByteView in, std::size_t base = 0) {
    ByteReader reader(in, base);
    const UEFI_VARIABLE_DATA out = read(reader, base);
    return reader.finish(out);
  }
  /// The same at the front: older shims log one octet, or six, behind it.
  /// @returns the structure | wire_short | wire_size - as above.
  [[nodiscard]] static constexpr Result<UEFI_VARIABLE_DATA> front(ByteView in, std::size_t base = 0) {
    ByteReader reader(in, base);
    const UEFI_VARIABLE_DATA out = read(reader, base);
    (void)reader.take(reader.remaining());
    return reader.finish(out);
  }

  /// True if the name is this one of ASCII.
  [[nodiscard]] constexpr bool named(std::string_view name) const {
    if (UnicodeName.size() != 2 * name.size()) return false;
    for (std::size_t i = 0; i < name.size(); ++i)
      if (UnicodeName[2 * i] != static_cast<std::byte>(name[i]) || UnicodeName[2 * i + 1] != std::byte{0}) return false;
    return true;
  }

 private:
  static constexpr UEFI_VARIABLE_DATA read(ByteReader& reader, std::size_t base) {
    UEFI_VARIABLE_DATA out;
    out.VariableName = reader.take(16);
    const std::uint64_t name = reader.le<std::uint64_t>();
    const std::uint64_t data = reader.le<std::uint64_t>();
    if (name > reader.remaining() / 2) reader.fail_at(Code::wire_size, base + 16, static_cast<std::size_t>(name));
    out.UnicodeName = reader.take(static_cast<std::size_t>(2 * name));
    if (data > reader.remaining()) reader.fail_at(Code::wire_size, base + 24, static_cast<std::size_t>(data));
    out.VariableData = reader.take(static_cast<std::size_t>(data));
    return out;
  }
};

/// TCG_PCClientTaggedEvent, the content of EV_EVENT_TAG. Borrows. PFP, "EV_EVENT_TAG".
struct TaggedEvent {
  std::uint32_t taggedEventID = 0;
  ByteView taggedEventData;

  /// @returns the structure | wire_short, wire_trailing.
  [[nodiscard]] static constexpr Result<TaggedEvent> parse(ByteView in, std::size_t base = 0) {
    ByteReader reader(in, base);
    TaggedEvent out;
    out.taggedEventID = reader.le<std::uint32_t>();
    out.taggedEventData = reader.take(reader.le<std::uint32_t>());
    return reader.finish(out);
  }
};

/// The locality at which the TPM was started, in the record that says so: PCR 0 begins with it.
/// @returns the locality | nothing: another record. Source: PFP, "Startup Locality Event".
[[nodiscard]] constexpr std::optional<std::uint8_t> startup_locality(const LoggedEvent& event) {
  constexpr std::string_view kSignature{"StartupLocality\0", 16};
  if (event.eventType != EventType::EV_NO_ACTION || event.data.size() != kSignature.size() + 1 ||
      !detail::begins_with(event.data, kSignature))
    return std::nullopt;
  return std::to_integer<std::uint8_t>(event.data.back());
}

}  // namespace snpnv
