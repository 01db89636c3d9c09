// Policies as JSON files. docs/policy.md describes the format.
#pragma once

#include "snpnv/verify/policy.hpp"

namespace snpnv {

/// Reads a policy from JSON, member by member.
class PolicyReader {
 public:
  constexpr explicit PolicyReader(ByteView text) : json_(text) {}

  [[nodiscard]] constexpr Result<Policy> read() {
    (void)members([&](const JsonString& name) { return top(name); });
    return json_.finish(policy_);
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
    if (!read()) json_.fail_at(Code::wire_value, at);
  }
  template <class Read>
  constexpr void some_members(Read&& read) {
    something([&] { return members(read); });
  }

  constexpr bool top(const JsonString& name) {
    if (name == "allow_debug") {
      policy_.allow_debug = json_.boolean();
    } else if (name == "allow_migration") {
      policy_.allow_migration = json_.boolean();
    } else if (name == "allow_newer_version") {
      policy_.allow_newer_version = json_.boolean();
    } else if (name == "vmpl") {
      policy_.vmpl = number<std::uint32_t>(3);
    } else if (name == "min_guest_svn") {
      policy_.min_guest_svn = number<std::uint32_t>(0xFFFFFFFF);
    } else if (name == "min_tcb") {
      some_members([&](const JsonString& of) {
        return of == "reported"    ? tcb(policy_.min_tcb)
               : of == "committed" ? tcb(policy_.min_committed_tcb)
               : of == "launch"    ? tcb(policy_.min_launch_tcb)
                                   : false;
      });
    } else if (name == "platform_info") {
      some_members([&](const JsonString& of) {
        return of == "required"    ? bits(policy_.platform_info_required)
               : of == "forbidden" ? bits(policy_.platform_info_forbidden)
                                   : false;
      });
    } else if (name == "min_firmware") {
      some_members([&](const JsonString& of) {
        return of == "current"     ? firmware(policy_.min_firmware)
               : of == "committed" ? firmware(policy_.min_committed_firmware)
                                   : false;
      });
    } else if (name == "mitigations") {
      some_members([&](const JsonString& of) {
        return of == "current"  ? mask(policy_.mitigations)
               : of == "launch" ? mask(policy_.launch_mitigations)
                                : false;
      });
    } else if (name == "pcrs") {
      some_members([&](const JsonString& member) { return pcr(member); });
    } else if (name == "vm_configuration") {
      some_members([&](const JsonString& member) { return vm(member); });
    } else {
      return allow_list(name);
    }
    return true;
  }

  template <std::unsigned_integral T>
  constexpr T number(std::uint64_t most) {
    const std::size_t at = json_.offset();
    const std::uint64_t value = json_.unsigned_integer();
    if (value > most) json_.fail_at(Code::json_number, at);
    return static_cast<T>(value);
  }

  constexpr bool tcb(TcbMinimums& to) {
    some_members([&](const JsonString& component) {
      const auto index = tcb_component(component);
      if (index) to.values[*index] = number<std::uint8_t>(0xFF);
      return index.has_value();
    });
    return true;
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

  constexpr bool mask(std::uint64_t& to) {
    something([&] {
      to = json_.unsigned_integer();
      return to != 0;
    });
    return true;
  }

  constexpr bool firmware(std::optional<std::uint32_t>& to) {
    const JsonString text = json_.string();
    ExpectedText copy;
    if (json_.ok()) to = copy_text(text, copy) ? parse_firmware_version(copy.view()) : std::nullopt;
    if (!to) json_.fail_at(Code::wire_value, text.offset);
    return true;
  }

  static constexpr bool copy_text(const JsonString& text, ExpectedText& to) {
    JsonString::Source source = text.source();
    for (char c = 0; source.next(c);) {
      if (to.size == to.held.size()) return false;
      to.held[to.size++] = c;
    }
    return true;
  }

  // A member named by the number of the PCR, of the SHA-256 bank.
  constexpr bool pcr(const JsonString& member) {
    for (std::size_t i = 0; i < policy_.pcrs.size(); ++i) {
      const char digits[2] = {static_cast<char>('0' + i / 10), static_cast<char>('0' + i % 10)};
      if (!(member == (i < 10 ? std::string_view(digits + 1, 1) : std::string_view(digits, 2)))) continue;
      const JsonString text = json_.string();
      PcrValue& value = policy_.pcrs[i].emplace();
      const auto octets = decode_hex(text.source(), value);
      if (!octets) {
        json_.fail(octets.error());
      } else if (octets->size() != value.size() && json_.ok()) {
        json_.fail_at(Code::wire_size, text.offset, octets->size());
      }
      return true;
    }
    return false;
  }

  constexpr bool vm(const JsonString& member) {
#define SNPNV_X(name, spelled)         \
  if (member == spelled) {             \
    policy_.vm.name = json_.boolean(); \
    return true;                       \
  }
    SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(name, spelled)                                                    \
  if (member == spelled) {                                                        \
    const JsonString text = json_.string();                                       \
    if (!copy_text(text, policy_.vm.name.emplace()))                              \
      json_.fail_at(Code::wire_overflow, text.offset, sizeof(ExpectedText::held)); \
    return true;                                                                  \
  }
    SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
    return false;
  }

  constexpr bool allow_list(const JsonString& name) {
#define SNPNV_X(member, FIELD, SHORT)                                          \
  if (name == #member) {                                                       \
    one_or_several([&](ByteView value) { return policy_.member.add(value); }); \
    return true;                                                               \
  }
    SNPNV_POLICY_ALLOW_LISTS(SNPNV_X)
#undef SNPNV_X
    return false;
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
    if (json_.peek() != JsonKind::array) return one();
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

  JsonReader json_;
  Policy policy_;
};

/// Reads a policy. Members that are left out ask for nothing, or keep the default of Policy.
/// @returns the policy | json_ codes, text_hex - where: offset | json_unknown - a member, component
///   or bit that does not exist | json_number - beyond the limit of the field | wire_size - a value of
///   another size than its field; detail: octets | wire_overflow - more values than AllowList::kMax, or
///   a text longer than 128 octets | wire_value - not a firmware version, or a list, object or mask that
///   asks for nothing.
/// Source: docs/policy.md.
[[nodiscard]] constexpr Result<Policy> parse_policy(ByteView text) { return PolicyReader(text).read(); }

}  // namespace snpnv
