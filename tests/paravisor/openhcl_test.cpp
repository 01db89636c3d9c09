// SPDX-License-Identifier: Apache-2.0
// The emulated paravisor beside OpenHCL's own vTPM, command by command. Rows that differ are those that
// docs/paravisor.md lists, and no others.
#include <map>
#include <sstream>

#include "tests/paravisor/openhcl_answers.hpp"
#include "tests/paravisor/paravisor_fixture.hpp"

using namespace snpnv;
using test::digits;
using test::hex;

namespace {

constexpr std::uint32_t kOwner = 0x40000001;
constexpr std::uint32_t kNull = 0x40000007;
constexpr std::uint32_t kLockout = 0x4000000A;
constexpr std::uint32_t kEndorsement = 0x4000000B;
constexpr std::uint32_t kPlatform = 0x4000000C;
constexpr std::uint32_t kReport = 0x01400001;
constexpr std::uint32_t kUserData = 0x01400002;
constexpr std::uint32_t kAkCertificate = 0x01C101D0;
constexpr std::uint32_t kAk = 0x81000003;

std::string number(std::uint32_t value) {
  char text[16];
  std::snprintf(text, sizeof text, "0x%x", static_cast<unsigned>(value));
  return text;
}
std::string be(std::uint64_t value, int octets) {
  char text[24];
  std::snprintf(text, sizeof text, "%0*llx", 2 * octets, static_cast<unsigned long long>(value));
  return text;
}

/// A password authorization.
struct Auth {
  std::string password = "";  // hexadecimal digits
  unsigned attributes = 0;
};

/// A guest that writes its commands octet by octet.
class Guest {
 public:
  test::Machine machine;

  /// Sends a command with these hexadecimal digits for its handles and parameters. The response.
  test::Octets send(std::uint32_t code, const std::string& handles, const std::vector<Auth>& auths,
              const std::string& parameters) {
    std::string area;
    for (const Auth& auth : auths)
      area += "400000090000" + be(auth.attributes, 1) + be(auth.password.size() / 2, 2) + auth.password;
    if (!auths.empty()) area = be(area.size() / 2, 4) + area;
    const std::string rest = be(code, 4) + handles + area + parameters;
    const test::Octets command = hex((auths.empty() ? "8001" : "8002") + be(rest.size() / 2 + 6, 4) + rest);
    test::Octets out(4096);
    const auto answer = machine.device().transact(command, out);
    REQUIRE(answer.has_value());
    out.resize(answer->size());
    return out;
  }
  std::string rc(const test::Octets& response) { return number(static_cast<std::uint32_t>(std::stoul(digits(response).substr(12, 8), nullptr, 16))); }
  std::string rc(std::uint32_t code, const std::string& handles, const std::vector<Auth>& auths,
                 const std::string& parameters) {
    return rc(send(code, handles, auths, parameters));
  }
  /// The response code, and the response's length where it is a success.
  std::string length(const test::Octets& response) {
    return rc(response) + (rc(response) == "0x0" ? " len " + std::to_string(response.size()) : "");
  }
  /// test::Octets of a successful response from `at` on, or its code.
  std::string body(const test::Octets& response, std::size_t at, std::size_t size = ~std::size_t{0}) {
    if (rc(response) != "0x0") return rc(response);
    return digits(ByteView(response).subspan(at, std::min(size, response.size() - at)));
  }

  test::Octets read(std::uint32_t index, unsigned size, unsigned offset, std::uint32_t auth = kOwner,
              const std::vector<Auth>& auths = {{}}) {
    return send(0x14E, be(auth, 4) + be(index, 4), auths, be(size, 2) + be(offset, 2));
  }
  std::string read_public(std::uint32_t index) {
    const test::Octets response = send(0x169, be(index, 4), {}, "");
    return rc(response) == "0x0" ? body(response, 10, 16) : rc(response);
  }
  std::string property(std::uint32_t property) { return body(send(0x17A, "", {}, be(6, 4) + be(property, 4) + be(1, 4)), 23); }
  std::string define(std::uint32_t index, unsigned size, std::uint32_t attributes, std::uint32_t auth = kOwner,
                     unsigned name_alg = 0x0B) {
    return rc(0x12A, be(auth, 4), {{}}, "0000000e" + be(index, 4) + be(name_alg, 2) + be(attributes, 4) + "0000" + be(size, 2));
  }
  std::string undefine(std::uint32_t index, std::uint32_t auth = kOwner) {
    return rc(0x122, be(auth, 4) + be(index, 4), {{}}, "");
  }
  std::string write(std::uint32_t index, const std::string& data, unsigned offset = 0, std::uint32_t auth = kOwner) {
    return rc(0x137, be(auth, 4) + be(index, 4), {{}}, be(data.size() / 2, 2) + data + be(offset, 2));
  }
  std::string on_index(std::uint32_t code, std::uint32_t index, const std::string& parameters = "") {
    return rc(code, be(kOwner, 4) + be(index, 4), {{}}, parameters);
  }
  std::string certify(std::uint32_t index) {
    return rc(0x184, be(kAk, 4) + be(kOwner, 4) + be(index, 4), {{}, {}}, "0000" "0010" "0010" "0000");
  }
  std::string quote(unsigned extra_data) {
    return rc(0x158, be(kAk, 4), {{}},
              be(extra_data, 2) + std::string(2 * extra_data, '1') + "0010" "00000001" "000b03010000");
  }
};

/// The answers in the order of the commands.
class Answers {
 public:
  std::vector<std::pair<std::string, std::string>> rows;
  void operator()(const std::string& command, const std::string& answer) { rows.emplace_back(command, answer); }
};

void ask_public_areas(Guest& g, Answers& row) {
  for (const std::uint32_t index : {kReport, kAkCertificate, kUserData, 0x1C101D1U, 0x1C00002U})
    row("NV_ReadPublic " + number(index), g.read_public(index));
  // Part 2, "TPM_PT".
  for (const auto& [name, property] : std::initializer_list<std::pair<const char*, std::uint32_t>>{
           {"NV_BUFFER_MAX", 0x12C}, {"NV_INDEX_MAX", 0x117}, {"MANUFACTURER", 0x105}, {"VENDOR1", 0x106},
           {"REVISION", 0x102}, {"FW1", 0x10B}, {"MAX_DIGEST", 0x120}, {"INPUT_BUFFER", 0x10D},
           {"HR_TRANSIENT", 0x10E}, {"HR_PERSISTENT", 0x10F}, {"ACTIVE_SESSIONS", 0x111}, {"MAX_COMMAND", 0x11E},
           {"MAX_RESPONSE", 0x11F}})
    row(std::string("GetCapability PT_") + name, g.property(property));
  const auto handles = [&](std::uint32_t from, std::uint32_t count) {
    return g.send(0x17A, "", {}, be(1, 4) + be(from, 4) + be(count, 4));
  };
  row("GetCapability handles NV", g.body(handles(0x01000000, 254), 15));
  row("GetCapability handles persistent", g.body(handles(0x81000000, 254), 15));
  row("GetCapability handles NV from 0x01400002", g.body(handles(kUserData, 254), 10));
  row("GetCapability handles NV count 1", g.body(handles(0x01000000, 1), 10));
  row("GetCapability handles NV count 0", g.body(handles(0x01000000, 0), 10));
  row("GetCapability PCRs", g.body(g.send(0x17A, "", {}, be(5, 4) + be(0, 4) + be(16, 4)), 15));
  row("PERMANENT attrs", g.property(0x200));
  row("STARTUP_CLEAR attrs", g.property(0x201));
  row("ReadPublic AK attributes", g.body(g.send(0x173, be(kAk, 4), {}, ""), 12, 8) + "..");
  row("ReadPublic EK 0x81010001", g.rc(0x173, "81010001", {}, ""));
  row("ReadPublic SRK 0x81000001", g.rc(0x173, "81000001", {}, ""));
}

void ask_reads(Guest& g, Answers& row) {
  for (const unsigned size : {64U, 1024U, 1025U, 0U})
    row("NV_Read " + std::to_string(size) + "@0", g.length(g.read(kReport, size, 0)));
  row("NV_Read 0@2900", g.length(g.read(kReport, 0, 2900)));
  row("NV_Read 0@2901", g.length(g.read(kReport, 0, 2901)));
  row("NV_Read 1@2900", g.length(g.read(kReport, 1, 2900)));
  row("NV_Read 1024@1877", g.length(g.read(kReport, 1024, 1877)));
  for (const auto& [name, handle] : std::initializer_list<std::pair<const char*, std::uint32_t>>{
           {"platform", kPlatform}, {"lockout", kLockout}, {"endorsement", kEndorsement}, {"null", kNull},
           {"the index", kReport}, {"the AK cert index", kAkCertificate}})
    row(std::string("NV_Read auth ") + name, g.rc(g.read(kReport, 64, 0, handle)));
  row("NV_Read auth the index, password x", g.rc(g.read(kReport, 64, 0, kReport, {{"78"}})));
  row("NV_Read owner, password x", g.rc(g.read(kReport, 64, 0, kOwner, {{"78"}})));
  row("NV_Read owner, password NUL", g.rc(g.read(kReport, 64, 0, kOwner, {{"00"}})));
  row("NV_Read no sessions", g.rc(g.read(kReport, 64, 0, kOwner, {})));
  row("NV_Read two passwords", g.rc(g.read(kReport, 64, 0, kOwner, {{}, {}})));
  row("NV_Read continueSession", g.length(g.read(kReport, 64, 0, kOwner, {{"", 1}})));
  row("NV_Read attr decrypt", g.rc(g.read(kReport, 64, 0, kOwner, {{"", 0x20}})));
  row("NV_Read trailing octet", g.on_index(0x14E, kReport, "0040000000"));
  row("NV_Read short", g.on_index(0x14E, kReport, "004000"));
  row("NV_Read index absent", g.rc(g.read(0x01400009, 64, 0)));
  row("NV_Read AK cert 1024@3072", g.length(g.read(kAkCertificate, 1024, 3072)));
  row("NV_Read AK cert 1@4096", g.length(g.read(kAkCertificate, 1, 4096)));
  row("NV_Read user data undefined", g.rc(g.read(kUserData, 64, 0)));
}

void ask_other_nv_commands(Guest& g, Answers& row) {
  row("NV_Write owner", g.write(kReport, "00"));
  row("NV_Write platform", g.write(kReport, "00", 0, kPlatform));
  row("NV_Write index", g.write(kReport, "00", 0, kReport));
  row("NV_UndefineSpace owner", g.undefine(kReport));
  row("NV_UndefineSpace platform", g.undefine(kReport, kPlatform));
  row("NV_DefineSpace owner", g.define(kReport, 64, 0x00060006));
  row("NV_DefineSpace owner AKcert", g.define(kAkCertificate, 64, 0x00060006));
  row("NV_DefineSpace platform 0x01400003", g.define(0x01400003, 64, 0x40060006, kPlatform));
  row("NV_Increment", g.on_index(0x134, kReport));
  row("NV_SetBits", g.on_index(0x135, kReport, be(1, 8)));
  row("NV_Extend", g.on_index(0x136, kReport, "000178"));
  row("NV_WriteLock", g.on_index(0x138, kReport));
  row("NV_ReadLock", g.on_index(0x14F, kReport));
  row("NV_ReadLock AK cert", g.on_index(0x14F, kAkCertificate));
  row("NV_WriteLock AK cert", g.on_index(0x138, kAkCertificate));
  row("NV_ChangeAuth", g.rc(0x13B, be(kReport, 4), {{}}, "000178"));
  row("NV_Certify", g.certify(kReport));
  row("NV_Certify AK cert", g.certify(kAkCertificate));
  row("NV_GlobalWriteLock", g.rc(0x132, be(kOwner, 4), {{}}, ""));
  row("NV_UndefineSpaceSpecial", g.rc(0x11F, be(kReport, 4) + be(kPlatform, 4), {{}, {}}, ""));
}

void ask_limits(Guest& g, Answers& row) {
  for (const unsigned size : {48U, 50U, 51U, 64U, 66U, 67U}) row("Quote extraData " + std::to_string(size), g.quote(size));
  row("Clear by platform (hierarchy)", g.rc(0x126, be(kPlatform, 4), {{}}, ""));
  row("PCR_Allocate", g.rc(0x12B, be(kPlatform, 4), {{}}, "00000001" "000b03ffffff"));
  row("Startup(CLEAR)", g.rc(0x144, "", {}, "0000"));
  // The recorded list is of the persistent handles afterwards.
  (void)g.rc(0x120, be(kOwner, 4) + be(kAk, 4), {{}}, be(kAk, 4));
  row("EvictControl AK by owner (then gone?)", g.body(g.send(0x17A, "", {}, be(1, 4) + be(0x81000000, 4) + be(254, 4)), 15));
  for (const unsigned size : {64U, 1024U, 2048U, 2049U, 4096U, 4097U}) {
    row("NV_DefineSpace 0x01500000 size " + std::to_string(size), g.define(0x01500000, size, 0x00060006));
    (void)g.undefine(0x01500000);
  }
  row("PCR_Read sha512", g.rc(0x17E, "", {}, "00000001" "000d03010000"));
  row("PCR_Read 24 of sha256", g.body(g.send(0x17E, "", {}, "00000001" "000b03ffffff"), 14, 10));
}

const UserData kWanted = [] {
  UserData out;
  for (std::size_t i = 0; i < out.size(); ++i) out[i] = static_cast<std::byte>(0xC0 + i);
  return out;
}();

/// What the claims carry, once two seconds have passed.
std::string claims(Guest& g) {
  g.machine.clock.time += 2000;
  const UserData found = test::claimed(g.machine.content());
  if (found == kWanted) return "want";
  if (all_zero(found)) return "zeros";
  const ByteView view(found);
  if (equal(view.first(48), ByteView(kWanted).first(48)) && all_zero(view.subspan(48))) return "want+zeros";
  return digits(view.first(4));
}

void ask_about_user_data(Guest& g, Answers& row) {
  const std::string wanted = digits(kWanted);
  const auto undefine = [&] { row("undefine", g.undefine(kUserData)); };
  const auto write = [&] { row("write", g.write(kUserData, wanted)); };
  row("boot report", claims(g));
  row("define 64", g.define(kUserData, 64, 0x00060006));
  row("defined, unwritten: claims", claims(g));
  row("NV_Read of unwritten", g.rc(g.read(kUserData, 64, 0)));
  row("write 64", g.write(kUserData, wanted));
  row("written: claims", claims(g));
  row("write 65", g.write(kUserData, wanted + "00"));
  row("write 32@32", g.write(kUserData, wanted.substr(64), 32));
  row("part written: claims", claims(g));
  undefine();
  row("undefined again: claims", claims(g));
  row("define 48, az-cvm-vtpm attributes", g.define(kUserData, 48, 0x00060006));
  row("write 48", g.write(kUserData, wanted.substr(0, 96)));
  row("48 octets: claims", claims(g));
  undefine();
  row("define 128", g.define(kUserData, 128, 0x00060006));
  row("write 128", g.write(kUserData, wanted + std::string(128, 'f')));
  row("128 octets: claims", claims(g));
  undefine();
  row("define without OWNERREAD", g.define(kUserData, 64, 0x00040006));
  write();
  row("no OWNERREAD: claims (true: the old ones)", claims(g));
  undefine();
  row("define sha1 name", g.define(kUserData, 64, 0x00060006, kOwner, 4));
  write();
  row("nameAlg SHA-1: claims", claims(g));
  undefine();
  row("define counter-type index", g.define(kUserData, 8, 0x00060016));
  row("NV_Increment", g.on_index(0x134, kUserData));
  row("counter of 8 octets: claims", claims(g));
  undefine();
  row("define bits/extend type", g.define(kUserData, 32, 0x00060046));
  row("NV_Extend", g.on_index(0x136, kUserData, "000178"));  // SHA-256 of 32 zeros and "x" begins with fdded6fa
  row("extend index: claims", claims(g));
  undefine();
  row("define with READ_STCLEAR", g.define(kUserData, 64, 0x80060006));
  write();
  row("NV_ReadLock user data", g.on_index(0x14F, kUserData));
  row("read-locked user data: claims (true: the old ones)", claims(g));
  undefine();
  row("define with WRITE_STCLEAR", g.define(kUserData, 64, 0x00064006));
  write();
  row("NV_WriteLock user data", g.on_index(0x138, kUserData));
  row("write locked", g.write(kUserData, wanted));
  row("write-locked: claims", claims(g));
  undefine();
  row("define 64", g.define(kUserData, 64, 0x00060006));
  write();
  row("fresh", claims(g));
}

void ask_what_refreshes(Guest& g, Answers& row) {
  unsigned written = 0;
  const auto refreshes = [&](const std::string& command, auto&& send) {
    const UserData data = test::filled(++written);
    row("write", g.write(kUserData, digits(data)));
    g.machine.clock.time += 2000;
    (void)send();
    test::Octets content{std::byte{'H'}};  // a look that starts none
    const test::Octets rest = g.machine.content(1);
    content.insert(content.end(), rest.begin(), rest.end());
    row(command, test::claimed(content) == data ? "refreshed" : "not refreshed");
  };
  refreshes("a good read at 0", [&] { return g.read(kReport, 64, 0); });
  refreshes("size 0 at 0", [&] { return g.read(kReport, 0, 0); });
  refreshes("size 1025 at 0 (refused)", [&] { return g.read(kReport, 1025, 0); });
  refreshes("bad password at 0 (refused)", [&] { return g.read(kReport, 64, 0, kOwner, {{"78"}}); });
  refreshes("index authorization at 0 (refused)", [&] { return g.read(kReport, 64, 0, kReport); });
  refreshes("offset 1", [&] { return g.read(kReport, 64, 1); });
  refreshes("no session tag", [&] { return g.read(kReport, 64, 0, kOwner, {}); });
  refreshes("read of the AK cert at 0", [&] { return g.read(kAkCertificate, 64, 0); });
  refreshes("read of user data at 0", [&] { return g.read(kUserData, 64, 0); });
  refreshes("NV_Certify", [&] { return g.certify(kReport); });
}

/// Rows of docs/paravisor.md: `| command | OpenHCL | here | why |`.
std::map<std::string, std::pair<std::string, std::string>> listed() {
  const auto page = test::read_file(SNPNV_SOURCE_DIR "/docs/paravisor.md");
  REQUIRE(page.has_value());
  std::map<std::string, std::pair<std::string, std::string>> out;
  std::istringstream lines{std::string(test::text(*page))};
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("| command | OpenHCL |")) inside = true;
    if (!line.starts_with("| ")) inside = inside && line.starts_with("|");
    if (!inside || !line.starts_with("| `")) continue;
    std::vector<std::string> cells;
    for (std::size_t at = 1, bar; (bar = line.find('|', at)) != std::string::npos; at = bar + 1) {
      std::string cell = line.substr(at, bar - at);
      std::erase(cell, '`');
      cell.erase(0, cell.find_first_not_of(' '));
      cell.erase(cell.find_last_not_of(' ') + 1);
      cells.push_back(cell);
    }
    REQUIRE(cells.size() == 4);
    CHECK_MESSAGE(!cells[3].empty(), cells[0]);
    CHECK_MESSAGE(out.emplace(cells[0], std::pair(cells[1], cells[2])).second, cells[0]);
  }
  return out;
}

}  // namespace

TEST_CASE("OpenHcl_EachCommand_IsAnsweredAlikeOrListed") {
  Guest guest;
  Answers answers;
  ask_public_areas(guest, answers);
  ask_reads(guest, answers);
  ask_other_nv_commands(guest, answers);
  ask_limits(guest, answers);
  ask_about_user_data(guest, answers);
  ask_what_refreshes(guest, answers);
  auto differing = listed();
  REQUIRE(answers.rows.size() == std::size(test::kOpenHclAnswers));
  for (std::size_t i = 0; i < answers.rows.size(); ++i) {
    const auto& [command, answer] = answers.rows[i];
    const test::OpenHclAnswer& wanted = test::kOpenHclAnswers[i];
    CHECK(command == wanted.command);
    if (answer == wanted.answer) continue;
    const auto row = differing.find(command);
    if (row == differing.end()) {
      FAIL_CHECK(command << ": here " << answer << ", OpenHCL " << wanted.answer << ", and not listed");
      continue;
    }
    CHECK_MESSAGE(row->second == std::pair(std::string(wanted.answer), answer), command);
    differing.erase(row);
  }
  for (const auto& [command, row] : differing) FAIL_CHECK(command << " is listed and does not differ");
}

TEST_CASE("OpenHclAnswers_AreThoseOfTheRecord") {
  const auto record = test::vector_file("openhcl-vtpm/commands.txt");
  if (!record) return;
  std::istringstream lines{std::string(test::text(*record))};
  std::size_t i = 0;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("--")) continue;
    const std::size_t here = line.find(" emu=");
    const std::size_t there = line.find("true=", here);
    REQUIRE((here != std::string::npos && there != std::string::npos));
    std::string command = line.substr(5, here - 5);
    command.erase(command.find_last_not_of(' ') + 1);
    command.erase(0, command.find_first_not_of(' '));
    REQUIRE(i < std::size(test::kOpenHclAnswers));
    CHECK(command == test::kOpenHclAnswers[i].command);
    CHECK(line.substr(there + 5) == test::kOpenHclAnswers[i].answer);
    ++i;
  }
  CHECK(i == std::size(test::kOpenHclAnswers));
}
