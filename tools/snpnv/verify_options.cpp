// SPDX-License-Identifier: Apache-2.0
#include "verify_options.hpp"

#include <ctime>

#include "describe.hpp"
#include "files.hpp"
#include "provider.hpp"
#include "snpnv/verify/evidence.hpp"
#include "snpnv/verify/policy_json.hpp"
#include "tools/nearest.hpp"

namespace snpnv::tool {
namespace {

constexpr std::string_view kPolicyPage = "docs/policy.md lists the members of a policy";

// The parts of a list separated by commas.
std::vector<std::string_view> parts(std::string_view list) {
  std::vector<std::string_view> out;
  while (true) {
    const std::size_t comma = list.find(',');
    out.push_back(list.substr(0, comma));
    if (comma == std::string_view::npos) return out;
    list.remove_prefix(comma + 1);
  }
}

// A second value for one item, by the policy file and an option or within a list, is no addition.
std::unexpected<Failure> second_value(std::string_view option, std::string_view item = {}) {
  return usage("--" + str(option), item.empty() ? "there is a value already" : "two values for " + str(item));
}

// How the options of each kind of item are read.
Outcome<void> take(policy_kind::Permission, const Arguments& arguments, std::string_view option, bool& to) {
  to = to || arguments.has(option);
  return {};
}

template <std::uint32_t Most>
Outcome<void> take(policy_kind::Number<Most>, const Arguments& arguments, std::string_view option,
                   std::optional<std::uint32_t>& to) {
  const auto text = arguments.value(option);
  if (!text) return {};
  if (to) return second_value(option);
  SNPNV_TRY(const std::uint64_t value, number("--" + str(option), *text, 0, Most));
  to = static_cast<std::uint32_t>(value);
  return {};
}

Outcome<void> take(policy_kind::Tcb, const Arguments& arguments, std::string_view option, TcbMinimums& to) {
  const auto list = arguments.value(option);
  if (!list) return {};
  const std::string spelled = "--" + str(option);
  for (const std::string_view part : parts(*list)) {
    const std::size_t equals = part.find('=');
    const auto component = tcb_component(part.substr(0, equals));
    if (!component || equals == std::string_view::npos) {
      Nearest nearest(part.substr(0, equals));
      if (!component)
        for (const auto& known : kTcbLayout) nearest.offer(known.key);
      return usage(spelled, "needs a list such as boot_loader=3,tee=0,snp=8,microcode=115",
                   nearest.hint("", "the components are fmc, boot_loader, tee, snp and microcode"));
    }
    SNPNV_TRY(const std::uint64_t least, number(spelled, part.substr(equals + 1), 0, 0xFF));
    if (to.values[*component]) return second_value(option, kTcbLayout[*component].key);
    to.values[*component] = static_cast<std::uint8_t>(least);
  }
  return {};
}

Outcome<void> take(policy_kind::Platform, const Arguments& arguments, std::string_view option,
                   PlatformRequirement& to) {
  const auto list = arguments.value(option);
  if (!list) return {};
  for (std::string_view part : parts(*list)) {
    const bool forbidden = part.starts_with('!');
    if (forbidden) part.remove_prefix(1);
    const auto bit = platform_info_bit(part);
    if (!bit) {
      std::string names("the bits are");
      Nearest nearest(part);
      for (const BitName& known : PlatformInfo::kBits) {
        names += " " + str(known.name);
        nearest.offer(known.name);
      }
      return usage("--" + str(option), "no such bit: " + str(part), nearest.hint("", names));
    }
    (forbidden ? to.forbidden : to.required) |= *bit;
  }
  return {};
}

Outcome<void> take(policy_kind::Firmware, const Arguments& arguments, std::string_view option,
                   std::optional<std::uint32_t>& to) {
  const auto text = arguments.value(option);
  if (!text) return {};
  if (to) return second_value(option);
  to = parse_firmware_version(*text);
  if (!to) return usage("--" + str(option), "needs a version such as 1.55 or 1.55.21");
  return {};
}

Outcome<void> take(policy_kind::Mask, const Arguments& arguments, std::string_view option, std::uint64_t& to) {
  const auto text = arguments.value(option);
  if (!text) return {};
  std::string_view digits = *text;
  if (digits.starts_with("0x") || digits.starts_with("0X")) digits.remove_prefix(2);
  if (digits.empty() || digits.size() > 16)
    return usage("--" + str(option), "needs 1 to 16 hexadecimal digits");
  std::uint64_t mask = 0;
  for (const char c : digits) {
    if (hex_digit(c) < 0) return usage("--" + str(option), "needs 1 to 16 hexadecimal digits");
    mask = mask << 4 | static_cast<std::uint64_t>(hex_digit(c));
  }
  if (mask == 0) return usage("--" + str(option), "a mask of 0 asks for nothing");
  to |= mask;
  return {};
}

template <std::size_t Size, std::size_t Short>
Outcome<void> take(policy_kind::OneOf<Size, Short>, const Arguments& arguments, std::string_view option,
                   AllowList<Size, Short>& to) {
  const std::string spelled = "--" + str(option);
  for (const std::string_view text : arguments.values(option)) {
    SNPNV_TRY(const auto value, hex_value(spelled, text, 0));
    if (const auto added = to.add(value); !added)
      return added.error().code == Code::wire_size
                 ? wrong_value(spelled, text, format("needs %zu octets, not %zu", Size, value.size()))
                 : usage(spelled, format("at most %u values", added.error().detail));
  }
  return {};
}

Outcome<void> take(policy_kind::Flag, const Arguments& arguments, std::string_view option, std::optional<bool>& to) {
  const auto text = arguments.value(option);
  if (!text) return {};
  if (to) return second_value(option);
  if (*text != "true" && *text != "false") return usage("--" + str(option), "is true or false");
  to = *text == "true";
  return {};
}

Outcome<void> take(policy_kind::Texts, const Arguments& arguments, std::string_view option, ExpectedTexts& to) {
  for (const std::string_view text : arguments.values(option))
    if (const auto added = to.add(octets_of(text)); !added)
      return usage("--" + str(option), format("at most %u values", added.error().detail));
  return {};
}

// What was probably meant by a name of a policy file, wherever it may stand there; else where all of them are.
std::string policy_hint(std::string_view word) {
  Nearest nearest(word);
#define SNPNV_X(member, Kind, path, option, help, check) path,
  for (const std::string_view path : std::initializer_list<std::string_view>{SNPNV_POLICY_ITEMS(SNPNV_X)}) {
    const std::size_t dot = path.find('.');
    nearest.offer(path.substr(0, dot));
    nearest.offer(path.substr(dot + 1));  // all of it where there is none
  }
#undef SNPNV_X
#define SNPNV_X(id, name) nearest.offer(name);
  SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
  SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
  for (const auto& component : kTcbLayout) nearest.offer(component.key);
  for (const BitName& bit : PlatformInfo::kBits) nearest.offer(bit.name);
  for (const std::string_view name : {"required", "forbidden", "must", "may", "must_not"}) nearest.offer(name);
  if (nearest.found()) return str(kPolicyPage);  // it stands in the wrong place
  std::string out = nearest.hint("", "");
  if (!out.empty()) out += ' ';
  return out += kPolicyPage;
}

// Reads a policy file by `parse`, with room that is kept for what the policy borrows.
template <class Parse>
Outcome<void> read_policy(std::string_view path, Policy& to, std::vector<std::vector<std::byte>>& rooms, Parse&& parse) {
  SNPNV_TRY(const auto text, read_file(path, kMostOctets));
  const auto read = parse(text, to, rooms.emplace_back(text.size()));
  if (read) return {};
  Failure failure = describe_json(path, text, read.error());
  failure.hint = policy_hint(read.error().code == Code::json_unknown ? text_of(member_of(text, read.error())) : "");
  return std::unexpected(failure);
}

Outcome<void> take(policy_kind::BootEvents, const Arguments& arguments, std::string_view option, BootEventRules& to,
                   std::vector<std::vector<std::byte>>& rooms) {
  const auto path = arguments.value(option);
  if (!path) return {};
  if (to.count() != 0) return second_value(option);
  Policy policy;
  SNPNV_CHECK(read_policy(*path, policy, rooms, parse_boot_events));
  to = policy.boot_events;
  return {};
}

Outcome<void> take(policy_kind::Pcrs, const Arguments& arguments, std::string_view option,
                   policy_kind::Pcrs::Value& to) {
  const std::string spelled = "--" + str(option);
  for (const std::string_view pair : arguments.values(option)) {
    const std::size_t equals = pair.find('=');
    if (equals == std::string_view::npos) return usage(spelled, "needs N=HEX");
    SNPNV_TRY(const std::uint64_t index, number(spelled, pair.substr(0, equals), 0, to.size() - 1));
    const auto pcr = static_cast<std::uint32_t>(index);
    SNPNV_TRY(const auto value, hex_value(spelled, pair.substr(equals + 1), kPcrSize));
    if (to[pcr]) return second_value(option, format("PCR %u", pcr));
    copy_to(to[pcr].emplace(), value);
  }
  return {};
}

Outcome<void> take(policy_kind::VmMembers, const Arguments& arguments, std::string_view option,
                   ExpectedVmConfiguration& to) {
  const std::string spelled = "--" + str(option);
  for (const std::string_view pair : arguments.values(option)) {
    const std::size_t equals = pair.find('=');
    const std::string_view member = pair.substr(0, equals);
    if (equals == std::string_view::npos) return usage(spelled, "needs NAME=VALUE");
    const std::string_view value = pair.substr(equals + 1);
    bool known = false;
#define SNPNV_X(id, known_name)                                                              \
  if (member == known_name) {                                                                \
    if (value != "true" && value != "false")                                              \
      return usage(spelled, str(member) + " is true or false");              \
    if (to.id) return second_value(option, member);                     \
    to.id = value == "true";                                                       \
    known = true;                                                                         \
  }
    SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(id, known_name)                                                              \
  if (member == known_name) {                                                                \
    if (to.id) return second_value(option, member);                     \
    ExpectedText& text = to.id.emplace();                                          \
    if (value.size() > text.held.size())                                                  \
      return usage(spelled, str(member) + ": the value is too long");        \
    text.size = value.copy(text.held.data(), text.held.size());                           \
    known = true;                                                                         \
  }
    SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
    if (!known) {
      Nearest nearest(member);
#define SNPNV_X(id, known_name) nearest.offer(known_name);
      SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
      SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
      return usage(spelled, "no such member: " + str(member), nearest.hint("", kPolicyPage));
    }
  }
  return {};
}

// --secure-boot and --init-data are short for values of other items.
Outcome<void> take_short(const Arguments& arguments, Policy& policy) {
  if (arguments.has("secure-boot")) {
    if (policy.vm.secure_boot) return second_value("secure-boot");
    policy.vm.secure_boot = true;
  }
  if (const auto text = arguments.value("init-data")) {
    SNPNV_TRY(const auto digest, hex_value("--init-data", *text, 0, 64));
    Provider crypto;
    const auto expected = expect_init_data(crypto, digest, policy);
    if (!expected && expected.error().code == Code::wire_size)
      return wrong_value("--init-data", *text, format("needs a digest of 32, 48 or 64 octets, not %zu", digest.size()));
    if (!expected && expected.error().code == Code::wire_value)
      return usage("--init-data", "not together with a value for PCR 8");
    if (!expected) return library_failure("--init-data", expected.error());
  }
  return {};
}

}  // namespace

Outcome<AskedPolicy> policy_of(const Arguments& arguments) {
  AskedPolicy policy;
  if (const auto path = arguments.value("policy")) SNPNV_CHECK(read_policy(*path, policy, policy.rooms, parse_policy));
  const auto read = [&](auto kind, std::string_view option, auto& to) -> Outcome<void> {
    if constexpr (requires { take(kind, arguments, option, to, policy.rooms); }) {
      return take(kind, arguments, option, to, policy.rooms);
    } else {
      return take(kind, arguments, option, to);
    }
  };
#define SNPNV_X(member, Kind, path, option, help, check) \
  SNPNV_CHECK(read(policy_kind::Kind{}, option, policy.member));
  SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
  SNPNV_CHECK(take_short(arguments, policy));
  return policy;
}

VerificationTime time_of_clock() { return static_cast<UnixTime>(std::time(nullptr)); }

Outcome<VerificationTime> time_of(const Arguments& arguments) {
  const auto text = arguments.value("at");
  if (!text) return time_of_clock();
  const auto time = parse_rfc3339(*text);
  if (!time) return usage("--at", "needs a time such as 2025-01-31T12:00:00Z");
  return VerificationTime::given(*time);
}

Outcome<UserData> user_data_of(std::string_view text) {
  UserData out{};
  SNPNV_TRY(const auto value, hex_value("--user-data", text, 0, out.size()));
  copy_to(out, value);
  return out;
}

}  // namespace snpnv::tool
