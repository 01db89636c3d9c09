// SPDX-License-Identifier: Apache-2.0
// Policies as JSON files. docs/policy.md describes the format.
#pragma once

#include "snpnv/verify/policy.hpp"

namespace snpnv {

namespace detail {

/// Where an item stands in a policy file: in the object at the top, or in one of its members.
struct PolicyPath {
  std::string_view object = "";  // empty: at the top
  std::string_view name;

  consteval explicit PolicyPath(std::string_view path) : name(path) {
    if (const std::size_t dot = path.find('.'); dot != std::string_view::npos) {
      object = upto(path, dot);
      name = from(path, dot + 1);
    }
  }
};

/// Reads a policy from JSON, member by member, into a policy as it is made. What the policy borrows is put into `room`.
class PolicyReader {
 public:
  constexpr PolicyReader(ByteView text, Policy& to, MutBytes room) : json_(text), policy_(to), room_(room) {}

  [[nodiscard]] constexpr Result<void> read() {
    (void)members([&](const JsonString& name) { return top(name); });
    return json_.finish();
  }
  /// The same, where no other member than this may stand.
  [[nodiscard]] constexpr Result<void> read_only(std::string_view member) {
    some_members([&](const JsonString& name) { return name == member && top(name); });
    return json_.finish();
  }

 private:
  // Calls read(name) for each member of the object that comes next; false refuses the member.
  // @returns whether there was one.
  template <class Read>
  constexpr bool members(Read&& read) {
    bool any = false;
    json_.enter_object();
    for (JsonString name; json_.next_member(name);) {
      any = true;
      if (!read(name)) json_.fail_at(Code::json_unknown, name.offset);
    }
    return any;
  }
  // What is given and asks for nothing would read like a requirement that was met: it is refused.
  // read() says whether the value that comes next asks for anything.
  template <class Read>
  constexpr void something(Read&& read) {
    (void)json_.peek();
    const std::size_t at = json_.offset();
    if (!read()) json_.fail_at(Code::json_empty, at);
  }
  template <class Read>
  constexpr void some_members(Read&& read) {
    something([&] { return members(read); });
  }

  constexpr bool top(const JsonString& name) {
    if (item("", name)) return true;
#define SNPNV_X(member, Kind, path, option, help, check)                                                  \
  if (constexpr PolicyPath kPath(path); !kPath.object.empty() && name == kPath.object) {                  \
    some_members([&](const JsonString& inner) { return item(kPath.object, inner); });                     \
    return true;                                                                                          \
  }
    SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
    return false;
  }

  constexpr bool item(std::string_view object, const JsonString& name) {
#define SNPNV_X(member, Kind, path, option, help, check)                                      \
  if (constexpr PolicyPath kPath(path); kPath.object == object && name == kPath.name) {       \
    read(policy_kind::Kind{}, policy_.member);                                                \
    return true;                                                                              \
  }
    SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
    return false;
  }

  constexpr void read(policy_kind::Permission, bool& to) { to = json_.boolean(); }
  constexpr void read(policy_kind::Flag, std::optional<bool>& to) { to = json_.boolean(); }
  template <std::uint32_t Most>
  constexpr void read(policy_kind::Number<Most>, std::optional<std::uint32_t>& to) {
    to = number<std::uint32_t>(Most);
  }
  template <std::unsigned_integral T>
  constexpr T number(std::uint64_t most) {
    const std::size_t at = json_.offset();
    const std::uint64_t value = json_.unsigned_integer();
    if (value > most) json_.fail_at(Code::json_number, at);
    return static_cast<T>(value);
  }

  constexpr void read(policy_kind::Tcb, TcbMinimums& to) {
    some_members([&](const JsonString& component) {
      const auto index = tcb_component(component);
      if (index) to.values[*index] = number<std::uint8_t>(0xFF);
      return index.has_value();
    });
  }

  constexpr void read(policy_kind::Platform, PlatformRequirement& to) {
    some_members([&](const JsonString& of) {
      return of == "required" ? bits(to.required) : of == "forbidden" ? bits(to.forbidden) : false;
    });
  }

  constexpr bool bits(std::uint64_t& to) {
    something([&] {
      json_.enter_array();
      while (json_.next_element()) {
        const JsonString text = json_.string();
        const auto bit = platform_info_bit(text);
        if (!bit) json_.fail_at(Code::json_unknown, text.offset);
        to |= bit.value_or(0);
      }
      return to != 0;
    });
    return true;
  }

  constexpr void read(policy_kind::Mask, std::uint64_t& to) {
    something([&] {
      to = json_.unsigned_integer();
      return to != 0;
    });
  }

  constexpr void read(policy_kind::Firmware, std::optional<std::uint32_t>& to) {
    const JsonString text = json_.string();
    ExpectedText copy;
    if (json_.ok()) to = copy_text(text, copy) ? parse_firmware_version(copy.view()) : std::nullopt;
    if (!to) json_.fail_at(Code::wire_value, text.offset);
  }

  static constexpr bool copy_text(const JsonString& text, ExpectedText& to) {
    JsonString::Source source = text.source();
    for (char c = 0; source.next(c);) {
      if (to.size == to.held.size()) return false;
      to.held[to.size++] = c;
    }
    return true;
  }

  using PcrValues = policy_kind::Pcrs::Value;
  constexpr void read(policy_kind::Pcrs, PcrValues& to) {
    some_members([&](const JsonString& member) {
      const auto pcr = pcr_of(member);
      if (pcr) digest(to[*pcr].emplace());
      return pcr.has_value();
    });
  }
  // The PCR whose number is the member's name.
  static constexpr std::optional<std::size_t> pcr_of(const JsonString& member) {
    for (std::size_t i = 0; i < kPcrNames.size(); ++i) {
      const char digits[2] = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
      if (member == (i < 10 ? std::string_view(digits + 1, 1) : std::string_view(digits, 2))) return i;
    }
    return std::nullopt;
  }
  // One of the SHA-256 bank.
  constexpr void digest(PcrValue& to) {
    const JsonString text = json_.string();
    const auto octets = decode_hex(text.source(), to);
    if (!octets) {
      json_.fail(octets.error());
    } else if (octets->size() != to.size() && json_.ok()) {
      json_.fail_at(Code::wire_size, text.offset, octets->size());
    }
  }

  constexpr void read(policy_kind::BootEvents, BootEventRules& to) {
    const std::size_t begin = room_.size();
    some_members([&](const JsonString& member) {
      const auto pcr = pcr_of(member);
      if (pcr) some_members([&](const JsonString& kind) { return rules(*pcr, kind); });
      return pcr.has_value();
    });
    to.octets = room_.written().subspan(begin);
  }
  constexpr bool rules(std::size_t pcr, const JsonString& kind) {
    for (std::size_t i = 0; i < BootEventRules::kKindNames.size(); ++i) {
      if (!(kind == BootEventRules::kKindNames[i])) continue;
      some_elements([&] {
        const std::size_t at = json_.offset();
        PcrValue value{};
        digest(value);
        room_.be<std::uint8_t>(static_cast<std::uint8_t>(pcr));
        room_.be<std::uint8_t>(static_cast<std::uint8_t>(i));
        room_.bytes(value);
        fits(at);
      });
      return true;
    }
    return false;
  }
  // Calls one() for each element of the array that comes next, which must have some.
  template <class One>
  constexpr void some_elements(One&& one) {
    something([&] {
      bool any = false;
      json_.enter_array();
      while (json_.next_element()) {
        one();
        any = true;
      }
      return any;
    });
  }
  // Whether all that is kept had room.
  constexpr void fits(std::size_t at) {
    if (const auto kept = room_.finish(); !kept && json_.ok())
      json_.fail_at(Code::wire_overflow, at, kept.error().detail);
  }

  constexpr void read(policy_kind::Texts, ExpectedTexts& to) {
    const auto one = [&] {
      const JsonString text = json_.string();
      const std::size_t begin = room_.size();
      JsonString::Source source = text.source();
      for (char c = 0; source.next(c);) room_.be<std::uint8_t>(static_cast<std::uint8_t>(c));
      fits(text.offset);
      if (const auto added = to.add(room_.written().subspan(begin)); !added && json_.ok())
        json_.fail_at(added.error().code, text.offset, added.error().detail);
    };
    json_.peek() == JsonKind::array ? some_elements(one) : one();
  }

  constexpr void read(policy_kind::VmMembers, ExpectedVmConfiguration& to) {
    some_members([&](const JsonString& member) { return vm(to, member); });
  }
  constexpr bool vm(ExpectedVmConfiguration& to, const JsonString& member) {
#define SNPNV_X(name, spelled)         \
  if (member == spelled) {             \
    to.name = json_.boolean(); \
    return true;                       \
  }
    SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(name, spelled)                                                    \
  if (member == spelled) {                                                        \
    const JsonString text = json_.string();                                       \
    if (!copy_text(text, to.name.emplace()))                              \
      json_.fail_at(Code::wire_overflow, text.offset, sizeof(ExpectedText::held)); \
    return true;                                                                  \
  }
    SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
    return false;
  }

  template <std::size_t Size, std::size_t Short>
  constexpr void read(policy_kind::OneOf<Size, Short>, AllowList<Size, Short>& to) {
    one_or_several([&](ByteView value) { return to.add(value); });
  }

  // A string of hexadecimal digits, or an array of them that is not empty.
  template <class Add>
  constexpr void one_or_several(Add&& add) {
    const auto one = [&] {
      const JsonString text = json_.string();
      std::array<std::byte, 64> value{};
      const auto octets = decode_hex(text.source(), value);
      if (!octets) return json_.fail(octets.error());
      if (const auto added = add(*octets); !added && json_.ok())
        json_.fail_at(added.error().code, text.offset, added.error().detail);
    };
    json_.peek() == JsonKind::array ? some_elements(one) : one();
  }

  JsonReader json_;
  Policy& policy_;
  ByteWriter room_;
};

}  // namespace detail

/// Reads a policy into `out`, whatever it held. Members that are left out ask for nothing, or keep the default of
/// Policy. After an error `out` is of no use.
/// @returns nothing | json_ codes, text_hex - where: offset | json_unknown - a member, component
///   or bit that does not exist | json_number - beyond the limit of the field | wire_size - a value of
///   another size than its field; detail: octets | wire_overflow - more values than AllowList::kMax,
///   a text longer than 128 octets, or more of command lines and boot events than `room` holds, which the policy
///   borrows: as many octets as `text` has are enough | wire_value - not a firmware version | json_empty - a list,
///   object or mask that asks for nothing.
/// Source: docs/policy.md.
[[nodiscard]] constexpr Result<void> parse_policy(ByteView text, Policy& out, MutBytes room = {}) {
  out.reset();
  return detail::PolicyReader(text, out, room).read();
}

/// Reads a policy that holds rules of boot events and nothing else.
/// @returns as parse_policy().
[[nodiscard]] constexpr Result<void> parse_boot_events(ByteView text, Policy& out, MutBytes room) {
  out.reset();
  return detail::PolicyReader(text, out, room).read_only("boot_events");
}

}  // namespace snpnv
