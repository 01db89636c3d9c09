// SPDX-License-Identifier: Apache-2.0
// The log of what systemd measures while the system runs: a sequence of JSON texts, a line each. Source: RFC 7464;
// systemd, "TPM2 PCR Measurements Made by systemd"; TCG "Canonical Event Log Format" 1.0, "CEL-JSON".
#pragma once

#include "snpnv/core/json_reader.hpp"
#include "snpnv/wire/tpm2_event_log.hpp"

namespace snpnv {

/// One record. Borrows the octets that it is read from; its digests stand in the reader until the next one.
struct SystemdEvent {
  LoggedEvent event;  // EV_EVENT_TAG, or EV_NO_ACTION where an NV index was extended; no data
  JsonString kind;    // as "phase"; empty: the record does not say
  JsonString text;    // what was measured, where that is a text
};

/// Reads the log record by record, as EventLogReader does.
class SystemdLogReader {
 public:
  /// Takes the next record from the front of `window`, which is not empty.
  /// @returns the record; taken() octets of the window belong to it. Offsets count from the start of the log
  ///   | wire_short - the window ends within the record. Nothing was taken: whoever has more of the log asks again
  ///   | wire_too_large - the log is longer than kMaxInput
  ///   | json_ codes, text_hex - a record that does not begin with 1Eh is json_syntax
  ///   | eventlog_algorithm - detail: one whose digest has another size
  ///   | eventlog_digests - detail: their number, none or with a repeated algorithm
  ///   | wire_value - detail: a PCR that there is not.
  [[nodiscard]] constexpr Result<SystemdEvent> next(ByteView window) {
    constexpr std::byte kRecordSeparator{0x1E};
    constexpr std::byte kLineFeed{'\n'};
    taken_ = 0;
    if (window.size() > kMaxInput - offset_) return fail(Code::wire_too_large, kMaxInput, kMaxInput);
    if (window[0] != kRecordSeparator) return fail(Code::json_syntax, offset_);
    const auto end = std::ranges::find(window, kLineFeed);  // none stands in JSON that is a line
    if (end == window.end()) return fail(Code::wire_short, offset_ + window.size(), 1);
    const auto size = static_cast<std::size_t>(end - window.begin());
    JsonReader json(window.first(size).subspan(1), offset_ + 1);
    SystemdEvent out;
    out.event.number = number_;
    out.event.offset = static_cast<std::uint32_t>(offset_);
    read(json, out);
    SNPNV_TRY(out, json.finish(out));
    taken_ = size + 1;
    offset_ += taken_;
    ++number_;
    return out;
  }

  [[nodiscard]] constexpr std::size_t taken() const { return taken_; }
  /// Of the next record.
  [[nodiscard]] constexpr std::size_t offset() const { return offset_; }

 private:
  constexpr void read(JsonReader& json, SystemdEvent& out) {
    bool index = false;
    bool measured = false;
    json.enter_object();
    for (JsonString name; json.next_member(name);) {
      if (name == "pcr") {
        const std::size_t at = json.offset();
        const std::uint64_t pcr = json.unsigned_integer();
        if (pcr >= EventLogReader::kPcrs) json.fail_at(Code::wire_value, at, static_cast<std::size_t>(pcr));
        out.event.pcrIndex = static_cast<std::uint32_t>(pcr);
        out.event.eventType = EventType::EV_EVENT_TAG;
        index = true;
      } else if (name == "nv_index") {
        json.skip();
        out.event.eventType = EventType::EV_NO_ACTION;
        index = true;
      } else if (name == "digests") {
        read_digests(json, out.event);
        measured = true;
      } else if (name == "content" && json.peek() == JsonKind::object) {
        read_content(json, out);
      } else {
        json.skip();
      }
    }
    json.require(index, JsonMember::pcr);
    json.require(measured, JsonMember::digests);
  }

  constexpr void read_digests(JsonReader& json, LoggedEvent& out) {
    const std::size_t at = json.offset();
    json.enter_array();
    while (json.next_element()) read_digest(json, out);
    if (out.count == 0 && json.ok()) json.fail_at(Code::eventlog_digests, at, 0);
  }
  // One of an algorithm that is not known here is passed over.
  constexpr void read_digest(JsonReader& json, LoggedEvent& out) {
    JsonString algorithm;
    JsonString digits;
    json.enter_object();
    for (JsonString name; json.next_member(name);) {
      if (name == "hashAlg") {
        algorithm = json.string();
      } else if (name == "digest") {
        digits = json.string();
      } else {
        json.skip();
      }
    }
    for (const Bank& bank : kBanks) {
      if (!json.ok() || !(algorithm == name(bank.algorithm))) continue;
      if (!out.digest(bank.algorithm).empty())
        return json.fail_at(Code::eventlog_digests, algorithm.offset, out.count + 1);
      const auto octets = decode_hex(digits.source(), digests_[out.count]);
      if (!octets && octets.error().code != Code::wire_overflow) return json.fail(octets.error());
      if (!octets || octets->size() != bank.size)
        return json.fail_at(Code::eventlog_algorithm, digits.offset, static_cast<std::size_t>(bank.algorithm));
      out.held[out.count++] = {bank.algorithm, *octets};
    }
  }

  static constexpr void read_content(JsonReader& json, SystemdEvent& out) {
    json.enter_object();
    for (JsonString name; json.next_member(name);) {
      if (name == "eventType") {
        out.kind = json.string();
      } else if (name == "string") {
        out.text = json.string();
      } else {
        json.skip();
      }
    }
  }

  struct Bank {
    TPM_ALG_ID algorithm;
    std::size_t size;
  };
  static constexpr std::array<Bank, 4> kBanks{
      {{TPM_ALG_ID::SHA1, 20}, {TPM_ALG_ID::SHA256, 32}, {TPM_ALG_ID::SHA384, 48}, {TPM_ALG_ID::SHA512, 64}}};

  std::array<std::array<std::byte, SpecIdEvent::kMostDigest>, kBanks.size()> digests_{};
  std::size_t offset_ = 0;
  std::size_t taken_ = 0;
  std::uint32_t number_ = 0;
};

}  // namespace snpnv
