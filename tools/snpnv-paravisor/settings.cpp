// SPDX-License-Identifier: Apache-2.0
#include "settings.hpp"

#include <cstdio>

#include "snpnv/core/text.hpp"
#ifdef SNPNV_FETCH
#include "snpnv/wire/kbs.hpp"
#endif
#include "snpnv/version.hpp"
#include "test_pki.hpp"
#include "tools/nearest.hpp"
#include "tools/printable.hpp"

namespace snpnv::paravisor {
namespace {

bool number(std::string_view text, std::uint64_t least, std::uint64_t most, std::uint64_t& out) {
  const auto value = decimal(text, most);
  out = value.value_or(0);
  return value && out >= least;
}

// Each option with a value: what it accepts, and how it is taken. False: not acceptable.
struct Option {
  std::string_view name;
  const char* value;
  const char* help;
  bool (*take)(Settings&, std::string_view);
  void (*offer)(Nearest&) = nullptr;  // the words of which it takes one, or several
};

template <auto Member, std::uint64_t... Allowed>
bool take_number(Settings& settings, std::string_view text) {
  std::uint64_t value = 0;
  if (!number(text, 0, 0xFFFFFFFF, value) || !((value == Allowed) || ...)) return false;
  using Type = std::remove_reference_t<decltype(settings.options.*Member)>;
  settings.options.*Member = static_cast<Type>(value);
  return true;
}
template <auto Member>
bool take_millis(Settings& settings, std::string_view text) {
  return number(text, 0, 3600000, settings.options.*Member);
}

std::optional<Address> address_of(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  std::uint64_t port = 0;
  if (colon == std::string_view::npos || colon == 0 || !number(text.substr(colon + 1), 0, 65534, port))
    return std::nullopt;
  std::string host(text.substr(0, colon));
  if (host.front() == '[' && host.back() == ']') host = host.substr(1, host.size() - 2);
  return Address{std::move(host), static_cast<unsigned>(port)};
}
bool take_listen(Settings& settings, std::string_view text) {
  const auto address = address_of(text);
  if (!address) return false;
  settings.host = address->host;
  settings.port = address->port;
  return true;
}
bool take_product(Settings& settings, std::string_view text) {
  for (const TestPki& pki : kTestPki) {
    if (text != pki.folder) continue;
    settings.options.product = pki.product;
    return true;
  }
  return false;
}
void offer_products(Nearest& nearest) {
  for (const TestPki& pki : kTestPki) nearest.offer(pki.folder);
}
void offer_profiles(Nearest& nearest) {
#define SNPNV_X(member, name, ...) nearest.offer(name);
  SNPNV_PARAVISOR_PROFILES(SNPNV_X)
#undef SNPNV_X
}
void offer_cases(Nearest& nearest) {
  for (const std::string_view word : {"lower", "upper"}) nearest.offer(word);
}
void offer_refreshes(Nearest& nearest) {
  for (const std::string_view word : {"on-read", "on-write"}) nearest.offer(word);
}
void offer_faults(Nearest& nearest) {
#define SNPNV_X(member, name, text) nearest.offer(name);
  SNPNV_PARAVISOR_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_ENDING_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_HTTP_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_KBS_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_MAA_FAULTS(SNPNV_X)
#undef SNPNV_X
}
bool take_case(Settings& settings, std::string_view text) {
  settings.options.upper_case = text == "upper";
  return text == "upper" || text == "lower";
}
bool take_refresh(Settings& settings, std::string_view text) {
  settings.options.refresh = text == "on-write" ? Refresh::on_write : Refresh::on_read;
  return text == "on-write" || text == "on-read";
}
bool take_faults(Settings& settings, std::string_view text) {
  while (true) {
    const std::size_t comma = text.find(',');
    if (!settings.options.faults.add(text.substr(0, comma))) return false;
    if (comma == std::string_view::npos) return true;
    text.remove_prefix(comma + 1);
  }
}

#ifdef SNPNV_FETCH
bool take_resource(Settings& settings, std::string_view text) {
  const std::size_t equals = text.find('=');
  if (equals == std::string_view::npos || !is_kbs_resource(text.substr(0, equals))) return false;
  settings.resources.emplace_back(text.substr(0, equals), text.substr(equals + 1));
  return true;
}
#endif

constexpr std::string_view kProfile = "--profile";

constexpr Option kOptions[] = {
    {"--state", "DIR", "keep the TPM's state and the certificates there; made if absent",
     [](Settings& s, std::string_view text) { return s.state = text, !text.empty(); }},
    {"--listen", "HOST:PORT", "serve the swtpm TCTI there and one port above; port 0 picks a pair",
     take_listen},
#ifdef SNPNV_FETCH
    {"--http", "HOST:PORT", "serve AMD's key distribution service and the platform's endpoint there",
     [](Settings& s, std::string_view text) { return (s.http = address_of(text)).has_value(); }},
    {"--https", "HOST:PORT", "the same over TLS; clients trust DIR/https-ca.pem",
     [](Settings& s, std::string_view text) { return (s.https = address_of(text)).has_value(); }},
    {"--kbs", "HOST:PORT", "serve a key broker there over TLS; clients trust DIR/https-ca.pem",
     [](Settings& s, std::string_view text) { return (s.kbs = address_of(text)).has_value(); }},
    {"--maa", "HOST:PORT", "serve an attestation provider there over TLS; clients trust DIR/https-ca.pem",
     [](Settings& s, std::string_view text) { return (s.maa = address_of(text)).has_value(); }},
    {"--resource", "NAME=FILE", "what the broker has as repository/type/tag; may be repeated", take_resource},
    {"--kbs-policy", "FILE", "what evidence the broker accepts, as snpnv verify --policy",
     [](Settings& s, std::string_view text) { return s.kbs_policy = text, !text.empty(); }},
#endif
    {"--qemu", "SOCKET", "serve QEMU's -tpmdev emulator there too, one machine at a time",
     [](Settings& s, std::string_view text) { return s.qemu = text, !text.empty(); }},
    {kProfile, "NAME", "firmware: openhcl, azure-2023 or azure-2024; default openhcl; other options stand above it",
     [](Settings& s, std::string_view text) { return s.options.take_profile(text); }, offer_profiles},
    {"--product", "NAME", "milan, genoa or turin; default milan", take_product, offer_products},
    {"--report-version", "N", "2, 3 or 5; default the profile's: 3, 2, 2", take_number<&Options::report_version, 2, 3, 5>},
    {"--envelope-version", "N", "1 or 2; default the profile's: 2, 1, 1", take_number<&Options::envelope_version, 1, 2>},
    {"--nv-size", "OCTETS", "2048, 2600 or 2900; default the profile's: 2900, 2048, 2600",
     take_number<&Options::nv_size, 2048, 2600, 2900>},
    {"--user-data-case", "CASE", "lower or upper; default the profile's: lower, upper, upper", take_case,
     offer_cases},
    {"--refresh", "WHEN", "on-read or on-write; default on-read", take_refresh, offer_refreshes},
    {"--interval-ms", "MS", "at most one refresh in this time, on read; default 2000",
     take_millis<&Options::interval>},
    {"--latency-ms", "MS", "what a refresh takes; default 0", take_millis<&Options::latency>},
    {"--fault", "LIST", "faults, separated by commas", take_faults, offer_faults},
    {"--seed", "N", "decides all that the paravisor chooses; default: at random",
     [](Settings& s, std::string_view text) {
       return s.seeded = number(text, 0, ~std::uint64_t{0} >> 1, s.options.seed);
     }},
};

void help() {
  std::printf(
      "usage: snpnv-paravisor --state DIR [options]\n\n"
      "A vTPM with the NV attestation interface of a confidential VM, in front of a\n"
      "swtpm that it starts itself. Its reports are signed by the test PKI, which\n"
      "vouches for nothing.\n\noptions:\n");
  const auto entry = [](std::string_view what, std::string_view meaning) {
    std::printf("%s", two_columns("  " + std::string(what), 28, meaning, 80).c_str());
  };
  for (const Option& option : kOptions) entry(std::string(option.name) + " " + option.value, option.help);
  entry("--once", "end a second after the first client has gone");
  entry("--help", "explain");
  entry("--version", "print the version");
  std::printf("\nfaults:\n");
#define SNPNV_X(member, name, text) entry(name, text);
  SNPNV_PARAVISOR_FAULTS(SNPNV_X)
  SNPNV_PARAVISOR_ENDING_FAULTS(SNPNV_X)
#undef SNPNV_X
#ifdef SNPNV_FETCH
  std::printf("\nfaults of --http and --https:\n");
#define SNPNV_X(member, name, text) entry(name, text);
  SNPNV_PARAVISOR_HTTP_FAULTS(SNPNV_X)
#undef SNPNV_X
  std::printf("\nfaults of --kbs:\n");
#define SNPNV_X(member, name, text) entry(name, text);
  SNPNV_PARAVISOR_KBS_FAULTS(SNPNV_X)
#undef SNPNV_X
  std::printf("\nfaults of --maa:\n");
#define SNPNV_X(member, name, text) entry(name, text);
  SNPNV_PARAVISOR_MAA_FAULTS(SNPNV_X)
#undef SNPNV_X
#endif
  std::printf("\nPrints one line when it serves: `ready tcti=NAME [qemu=SOCKET] state=DIR\n"
              "[kbs=URL] [maa=URL] [http=URL] [https=URL]`. DIR/http.log, DIR/kbs.log and\n"
              "DIR/maa.log list the requests. Ends on SIGTERM and SIGINT.\n");
}

// What was probably meant by the first word that the option does not know; empty if it knows all, or there is no list.
std::string suggestion(const Option& option, std::string_view words) {
  while (option.offer != nullptr) {
    const std::size_t comma = words.find(',');
    Nearest nearest(words.substr(0, std::min(comma, words.find('='))));
    option.offer(nearest);
    if (!nearest.found()) return nearest.hint("", "--help lists them");
    if (comma == std::string_view::npos) break;
    words.remove_prefix(comma + 1);
  }
  return {};
}

}  // namespace

void complain(std::string_view what, std::string_view why, std::string_view hint) {
  std::fprintf(stderr, "snpnv-paravisor: %s: %s\n", printable(what).c_str(), printable(why).c_str());
  if (!hint.empty()) std::fprintf(stderr, "hint: %s\n", printable(hint).c_str());
}

int parse(int argc, char** argv, Settings& settings) {
  std::vector<std::pair<const Option*, std::string_view>> given;
  for (int i = 1; i < argc; ++i) {
    std::string_view word = argv[i];
    if (word == "--help" || word == "-h") return help(), 0;
    if (word == "--version") return std::puts("snpnv-paravisor " SNPNV_VERSION), 0;
    if (word == "--once") {
      settings.once = true;
      continue;
    }
    const std::size_t equals = word.starts_with("--") ? word.find('=') : std::string_view::npos;
    const std::string_view spelled = word.substr(0, equals);
    const Option* option = nullptr;
    for (const Option& candidate : kOptions)
      if (spelled == candidate.name) option = &candidate;
    if (option == nullptr) {
      Nearest nearest(spelled);
      for (const Option& known : kOptions) nearest.offer(known.name);
      return complain(word, "unknown option; --help lists them", nearest.hint("", "")), kUsage;
    }
    std::string_view value;
    if (equals != std::string_view::npos) {
      value = word.substr(equals + 1);
    } else if (i + 1 < argc) {
      value = argv[++i];
    } else {
      return complain(spelled, std::string("needs a value: ") + option->value), kUsage;
    }
    given.emplace_back(option, value);
  }
  for (const bool profile : {true, false})  // which comes first, wherever it stands
    for (const auto& [option, value] : given)
      if ((option->name == kProfile) == profile && !option->take(settings, value))
        return complain(option->name, "not acceptable: " + std::string(value) + "; " + option->value + ": " + option->help,
                        suggestion(*option, value)),
               kUsage;
  if (settings.state.empty()) return complain("--state", "missing"), kUsage;
  return -1;
}

}  // namespace snpnv::paravisor
