// SPDX-License-Identifier: Apache-2.0
// snpnv display eventlog: what a boot measured, in words. Showing is not verifying: that takes a quote.
#include <algorithm>
#include <utility>

#include "commands.hpp"
#include "describe.hpp"
#include "event_log_file.hpp"
#include "event_text.hpp"
#include "fields.hpp"
#include "output.hpp"
#include "provider.hpp"
#include "snpnv/verify/event_log_checks.hpp"

namespace snpnv::tool {
namespace {

using Texts = std::vector<std::string>;

// One event with what is told of it.
struct ShownEvent {
  LoggedEvent event;
  EventProof proof;
  std::string says;
};

// A log as far as it can be read.
struct ShownLog {
  SpecIdEvent header;
  TPM_ALG_ID bank = TPM_ALG_ID::NULL_;  // by which events are judged
  Texts not_filled;    // banks, all of whose digests are zero
  Texts not_replayed;  // banks of hashes that are not offered here: of SHA-1
  std::vector<ShownEvent> events;
  std::vector<std::pair<TPM_ALG_ID, PcrReplay>> pcrs;
  std::optional<bool> secure_boot;
  Texts keys;
  Texts authorities;
  Texts images;    // boot loaders, kernels: in the order in which they were started
  Texts commands;  // by which GRUB loaded a kernel
  Texts command_lines;
  Texts surprises;
  std::optional<Error> error;
};

std::string bank_name(TPM_ALG_ID bank) {
  const std::string_view known = name(bank);
  return known == "unknown" ? format("algorithm_%04x", static_cast<unsigned>(bank)) : std::string(known);
}

bool is_filled(std::span<const ShownEvent> events, TPM_ALG_ID bank) {
  return std::ranges::any_of(events, [&](const ShownEvent& shown) {
    return shown.event.eventType != EventType::EV_NO_ACTION && !all_zero(shown.event.digest(bank));
  });
}

// Logs may be long, and made by somebody, so that comparing each text with all others would take too long.
template <class Text, class AsView>
void keep_first_of_each(std::vector<Text>& texts, AsView&& view) {
  std::vector<std::size_t> order(texts.size());
  for (std::size_t i = 0; i < order.size(); ++i) order[i] = i;
  std::ranges::sort(order, [&](std::size_t a, std::size_t b) {
    const auto compared = view(texts[a]) <=> view(texts[b]);
    return compared == 0 ? a < b : compared < 0;
  });
  std::vector<bool> repeated(texts.size());
  for (std::size_t i = 1; i < order.size(); ++i)
    repeated[order[i]] = view(texts[order[i]]) == view(texts[order[i - 1]]);
  std::size_t at = 0;
  std::erase_if(texts, [&](const Text&) { return repeated[at++]; });
}

void read_events(ByteView octets, ShownLog& log) {
  EventLogReader reader;
  for (ByteView rest = octets; !rest.empty(); rest = rest.subspan(reader.taken())) {
    const auto event = reader.next(rest);
    if (!event) {
      log.error = event.error();
      break;
    }
    log.events.push_back({*event, EventProof::digest_alone, event_text(*event)});
  }
  log.header = reader.header();
  for (const EventLogBank& bank : log.header.banks()) {
    const auto hash = bank_hash(bank.algorithm);
    if (!is_filled(log.events, bank.algorithm)) {
      log.not_filled.push_back(bank_name(bank.algorithm));
    } else if (!hash) {
      log.not_replayed.push_back(bank_name(bank.algorithm));
    } else {
      if (log.bank == TPM_ALG_ID::NULL_ || bank.algorithm == TPM_ALG_ID::SHA256) log.bank = bank.algorithm;
      log.pcrs.emplace_back(bank.algorithm, PcrReplay(*hash));
    }
  }
}

Result<void> judge_events(ShownLog& log) {
  Provider crypto;
  BootFacts facts;
  for (ShownEvent& shown : log.events) {
    const LoggedEvent& event = shown.event;
    const auto surprise = [&](std::string_view text) {
      log.surprises.push_back(format("event %u, PCR %u: ", event.number, event.pcrIndex) + std::string(text));
    };
    for (auto& [bank, pcrs] : log.pcrs)
      if (const auto taken = pcrs.take(crypto, event, bank); !taken && bank == log.bank)
        surprise("a locality of the TPM's start behind PCR 0's first event");
    SNPNV_TRY(const EventContent content, event_content(crypto, event, log.bank));
    SNPNV_CHECK(facts.take(crypto, event, content, log.bank));
    shown.proof = content.proof;
    const auto variable = UEFI_VARIABLE_DATA::front(content.content);
    const bool proven_variable = content.proof == EventProof::proven && variable.has_value();
    if (content.proof == EventProof::unproven) surprise("its digest is not that of what it says");
    if (name(event.eventType).starts_with("unknown"))
      surprise(format("type %08x is none of the standard's", static_cast<unsigned>(event.eventType)));
    switch (event.eventType) {
      case EventType::EV_EFI_VARIABLE_DRIVER_CONFIG:
        if (proven_variable && event.pcrIndex == BootFacts::kSecureBootPcr && !variable->named("SecureBoot"))
          log.keys.push_back(shown.says);
        break;
      case EventType::EV_EFI_VARIABLE_AUTHORITY:
        if (proven_variable && event.pcrIndex == BootFacts::kSecureBootPcr) log.authorities.push_back(shown.says);
        break;
      case EventType::EV_EFI_BOOT_SERVICES_APPLICATION: log.images.push_back(shown.says); break;
      case EventType::EV_EFI_BOOT_SERVICES_DRIVER:
      case EventType::EV_EFI_RUNTIME_SERVICES_DRIVER: surprise("a driver beside the firmware: " + shown.says); break;
      case EventType::EV_SEPARATOR:
        if (!all_zero(event.data) && !std::ranges::all_of(event.data, [](std::byte o) { return o == std::byte{0xFF}; }))
          surprise("a separator that tells of an error: " + shown.says);
        break;
      case EventType::EV_EFI_ACTION:
        if (shown.says.contains("Debug") || shown.says.contains("Disabled") || shown.says.contains("Failure"))
          surprise(shown.says);
        break;
      default: break;
    }
    if (content.proof == EventProof::proven && event.pcrIndex == kGrubPcr && grub_linux_command(content.content))
      log.commands.emplace_back(text_of(without_nul(content.content)));
    if (const auto line = kernel_command_line(event, content)) log.command_lines.push_back(command_line_text(*line));
  }
  keep_first_of_each(log.command_lines, [](const std::string& text) { return std::string_view(text); });
  log.secure_boot = facts.secure_boot();
  return {};
}

void judge_log(ShownLog& log) {
  for (const std::string& bank : log.not_filled)
    log.surprises.push_back("bank " + bank + " is not filled: all of its digests are zero");
  if (log.bank == TPM_ALG_ID::NULL_)
    log.surprises.emplace_back("no bank of SHA-256, SHA-384 or SHA-512 is filled, so no content is proven");
  if (!log.secure_boot) log.surprises.emplace_back("whether secure boot was on is not said by proven events of PCR 7");
  if (log.command_lines.size() > 1)
    log.surprises.push_back(format("%zu different kernel command lines", log.command_lines.size()));
}

std::string bank_names(const ShownLog& log) {
  const auto among = [](const Texts& banks, const std::string& bank) {
    return std::ranges::find(banks, bank) != banks.end();
  };
  std::string out;
  for (const EventLogBank& held : log.header.banks()) {
    const std::string bank = bank_name(held.algorithm);
    out += (out.empty() ? "" : ", ") + bank;
    if (among(log.not_filled, bank)) out += " (not filled)";
    if (among(log.not_replayed, bank)) out += " (not replayed)";
  }
  return out;
}

std::string log_text(const ShownLog& log) {
  std::string out = text_line("events", format("%zu", log.events.size()));
  out += text_line("banks", bank_names(log));
  out += text_line("secure boot", !log.secure_boot ? "not said" : *log.secure_boot ? "on" : "off");
  const auto all = [&](std::string_view what, const Texts& texts) {
    if (texts.empty()) out += text_line(what, "none");
    for (const std::string& text : texts) out += text_line(what, text);
  };
  all("key", log.keys);
  all("authority", log.authorities);
  all("image, unproven name", log.images);
  all("kernel by GRUB", log.commands);
  all("command line", log.command_lines);
  all("surprise", log.surprises);
  out += '\n';
  for (const ShownEvent& shown : log.events)
    out += format("%5u PCR %-2u ", shown.event.number, shown.event.pcrIndex) +
           format("%-32s %-12s ", std::string(name(shown.event.eventType)).c_str(),
                  std::string(proof_text(shown.proof)).c_str()) +
           printable(shown.says) + "\n";
  for (const auto& [bank, pcrs] : log.pcrs) {
    out += "\nPCRs as the events make them, " + std::string(name(bank)) + "\n";
    for (std::size_t pcr = 0; pcr < EventLogReader::kPcrs; ++pcr)
      if (pcrs.events(pcr) != 0) out += text_line(format("PCR %zu", pcr), hex(pcrs[pcr]));
  }
  return out;
}

void event_json(JsonWriter& json, const ShownEvent& shown) {
  const LoggedEvent& event = shown.event;
  json.begin_object();
  json.key("number");
  json.number(event.number);
  json.key("offset");
  json.number(event.offset);
  json.key("pcr");
  json.number(event.pcrIndex);
  json.key("type");
  json.string(name(event.eventType));
  json.key("type_number");
  json.number(static_cast<std::uint32_t>(event.eventType));
  json.key("proof");
  json.string(proof_text(shown.proof));
  json.key("says");
  json.string(shown.says);
  json.key("digests");
  json.begin_object();
  for (const EventDigest& digest : event.digests()) {
    json.key(bank_name(digest.algorithm));
    json.hex(digest.octets);
  }
  json.end_object();
  json.key("data");
  json.hex(event.data);
  json.end_object();
}

Outcome<std::string> log_json(const ShownLog& log, std::size_t size, const std::optional<Failure>& failure) {
  JsonText out(32 * size + (std::size_t{1} << 20));  // a record of 16 octets takes the most, some 250
  JsonWriter& json = out.json();
  const auto all = [&](std::string_view key, const Texts& texts) {
    json.key(key);
    json.begin_array();
    for (const std::string& text : texts) json.string(text);
    json.end_array();
  };
  json.begin_object();
  json.key("secure_boot");
  log.secure_boot ? json.boolean(*log.secure_boot) : json.null();
  all("keys", log.keys);
  all("authorities", log.authorities);
  all("images", log.images);
  all("kernel_commands", log.commands);
  all("command_lines", log.command_lines);
  all("surprises", log.surprises);
  json.key("bank");
  log.bank == TPM_ALG_ID::NULL_ ? json.null() : json.string(name(log.bank));
  json.key("events");
  json.begin_array();
  for (const ShownEvent& shown : log.events) event_json(json, shown);
  json.end_array();
  json.key("pcrs");
  json.begin_object();
  for (const auto& [bank, pcrs] : log.pcrs) {
    json.key(name(bank));
    json.begin_object();
    for (std::size_t pcr = 0; pcr < EventLogReader::kPcrs; ++pcr) {
      if (pcrs.events(pcr) == 0) continue;
      json.key(std::to_string(pcr));
      json.hex(pcrs[pcr]);
    }
    json.end_object();
  }
  json.end_object();
  all("not_replayed", log.not_replayed);
  if (failure) write_error(json, failure->words());
  json.end_object();
  return out.finish();
}

// What was measured as rules of a policy: nothing else may be. Of what the running system extends too, the log holds
// the beginning alone.
Outcome<std::string> allow_list(std::string_view path, ByteView octets) {
  std::array<std::vector<ByteView>, EventLogReader::kPcrs> measured;
  bool filled = false;
  EventLogReader reader;
  for (ByteView rest = octets; !rest.empty(); rest = rest.subspan(reader.taken())) {
    const auto event = reader.next(rest);
    if (!event) return std::unexpected(describe(path, event.error()));
    const ByteView digest = event->digest(kQuotedBank);
    if (event->eventType == EventType::EV_NO_ACTION || digest.empty() || is_extended_after_boot(event->pcrIndex)) continue;
    filled = filled || !all_zero(digest);
    measured[event->pcrIndex].push_back(digest);
  }
  for (auto& digests : measured) keep_first_of_each(digests, text_of);
  if (!filled)
    return std::unexpected(
        Failure{Exit::failed, std::string(path), "has no digests of SHA-256, by which policies judge", "empty"});
  JsonText out(3 * octets.size() + 1024);  // digests grow to twice their size, and have quotes and a comma
  JsonWriter& json = out.json();
  json.begin_object();
  json.key("boot_events");
  json.begin_object();
  for (std::size_t pcr = 0; pcr < measured.size(); ++pcr) {
    if (measured[pcr].empty()) continue;
    json.key(std::to_string(pcr));
    json.begin_object();
    json.key(BootEventRules::kKindNames[static_cast<std::size_t>(BootEventRules::Kind::may)]);
    json.begin_array();
    for (const ByteView digest : measured[pcr]) json.hex(digest);
    json.end_array();
    json.end_object();
  }
  json.end_object();
  json.end_object();
  return out.finish();
}

// What can be read is shown, whatever comes behind it; the fault is the command's.
Outcome<Exit> display_eventlog(const Arguments& arguments) {
  const std::string_view path = arguments.operand(0);
  SNPNV_TRY(const auto octets, read_event_log(path));
  if (arguments.has("allow-list")) {
    SNPNV_TRY(const std::string list, allow_list(path, octets));
    SNPNV_CHECK(print(list));
    return Exit::done;
  }
  ShownLog log;
  read_events(octets, log);
  std::optional<Failure> failure;
  if (log.error) failure = describe(path, *log.error);
  if (log.events.empty() && failure) return std::unexpected(*failure);
  if (const auto judged = judge_events(log); !judged) return library_failure(path, judged.error());
  judge_log(log);
  std::string text;
  if (arguments.json()) {
    SNPNV_TRY(text, log_json(log, octets.size(), failure));
  } else {
    text = log_text(log);
  }
  SNPNV_CHECK(print(text));
  if (!failure) return Exit::done;
  print_failure(*failure);
  return failure->exit;
}

constexpr auto kDisplayEventlogOptions = std::to_array({
    OptionSpec{0, "allow-list", "", "write it as a policy that allows what was measured, and nothing else"},
});

}  // namespace

const CommandSpec kDisplayEventlog{
    "display eventlog",
    "FILE [--allow-list]",
    "show what a boot measured",
    "Shows the TCG event log in FILE, as /sys/kernel/security/tpm0/binary_bios_measurements holds it: first what is "
    "asked most, then an event a line with its number, PCR, type, whether its digest proves what it says, and that. "
    "Verifies nothing: a log counts only where a quote holds the PCRs that it leads to.",
    1,
    1,
    kDisplayEventlogOptions,
    display_eventlog};

}  // namespace snpnv::tool
