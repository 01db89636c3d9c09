// SPDX-License-Identifier: Apache-2.0
// What firmware measures of UEFI: boot options, images, keys of secure boot. Source: UEFI 2.10, "Load Options",
// "Generic Device Path Structures", "Signature Database"; TCG PFP 1.06, "UEFI_IMAGE_LOAD_EVENT Structure".
#pragma once

#include <optional>

#include "snpnv/core/encoding.hpp"

namespace snpnv {

namespace detail {

/// UTF-16LE as a source of UTF-8; half of a pair, and an octet that is left over, is U+FFFD.
class Utf16Text {
 public:
  constexpr explicit Utf16Text(ByteView text) : text_(text) {}
  constexpr bool next(char& c) {
    if (held_ == 0 && !take()) return false;
    c = static_cast<char>(octets_[--held_]);
    return true;
  }
  [[nodiscard]] constexpr std::size_t offset() const { return at_; }

 private:
  constexpr std::uint32_t unit(std::size_t at) const {
    return std::to_integer<std::uint32_t>(text_[at]) | std::to_integer<std::uint32_t>(text_[at + 1]) << 8;
  }
  // Encodes the next character, last octet first.
  constexpr bool take() {
    constexpr std::uint32_t kReplacement = 0xFFFD;
    if (at_ >= text_.size()) return false;
    std::uint32_t point = at_ + 1 < text_.size() ? unit(at_) : kReplacement;
    at_ += 2;
    if (point >= 0xD800 && point < 0xDC00 && at_ + 1 < text_.size() && (unit(at_) & 0xFC00U) == 0xDC00) {
      point = 0x10000 + ((point & 0x3FFU) << 10 | (unit(at_) & 0x3FFU));
      at_ += 2;
    } else if ((point & 0xF800U) == 0xD800) {
      point = kReplacement;
    }
    const unsigned more = point < 0x80 ? 0 : point < 0x800 ? 1 : point < 0x10000 ? 2 : 3;  // octets behind the first
    constexpr std::uint32_t kLeads[] = {0, 0xC0, 0xE0, 0xF0};
    for (unsigned i = 0; i < more; ++i) octets_[held_++] = static_cast<std::uint8_t>(0x80U | (point >> 6 * i & 0x3FU));
    octets_[held_++] = static_cast<std::uint8_t>(kLeads[more] | point >> 6 * more);
    return true;
  }

  ByteView text_;
  std::size_t at_ = 0;
  std::array<std::uint8_t, 4> octets_{};
  std::size_t held_ = 0;
};

}  // namespace detail

/// Writes UTF-16LE as UTF-8.
constexpr void utf16_to_utf8(ByteWriter& out, ByteView text) {
  detail::Utf16Text source(text);
  for (char c = 0; source.next(c);) out.be<std::uint8_t>(static_cast<std::uint8_t>(c));
}

/// UTF-16 up to its NUL, or all of it.
[[nodiscard]] constexpr ByteView before_nul16(ByteView text) {
  for (std::size_t at = 0; at + 1 < text.size(); at += 2)
    if (all_zero(text.subspan(at, 2))) return text.first(at);
  return text;
}

/// EFI_LOAD_OPTION, the content of Boot#### variables. Borrows.
struct EFI_LOAD_OPTION {
  std::uint32_t Attributes = 0;
  ByteView Description;  // UTF-16LE, without NUL
  ByteView FilePathList;
  ByteView OptionalData;

  /// @returns the structure | wire_short.
  [[nodiscard]] static constexpr Result<EFI_LOAD_OPTION> parse(ByteView in, std::size_t base = 0) {
    ByteReader reader(in, base);
    EFI_LOAD_OPTION out;
    out.Attributes = reader.le<std::uint32_t>();
    const std::uint16_t paths = reader.le<std::uint16_t>();
    if (reader.ok()) out.Description = before_nul16(in.subspan(reader.offset() - base));
    (void)reader.take(out.Description.size() + 2);
    out.FilePathList = reader.take(paths);
    out.OptionalData = reader.take(reader.remaining());
    if (!reader.ok()) return fail(reader.error());
    return out;
  }
};

/// The path of a file in a device path, UTF-16LE; empty: it names none, or ends too early.
[[nodiscard]] constexpr ByteView file_of(ByteView device_path) {
  constexpr std::byte kMedia{4};
  constexpr std::byte kFilePath{4};
  constexpr std::size_t kHeader = 4;
  while (device_path.size() >= kHeader) {
    const std::size_t size =
        std::to_integer<std::size_t>(device_path[2]) | std::to_integer<std::size_t>(device_path[3]) << 8;
    if (size < kHeader || size > device_path.size()) return {};
    if (device_path[0] == kMedia && device_path[1] == kFilePath)
      return before_nul16(device_path.first(size).subspan(kHeader));
    device_path = device_path.subspan(size);
  }
  return {};
}

/// UEFI_IMAGE_LOAD_EVENT: where an image is from. No digest covers it. Borrows. Older shims log some octets behind it.
struct UEFI_IMAGE_LOAD_EVENT {
  std::uint64_t ImageLocationInMemory = 0;
  std::uint64_t ImageLengthInMemory = 0;
  std::uint64_t ImageLinkTimeAddress = 0;
  ByteView DevicePath;

  /// @returns the structure | wire_short | wire_size - a path longer than the event.
  [[nodiscard]] static constexpr Result<UEFI_IMAGE_LOAD_EVENT> parse(ByteView in, std::size_t base = 0) {
    ByteReader reader(in, base);
    UEFI_IMAGE_LOAD_EVENT out;
    out.ImageLocationInMemory = reader.le<std::uint64_t>();
    out.ImageLengthInMemory = reader.le<std::uint64_t>();
    out.ImageLinkTimeAddress = reader.le<std::uint64_t>();
    const std::uint64_t path = reader.le<std::uint64_t>();
    if (path > reader.remaining()) reader.fail_at(Code::wire_size, base + 24, static_cast<std::size_t>(path));
    out.DevicePath = reader.take(static_cast<std::size_t>(path));
    (void)reader.take(reader.remaining());
    return reader.finish(out);
  }
};

/// Walks EFI_SIGNATURE_LISTs, the content of PK, KEK, db and dbx.
class SignatureLists {
 public:
  static constexpr std::size_t kOwner = 16;  // octets of SignatureOwner, in front of what is listed

  constexpr explicit SignatureLists(ByteView lists) : rest_(lists) {}

  /// The next EFI_SIGNATURE_DATA of the current list, or of the next one; nothing at the end, or where the lists do
  /// not hold together: whole() tells.
  [[nodiscard]] constexpr std::optional<ByteView> next() {
    while (entries_.empty() && !rest_.empty())
      if (!enter()) return std::nullopt;
    if (entries_.empty()) return std::nullopt;
    const ByteView entry = entries_.first(size_);
    entries_ = entries_.subspan(size_);
    return entry;
  }
  [[nodiscard]] constexpr bool whole() const { return rest_.empty() && entries_.empty(); }

 private:
  constexpr bool enter() {
    constexpr std::size_t kHeader = 28;
    ByteReader reader(rest_);
    (void)reader.take(16);  // SignatureType
    const std::uint32_t list = reader.le<std::uint32_t>();
    const std::uint32_t header = reader.le<std::uint32_t>();
    size_ = reader.le<std::uint32_t>();
    if (!reader.ok() || list < kHeader || list > rest_.size() || header > list - kHeader || size_ <= kOwner ||
        (list - kHeader - header) % size_ != 0)
      return false;
    entries_ = rest_.first(list).subspan(kHeader + header);
    rest_ = rest_.subspan(list);
    return true;
  }

  ByteView rest_;
  ByteView entries_;
  std::size_t size_ = 0;
};

}  // namespace snpnv
