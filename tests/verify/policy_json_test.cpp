// SPDX-License-Identifier: Apache-2.0
#include "snpnv/verify/policy_json.hpp"

#include <fstream>
#include <set>
#include <string>
#include <tuple>

#include "snpnv/verify/checks.hpp"
#include "tests/test.hpp"

using namespace snpnv;

namespace {

Result<Policy> read(std::string_view text, MutBytes room = {}) {
  Policy policy;
  SNPNV_CHECK(parse_policy(std::as_bytes(std::span(text)), policy, room));
  return policy;
}

std::string text_of_octets(std::size_t n, std::string_view pair) {
  std::string out;
  for (std::size_t i = 0; i < n; ++i) out += pair;
  return out;
}

// A policy that asks for everything.
std::string every_member() {
  return
      R"({"allow_debug":true,"allow_migration":true,"allow_newer_version":true,"vmpl":3,)"
      R"("min_guest_svn":4294967295,)"
      R"("min_tcb":{"reported":{"fmc":1,"boot_loader":2,"tee":3,"snp":4,"microcode":255},)"
      R"("committed":{"snp":5},"launch":{"tee":0}},)"
      R"("measurement":")" + text_of_octets(48, "Ab") + R"(","host_data":")" + text_of_octets(32, "01") +
      R"(","report_data":")" + text_of_octets(64, "02") + R"(","family_id":")" +
      text_of_octets(16, "03") + R"(","image_id":[")" + text_of_octets(16, "04") + R"(",")" +
      text_of_octets(16, "05") + R"("],"id_key":")" + text_of_octets(48, "06") +
      R"(","author_key":")" + text_of_octets(48, "07") + R"(","chip_id":["1122334455667788",")" +
      text_of_octets(64, "08") + R"("],)"
      R"("platform_info":{"required":["ECC_EN","ALIAS_CHECK_COMPLETE"],"forbidden":["SMT_EN"]},)"
      R"("min_firmware":{"current":"1.55.21","committed":"1.54"},)"
      R"("mitigations":{"current":3,"launch":18446744073709551615},)"
      R"("vm_configuration":{"secure-boot":true,"console-enabled":false,"vmUniqueId":"A\u0042"},)"
      R"("pcrs":{"4":")" + text_of_octets(32, "09") + R"(","23":")" + text_of_octets(32, "0a") + R"("},)"
      R"("secure_boot_log":{"enabled":false,"pk":")" + text_of_octets(32, "0b") + R"(","kek":")" +
      text_of_octets(32, "0c") + R"(","db":")" + text_of_octets(32, "0d") + R"(","dbx":")" + text_of_octets(32, "0e") +
      R"(","authority":")" + text_of_octets(32, "0f") + R"("},)"
      R"("kernel_command_line":["ro \u0022a\u0022","quiet"],)"
      R"("boot_events":{"4":{"must":[")" + text_of_octets(32, "10") + R"("],"may":[")" + text_of_octets(32, "11") +
      R"("]},"23":{"must_not":[")" + text_of_octets(32, "12") + R"(",")" + text_of_octets(32, "13") + R"("]}}})";
}

}  // namespace

TEST_CASE("PolicyJson_EmptyObject_IsTheDefault") {
  const auto policy = read("{}");
  REQUIRE(policy.has_value());
  CHECK_FALSE(policy->allow_debug);
  CHECK_FALSE(policy->allow_migration);
  CHECK_FALSE(policy->allow_newer_version);
  CHECK_FALSE(policy->vmpl.has_value());
  CHECK_FALSE(policy->min_tcb.any());
  CHECK(policy->measurement.count == 0);
}

TEST_CASE("PolicyJson_EveryMemberOfTheReport_IsRead") {
  const std::string text = every_member();
  test::Octets room(text.size());
  const auto policy = read(text, room);
  REQUIRE(policy.has_value());
  CHECK(policy->allow_debug);
  CHECK(policy->allow_migration);
  CHECK(policy->allow_newer_version);
  CHECK(policy->vmpl == 3);
  CHECK(policy->min_guest_svn == 0xFFFFFFFF);
  const std::array<std::optional<std::uint8_t>, 5> reported{1, 2, 3, 4, 255};
  CHECK(policy->min_tcb.values == reported);
  CHECK(policy->min_committed_tcb.values[3] == 5);
  CHECK(policy->min_launch_tcb.values[2] == 0);
  CHECK(policy->measurement.values[0][47] == std::byte{0xAB});
  CHECK(policy->host_data.count == 1);
  CHECK(policy->report_data.count == 1);
  CHECK(policy->family_id.count == 1);
  CHECK(policy->image_id.count == 2);
  CHECK(policy->image_id.values[1][0] == std::byte{5});
  CHECK(policy->id_key.count == 1);
  CHECK(policy->author_key.count == 1);
  CHECK(policy->chip_id.count == 2);
  CHECK(policy->chip_id.values[0][7] == std::byte{0x88});
  CHECK(all_zero(ByteView(policy->chip_id.values[0]).subspan(8)));
  CHECK(policy->platform_info.required == 0x24);  // bits 2 and 5: AMD 56860, "ATTESTATION_REPORT"
  CHECK(policy->platform_info.forbidden == 0x1);
  CHECK(policy->min_firmware == 0x013715);  // 1, 55, 21
  CHECK(policy->min_committed_firmware == 0x013600);
  CHECK(policy->mitigations == 3);
  CHECK(policy->launch_mitigations == ~std::uint64_t{0});
  CHECK(policy->vm.secure_boot == true);
  CHECK(policy->vm.console_enabled == false);
  CHECK_FALSE(policy->vm.tpm_enabled.has_value());
  CHECK(policy->vm.vm_unique_id->view() == "AB");
}

TEST_CASE("PolicyJson_EveryMemberOfTheBoot_IsRead") {
  const std::string text = every_member();
  test::Octets room(text.size());
  const auto policy = read(text, room);
  REQUIRE(policy.has_value());
  for (std::size_t pcr = 0; pcr < 24; ++pcr) CHECK(policy->pcrs[pcr].has_value() == (pcr == 4 || pcr == 23));
  CHECK((*policy->pcrs[4])[31] == std::byte{9});
  CHECK((*policy->pcrs[23])[0] == std::byte{10});
  CHECK(policy->secure_boot_log == false);
  CHECK(policy->secure_boot_pk.values[0][0] == std::byte{0x0B});
  CHECK(policy->secure_boot_kek.values[0][0] == std::byte{0x0C});
  CHECK(policy->secure_boot_db.values[0][0] == std::byte{0x0D});
  CHECK(policy->secure_boot_dbx.values[0][0] == std::byte{0x0E});
  CHECK(policy->secure_boot_authority.values[0][0] == std::byte{0x0F});
  REQUIRE(policy->kernel_command_line.count == 2);
  CHECK(test::text(policy->kernel_command_line.values[0]) == "ro \"a\"");
  CHECK(test::text(policy->kernel_command_line.values[1]) == "quiet");
  using Kind = BootEventRules::Kind;
  const std::tuple<std::size_t, Kind, std::byte> rules[] = {{4, Kind::must, std::byte{0x10}},
                                                            {4, Kind::may, std::byte{0x11}},
                                                            {23, Kind::must_not, std::byte{0x12}},
                                                            {23, Kind::must_not, std::byte{0x13}}};
  REQUIRE(policy->boot_events.count() == 4);
  for (std::size_t i = 0; i < 4; ++i) {
    const auto rule = policy->boot_events[i];
    CHECK(std::tuple(rule.pcr, rule.kind, rule.digest[31]) == rules[i]);
  }
}

TEST_CASE("PolicyJson_WhatIsBorrowed_NeedsRoom") {
  const std::string line = R"({"kernel_command_line":"ro quiet"})";
  test::Octets room(8);
  CHECK(read(line, room).has_value());
  room.pop_back();
  const auto policy = read(line, room);
  REQUIRE_FALSE(policy.has_value());
  CHECK(policy.error().code == Code::wire_overflow);
  CHECK(policy.error().where == 24);
  const std::string events = R"({"boot_events":{"4":{"may":[")" + text_of_octets(32, "00") + R"("]}}})";
  CHECK(read(events).error().code == Code::wire_overflow);
  std::string lines = "\"\"";
  for (int i = 0; i < 16; ++i) lines += ",\"\"";
  CHECK(read(R"({"kernel_command_line":[)" + lines + "]}").error().detail == 16);
}

TEST_CASE("PolicyJson_BootEventsAlone_AreReadFromTheirFile") {
  const std::string events = R"("boot_events":{"4":{"may":[")" + text_of_octets(32, "01") + R"("]}})";
  Policy policy;
  test::Octets room(100);
  REQUIRE(parse_boot_events(test::view("{" + events + "}"), policy, room).has_value());
  CHECK(policy.boot_events.count() == 1);
  const auto more = parse_boot_events(test::view("{" + events + R"(,"vmpl":0})"), policy, room);
  REQUIRE_FALSE(more.has_value());
  CHECK(more.error().code == Code::json_unknown);
  const auto none = parse_boot_events(test::view("{}"), policy, room);
  REQUIRE_FALSE(none.has_value());
  CHECK(none.error().code == Code::json_empty);
}

namespace {

struct Case {
  std::string text;
  Code code;
  std::uint32_t where;
};
const Case kWrongMembers[] = {
    {R"({"vmlp":0})", Code::json_unknown, 2},
    {R"({"min_tcb":{"report":{}}})", Code::json_unknown, 13},
    {R"({"min_tcb":{"reported":{"SNP":1}}})", Code::json_unknown, 25},
    {R"({"platform_info":{"required":["SMT"]}})", Code::json_unknown, 31},
    {R"({"vm_configuration":{"secure_boot":true}})", Code::json_unknown, 22},
    {R"({"vmpl":4})", Code::json_number, 8},
    {R"({"min_tcb":{"reported":{"snp":256}}})", Code::json_number, 30},
    {R"({"vmpl":"0"})", Code::json_type, 8},
    {R"({"allow_debug":1})", Code::json_type, 15},
    {R"({"vmpl":0,"vmpl":1})", Code::json_duplicate, 10},
    {R"({"measurement":""})", Code::wire_size, 16},
    {R"({"measurement":"00"})", Code::wire_size, 16},
    {R"({"measurement":"0"})", Code::text_hex, 17},
    {R"({"measurement":[]})", Code::json_empty, 15},
    {R"({"chip_id":"11223344556677"})", Code::wire_size, 12},
    {R"({"min_firmware":{"current":"1"}})", Code::wire_value, 28},
    {R"({"min_firmware":{"current":"1.256"}})", Code::wire_value, 28},
    {R"({"min_firmware":{"current":"1.2.3.4"}})", Code::wire_value, 28},
    {R"({"min_firmware":{"current":"1."}})", Code::wire_value, 28},
    {R"({"pcrs":{"24":""}})", Code::json_unknown, 10},
    {R"({"pcrs":{"04":""}})", Code::json_unknown, 10},
    {R"({"pcrs":{"4":"00"}})", Code::wire_size, 14},
    {R"({"min_tcb": {}})", Code::json_empty, 12},
    {R"({"min_tcb":{"reported":{}}})", Code::json_empty, 23},
    {R"({"min_tcb":{"reported":{"snp":1},"launch":{}}})", Code::json_empty, 42},
    {R"({"platform_info":{}})", Code::json_empty, 17},
    {R"({"platform_info":{"required":[]}})", Code::json_empty, 29},
    {R"({"platform_info":{"required":["ECC_EN"],"forbidden":[ ]}})", Code::json_empty, 52},
    {R"({"min_firmware":{}})", Code::json_empty, 16},
    {R"({"min_firmware":{"current":""}})", Code::wire_value, 28},
    {R"({"mitigations":{}})", Code::json_empty, 15},
    {R"({"mitigations":{"current": 0}})", Code::json_empty, 27},
    {R"({"mitigations":{"current":1,"launch":0}})", Code::json_empty, 37},
    {R"({"vm_configuration":{}})", Code::json_empty, 20},
    {R"({"pcrs":{}})", Code::json_empty, 8},
    {R"({"pcrs":{"4":""}})", Code::wire_size, 14},
    {R"({"secure_boot_log":{}})", Code::json_empty, 19},
    {R"({"secure_boot_log":{"enabled":1}})", Code::json_type, 30},
    {R"({"secure_boot_log":{"pk":"00"}})", Code::wire_size, 26},
    {R"({"kernel_command_line":[]})", Code::json_empty, 23},
    {R"({"kernel_command_line":1})", Code::json_type, 23},
    {R"({"boot_events":{}})", Code::json_empty, 15},
    {R"({"boot_events":{"24":{}}})", Code::json_unknown, 17},
    {R"({"boot_events":{"4":{}}})", Code::json_empty, 20},
    {R"({"boot_events":{"4":{"can":[]}}})", Code::json_unknown, 22},
    {R"({"boot_events":{"4":{"may":[]}}})", Code::json_empty, 27},
    {R"({"boot_events":{"4":{"may":["00"]}}})", Code::wire_size, 29},
    {R"({} x)", Code::json_syntax, 3},
    {R"([])", Code::json_type, 0},
};

}  // namespace

TEST_CASE("PolicyJson_WrongMembers_AreRefusedWithTheirPlace") {
  for (const Case& one : kWrongMembers) {
    CAPTURE(one.text);
    const auto policy = read(one.text);
    REQUIRE_FALSE(policy.has_value());
    CHECK(name(policy.error().code) == name(one.code));
    CHECK(policy.error().where == one.where);
  }
}

TEST_CASE("PolicyJson_MoreValuesThanTheListHolds_IsRefused") {
  std::string values;
  for (int i = 0; i < 17; ++i) values += (i == 0 ? "\"" : ",\"") + text_of_octets(16, "00") + "\"";
  const auto policy = read("{\"image_id\":[" + values + "]}");
  REQUIRE_FALSE(policy.has_value());
  CHECK(policy.error().code == Code::wire_overflow);
  CHECK(policy.error().detail == 16);
}

namespace {

// The table of docs/policy.md, from the list.
std::string table() {
  std::string out = "| member | value | option | check |\n|---|---|---|---|\n";
#define SNPNV_X(member, Kind, path, option, help, check)                                            \
  out += "| `" path "` | " + std::string(policy_kind::Kind::kValues) + " | `--" option;              \
  out += std::string(policy_kind::Kind::kPlaceholder.empty() ? "" : " ") +                           \
         std::string(policy_kind::Kind::kPlaceholder) + "` | `" + std::string(name(Check::check)) + "` |\n";
  SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
  return out;
}

}  // namespace

TEST_CASE("PolicyItems_Document_IsMadeFromTheList") {
  const std::string path = SNPNV_SOURCE_DIR "/docs/policy.md";
  const auto kept = test::read_file(path);
  REQUIRE(kept.has_value());
  std::string document(test::text(*kept));
  const std::size_t begin = document.find("\n| ") + 1;
  const std::size_t end = document.find("\n\n", begin) + 1;
  const std::string made = table();
  const bool same = document.substr(begin, end - begin) == made;
  if (std::getenv("SNPNV_WRITE_DOCS") != nullptr)
    std::ofstream(path) << document.replace(begin, end - begin, made);
  CHECK_MESSAGE(same, "run this test with SNPNV_WRITE_DOCS=1 to make it anew");
}

TEST_CASE("PolicyItems_EachCheckOfPolicies_HasAnItem") {
  std::set<Check> judged{Check::policy_secure_boot};  // a member of policy_vm_configuration's item
#define SNPNV_X(member, Kind, path, option, help, check) judged.insert(Check::check);
  SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
  for (const CheckRow& check : kChecks)
    if (check.name.starts_with("policy.")) CHECK_MESSAGE(judged.contains(check.id), check.name);
}
