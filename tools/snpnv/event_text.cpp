// SPDX-License-Identifier: Apache-2.0
#include "event_text.hpp"

#include "snpnv/wire/x509_certificate.hpp"
#include "words.hpp"

namespace snpnv::tool {
namespace {

std::string size_text(std::size_t octets) { return format("%zu octets", octets); }

std::string utf8_of(ByteView utf16) {
  std::string out(2 * utf16.size() + 3, '\0');  // three octets for one unit, and one more that may be half
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  utf16_to_utf8(writer, utf16);
  out.resize(writer.size());
  return out;
}

bool is_print(std::byte octet) { return octet >= std::byte{' '} && octet <= std::byte{'~'}; }
bool is_readable(ByteView octets) {
  return !octets.empty() && std::ranges::all_of(octets, [](std::byte o) {
    return is_print(o) || o >= std::byte{0x80} || o == std::byte{'\n'} || o == std::byte{'\t'};
  });
}
// UTF-16 of printable ASCII.
bool is_utf16(ByteView octets) {
  if (octets.empty() || octets.size() % 2 != 0) return false;
  for (std::size_t i = 0; i < octets.size(); i += 2)
    if (!is_print(octets[i]) || octets[i + 1] != std::byte{0}) return false;
  return true;
}

// Text of either kind; octets where there are few; else how many they are.
std::string text_or_size(ByteView octets) {
  constexpr std::size_t kFew = 32;
  if (const ByteView wide = before_nul16(octets); is_utf16(wide)) return utf8_of(wide);
  const ByteView text = without_nul(octets);
  if (is_readable(text)) return std::string(text_of(text));
  return octets.size() <= kFew ? hex(octets) : size_text(octets.size());
}

// A certificate's name, with its owner in front of it or without.
std::string certificate_text(ByteView octets) {
  for (const std::size_t owner : {std::size_t{0}, SignatureLists::kOwner}) {
    if (octets.size() < owner) break;
    const auto certificate = Certificate::parse(octets.subspan(owner));
    if (certificate && !certificate->subject.common_name.empty())
      return std::string(text_of(certificate->subject.common_name));
  }
  return text_or_size(octets);
}

// The names of certificates, and how many digests there are beside them.
std::string keys_text(ByteView data) {
  std::string out;
  std::size_t others = 0;
  SignatureLists lists(data);
  while (const auto entry = lists.next()) {
    const ByteView listed = entry->subspan(SignatureLists::kOwner);
    if (!Certificate::parse(listed)) {
      ++others;
      continue;
    }
    out += (out.empty() ? "" : ", ") + certificate_text(listed);
  }
  if (others != 0) out += (out.empty() ? "" : ", ") + format("digests: %zu", others);
  return out.empty() ? "empty" : out;
}

std::string boot_option_text(ByteView data) {
  const auto option = EFI_LOAD_OPTION::parse(data);
  if (!option) return text_or_size(data);
  const std::string file = utf8_of(file_of(option->FilePathList));
  return utf8_of(option->Description) + (file.empty() ? "" : " " + file);
}

bool is_boot_option(const UEFI_VARIABLE_DATA& variable) {
  const std::string name = utf8_of(variable.UnicodeName);
  return name.size() == 8 && name.starts_with("Boot") &&
         std::ranges::all_of(name.substr(4), [](char c) { return hex_digit(c) >= 0; });
}

std::string tagged_text(const LoggedEvent& event) {
  const auto tagged = TaggedEvent::parse(event.data);
  if (!tagged) return text_or_size(event.data);
  return format("tag %08x: ", tagged->taggedEventID) + text_or_size(tagged->taggedEventData);
}

std::string no_action_text(const LoggedEvent& event) {
  if (event.number == 0) return "describes this log";
  if (const auto locality = startup_locality(event)) return format("TPM started at locality %u", *locality);
  return text_or_size(event.data);
}

}  // namespace

std::string variable_text(const UEFI_VARIABLE_DATA& variable) {
  const ByteView data = variable.VariableData;
  std::string value;
  const auto named = [&](std::string_view name) { return variable.named(name); };
  if (named("PK") || named("KEK") || named("db") || named("dbx") || named("dbt") || named("dbr")) {
    // Where it let an image in, the event holds the one entry that did.
    SignatureLists lists(data);
    while (lists.next()) {
    }
    value = lists.whole() ? keys_text(data) : certificate_text(data);
  } else if (is_boot_option(variable)) {
    value = boot_option_text(data);
  } else {
    value = data.empty() ? "empty" : certificate_text(data);
  }
  return utf8_of(variable.UnicodeName) + " = " + value;
}

std::string image_text(const LoggedEvent& event) {
  const auto image = UEFI_IMAGE_LOAD_EVENT::parse(event.data, event.data_offset);
  if (!image) return text_or_size(event.data);
  const std::string file = utf8_of(file_of(image->DevicePath));
  const std::string size = format("%llu octets", static_cast<unsigned long long>(image->ImageLengthInMemory));
  return file.empty() ? "image of " + size : file + ", " + size;
}

std::string command_line_text(const KernelCommandLine& line) {
  return line.utf16 ? utf8_of(line.text) : std::string(text_of(line.text));
}

std::string event_text(const LoggedEvent& event) {
  switch (event.eventType) {
    case EventType::EV_NO_ACTION: return no_action_text(event);
    case EventType::EV_EVENT_TAG: return tagged_text(event);
    case EventType::EV_SEPARATOR: return all_zero(event.data) ? std::string("0") : text_or_size(event.data);
    case EventType::EV_EFI_BOOT_SERVICES_APPLICATION:
    case EventType::EV_EFI_BOOT_SERVICES_DRIVER:
    case EventType::EV_EFI_RUNTIME_SERVICES_DRIVER: return image_text(event);
    case EventType::EV_EFI_VARIABLE_DRIVER_CONFIG:
    case EventType::EV_EFI_VARIABLE_BOOT:
    case EventType::EV_EFI_VARIABLE_BOOT2:
    case EventType::EV_EFI_VARIABLE_AUTHORITY: {
      const auto variable = UEFI_VARIABLE_DATA::front(event.data);
      return variable ? variable_text(*variable) : text_or_size(event.data);
    }
    default: return text_or_size(event.data);
  }
}

std::string_view proof_text(EventProof proof) {
  switch (proof) {
    case EventProof::proven: return "proven";
    case EventProof::unproven: return "unproven";
    case EventProof::digest_alone: return "digest alone";
  }
  return "unknown";
}

}  // namespace snpnv::tool
