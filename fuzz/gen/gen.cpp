// SPDX-License-Identifier: Apache-2.0
// Makes the seeds and dictionaries of the fuzz targets, from the project's own declarations:
//   fuzz_gen DIR    writes DIR/corpus/<target>/… and DIR/dict/<target>.dict
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/tpm2_messages.hpp"
#include "snpnv/collect/user_data.hpp"
#include "snpnv/core/json_reader.hpp"
#include "snpnv/core/json_writer.hpp"
#include "snpnv/core/pem.hpp"
#include "snpnv/fetch/http.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/verify/policy_json.hpp"
#include "snpnv/wire/hcl_claims.hpp"
#include "snpnv/wire/hcl_report.hpp"
#include "snpnv/wire/evidence.hpp"
#include "snpnv/wire/jwt.hpp"
#include "snpnv/wire/kbs.hpp"
#include "snpnv/wire/snp_report.hpp"
#include "snpnv/wire/tpm2_attest.hpp"
#include "snpnv/wire/vek_certificate.hpp"
#include "paravisor/control.hpp"
#include "transports/recorded.hpp"

using namespace snpnv;

namespace {

std::filesystem::path root;
bool failed = false;

void write(const std::filesystem::path& path, ByteView octets) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream file(path, std::ios::binary);
  file.write(static_cast<const char*>(static_cast<const void*>(octets.data())),
             static_cast<std::streamsize>(octets.size()));
  failed = failed || !file.flush();
}
void seed(const std::string& target, const std::string& name, ByteView octets) {
  write(root / "corpus" / target / name, octets);
}
void seed(const std::string& target, const std::string& name, std::string_view text) {
  seed(target, name, std::as_bytes(std::span(text.data(), text.size())));
}

std::string big_endian(std::uint32_t value, unsigned octets) {
  std::string out;
  for (unsigned i = octets; i-- > 0;) {
    char text[8];
    std::snprintf(text, sizeof text, "\\x%02x", value >> (8 * i) & 0xFFU);
    out += text;
  }
  return out;
}
void dictionary(const std::string& target, const std::vector<std::string>& entries) {
  std::string text;
  for (const std::string& entry : entries) text += "\"" + entry + "\"\n";
  write(root / "dict" / (target + ".dict"), std::as_bytes(std::span(text.data(), text.size())));
}

constexpr std::string_view kUserData =
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "202122232425262728292a2b2c2d2e2f303132333435363738393a3b3c3d3e3f";

std::string claims(bool full) {
  const std::string modulus(342, 'q');
  std::string out = R"({"keys":[{"kid":"HCLAkPub","key_ops":["sign"],"kty":"RSA","e":"AQAB","n":")" +
                    modulus + R"("})";
  if (full)
    out += R"(,{"kid":"HCLEkPub","key_ops":["encrypt"],"kty":"RSA","e":"AQAB","n":")" + modulus + R"("})";
  out += R"(],"vm-configuration":{"console-enabled":true,"secure-boot":true,"tpm-enabled":true,)";
  out += full ? R"("root-cert-thumbprint":"","tpm-persisted":false,"vmUniqueId":"X"},"user-data":")" +
                    std::string(kUserData) + "\"}"
              : R"("current-time":1678652405,"vmUniqueId":"X"}})";
  return out;
}

std::vector<std::byte> report(std::uint32_t version) {
  std::vector<std::byte> out(ATTESTATION_REPORT::kSize);
  out[ATTESTATION_REPORT::VERSION.offset] = static_cast<std::byte>(version);
  out[ATTESTATION_REPORT::POLICY.offset] = std::byte{0x1F};
  out[ATTESTATION_REPORT::CPUID_FAM_ID.offset] = static_cast<std::byte>(version == 5 ? 0x1A : version == 2 ? 0 : 0x19);
  out[ATTESTATION_REPORT::CHIP_ID.offset] = std::byte{0xC1};
  return out;
}

std::vector<std::byte> envelope(std::uint32_t version, std::uint32_t type, std::size_t extension,
                                const std::string& text) {
  using H = HclReport;
  std::vector<std::byte> out(H::kSize + extension + text.size() + 16);
  const auto put = [&](auto field, std::size_t value) {
    store<std::uint32_t, Endian::little>(MutBytes(out).subspan(field.offset).template first<4>(),
                                         static_cast<std::uint32_t>(value));
  };
  put(H::signature, H::kSignature);
  put(H::version, version);
  put(H::report_size, H::kSize + extension + text.size());
  put(H::request_type, 2);
  copy_to(MutBytes(out).subspan(H::hardware_report.offset), report(3));
  put(H::data_size, 20 + extension + text.size());
  put(H::data_version, 1);
  put(H::report_type, type);
  put(H::hash_type, 1);
  put(H::claims_size, text.size());
  copy_to(MutBytes(out).subspan(H::kSize + extension), std::as_bytes(std::span(text.data(), text.size())));
  return out;
}

// Each command as a guest sends it, and a plausible response to it.
void tpm2_seeds() {
  std::array<std::byte, 16> sixteen{};
  std::array<std::byte, 32> digest{};
  std::array<std::byte, 3> select{std::byte{1}, std::byte{0}, std::byte{0}};
  TPMS_PCR_SELECTION bank{TPM_ALG_ID::SHA256, 3, select};
  TPMT_PUBLIC key;
  key.type = TPM_ALG_ID::RSA;
  key.nameAlg = TPM_ALG_ID::SHA256;
  key.scheme = {TPM_ALG_ID::RSASSA, TPM_ALG_ID::SHA256};
  key.keyBits = 2048;
  key.unique = {digest};
  for (std::size_t which = 0; which < fuzz::kCommandCount; ++which) {
    fuzz::with_command(which, [&](const auto& command) {
      using Command = std::remove_cvref_t<decltype(command)>;
      typename Command::Response response{};
      if constexpr (std::is_same_v<Command, NV_Read>) response.data = {sixteen};
      if constexpr (std::is_same_v<Command, NV_ReadPublic>) {
        response.nvPublic.value = user_data_public(64);
        response.nvPublic.value.nvIndex = vtpm::kReportIndex;
        response.nvName = {digest};
      }
      if constexpr (std::is_same_v<Command, ReadPublic>) {
        response.outPublic = {key};
        response.name = {digest};
      }
      if constexpr (std::is_same_v<Command, Quote>) {
        response.quoted = {digest};
        response.signature = {TPM_ALG_ID::RSASSA, TPM_ALG_ID::SHA256, {digest}};
      }
      if constexpr (std::is_same_v<Command, PCR_Read>) {
        response.pcrSelectionOut.add(bank);
        response.pcrValues.add({digest});
      }
      if constexpr (std::is_same_v<Command, GetCapability>) {
        response.capabilityData.capability = command.capability;
        if (command.capability == TPM_CAP::HANDLES)
          response.capabilityData.handles.add(vtpm::kReportIndex);
        else
          response.capabilityData.tpmProperties.add({TPM_PT::NV_BUFFER_MAX, 1024});
      }
      if constexpr (std::is_same_v<Command, GetRandom>) response.randomBytes = {digest};
      std::array<std::byte, kMaxTpmMessage> room;
      room[0] = static_cast<std::byte>(which);
      std::string name(snpnv::name(Command::kCode).substr(5));
      if constexpr (std::is_same_v<Command, GetCapability>)
        if (command.capability == TPM_CAP::TPM_PROPERTIES) name += "-properties";
      const auto sent = marshal_command(command, MutBytes(room).subspan(1));
      failed = failed || !sent;
      if (sent) seed("tpm2_command", name, ByteView(room).first(1 + sent->size()));
      constexpr bool kSessions = Command::kAuthHandles > 0;
      const auto got = marshal_response(response, kSessions ? TPM_ST::SESSIONS : TPM_ST::NO_SESSIONS,
                                        Command::kAuthHandles, MutBytes(room).subspan(1));
      failed = failed || !got || !unmarshal_response(command, *got);
      if (got) seed("tpm2_response", name, ByteView(room).first(1 + got->size()));
    });
  }
}

// The recorded exchanges of tests/data, each behind the octet that picks its command.
void recorded_seeds() {
  std::ifstream file(SNPNV_SOURCE_DIR "/tests/data/tpm2_tss_swtpm.recording", std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  const auto exchanges = parse_recording(text);
  failed = failed || !exchanges;
  if (!exchanges) return;
  for (std::size_t i = 0; i < exchanges->size(); ++i) {
    const RecordedExchange& exchange = (*exchanges)[i];
    bool known = false;
    for (std::size_t which = 0; which < fuzz::kCommandCount && !known; ++which) {
      fuzz::with_command(which, [&](const auto& command) {
        using Command = std::remove_cvref_t<decltype(command)>;
        known = unmarshal_command<Command>(exchange.command).has_value();
        if (!known) return;
        const std::string name = "recorded-" + std::to_string(i) + "-" +
                                 std::string(snpnv::name(Command::kCode).substr(5));
        const auto picked = [&](std::vector<std::byte> octets) {
          octets.insert(octets.begin(), static_cast<std::byte>(which));
          return octets;
        };
        seed("tpm2_command", name, picked(exchange.command));
        seed("tpm2_response", name, picked(*exchange.response));
      });
    }
    failed = failed || !known;
  }
}

std::vector<std::string> json_words() {
  std::vector<std::string> out{"{}", "[]", ":", ",", "\\\"", "\\\\u0061", "\\\\ud83d\\\\ude00", "true", "false", "null",
                               "1e5", "-0", "keys", "kid", "kty", "RSA", "e", "n", "HCLAkPub", "HCLEkPub",
                               "vm-configuration", "user-data", "current-time"};
#define SNPNV_X(member, spelled) out.push_back(spelled);
  SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
  SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
  return out;
}

std::vector<std::string> tpm2_words() {
  std::vector<std::string> out;
#define SNPNV_X(name, code) out.push_back(big_endian(code, 4));
  SNPNV_TPM_COMMANDS(SNPNV_X)
#undef SNPNV_X
#define SNPNV_X(name, code) out.push_back(big_endian(code, 2));
  SNPNV_TPM_RC(SNPNV_X)
#undef SNPNV_X
  for (const TPM_HANDLE handle : {TPM_RH::OWNER, TPM_RH::NULL_, TPM_RH::PW, vtpm::kReportIndex,
                                  vtpm::kUserDataIndex, vtpm::kAttestationKey})
    out.push_back(big_endian(static_cast<std::uint32_t>(handle), 4));
  for (const TPM_ST tag : {TPM_ST::NO_SESSIONS, TPM_ST::SESSIONS})
    out.push_back(big_endian(static_cast<std::uint32_t>(tag), 2));
  return out;
}

// A certificate or list of the test PKI, in DER.
std::vector<std::byte> from_pki(const std::string& name, std::string_view label = "CERTIFICATE") {
  std::ifstream file(SNPNV_SOURCE_DIR "/tests/pki/" + name, std::ios::binary);
  const std::string text(std::istreambuf_iterator<char>(file), {});
  std::vector<std::byte> out(text.size());
  const auto block = PemReader(std::as_bytes(std::span(text.data(), text.size())), label).next(out);
  failed = failed || !block || !*block;
  out.resize(block && *block ? (*block)->size() : 0);
  return out;
}

// A bundle as fuzz_verify.cpp reads it, that verifies but for its signature; with `lists`, they stand in
// the claims' place.
std::vector<std::byte> bundle(const std::string& folder, const std::string& ask, const std::string& vek,
                              Product product, const CpuModels& cpu, ByteView lists = {}) {
  using R = ATTESTATION_REPORT;
  const std::vector<std::byte> certificates[] = {from_pki(folder + "/ark.pem"),
                                                 from_pki(folder + "/" + ask + ".pem"),
                                                 from_pki(folder + "/" + vek + ".pem")};
  const auto certificate = Certificate::parse(certificates[2]);
  failed = failed || !certificate;
  if (!certificate) return {};
  const VekCertificate extensions(*certificate);
  std::vector<std::byte> octets = report(5);
  const MutBytes out(octets);
  if (const auto tcb = extensions.tcb(product)) copy_to(out.subspan(R::REPORTED_TCB.offset), tcb->octets);
  out[R::CPUID_FAM_ID.offset] = static_cast<std::byte>(cpu.family);
  out[R::CPUID_MOD_ID.offset] = static_cast<std::byte>(cpu.first);
  out[R::SIGNATURE_ALGO.offset] = out[R::SIGNATURE_R.offset] = out[R::SIGNATURE_S.offset] = std::byte{1};
  if (vek == "vlek") out[R::KEY_INFO.offset] = std::byte{1 << 2};
  if (const auto id = extensions.hw_id(chip_id_size(product))) copy_to(out.subspan(R::CHIP_ID.offset), *id);
  const std::string text = claims(true);
  const ByteView text_octets = lists.empty() ? std::as_bytes(std::span(text.data(), text.size())) : lists;
  if (const auto digest = MbedCrypto().digest(Hash::sha256, text_octets))
    copy_to(out.subspan(R::REPORT_DATA.offset), digest->view());
  std::vector<std::byte> all;
  const auto add = [&](ByteView part) {
    all.push_back(static_cast<std::byte>(part.size() & 0xFF));
    all.push_back(static_cast<std::byte>(part.size() >> 8));
    all.insert(all.end(), part.begin(), part.end());
  };
  for (const auto& one : certificates) add(one);
  add(octets);
  all.insert(all.end(), text_octets.begin(), text_octets.end());
  return all;
}

std::string escaped(ByteView octets) {
  std::string out;
  for (const std::byte octet : octets) out += big_endian(std::to_integer<std::uint32_t>(octet), 1);
  return out;
}

const std::string kBrokerNonce = std::string(43, 'A') + "=";
constexpr P256Point kBrokerPoint{std::byte{4}};

// What a broker answers to a question for a secret.
std::string secret_answer() {
  std::array<std::byte, 2048> room;
  ByteWriter header(room);
  write_jwe_header(header, kBrokerPoint);
  std::array<std::byte, 1024> encoded;
  ByteWriter text(encoded);
  encode_base64url(text, header.written(), Padding::none);
  ByteWriter secret(room);
  const std::array<std::byte, 40> octets{};
  write_kbs_secret(secret, text_of(text.written()), octets, ByteView(octets).first(12), ByteView(octets).first(11),
                   ByteView(octets).first(16));
  return std::string(text_of(secret.written()));
}

std::vector<std::string> kbs_words() {
  std::vector<std::string> words{"extra-params", "selected-hash-algorithm", "sha256", "sha384", "sha512", "runtime-data",
                                 "tee-pubkey", "tee-evidence", "primary_evidence", "additional_evidence", "P-256", "EC",
                                 "ECDH-ES+A256KW", "A256GCM", "AAAA", "{", "}", ",", ":"};
  for (const JsonMember member : detail::kJsonMembers) words.emplace_back(name(member));
  return words;
}

void kbs_seeds() {
  seed("kbs", "challenge",
       R"({"nonce":")" + kBrokerNonce + R"(","extra-params":{"selected-hash-algorithm":"sha256"}})");
  seed("kbs", "error",
       std::string_view(R"({"type":"https://github.com/confidential-containers/kbs/errors/PolicyDeny","detail":"no"})"));
  seed("kbs", "token", std::string_view(R"({"token":"e30.e30.c2ln"})"));
  std::array<std::byte, 2048> room;
  ByteWriter attestation(room);
  write_kbs_attestation(attestation, kBrokerNonce, kBrokerPoint, std::as_bytes(std::span("{}", 2)));
  seed("kbs", "attestation", attestation.written());
  seed("kbs", "secret", secret_answer());
  dictionary("kbs", kbs_words());
}

void jwt_seeds() {
  seed("jwt", "token", std::string_view("e30.e30.c2ln"));
  seed("jwt", "header", std::string_view(R"({"alg":"RS256","kid":"k1","typ":"JWT"})"));
  seed("jwt", "keys", std::string_view(R"({"keys":[{"kty":"RSA","kid":"{\u0022","x5c":["AAAA"]}]})"));
  seed("jwt", "claims",
       R"({"iss":"https://maa.example","nbf":1,"exp":2,"x-ms-attestation-type":"sevsnpvm","x-ms-sevsnpvm-reportdata":")" +
           std::string(128, '0') + R"(","x-ms-sevsnpvm-launchmeasurement":")" + std::string(96, '0') +
           R"(","x-ms-compliance-status":"azure-compliant-cvm","x-ms-sevsnpvm-is-debuggable":false,)"
           R"("x-ms-sevsnpvm-vmpl":0,"x-ms-runtime":{"keys":[{"kid":"HCLAkPub","kty":"RSA","e":"AQAB","n":"k5Xb"}],)"
           R"("user-data":")" + std::string(128, '0') + "\"}}");
  std::array<std::byte, 512> attestation_room;
  std::array<std::byte, 256> inner_room;
  ByteWriter attestation_request(attestation_room);
  failed = failed || !write_maa_request(attestation_request, octets_of("report"), octets_of("chain"), octets_of("{}"), inner_room);
  seed("jwt", "attestation", attestation_request.written());
  std::vector<std::string> jwt_words{"alg", "RS256", "kid", "keys", "x5c", "x-ms-runtime", "user-data", "sevsnpvm",
                                     "azure-compliant-cvm", "HCLAkPub", "true", "false", "report", "SnpReport", "VcekCertChain",
                                     "runtimeData", "data", "dataType", "JSON"};
#define SNPNV_X(member, spelled) jwt_words.emplace_back(spelled);
  SNPNV_MAA_CLAIMS(SNPNV_X)
#undef SNPNV_X
  dictionary("jwt", jwt_words);
}

void kbs_exchange_seeds() {
  const auto response = [&](const std::string& head, const std::string& body) {
    const std::string whole = "HTTP/1.1 " + head + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
    return std::string{static_cast<char>(whole.size() >> 8), static_cast<char>(whole.size())} + whole;
  };
  const std::string auth = response("200 OK\r\nSet-Cookie: kbs-session-id=a1; Path=/", R"({"nonce":")" + kBrokerNonce + "\"}");
  const std::string attest = response("200 OK", R"({"token":"e30.e30.c2ln"})");
  const std::string got = response("200 OK", secret_answer());
  const std::string ended = response("401 X", R"({"type":"/TokenNotFound","detail":""})");
  seed("kbs_exchange", "secret", auth + attest + got);
  seed("kbs_exchange", "ended", auth + attest + ended + auth + attest + got);
  seed("kbs_exchange", "refused", auth + response("401 X", R"({"type":"/AttestationError","detail":"no"})"));
  seed("kbs_exchange", "busy", response("503 X\r\nRetry-After: 1", "") + auth + attest + response("429 X", "") + got);
  std::vector<std::string> words = kbs_words();
  for (const char* word : {"HTTP/1.1 200 OK\\x0d\\x0a", "HTTP/1.1 401 ", "Content-Length: ", "Set-Cookie: kbs-session-id=",
                           "\\x0d\\x0a\\x0d\\x0a", "TokenNotFound"})
    words.emplace_back(word);
  dictionary("kbs_exchange", words);
}

void verifier_seeds() {
  std::vector<std::string> words;
  for (const VekExtensionRow& extension : kVekExtensions) words.push_back(escaped(extension.oid));
  for (const ByteView oid :
       {ByteView(oid::kRsaEncryption), ByteView(oid::kMgf1), ByteView(oid::kRsassaPss),
        ByteView(oid::kEcPublicKey), ByteView(oid::kSecp384r1), ByteView(oid::kSha384),
        ByteView(oid::kCommonName), ByteView(oid::kKeyUsage), ByteView(oid::kBasicConstraints),
        ByteView(oid::kSubjectKeyIdentifier), ByteView(oid::kSubjectAlternativeName),
        ByteView(oid::kDeltaCrlIndicator), ByteView(oid::kIssuingDistributionPoint),
        ByteView(oid::kCertificateIssuer), ByteView(oid::kCrlDistributionPoints),
        ByteView(oid::kCertificatePolicies), ByteView(oid::kAuthorityKeyIdentifier),
        ByteView(oid::kExtendedKeyUsage), ByteView(oid::kNetscapeCertType)})
    words.push_back(escaped(oid));
  for (const std::string_view text : {"ARK-Milan", "SEV-Milan", "SEV-VLEK-Genoa", "SEV-VCEK", "SEV-VLEK",
                                      "Turin-B0", "250101000000Z", "20500101000000Z"})
    words.emplace_back(text);
  dictionary("certificate", words);
  dictionary("verify", words);

  for (const std::string file : {"milan/ark", "milan/asvk", "milan/vcek", "genoa/vlek", "turin/vcek"})
    seed("certificate", file.substr(0, 5) + "-" + file.substr(6), from_pki(file + ".pem"));
  seed("certificate", "server", from_pki("https/server.pem"));
  seed("certificate", "milan-crl", from_pki("milan/crl.pem", "X509 CRL"));
  seed("verify", "milan-vcek", bundle("milan", "ask", "vcek", Product::milan, kCpuModels[0]));
  std::vector<std::byte> lists = from_pki("genoa/crl.pem", kPemCrl);
  const std::vector<std::byte> milans = from_pki("milan/crl.pem", kPemCrl);
  lists.insert(lists.end(), milans.begin(), milans.end());
  seed("verify", "milan-lists", bundle("milan", "ask", "vcek", Product::milan, kCpuModels[0], lists));
  seed("verify", "genoa-vlek", bundle("genoa", "asvk", "vlek", Product::genoa, kCpuModels[1]));
  seed("verify", "turin-vcek", bundle("turin", "ask", "vcek", Product::turin, kCpuModels[3]));
}

void policy_seeds() {
  seed("policy", "defaults", std::string_view("{}"));
  seed("policy", "example",
       std::string_view(R"({"allow_debug":false,"vmpl":0,"min_tcb":{"reported":{"snp":24},"launch":{"fmc":1}},)"
                        R"("platform_info":{"required":["ECC_EN"],"forbidden":["SMT_EN"]},)"
                        R"("min_firmware":{"current":"1.55.21"},"mitigations":{"current":3},)"
                        R"("chip_id":["0011223344556677"],"vm_configuration":{"secure-boot":true,)"
                        R"("vmUniqueId":"X"}})"));
  const std::string digest(64, '0');
  seed("policy", "boot", R"({"secure_boot_log":{"enabled":true,"db":")" + digest + R"("},"kernel_command_line":["ro",)" +
                             R"("quiet"],"boot_events":{"4":{"must":[")" + digest + R"("],"may":[")" + digest +
                             R"("],"must_not":[")" + digest + R"("]}}})");
  std::vector<std::string> members{"required", "forbidden"};
  for (const std::string_view kind : BootEventRules::kKindNames) members.emplace_back(kind);
  const auto add = [&](std::string_view member) {
    if (!member.empty() && std::ranges::find(members, member) == members.end()) members.emplace_back(member);
  };
#define SNPNV_X(member, Kind, path, option, help, check) \
  add(detail::PolicyPath(path).object);                  \
  add(detail::PolicyPath(path).name);
  SNPNV_POLICY_ITEMS(SNPNV_X)
#undef SNPNV_X
  for (const TcbLayoutEntry& component : kTcbLayout) members.emplace_back(component.key);
  for (const BitName& bit : PlatformInfo::kBits) members.emplace_back(bit.name);
#define SNPNV_X(member, spelled) members.push_back(spelled);
  SNPNV_VM_CONFIGURATION_FLAGS(SNPNV_X)
  SNPNV_VM_CONFIGURATION_TEXTS(SNPNV_X)
#undef SNPNV_X
  dictionary("policy", members);
}

void quote_seeds() {
  std::array<std::byte, 32> digest{};
  std::array<std::byte, 3> select{std::byte{0xFF}, std::byte{0xFF}, std::byte{0xFF}};
  std::array<std::byte, 512> room;
  TPMS_ATTEST attest;
  attest.magic = TPMS_ATTEST::kGenerated;
  attest.type = TPM_ST::ATTEST_QUOTE;
  attest.extraData = {digest};
  attest.quote.pcrSelect.add({TPM_ALG_ID::SHA256, 3, select});
  attest.quote.pcrDigest = {digest};
  const auto quote = marshal(attest, room);
  failed = failed || !quote;
  if (!quote) return;
  seed("attest", "quote", *quote);
  std::vector<std::byte> document(16384);
  ByteWriter writer(document);
  const std::array<ByteView, 2> pcrs{digest, digest};
  write_trustee_evidence(writer, digest, *quote, pcrs, digest, digest);
  seed("evidence", "version-2", writer.written());
  std::vector<std::byte> with_log(16384);
  ByteWriter longer(with_log);
  write_trustee_evidence(longer, digest, *quote, pcrs, digest, digest, digest);
  seed("evidence", "event-log", longer.written());
  attest.type = TPM_ST::ATTEST_CERTIFY;
  attest.attested = digest;
  if (const auto other = marshal(attest, room)) seed("attest", "certify", *other);
  const TPMT_SIGNATURE signature{TPM_ALG_ID::RSASSA, TPM_ALG_ID::SHA256, {digest}};
  if (const auto octets = marshal(signature, room)) seed("attest", "signature", *octets);
  seed("evidence", "version-1",
       std::string_view(R"({"version":1,"tpm_quote":{"signature":"00","message":"ff","pcrs":[]},"hcl_report":"AA","vcek":"AA=="})"));
  seed("evidence", "version-0",
       std::string_view(R"({"quote":{"signature":[0,255],"message":[1],"pcrs":[]},"report":[1,2],"vcek":"-----BEGIN"})"));
  std::vector<std::string> words = tpm2_words();
  words.push_back("\\xff\\x54\\x43\\x47\\x80\\x18");
  dictionary("attest", words);
  dictionary("evidence", {"version", "tpm_quote", "signature", "message", "pcrs", "hcl_report", "vcek", "quote",
                          "report", "cc_eventlog", "[]", "{}", ":", "=="});
}

// Responses behind an octet that says in which pieces they come.
void fetch_seeds() {
  seed("http", "sized", std::string_view("\x03HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"));
  seed("http", "chunked",
       std::string_view("\x08HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "4\r\nWiki\r\n6;name=value\r\npedia \r\n0\r\nExpires: never\r\n\r\n"));
  seed("http", "busy", std::string_view("\xffHTTP/1.1 429 Too Many Requests\r\nRetry-After: 10\r\n\r\n"));
  seed("http", "moved", std::string_view("\x01HTTP/1.1 301 Moved\r\nLocation: https://kds.example/new\r\n\r\n"));
  seed("http", "to-the-end", std::string_view("\x10HTTP/1.1 100 Continue\r\n\r\nHTTP/1.0 200 OK\r\n\r\nall of it"));
  seed("http", "session",
       std::string_view("\x08HTTP/1.1 401 Unauthorized\r\nSet-Cookie: kbs-session-id=a1; Path=/\r\nContent-Length: 2\r\n\r\n{}"));
  seed("http", "url", std::string_view("\x10https://[::1]:8443/path?query"));
  dictionary("http", {"HTTP/1.1 200 OK\\x0d\\x0a", "HTTP/1.1 100 ", "Content-Length: ", "Set-Cookie: kbs-session-id=", "Transfer-Encoding: chunked",
                      "Retry-After: ", "Location: ", "https://kds.example/", "\\x0d\\x0a\\x0d\\x0a", "\\x0d\\x0a0\\x0d\\x0a"});

  constexpr std::string_view kSmall = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";
  const std::string two = std::string(kSmall) + "between\r\n" + std::string(kSmall);
  seed("pem_bundle", "two", two);
  seed("pem_bundle", "three", two + std::string(kSmall));
  seed("pem_bundle", "one", kSmall);
  seed("pem_bundle", "open", std::string_view("-----BEGIN CERTIFICATE-----\nMAA="));
  dictionary("pem_bundle", {"-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----", "MAA=", "==", "\\x0d\\x0a"});

  const auto document = [](std::string_view vcek, std::string chain, std::string_view tcbm) {
    for (std::size_t at = 0; (at = chain.find('\n', at)) != std::string::npos; at += 2) chain.replace(at, 1, "\\n");
    return R"({"vcekCert":")" + std::string(vcek) + R"(","tcbm":")" + std::string(tcbm) + R"(","certificateChain":")" +
           chain + R"(","cacheControl":"86400"})";
  };
  constexpr std::string_view kVcek = "-----BEGIN CERTIFICATE-----MAA=-----END CERTIFICATE-----";
  std::string plain = two;
  std::erase(plain, '\r');
  seed("platform", "whole", document(kVcek, plain, "DB18000000000003"));
  seed("platform", "short-tcbm", document(kVcek, plain, "DB18"));
  seed("platform", "no-chain", document(kVcek, {}, "DB18000000000003"));
  seed("platform", "empty", std::string_view("{}"));
  dictionary("platform", {"vcekCert", "certificateChain", "tcbm", "DB18000000000003", "-----BEGIN CERTIFICATE-----",
                          "-----END CERTIFICATE-----", "\\\\n", "\\\\u002d"});
}

// Each request with its arguments zero.
void control_seeds() {
  std::vector<std::string> words;
#define SNPNV_X(name, code, arguments, answer, bit)                              \
  {                                                                              \
    std::array<std::byte, 4 + (arguments)> request{};                            \
    store<std::uint32_t, Endian::big>(std::span(request).first<4>(), code);      \
    seed("control", #name, ByteView(request));                                   \
    words.push_back(big_endian(code, 4));                                        \
  }
  SNPNV_PARAVISOR_CONTROL(SNPNV_X)
#undef SNPNV_X
  dictionary("control", words);
}

void systemd_log_seeds() {
  const auto record = [](std::string_view index, std::string_view kind, std::string_view text) {
    return "\x1e{\"" + std::string(index) + ",\"digests\":[{\"hashAlg\":\"sha1\",\"digest\":\"" + std::string(40, '1') +
           "\"},{\"hashAlg\":\"sha256\",\"digest\":\"" + std::string(64, '2') +
           "\"}],\"content_type\":\"systemd\",\"content\":{\"eventType\":\"" + std::string(kind) + "\",\"string\":\"" +
           std::string(text) + "\"}}\n";
  };
  const std::string phase = record("pcr\":11", "phase", "enter-initrd");
  seed("systemd_log", "phase", phase);
  seed("systemd_log", "several", phase + record("pcr\":15", "machine-id", "machine-id:0") + record("nv_index\":1", "nvpcr", "a"));
  dictionary("systemd_log", {"\\x1e", "\\x0a", "pcr", "nv_index", "digests", "hashAlg", "digest", "sha1", "sha256", "sha384",
                             "sha512", "content", "eventType", "string"});
}

void event_log_seeds() {
  std::ifstream file(SNPNV_SOURCE_DIR "/tests/data/event_log.bin", std::ios::binary);
  const std::string log{std::istreambuf_iterator<char>(file), {}};
  failed = failed || log.empty();
  seed("event_log", "small", log);
  seed("event_log", "header", std::string_view(log).substr(0, 69));
  dictionary("event_log", {"\\x03\\x00\\x00\\x00", "\\x01\\x00\\x00\\x80", "\\xe0\\x00\\x00\\x80", "\\x0d\\x00\\x00\\x00",
                           "Spec ID Event03\\x00", "StartupLocality\\x00", "grub_cmd: ", "kernel_cmdline: ",
                           "\\x04\\x00\\x14\\x00", "\\x0b\\x00\\x20\\x00"});
}

// Commands with no, one and two sessions, a response with one, and a list of PCR banks.
void guest_command_seeds() {
  const auto message = [](const std::string& name, std::string_view digits) {
    std::vector<std::byte> octets(digits.size() / 2);
    if (!decode_hex(digits, octets)) failed = true;
    seed("guest_command", name, ByteView(octets));
  };
  message("get-random", "00" "80010000000c0000017b0008");
  message("nv-read", "02" "8002000000230000014e" "4000000101400001" "00000009" "400000090000000000" "00080000");
  message("nv-certify", "03" "80020000003400000184" "810000034000000101400001" "00000012"
                        "400000090000000000" "400000090000000000" "0000" "0010" "0008" "0000");
  message("quote-sha512", "01" "80020000002900000158" "81000003" "00000009" "400000090000000000"
                          "0000" "0010" "00000001" "000d03010000");
  message("response", "00" "80020000001d00000000" "0000000a" "00080102030405060708" "0000010000");
  message("response-without-session", "00" "80020000000e00000000" "00000000");
  message("banks", "00" "80010000001f00000000" "00" "00000005" "00000002" "000b03ffffff" "000d03000000");
  dictionary("guest_command", tpm2_words());
  seed("kds_target", "vcek", std::string_view("/vcek/v1/Milan/00AB00ab00ab00ab?teeSPL=00&blSPL=03&snpSPL=10&ucodeSPL=115"));
  seed("kds_target", "crl", std::string_view("/vlek/v1/Turin/crl"));
  seed("kds_target", "odd", std::string_view("/?=&&a==0&0&b=00"));
  dictionary("kds_target", {"/vcek/v1/", "?blSPL=", "&teeSPL=", "&fmcSPL=", "00", "0123456789abcdef"});
}

void text_seeds() {
  seed("json", "claims", claims(true));
  seed("json", "kinds", R"([null,true,false,0,-1.5e+3,"a\u00e4\ud83d\ude00\n",{"a":{},"b":[]}])");
  seed("json", "escaped-duplicate", R"({"a":1,"\u0061":2})");
  dictionary("json", json_words());

  seed("encoding", "hex", std::string_view("00ffA5"));
  seed("encoding", "base64url", std::string_view("AP-_"));
  seed("encoding", "padded", std::string_view("AA=="));
  dictionary("recording",
             {"snpnv-recording 1\\x0a", "> 80", "< 80", "! io_failed 5", "! io_deadline", "# "});
  dictionary("encoding", {"==", "=", "-_", "ff"});
}

void report_seeds() {
  for (const std::uint32_t version : {2U, 3U, 5U})
    seed("snp_report", "version-" + std::to_string(version), report(version));
  dictionary("snp_report", {"\\x02\\x00\\x00\\x00", "\\x05\\x00\\x00\\x00", "\\x19\\x01", "\\x1a\\x02", "\\x1a\\x50"});

  seed("hcl_report", "version-1", envelope(1, 2, 0, claims(false)));
  seed("hcl_report", "version-2", envelope(2, 2, 0, claims(true)));
  seed("hcl_report", "extension", envelope(2, 2, 4, claims(true)));
  seed("hcl_report", "tdx", envelope(2, 4, 0, claims(true)));
  dictionary("hcl_report", {"HCLA", "\\x02\\x00\\x00\\x00", "\\x14\\x00\\x00\\x00", "\\x18\\x00\\x00\\x00"});

  seed("hcl_claims", "2023", claims(false));
  seed("hcl_claims", "2024", claims(true));
  seed("hcl_claims", "user-data", R"({"user-data":")" + std::string(kUserData) + "\"}");
  seed("hcl_claims", "ec-key", R"({"keys":[{"kid":"HCLAkPub","kty":"EC","crv":"P-256","x":"AA","y":"AQ"},)"
                               R"({"kid":"HCLEkPub","kty":"RSA","e":"AQAB","n":"qqqq"}]})");
  dictionary("hcl_claims", json_words());
}

void answer_seeds() {
  // TPM_RC_HANDLE whole, with an octet behind, and announced as more than any TPM says.
  seed("stream_response", "whole", std::string_view("\3\1\x80\1\0\0\0\x0a\0\0\1\x8b", 12));
  seed("stream_response", "trailing", std::string_view("\xff\1\x80\1\0\0\0\x0a\0\0\1\x8b\0", 13));
  seed("stream_response", "flood", std::string_view("\0\1\x80\1\x7f\xff\xff\xff\0\0\0\0", 12));
  dictionary("stream_response", {"\\x80\\x01\\x00\\x00", "\\x00\\x00\\x10\\x00", "\\x00\\x00\\x10\\x01"});

  // Octets of fresh_report say how each command is answered; see its source.
  seed("fresh_report", "honest", std::string_view("\0\0\0\0\0\0\0\0", 8));
  seed("fresh_report", "errors", std::string_view("\5\1\x8b\5\1\x46\5\x09\x22\0\0", 11));
  seed("fresh_report", "overwritten", std::string_view("\0\0\0\0\0\x0f\0\x8f\x0f", 9));
  seed("fresh_report", "damaged", std::string_view("\0\0\0\0\6\0\x20\1\6\2\0\1\x86\0\x40", 15));
  dictionary("fresh_report", tpm2_words());
}

}  // namespace

int main(int count, char** arguments) {
  if (count != 2) return std::fputs("usage: fuzz_gen DIR\n", stderr), 2;
  root = arguments[1];
  text_seeds();
  report_seeds();
  tpm2_seeds();
  quote_seeds();
  recorded_seeds();
  dictionary("tpm2_command", tpm2_words());
  dictionary("tpm2_response", tpm2_words());
  answer_seeds();
  event_log_seeds();
  systemd_log_seeds();
  control_seeds();
  guest_command_seeds();
  kbs_seeds();
  jwt_seeds();
  kbs_exchange_seeds();
  verifier_seeds();
  policy_seeds();
  fetch_seeds();
  return failed ? 1 : 0;
}
