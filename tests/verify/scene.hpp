// SPDX-License-Identifier: Apache-2.0
// Everything that a verification needs, made by OpenSSL from the keys in tests/pki: a chain of the
// shape of AMD's, a report that its leaf signs, claims that the report is bound to. A scene verifies
// as it is made; tests change one thing and look which check fails.
#pragma once

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/verify/by_value.hpp"
#include "tests/verify/provider.hpp"

namespace scene {

using namespace snpnv;
using Bytes = std::vector<std::byte>;

// Tests go no further without what OpenSSL is asked for.
inline void must(bool condition, const char* what) {
  if (condition) return;
  std::fprintf(stderr, "scene: %s failed\n", what);
  std::abort();
}

template <class T, void (*Free)(T*)>
struct Freed {
  void operator()(T* p) const { Free(p); }
};
using Key = std::shared_ptr<EVP_PKEY>;
using Cert = std::unique_ptr<X509, Freed<X509, X509_free>>;
using Crl = std::unique_ptr<X509_CRL, Freed<X509_CRL, X509_CRL_free>>;

inline const unsigned char* raw(ByteView in) {
  return static_cast<const unsigned char*>(static_cast<const void*>(in.data()));
}
inline unsigned char* raw(MutBytes out) {
  return static_cast<unsigned char*>(static_cast<void*>(out.data()));
}
inline ByteView octets(std::string_view text) { return std::as_bytes(std::span(text)); }

/// A private key of the test PKI, such as "milan/ark"; each is read once.
inline Key pki_key(const std::string& name) {
  static auto& keys = *new std::map<std::string, Key>;  // not freed, since libcrypto ends before it would be
  Key& key = keys[name];
  if (key != nullptr) return key;
  std::string path(SNPNV_SOURCE_DIR "/tests/pki/");
  path.append(name).append(".key");
  FILE* const file = std::fopen(path.c_str(), "r");
  must(file != nullptr, path.c_str());
  key.reset(PEM_read_PrivateKey(file, nullptr, nullptr, nullptr), EVP_PKEY_free);
  std::fclose(file);
  must(key != nullptr, "PEM_read_PrivateKey");
  return key;
}
/// Three primes are found much faster than two; who has the public key cannot tell.
inline Key new_rsa(unsigned bits, std::uint32_t exponent = 65537) {
  std::size_t primes = 3;
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new_from_name(nullptr, "RSA", nullptr);
  const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_uint(OSSL_PKEY_PARAM_RSA_BITS, &bits),
                                   OSSL_PARAM_construct_size_t(OSSL_PKEY_PARAM_RSA_PRIMES, &primes),
                                   OSSL_PARAM_construct_uint32(OSSL_PKEY_PARAM_RSA_E, &exponent),
                                   OSSL_PARAM_construct_end()};
  EVP_PKEY* made = nullptr;
  must(EVP_PKEY_keygen_init(context) == 1 && EVP_PKEY_CTX_set_params(context, parameters) == 1 &&
           EVP_PKEY_generate(context, &made) == 1,
       "EVP_PKEY_generate");
  EVP_PKEY_CTX_free(context);
  return {made, EVP_PKEY_free};
}
inline Key new_ec(const char* curve) {
  return {EVP_PKEY_Q_keygen(nullptr, nullptr, "EC", curve), EVP_PKEY_free};
}

inline Bytes digest(const EVP_MD* md, ByteView data) {
  Bytes out(64);
  unsigned size = 0;
  must(EVP_Digest(data.data(), data.size(), raw(MutBytes(out)), &size, md, nullptr) == 1, "EVP_Digest");
  out.resize(size);
  return out;
}

/// One DER element with a content below 128 octets.
inline Bytes tlv(std::uint8_t tag, ByteView content) {
  Bytes out{static_cast<std::byte>(tag), static_cast<std::byte>(content.size())};
  out.insert(out.end(), content.begin(), content.end());
  return out;
}
inline Bytes der_integer(unsigned value) {
  Bytes content;
  if (value > 0xFF) content.push_back(static_cast<std::byte>(value >> 8));
  if (value > 0x7F && value <= 0xFF) content.push_back(std::byte{0});
  content.push_back(static_cast<std::byte>(value & 0xFF));
  return tlv(0x02, content);
}
inline Bytes ia5(std::string_view text) { return tlv(0x16, octets(text)); }

struct Extension {
  std::string oid;
  Bytes value;
  bool critical = false;

  bool operator==(const Extension&) const = default;
};

using MadeExtension = std::unique_ptr<X509_EXTENSION, Freed<X509_EXTENSION, X509_EXTENSION_free>>;
inline MadeExtension make_extension(const Extension& extension) {
  ASN1_OBJECT* const oid = OBJ_txt2obj(extension.oid.c_str(), 1);
  ASN1_OCTET_STRING* const value = ASN1_OCTET_STRING_new();
  ASN1_OCTET_STRING_set(value, raw(extension.value), static_cast<int>(extension.value.size()));
  MadeExtension made(X509_EXTENSION_create_by_OBJ(nullptr, oid, extension.critical ? 1 : 0, value));
  ASN1_OCTET_STRING_free(value);
  ASN1_OBJECT_free(oid);
  return made;
}

struct PssScheme {
  const EVP_MD* md = EVP_sha384();
  const EVP_MD* mgf = EVP_sha384();
  int salt = 48;
  bool pkcs1 = false;

  bool operator==(const PssScheme&) const = default;
};

inline void set_name(X509_NAME* name, const std::string& cn) {
  const auto add = [&](const char* field, const std::string& text) {
    must(X509_NAME_add_entry_by_txt(name, field, MBSTRING_UTF8, raw(octets(text)),
                                    static_cast<int>(text.size()), -1, 0) == 1,
         "X509_NAME_add_entry_by_txt");
  };
  add("OU", "Engineering");
  add("C", "US");
  add("O", "Advanced Micro Devices");
  if (!cn.empty()) add("CN", cn);
}

template <class Sign>
inline void sign_with(const Key& key, const PssScheme& scheme, Sign&& sign) {
  EVP_MD_CTX* const context = EVP_MD_CTX_new();
  EVP_PKEY_CTX* parameters = nullptr;
  must(EVP_DigestSignInit(context, &parameters, scheme.md, nullptr, key.get()) == 1,
       "EVP_DigestSignInit");
  if (EVP_PKEY_base_id(key.get()) == EVP_PKEY_RSA && !scheme.pkcs1) {
    must(EVP_PKEY_CTX_set_rsa_padding(parameters, RSA_PKCS1_PSS_PADDING) == 1 &&
             EVP_PKEY_CTX_set_rsa_pss_saltlen(parameters, scheme.salt) == 1 &&
             EVP_PKEY_CTX_set_rsa_mgf1_md(parameters, scheme.mgf) == 1,
         "EVP_PKEY_CTX_set_rsa_padding");
  }
  sign(context);
  EVP_MD_CTX_free(context);
}

/// As text, since a time_t may have 32 bits, and end in 2038; or 64 here and 32 in libcrypto.
inline void set_time(ASN1_TIME* out, UnixTime time) {
  namespace chrono = std::chrono;
  const chrono::sys_seconds at{chrono::seconds(time)};
  const auto days = chrono::floor<chrono::days>(at);
  const chrono::year_month_day date(days);
  const chrono::hh_mm_ss clock(at - days);
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%04d%02u%02u%02d%02d%02dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                static_cast<int>(clock.seconds().count()));
  must(ASN1_TIME_set_string_X509(out, text.data()) == 1, "ASN1_TIME_set_string_X509");
}

struct CertSpec {
  std::string subject;
  std::string issuer;
  unsigned serial = 0;
  UnixTime not_before = *parse_rfc3339("2023-01-01T00:00:00Z");
  UnixTime not_after = *parse_rfc3339("2048-01-01T00:00:00Z");
  Key key;
  Key signer;
  std::string basic_constraints;  // in OpenSSL's configuration syntax; empty: none
  std::string key_usage;
  std::vector<Extension> extensions;
  PssScheme scheme;

  bool operator==(const CertSpec&) const = default;
  [[nodiscard]] Bytes make() const {
    const Cert cert(X509_new());
    must(X509_set_version(cert.get(), X509_VERSION_3) == 1, "X509_set_version");
    ASN1_INTEGER_set(X509_get_serialNumber(cert.get()), static_cast<long>(serial));
    set_name(X509_get_subject_name(cert.get()), subject);
    set_name(X509_get_issuer_name(cert.get()), issuer);
    set_time(X509_getm_notBefore(cert.get()), not_before);
    set_time(X509_getm_notAfter(cert.get()), not_after);
    must(X509_set_pubkey(cert.get(), key.get()) == 1, "X509_set_pubkey");
    const auto standard = [&](int nid, const std::string& value) {
      if (value.empty()) return;
      X509_EXTENSION* const made = X509V3_EXT_conf_nid(nullptr, nullptr, nid, value.c_str());
      must(made != nullptr && X509_add_ext(cert.get(), made, -1) == 1, "X509_add_ext");
      X509_EXTENSION_free(made);
    };
    standard(NID_key_usage, key_usage);
    standard(NID_basic_constraints, basic_constraints);
    for (const Extension& extension : extensions)
      must(X509_add_ext(cert.get(), make_extension(extension).get(), -1) == 1, "X509_add_ext");
    sign_with(signer, scheme,
              [&](EVP_MD_CTX* c) { must(X509_sign_ctx(cert.get(), c) > 0, "X509_sign_ctx"); });
    Bytes out(static_cast<std::size_t>(i2d_X509(cert.get(), nullptr)));
    unsigned char* at = raw(MutBytes(out));
    i2d_X509(cert.get(), &at);
    return out;
  }
};

struct CrlSpec {
  std::string issuer;
  Key signer;
  UnixTime this_update = *parse_rfc3339("2025-01-01T00:00:00Z");
  UnixTime next_update = *parse_rfc3339("2026-01-01T00:00:00Z");
  std::vector<unsigned> revoked;
  bool critical_extension = false;
  PssScheme scheme{};
  std::vector<Extension> extensions{};
  std::vector<Extension> entry_extensions{};  // of each

  bool operator==(const CrlSpec&) const = default;
  [[nodiscard]] Bytes make() const {
    const Crl crl(X509_CRL_new());
    X509_CRL_set_version(crl.get(), X509_CRL_VERSION_2);
    X509_NAME* const name = X509_NAME_new();
    set_name(name, issuer);
    X509_CRL_set_issuer_name(crl.get(), name);
    X509_NAME_free(name);
    ASN1_TIME* const time = ASN1_TIME_new();
    set_time(time, this_update);
    X509_CRL_set1_lastUpdate(crl.get(), time);
    for (const unsigned serial : revoked) {
      X509_REVOKED* const entry = X509_REVOKED_new();
      ASN1_INTEGER* const number = ASN1_INTEGER_new();
      ASN1_INTEGER_set(number, static_cast<long>(serial));
      X509_REVOKED_set_serialNumber(entry, number);
      X509_REVOKED_set_revocationDate(entry, time);
      for (const Extension& extension : entry_extensions)
        must(X509_REVOKED_add_ext(entry, make_extension(extension).get(), -1) == 1, "X509_REVOKED_add_ext");
      X509_CRL_add0_revoked(crl.get(), entry);
      ASN1_INTEGER_free(number);
    }
    set_time(time, next_update);
    X509_CRL_set1_nextUpdate(crl.get(), time);
    ASN1_TIME_free(time);
    ASN1_INTEGER* const number = ASN1_INTEGER_new();
    ASN1_INTEGER_set(number, 1);
    X509_CRL_add1_ext_i2d(crl.get(), NID_crl_number, number, critical_extension ? 1 : 0, 0);
    ASN1_INTEGER_free(number);
    for (const Extension& extension : extensions)
      must(X509_CRL_add_ext(crl.get(), make_extension(extension).get(), -1) == 1, "X509_CRL_add_ext");
    sign_with(signer, scheme, [&](EVP_MD_CTX* c) {
      must(X509_CRL_sign_ctx(crl.get(), c) > 0, "X509_CRL_sign_ctx");
    });
    Bytes out(static_cast<std::size_t>(i2d_X509_CRL(crl.get(), nullptr)));
    unsigned char* at = raw(MutBytes(out));
    i2d_X509_CRL(crl.get(), &at);
    return out;
  }
};

/// What the specification makes. To sign takes the most of a test's time, so what was made once is not made again.
template <class Spec>
inline Bytes made(const Spec& spec) {
  static auto& before = *new std::vector<std::pair<Spec, Bytes>>;  // has keys, which are not freed
  const auto same = std::ranges::find(before, spec, &std::pair<Spec, Bytes>::first);
  return same != before.end() ? same->second : before.emplace_back(spec, spec.make()).second;
}

// The OID of AMD's extension with these last arcs.
inline std::string amd_oid(const std::string& arcs) { return std::string("1.3.6.1.4.1.3704.1.").append(arcs); }

/// An extension of AMD's, by the arcs behind 1.3.6.1.4.1.3704.1.
inline Extension amd(const std::string& arcs, Bytes value) {
  return {amd_oid(arcs), std::move(value)};
}

/// SHA-384 of the SubjectPublicKeyInfo, as OpenSSL encodes it.
inline SpkiDigest spki_of(const Key& key) {
  Bytes der(static_cast<std::size_t>(i2d_PUBKEY(key.get(), nullptr)));
  unsigned char* at = raw(MutBytes(der));
  i2d_PUBKEY(key.get(), &at);
  SpkiDigest out{};
  copy_to(out, digest(EVP_sha384(), der));
  return out;
}

/// Signs the first 672 octets; writes R and S as the report has them.
inline void sign_report(MutBytes report, const Key& key) {
  const Bytes hash = digest(EVP_sha384(), report.first(ATTESTATION_REPORT::kSignedSize));
  EVP_PKEY_CTX* const context = EVP_PKEY_CTX_new(key.get(), nullptr);
  Bytes der(256);
  std::size_t size = der.size();
  must(EVP_PKEY_sign_init(context) == 1 &&
           EVP_PKEY_sign(context, raw(MutBytes(der)), &size, raw(hash), hash.size()) == 1,
       "EVP_PKEY_sign");
  EVP_PKEY_CTX_free(context);
  const unsigned char* at = raw(ByteView(der));
  ECDSA_SIG* const signature = d2i_ECDSA_SIG(nullptr, &at, static_cast<long>(size));
  const MutBytes r = report.subspan(ATTESTATION_REPORT::SIGNATURE_R.offset, 72);
  const MutBytes s = report.subspan(ATTESTATION_REPORT::SIGNATURE_S.offset, 72);
  must(BN_bn2lebinpad(ECDSA_SIG_get0_r(signature), raw(r), 72) == 72 &&
           BN_bn2lebinpad(ECDSA_SIG_get0_s(signature), raw(s), 72) == 72,
       "BN_bn2lebinpad");
  ECDSA_SIG_free(signature);
}

inline const UserData kNonce = [] {
  UserData nonce{};
  for (std::size_t i = 0; i < nonce.size(); ++i) nonce[i] = static_cast<std::byte>(i + 1);
  return nonce;
}();

inline std::string hex_of(ByteView in) {
  std::string out(in.size() * 2, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  encode_hex(writer, in);
  return out;
}

class Scene {
 public:
  using R = ATTESTATION_REPORT;

  explicit Scene(Product product = Product::milan, SIGNING_KEY signing_key = SIGNING_KEY::VCEK)
      : product_(product), vlek_(signing_key == SIGNING_KEY::VLEK) {
    const std::string name(snpnv::name(product));
    folder_ = name;
    folder_[0] = static_cast<char>(folder_[0] - 'A' + 'a');
    const std::string ca = "critical,CA:TRUE";
    ark.subject = ark.issuer = "ARK-" + name;
    ark.serial = 0x10000;
    ark.key = ark.signer = key("ark");
    ark.basic_constraints = ca;
    ark.key_usage = "critical,keyCertSign,cRLSign";
    ask.subject = vlek_ ? "SEV-VLEK-" + name : "SEV-" + name;
    ask.issuer = ark.subject;
    ask.serial = 0x10001;
    ask.key = key(vlek_ ? "asvk" : "ask");
    ask.signer = ark.key;
    ask.basic_constraints = ca + ",pathlen:0";
    ask.key_usage = "critical,keyCertSign";
    vek.subject = vlek_ ? "SEV-VLEK" : "SEV-VCEK";
    vek.issuer = ask.subject;
    vek.key = key(vlek_ ? "vlek" : "vcek");
    vek.signer = ask.key;
    vek.extensions = {amd("1", der_integer(product == Product::turin ? 1 : 0)),
                      amd("2", ia5(vlek_ ? name : name + "-B0"))};
    if (product == Product::turin) vek.extensions.push_back(amd("3.9", der_integer(2)));
    for (const auto& [arc, spl] : {std::pair(1, 3U), {2, 1U}, {3, 24U}, {4, 0U}, {5, 0U}, {6, 0U},
                                   {7, 0U}, {8, 219U}})
      vek.extensions.push_back(amd("3." + std::to_string(arc), der_integer(spl)));
    chip.assign(chip_id_size(product), std::byte{0xC7});
    vek.extensions.push_back(vlek_ ? amd("5", ia5("CN=test")) : amd("4", chip));
    roots = {spki_of(ark.key)};
    claims = R"({"keys":[],"vm-configuration":{"console-enabled":true,"secure-boot":true,)"
             R"("tpm-enabled":true,"vmUniqueId":"0123-ABCD"},"user-data":")" +
             hex_of(kNonce) + R"("})";
    user_data = kNonce;
    fill_report();
  }

  /// A key of this product's test PKI.
  [[nodiscard]] Key key(const std::string& role) const { return pki_key(folder_ + "/" + role); }

  /// The field's octets, for changing them before the report is signed.
  template <class Type, std::size_t Offset>
  [[nodiscard]] MutBytes at(LayoutField<Type, Offset> field) {
    return MutBytes(report).subspan(field.offset, field.size);
  }
  /// Writes a field's first octets as a little-endian number.
  template <class Type, std::size_t Offset>
  void put(LayoutField<Type, Offset> field, std::uint64_t value) {
    const MutBytes to = at(field);
    for (std::size_t i = 0; i < std::min<std::size_t>(8, to.size()); ++i)
      to[i] = static_cast<std::byte>(value >> (8 * i));
  }
  /// AMD's extension in the leaf, by its arcs.
  [[nodiscard]] Extension& extension(const std::string& arcs) {
    for (Extension& e : vek.extensions)
      if (e.oid == amd_oid(arcs)) return e;
    must(false, arcs.c_str());
    return vek.extensions.front();
  }
  void drop_extension(const std::string& arcs) {
    std::erase_if(vek.extensions,
                  [&](const Extension& e) { return e.oid == amd_oid(arcs); });
  }
  /// Puts the digest of the claims into REPORT_DATA, zeros behind it.
  void bind(const EVP_MD* md = EVP_sha256()) {
    std::ranges::fill(at(R::REPORT_DATA), std::byte{0});
    copy_to(at(R::REPORT_DATA), digest(md, octets(claims)));
  }

  /// Makes the certificates and signs the report.
  void make() {
    ark_der = made(ark);
    ask_der = made(ask);
    vek_der = made(vek);
    if (crl) crl_der = made(*crl);
    sign_report(report, report_key ? report_key : vek.key);
    if (after_signing) after_signing(*this);
  }
  [[nodiscard]] CertificateChain chain() const { return {ark_der, ask_der, vek_der, crl_der}; }
  [[nodiscard]] Trust trust() const { return {roots}; }
  [[nodiscard]] Evidence evidence() const {
    Evidence out{report, {}, claims_hash, user_data};
    if (with_claims) out.claims = octets(claims);
    return out;
  }
  template <Crypto C>
  [[nodiscard]] Result<Verdict> verify(C& crypto) const {
    return scene::verify(crypto, chain(), trust(), evidence(), policy, time);
  }
  [[nodiscard]] Result<Verdict> made_and_verified() {
    make();
    TestCrypto crypto;
    return verify(crypto);
  }

  CertSpec ark;
  CertSpec ask;
  CertSpec vek;
  std::optional<CrlSpec> crl;
  Bytes chip;
  Bytes report;
  Key report_key;  // none: the leaf's
  std::string claims;
  bool with_claims = true;
  std::optional<Hash> claims_hash = Hash::sha256;
  std::optional<UserData> user_data;
  Policy policy;
  std::vector<SpkiDigest> roots;
  UnixTime time = *parse_rfc3339("2025-06-01T00:00:00Z");
  std::function<void(Scene&)> after_signing;

  Bytes ark_der, ask_der, vek_der, crl_der;

 private:
  void fill_report() {
    report.assign(R::kSize, std::byte{0});
    put(R::VERSION, 5);
    put(R::GUEST_SVN, 4);
    put(R::POLICY, 0x30000);
    put(R::SIGNATURE_ALGO, 1);
    put(R::PLATFORM_INFO, 0x25);  // SMT_EN, ECC_EN, ALIAS_CHECK_COMPLETE
    put(R::KEY_INFO, (vlek_ ? 1U << 2 : 0U) | 1U);  // AUTHOR_KEY_EN
    std::ranges::fill(at(R::FAMILY_ID), std::byte{0x11});
    std::ranges::fill(at(R::IMAGE_ID), std::byte{0x22});
    std::ranges::fill(at(R::MEASUREMENT), std::byte{0x33});
    std::ranges::fill(at(R::HOST_DATA), std::byte{0x44});
    std::ranges::fill(at(R::ID_KEY_DIGEST), std::byte{0x55});
    std::ranges::fill(at(R::AUTHOR_KEY_DIGEST), std::byte{0x66});
    // BOOT_LOADER 3, TEE 1, SNP 24, MICROCODE 219; on Turin also FMC 2. AMD 56860, "TCB_VERSION".
    const std::uint64_t tcb =
        product_ == Product::turin ? 0xDB00000018010302U : 0xDB18000000000103U;
    put(R::REPORTED_TCB, tcb);
    put(R::CURRENT_TCB, tcb);
    put(R::COMMITTED_TCB, tcb);
    put(R::LAUNCH_TCB, tcb);
    put(R::CPUID_FAM_ID, product_ == Product::turin ? 0x1A : 0x19);
    put(R::CPUID_MOD_ID, product_ == Product::genoa ? 0x11 : 0x01);
    put(R::CPUID_STEP, 1);
    copy_to(at(R::CHIP_ID), chip);
    put(R::CURRENT_BUILD, 21);
    put(R::CURRENT_MINOR, 55);
    put(R::CURRENT_MAJOR, 1);
    put(R::COMMITTED_BUILD, 20);
    put(R::COMMITTED_MINOR, 55);
    put(R::COMMITTED_MAJOR, 1);
    put(R::CURRENT_MIT_VECTOR, 3);
    put(R::LAUNCH_MIT_VECTOR, 1);
    bind();
  }

  Product product_;
  bool vlek_;
  std::string folder_;
};

}  // namespace scene
