// SPDX-License-Identifier: Apache-2.0
// The openssl program judges the same chains and signatures, and says the same.
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <fstream>
#include <random>

#include "tests/verify/scene.hpp"

using namespace scene;

namespace {

using R = ATTESTATION_REPORT;

// A directory for openssl's files, removed at the end.
class Folder {
 public:
  Folder() {
    char path[] = "/tmp/snpnv-test-XXXXXX";
    must(::mkdtemp(path) != nullptr, "mkdtemp");
    path_ = path;
  }
  ~Folder() { (void)std::system(("rm -r " + path_).c_str()); }
  void write(const std::string& name, ByteView content) const {
    std::ofstream(path_ + "/" + name, std::ios::binary)
        .write(static_cast<const char*>(static_cast<const void*>(content.data())),
               static_cast<std::streamsize>(content.size()));
  }
  void write_pem(const std::string& name, const Bytes& der) const {
    const unsigned char* at = raw(der);
    const Cert cert(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    FILE* const file = std::fopen((path_ + "/" + name).c_str(), "w");
    // What openssl cannot read leaves an empty file, which it then refuses.
    if (cert) PEM_write_X509(file, cert.get());
    std::fclose(file);
  }
  // True if `openssl ARGUMENTS`, run in the folder, exits with 0.
  [[nodiscard]] bool openssl(const std::string& arguments) const {
    const int status =
        std::system(("cd " + path_ + " && openssl " + arguments + " >/dev/null 2>&1").c_str());
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }

 private:
  std::string path_;
};

struct Fault {
  const char* what;
  std::function<void(Scene&)> change;
};

// R and S in the report, and as DER for openssl.
void set_signature(Scene& s, const BIGNUM* r, const BIGNUM* sig_s) {
  must(BN_bn2lebinpad(r, raw(s.at(R::SIGNATURE_R)), 72) == 72 &&
           BN_bn2lebinpad(sig_s, raw(s.at(R::SIGNATURE_S)), 72) == 72,
       "BN_bn2lebinpad");
}
Bytes der_signature(Scene& s) {
  ECDSA_SIG* const signature = ECDSA_SIG_new();
  ECDSA_SIG_set0(signature, BN_lebin2bn(raw(s.at(R::SIGNATURE_R)), 72, nullptr),
                 BN_lebin2bn(raw(s.at(R::SIGNATURE_S)), 72, nullptr));
  Bytes der(static_cast<std::size_t>(i2d_ECDSA_SIG(signature, nullptr)));
  unsigned char* at = raw(MutBytes(der));
  i2d_ECDSA_SIG(signature, &at);
  ECDSA_SIG_free(signature);
  return der;
}

}  // namespace

TEST_CASE("Openssl_200ChainsHalfBroken_SaysTheSame") {
  // Faults that both know of. What only AMD's chain demands (names, sizes, SPLs) openssl cannot judge.
  const Fault faults[] = {
      {"ARK signed by another key", [](Scene& s) { s.ark.signer = s.ask.key; }},
      {"ASK signed by another key", [](Scene& s) { s.ask.signer = s.key("asvk"); }},
      {"VCEK signed by another key", [](Scene& s) { s.vek.signer = s.ark.key; }},
      {"ARK expired", [](Scene& s) { s.ark.not_after = s.time - 1; }},
      {"ASK expired", [](Scene& s) { s.ask.not_after = s.time - 1; }},
      {"VCEK not valid yet", [](Scene& s) { s.vek.not_before = s.time + 1; }},
      {"ASK no CA", [](Scene& s) { s.ask.basic_constraints = "critical,CA:FALSE"; }},
      {"ASK may not sign", [](Scene& s) { s.ask.key_usage = "critical,cRLSign"; }},
      {"path too long", [](Scene& s) { s.ark.basic_constraints = "critical,CA:TRUE,pathlen:0"; }},
      {"ASK issued by another", [](Scene& s) { s.ask.issuer = "ARK-Rome"; }},
      {"VCEK issued by another", [](Scene& s) { s.vek.issuer = "SEV-Rome"; }},
      {"critical extension",
       [](Scene& s) { s.vek.extensions.push_back({"1.2.3.4", ia5("x"), true}); }},
      {"ASK's signature changed",
       [](Scene& s) { s.after_signing = [](Scene& t) { t.ask_der.back() ^= std::byte{1}; }; }},
      {"VCEK's content changed",
       [](Scene& s) { s.after_signing = [](Scene& t) { t.vek_der[200] ^= std::byte{1}; }; }},
      {"VCEK cut off", [](Scene& s) { s.after_signing = [](Scene& t) { t.vek_der.pop_back(); }; }},
      {"report changed",
       [](Scene& s) { s.after_signing = [](Scene& t) { t.report[0x90] ^= std::byte{1}; }; }},
      {"report signed by another key", [](Scene& s) { s.report_key = new_ec("P-384"); }},
  };
  const Folder folder;
  TestCrypto crypto;
  std::mt19937 random(200);  // any seed, but the same one every time
  unsigned rejected = 0;
  for (unsigned i = 0; i < 200; ++i) {
    Scene scene(kProducts[random() % kProducts.size()],
                random() % 2 == 0 ? SIGNING_KEY::VCEK : SIGNING_KEY::VLEK);
    std::string what = "nothing";
    if (i % 2 == 1) {
      const Fault& fault = faults[random() % std::size(faults)];
      what = fault.what;
      fault.change(scene);
    }
    CAPTURE(i);
    CAPTURE(what);
    scene.make();
    folder.write_pem("ark.pem", scene.ark_der);
    folder.write_pem("ask.pem", scene.ask_der);
    folder.write_pem("vek.pem", scene.vek_der);
    folder.write("report", ByteView(scene.report).first(R::kSignedSize));
    folder.write("signature", der_signature(scene));
    const bool theirs =
        folder.openssl("verify -check_ss_sig -attime " + std::to_string(scene.time) +
                       " -CAfile ark.pem -untrusted ask.pem vek.pem") &&
        folder.openssl("x509 -in vek.pem -noout -pubkey -out key.pem") &&
        folder.openssl("dgst -sha384 -verify key.pem -signature signature report");
    const bool ours = scene.verify(crypto)->verified();
    CHECK(ours == theirs);
    CHECK(ours == (i % 2 == 0));
    if (!ours) ++rejected;
  }
  CHECK(rejected == 100);
}

namespace {

using Number = std::unique_ptr<BIGNUM, decltype([](BIGNUM* n) { BN_free(n); })>;

// Values of r and s at the edges, as Project Wycheproof's ECDSA vectors choose them.
std::vector<Number> edge_values(const BIGNUM* good_r, const BIGNUM* good_s) {
  BN_CTX* const context = BN_CTX_new();
  BIGNUM* const order = BN_new();
  EC_GROUP* const group = EC_GROUP_new_by_curve_name(NID_secp384r1);
  EC_GROUP_get_order(group, order, context);
  BIGNUM* const field = BN_new();
  EC_GROUP_get_curve(group, field, nullptr, nullptr, context);

  // Each value is base + offset, or base shifted by a factor.
  std::vector<Number> values;
  const auto add = [&](const BIGNUM* base, long offset) {
    BIGNUM* const value = BN_dup(base);
    if (offset >= 0) BN_add_word(value, static_cast<BN_ULONG>(offset));
    else BN_sub_word(value, static_cast<BN_ULONG>(-offset));
    values.emplace_back(value);
  };
  BIGNUM* const number = BN_new();
  for (const BN_ULONG small : {0UL, 1UL, 2UL, 3UL, 127UL, 128UL, 255UL, 256UL}) {
    BN_set_word(number, small);
    add(number, 0);
  }
  for (const long offset : {-2L, -1L, 0L, 1L, 2L}) {
    add(order, offset);
    add(field, offset);
  }
  for (const int bits : {8, 32, 64, 128, 192, 256, 320, 383, 384, 385, 512, 575}) {
    BN_set_word(number, 1);
    BN_lshift(number, number, bits);
    add(number, 0);
    add(number, -1);
  }
  BN_rshift1(number, order);
  add(number, 0);
  add(number, 1);
  BN_sub(number, order, good_s);  // the other s that verifies with the same r
  add(number, 0);
  BN_sub(number, order, good_r);
  add(number, 0);
  BN_add(number, good_r, order);
  add(number, 0);
  BN_add(number, good_s, order);
  add(number, 0);
  for (const BIGNUM* base : {good_r, good_s})
    for (const long offset : {-1L, 0L, 1L}) add(base, offset);
  for (BIGNUM* value : {order, field, number}) BN_free(value);
  EC_GROUP_free(group);
  BN_CTX_free(context);
  return values;
}

}  // namespace

TEST_CASE("Openssl_EdgeValuesOfRAndS_SaysTheSame") {
  Scene scene;
  scene.make();
  const Folder folder;
  folder.write("report", ByteView(scene.report).first(R::kSignedSize));
  folder.write_pem("vek.pem", scene.vek_der);
  REQUIRE(folder.openssl("x509 -in vek.pem -noout -pubkey -out key.pem"));
  TestCrypto crypto;
  const auto checked = verify_chain(crypto, scene.chain(), scene.trust(), scene.time);
  REQUIRE(checked->chain.has_value());

  const Number good_r(BN_lebin2bn(raw(scene.at(R::SIGNATURE_R)), 72, nullptr));
  const Number good_s(BN_lebin2bn(raw(scene.at(R::SIGNATURE_S)), 72, nullptr));
  unsigned accepted = 0;
  unsigned cases = 0;
  const auto compare = [&](const BIGNUM* r, const BIGNUM* s) {
    set_signature(scene, r, s);
    folder.write("signature", der_signature(scene));
    const bool theirs = folder.openssl("dgst -sha384 -verify key.pem -signature signature report");
    const auto verdict =
        verify_report(crypto, *checked->chain, scene.evidence(), scene.policy, scene.time);
    if (verdict->verified() != theirs) {
      char* const r_text = BN_bn2hex(r);
      char* const s_text = BN_bn2hex(s);
      FAIL_CHECK("openssl says ", theirs, " to r = ", r_text, ", s = ", s_text);
      OPENSSL_free(r_text);
      OPENSSL_free(s_text);
    }
    accepted += theirs ? 1 : 0;
    ++cases;
  };
  for (const Number& value : edge_values(good_r.get(), good_s.get())) {
    compare(value.get(), good_s.get());
    compare(good_r.get(), value.get());
    compare(value.get(), value.get());
  }
  CHECK(cases >= 150);
  CHECK(accepted == 3);  // the signature itself, twice; and with n - s
}
