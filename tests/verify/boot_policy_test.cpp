// SPDX-License-Identifier: Apache-2.0
#include "snpnv/verify/boot_policy.hpp"

#include "snpnv/verify/policy_json.hpp"
#include "tests/event_log.hpp"
#include "tests/verify/provider.hpp"

using namespace snpnv;
using namespace std::string_literals;
using namespace std::string_view_literals;

namespace {

// SHA-256 by sha256sum, of the text.
constexpr auto kPk = "fcab7fcc2b4cffd9bb45003bfc2e468a04ef6f77ca8200a7341f027631584d25"sv;         // PK
constexpr auto kKek = "3ae4eaa112fbb2364e7386d7e97ca61d51431d4b941d4f838f8df7ce4d2a6f7f"sv;        // KEK
constexpr auto kDb = "aeff24f28812d0d521ae06c93ee4d5ae5039d42798d02199b04fbe2d8608fe8e"sv;         // db certificate
constexpr auto kAnother = "ae448ac86c4e8e4dec645729708ef41873ae79c6dff84eff73360989487f08e5"sv;    // another
constexpr auto kShim = "187a2221d615a3f0140e83b6bd2aa13add83d91dfade41e651121ee7c681df1b"sv;       // shim certificate
constexpr auto kImage = "f4e768acd7f859f0e4efa0500ddbf4ae4b1575b78c90f16cbd225a54f389afc5"sv;      // stands for itself

std::string latin(ByteView octets) { return std::string(test::text(octets)); }

struct Event {
  std::uint32_t pcr;
  EventType type;
  std::string data;
  std::string hashed = data;
};

std::string le(std::uint64_t value, std::size_t size) {
  std::string out;
  for (; size != 0; --size, value >>= 8) out += static_cast<char>(value);
  return out;
}
std::string utf16(std::string_view text) {
  std::string out;
  for (const char c : text) out += {c, '\0'};
  return out;
}
// EFI_SIGNATURE_LIST of one entry each. UEFI, "Signature Database".
std::string lists(const std::vector<std::string>& entries) {
  std::string out;
  for (const std::string& entry : entries)
    out += std::string(16, 't') + le(28 + 16 + entry.size(), 4) + le(0, 4) + le(16 + entry.size(), 4) +
           std::string(16, 'o') + entry;
  return out;
}
constexpr auto kGlobal = "61dfe48bca93d211aa0d00e098032b8c"sv;
constexpr auto kDatabase = "cbb219d73a3d9645a3bcdad00e67656f"sv;
constexpr auto kShimLock = "50ab5d6046e00043abb63dd810dd8b23"sv;
Event variable(std::string_view vendor, std::string_view name, const std::string& data,
               EventType type = EventType::EV_EFI_VARIABLE_DRIVER_CONFIG) {
  return {7, type, latin(test::hex(vendor)) + le(name.size(), 8) + le(data.size(), 8) + utf16(name) + data};
}
Event authority(std::string_view vendor, std::string_view name, const std::string& data) {
  return variable(vendor, name, data, EventType::EV_EFI_VARIABLE_AUTHORITY);
}
Event ipl(std::uint32_t pcr, const std::string& data, const std::string& hashed) {
  return {pcr, EventType::EV_IPL, data, hashed};
}

// A boot, and the policy that it passes, each to be changed in one place.
struct Boot {
  enum : std::size_t { secure_boot, pk, kek, db, dbx, separator, by_db, by_shim, sbat, command, line, section_name, section,
                       override_ };
  std::vector<Event> events{
      variable(kGlobal, "SecureBoot", "\1"),
      variable(kGlobal, "PK", lists({"PK"})),
      variable(kGlobal, "KEK", lists({"KEK"})),
      variable(kDatabase, "db", lists({"db certificate", latin(test::hex(kImage))})),
      variable(kDatabase, "dbx", lists({latin(test::hex(kAnother)), latin(test::hex(kImage))})),
      {7, EventType::EV_SEPARATOR, std::string(4, '\0')},
      authority(kDatabase, "db", std::string(16, 'o') + "db certificate"),
      authority(kShimLock, "Shim", "shim certificate"),
      authority(kShimLock, "SbatLevel", "sbat,1,2021030218\n"),
      ipl(8, "grub_cmd: linux /vmlinuz ro\0"s, "linux /vmlinuz ro"),
      ipl(8, "kernel_cmdline: /vmlinuz ro\0"s, "/vmlinuz ro"),
      ipl(11, utf16(".cmdline\0"sv), ".cmdline\0"s),
      ipl(11, utf16(".cmdline\0"sv), "/vmlinuz ro\n"),
      ipl(12, utf16("/vmlinuz ro\0"sv), utf16("/vmlinuz ro\0"sv)),
  };
  std::string secure = R"({"secure_boot_log":{"enabled":true,"pk":")" + std::string(kPk) + R"(","kek":")" +
                       std::string(kKek) + R"(","db":[")" + std::string(kDb) + R"(",")" + std::string(kImage) +
                       R"("],"dbx":")" + std::string(kImage) + R"(","authority":[")" + std::string(kDb) + R"(",")" +
                       std::string(kShim) + R"("]}})";
  std::string line_policy = R"({"kernel_command_line":["quiet","/vmlinuz ro"]})";
  std::string systemd;  // its log
  bool logged = true;
  std::optional<ReplayedPcrs> pcrs = ReplayedPcrs{{1U << 4 | 1U << 7 | 1U << 8 | 1U << 11 | 1U << 12}, {}};

  void add(std::size_t behind, const Event& event) {
    events.insert(events.begin() + static_cast<std::ptrdiff_t>(behind + 1), event);
  }
  void remove(std::size_t at) { events.erase(events.begin() + static_cast<std::ptrdiff_t>(at)); }
  // The digest is another content's.
  void change(std::size_t at) { events[at].hashed += "changed"; }

  [[nodiscard]] std::string log() const {
    const auto bank = le(11, 2);
    std::string out = le(0, 4) + le(3, 4) + std::string(20, '\0') + le(33, 4) + "Spec ID Event03\0"s + le(0, 4) + "\0\2\0\2"s +
                      le(1, 4) + bank + le(32, 2) + le(0, 1);
    TestCrypto crypto;
    for (const Event& event : events)
      out += le(event.pcr, 4) + le(static_cast<std::uint32_t>(event.type), 4) + le(1, 4) + bank +
             latin(crypto.digest(Hash::sha256, test::view(event.hashed))->view()) + le(event.data.size(), 4) + event.data;
    return out;
  }
  std::string run(Check check, const std::string& policy_text) const {
    TestCrypto crypto;
    Policy policy;
    test::Octets room(policy_text.size());
    REQUIRE(parse_policy(test::view(policy_text), policy, room).has_value());
    const std::string octets = log();
    const MeasuredLogs view{logged ? std::optional(test::view(octets)) : std::nullopt, test::view(systemd)};
    detail::BootPolicyVerifier verifier(crypto, view, pcrs, policy);
    const CheckResult result = check == Check::policy_secure_boot_log       ? verifier.policy_secure_boot_log()
                               : check == Check::policy_kernel_command_line ? verifier.policy_kernel_command_line()
                                                                            : verifier.policy_boot_events();
    std::string out = std::string(name(result.outcome)) + " " + std::string(result.subject) + ": " + std::string(result.note);
    if (result.found.kind == Finding::Kind::number) out += " " + std::to_string(result.found.value);
    return out;
  }
  [[nodiscard]] std::string by_secure_boot() const { return run(Check::policy_secure_boot_log, secure); }
  [[nodiscard]] std::string by_line() const { return run(Check::policy_kernel_command_line, line_policy); }
  // Replaces what stands in a policy.
  static void put(std::string& policy, std::string_view what, std::string_view with) {
    const std::size_t at = policy.find(what);
    REQUIRE(at != std::string::npos);
    policy.replace(at, what.size(), with);
  }
};

// The events' numbers, which begin with 1, behind the record that describes the log.
template <class Change>
std::string secure_boot(Change change) {
  Boot boot;
  change(boot);
  return boot.by_secure_boot();
}
template <class Change>
std::string line(Change change) {
  Boot boot;
  change(boot);
  return boot.by_line();
}

}  // namespace

TEST_CASE("BootPolicy_Good_Holds") {
  const Boot boot;
  CHECK(boot.by_secure_boot() == "PASS authorities:  2");
  CHECK(boot.by_line() == "PASS PCR 12: ");
}

TEST_CASE("BootPolicy_WithoutLogOrProof_NothingPasses") {
  const std::string events = R"({"boot_events":{"7":{"must_not":[")" + std::string(kPk) + R"("]}}})";
  const auto all = [&](const Boot& boot) {
    const std::string first = boot.by_secure_boot();
    CHECK(boot.by_line() == first);
    CHECK(boot.run(Check::policy_boot_events, events) == first);
    return first;
  };
  Boot boot;
  boot.pcrs.reset();
  CHECK(all(boot) == "SKIP : the events are not proven");
  boot.logged = false;
  CHECK(all(boot) == "FAIL event log: there is none");
  for (const Check check : {Check::policy_secure_boot_log, Check::policy_kernel_command_line, Check::policy_boot_events})
    CHECK(boot.run(check, "{}") == "SKIP : not asked for");
}

TEST_CASE("BootPolicy_PcrThatTheLogDoesNotExplain_Fails") {
  Boot boot;
  boot.pcrs->explained = {1U << 8 | 1U << 12};
  CHECK(boot.by_secure_boot() == "FAIL PCR 7: the log does not explain it");
  CHECK(boot.by_line() == "FAIL PCR 11: the log does not explain it");
  boot.pcrs->untouched = {1U << 7 | 1U << 11};
  CHECK(boot.by_secure_boot() == "FAIL PCR 7: the log does not explain it");
  CHECK(boot.by_line() == "PASS PCR 12: ");
  CHECK(boot.run(Check::policy_boot_events, R"({"boot_events":{"11":{"must_not":[")" + std::string(kPk) + R"("]}}})") ==
        "FAIL PCR 11: the log does not explain it");
}

TEST_CASE("BootPolicy_SecureBootLog_EachItemFailsAlone") {
  const auto off = [](Boot& b) { b.events[Boot::secure_boot] = variable(kGlobal, "SecureBoot", "\0"s); };
  CHECK(secure_boot(off) == "FAIL SecureBoot: has another value");
  CHECK(secure_boot([&](Boot& b) {
          off(b);
          Boot::put(b.secure, "true", "false");
          b.secure.replace(b.secure.find(R"(,"authority")"), std::string::npos, "}}");
        }) == "PASS dbx: ");
  CHECK(secure_boot([](Boot& b) { Boot::put(b.secure, "true", "false"); }) == "FAIL SecureBoot: has another value");
  CHECK(secure_boot([](Boot& b) { b.remove(Boot::secure_boot); }) == "FAIL SecureBoot: no proven event says it");
  const auto keys = [](std::size_t at, std::string_view vendor, std::string_view key, const std::vector<std::string>& entries) {
    return secure_boot([&](Boot& b) { b.events[at] = variable(vendor, key, lists(entries)); });
  };
  CHECK(keys(Boot::pk, kGlobal, "PK", {"another"}) == "FAIL PK: holds what is not allowed");
  CHECK(keys(Boot::kek, kGlobal, "KEK", {"KEK", "another"}) == "FAIL KEK: holds what is not allowed");
  CHECK(keys(Boot::db, kDatabase, "db", {"another", "db certificate"}) == "FAIL db: holds what is not allowed");
  CHECK(keys(Boot::db, kDatabase, "db", {}) == "FAIL db: is empty");
  CHECK(keys(Boot::db, kGlobal, "db", {"db certificate"}) == "FAIL db: no proven event says it");
  CHECK(keys(Boot::dbx, kDatabase, "dbx", {latin(test::hex(kAnother))}) == "FAIL dbx: does not hold");
  CHECK(secure_boot([](Boot& b) { b.events[Boot::pk] = variable(kGlobal, "PK", lists({"PK"}) + "more"); }) ==
        "FAIL PK: holds no signature lists");
  CHECK(secure_boot([](Boot& b) { b.change(Boot::kek); }) == "FAIL KEK: no proven event says it");
  CHECK(secure_boot([](Boot& b) { b.add(Boot::db, b.events[Boot::db]); }) == "FAIL db: no proven event says it");
  CHECK(secure_boot([](Boot& b) { std::swap(b.events[Boot::dbx], b.events[Boot::separator]); }) ==
        "FAIL dbx: no proven event says it");
}

TEST_CASE("BootPolicy_Authorities_MustAllBeAllowed") {
  const auto another = [](std::size_t at, const Event& event) { return secure_boot([&](Boot& b) { b.events[at] = event; }); };
  CHECK(another(Boot::by_db, authority(kDatabase, "db", std::string(16, 'o') + "another")) ==
        "FAIL PCR 7: what is not allowed let an image in, by number 7");
  CHECK(another(Boot::by_shim, authority(kShimLock, "Shim", "another")) ==
        "FAIL PCR 7: what is not allowed let an image in, by number 8");
  CHECK(another(Boot::sbat, authority(kDatabase, "SbatLevel", "sbat,1,2021030218\n")) ==
        "FAIL PCR 7: what is not allowed let an image in, by number 9");
  CHECK(secure_boot([](Boot& b) { b.change(Boot::by_shim); }) ==
        "FAIL PCR 7: has an event that does not prove what it says, by number 8");
  CHECK(secure_boot([](Boot& b) { b.events[Boot::by_shim].type = EventType::EV_POST_CODE; }) ==
        "FAIL PCR 7: has an event that does not prove what it says, by number 8");
  CHECK(secure_boot([](Boot& b) {
          b.remove(Boot::by_shim);
          b.remove(Boot::by_db);
        }) == "FAIL PCR 7: nothing let an image in");
  // Without secure boot nothing was asked for an authority: who was root since may have measured what looks like one.
  const auto without_secure_boot = [](const Event& event) {
    return secure_boot([&](Boot& b) {
      Boot::put(b.secure, R"("enabled":true,)", "");
      b.events[Boot::secure_boot] = event;
    });
  };
  CHECK(without_secure_boot(variable(kGlobal, "SecureBoot", "\1")) == "PASS authorities:  2");
  for (const Event& event : {variable(kGlobal, "SecureBoot", "\0"s), variable(kGlobal, "Another", "\1")})
    CHECK(without_secure_boot(event) == "FAIL PCR 7: no proven event says that authorities were asked");
  // Older shims hash and log six octets behind the certificate.
  CHECK(secure_boot([](Boot& b) {
          const Event& event = b.events[Boot::by_shim];
          b.events[Boot::by_shim] = {event.pcr, event.type, event.data + std::string(6, '\0')};
        }) == "PASS authorities:  2");
  // The digest of an image in db lets it in, too.
  CHECK(secure_boot([](Boot& b) {
          b.events[Boot::by_db] = authority(kDatabase, "db", std::string(16, 'o') + latin(test::hex(kImage)));
          Boot::put(b.secure, R"("authority":[)", R"("authority":[")" + std::string(kImage) + "\",");
        }) == "PASS authorities:  2");
}

TEST_CASE("BootPolicy_KernelCommandLine_OfEachKindFailsAlone") {
  constexpr auto kEvil = "/vmlinuz rw init=/bin/sh"sv;
  const std::string evil(kEvil);
  CHECK(line([&](Boot& b) { b.events[Boot::line] = ipl(8, "kernel_cmdline: " + evil + '\0', evil); }) ==
        "FAIL PCR 8: has another command line, by number 11");
  CHECK(line([&](Boot& b) { b.events[Boot::section].hashed = evil; }) ==
        "FAIL PCR 11: has another command line, by number 13");
  CHECK(line([&](Boot& b) { b.events[Boot::override_].data = b.events[Boot::override_].hashed = utf16(evil); }) ==
        "FAIL PCR 12: has another command line, by number 14");
  CHECK(line([](Boot& b) { b.events.resize(Boot::command); }) == "FAIL command line: no proven event says one");
  CHECK(line([](Boot& b) { Boot::put(b.line_policy, "/vmlinuz ro", "/vmlinuz ro2"); }) ==
        "FAIL PCR 8: has another command line, by number 10");
  // The section as it stands in the image, with a NUL, or with nothing behind it.
  for (const std::string& end : {""s, "\0"s})
    CHECK(line([&](Boot& b) { b.events[Boot::section].hashed = "/vmlinuz ro" + end; }) == "PASS PCR 12: ");
  CHECK(line([&](Boot& b) { b.events[Boot::section].hashed = "/vmlinuz ro\n\n"; }) ==
        "FAIL PCR 11: has another command line, by number 13");
}

TEST_CASE("BootPolicy_KernelCommandLine_IsNotHiddenByWhatNoDigestCovers") {
  // Another one was used. Who writes the log gives its events other kinds, and measures the allowed one behind them.
  const std::string evil = "/vmlinuz rw init=/bin/sh";
  const auto booted = [&](const Event& command, const Event& hidden) {
    return line([&](Boot& b) {
      b.add(Boot::sbat, hidden);
      b.add(Boot::sbat, command);
    });
  };
  const Event as_command = ipl(8, "grub_cmd: " + evil + '\0', evil);
  CHECK(booted(ipl(8, "grub_cmd: linux " + evil + '\0', "linux " + evil), as_command) ==
        "FAIL PCR 8: has another command line, by number 10");
  CHECK(booted(ipl(8, "kernel_cmdline: linuxefi " + evil + '\0', "linuxefi " + evil), as_command) ==
        "FAIL PCR 8: has another command line, by number 10");
  CHECK(booted({8, EventType::EV_ACTION, "linux " + evil}, as_command) ==
        "FAIL PCR 8: has another command line, by number 10");
  CHECK(booted(ipl(8, "/a/file", "linux " + evil), as_command) ==
        "FAIL PCR 8: has an event that does not prove what it says, by number 10");
  // GRUB runs these without measuring "linux" as a command's name.
  for (const std::string& run : {"! linux "s, "time linux "s, "! time ! linuxefi "s})
    CHECK(booted(ipl(8, "grub_cmd: " + run + evil + '\0', run + evil), ipl(8, "grub_cmd: echo\0"s, "echo")) ==
          "FAIL PCR 8: has another command line, by number 10");
  // Nor does any command stand before what its rescue mode loads, and older stubs measured UTF-16 into this PCR.
  for (const std::string& text : {evil, "(hd0,gpt2)" + evil, "0+200 rw init=/bin/sh"s, utf16(evil + '\0'), utf16("rw\0"sv)})
    for (const EventType type : {EventType::EV_IPL, EventType::EV_ACTION})
      CHECK(booted({8, type, text}, ipl(8, "grub_cmd: echo\0"s, "echo")) ==
            "FAIL PCR 8: has another command line, by number 10");
  for (const std::string& command : {"[ -s /grubenv ]"s, ". /grub.cfg"s, "! [ x ]"s, "_x=1"s, "set root=(hd0)"s, "Time linux x"s})
    CHECK(booted(ipl(8, "grub_cmd: " + command + '\0', command), ipl(8, "\0"s, "")) == "PASS PCR 12: ");
  for (const std::string& text : {"/vmlinuz ro"s, utf16("/vmlinuz ro\0"sv)})
    CHECK(booted({8, EventType::EV_IPL, text}, {8, EventType::EV_ACTION, text}) == "PASS PCR 12: ");
  const auto overridden = [&](const Event& hidden) { return line([&](Boot& b) { b.add(Boot::section, hidden); }); };
  CHECK(overridden({12, EventType::EV_ACTION, utf16(evil)}) == "FAIL PCR 12: has another command line, by number 14");
  CHECK(overridden(ipl(12, utf16("credentials"), utf16(evil))) ==
        "FAIL PCR 12: has an event that does not prove what it says, by number 14");
  // The section that counts is the first, whatever its events are said to be.
  CHECK(line([&](Boot& b) {
          b.add(Boot::line, {11, EventType::EV_POST_CODE, "x", evil});
          b.add(Boot::line, {11, EventType::EV_POST_CODE, "x", ".cmdline\0"s});
        }) == "FAIL PCR 11: has another command line, by number 13");
}

TEST_CASE("BootPolicy_BootEvents_EachKindFailsAlone") {
  // SHA-256 by sha256sum: of one, two and three.
  constexpr auto kOne = "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"sv;
  constexpr auto kTwo = "3fc4ccfe745870e2c0d99f71f30ff0656c8dedd41cc1d7d3d376b0dbe685e2f3"sv;
  constexpr auto kThree = "8b5b9db0c13db24256c829aa364aa90c6d2eba318b9232a4ab9313b954d3555f"sv;
  Boot boot;
  boot.events = {{4, EventType::EV_EFI_BOOT_SERVICES_APPLICATION, "a", "one"},
                 {5, EventType::EV_EFI_GPT_EVENT, "b", "three"},
                 {4, EventType::EV_EFI_BOOT_SERVICES_APPLICATION, "c", "two"}};
  const auto judged = [&](const std::string& rules) {
    return boot.run(Check::policy_boot_events, R"({"boot_events":{"4":{)" + rules + "}}}");
  };
  const auto of = [](std::string_view kind, const std::vector<std::string_view>& digests) {
    std::string out;
    for (const std::string_view digest : digests) out += (out.empty() ? "\"" : ",\"") + std::string(digest) + "\"";
    return "\"" + std::string(kind) + "\":[" + out + "]";
  };
  CHECK(judged(of("must", {kOne, kTwo})) == "PASS events:  2");
  CHECK(judged(of("must", {kTwo, kThree})) == "FAIL PCR 4: what must be was not measured");  // into PCR 5 alone
  CHECK(judged(of("must", {kOne})) == "PASS events:  2");                                     // others may be
  CHECK(judged(of("may", {kThree, kTwo, kOne})) == "PASS events:  2");
  CHECK(judged(of("may", {kThree, kTwo})) == "FAIL PCR 4: what is not allowed was measured, by number 1");
  CHECK(judged(of("must", {kOne}) + "," + of("may", {kTwo})) == "PASS events:  2");
  CHECK(judged(of("must", {kOne}) + "," + of("may", {kThree})) ==
        "FAIL PCR 4: what is not allowed was measured, by number 3");
  CHECK(judged(of("must_not", {kThree})) == "PASS events:  2");
  CHECK(judged(of("must_not", {kThree, kTwo})) == "FAIL PCR 4: what must not be was measured, by number 3");
  CHECK(judged(of("must_not", {kTwo}) + "," + of("may", {kOne, kTwo})) ==
        "FAIL PCR 4: what must not be was measured, by number 3");
  // systemd's events count too, numbered behind the firmware's.
  boot.systemd = "\x1e{\"pcr\":4,\"digests\":[{\"hashAlg\":\"sha256\",\"digest\":\"" + std::string(kThree) + "\"}]}\n";
  CHECK(judged(of("must", {kThree})) == "PASS events:  3");
  CHECK(judged(of("must_not", {kThree})) == "FAIL PCR 4: what must not be was measured, by number 4");
  CHECK(judged(of("may", {kOne, kTwo})) == "FAIL PCR 4: what is not allowed was measured, by number 4");
  boot.systemd.clear();
  boot.events[0].type = EventType::EV_NO_ACTION;  // which measures nothing
  CHECK(judged(of("must", {kOne})) == "FAIL PCR 4: what must be was not measured");
}
