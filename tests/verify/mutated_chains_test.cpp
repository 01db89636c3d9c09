// SPDX-License-Identifier: Apache-2.0
// Chains with one thing changed in one certificate, signed again where anybody could tell: this project by
// each provider, OpenSSL in its strict mode and Mbed TLS judge them. The providers never make a difference,
// and every kind of disagreement with a library is one that docs/verification.md gives the reason of.
#include <doctest/doctest.h>
#include <mbedtls/x509_crt.h>
#include <openssl/x509_vfy.h>

#include <map>
#include <random>

#include "snpnv/core/pem.hpp"
#include "snpnv/mbedtls/crypto.hpp"
#include "snpnv/openssl/crypto.hpp"
#include "tests/test.hpp"
#include "tests/verify/scene.hpp"

using namespace scene;

namespace {

const UnixTime kTime = *parse_rfc3339("2025-06-01T00:00:00Z");

// An element of DER that need not stay DER.
struct Node {
  std::uint8_t tag = 0;
  Bytes before;    // octets in front of the children: the BIT STRING's count of unused bits
  Bytes content;   // if there are no children
  std::vector<Node> children;
  bool long_size = false;  // an octet more than the size needs

  [[nodiscard]] bool is(DerTag t) const { return tag == static_cast<std::uint8_t>(t); }
  [[nodiscard]] Bytes encode() const {
    Bytes inside = before;
    if (children.empty()) inside.insert(inside.end(), content.begin(), content.end());
    for (const Node& child : children) {
      const Bytes octets = child.encode();
      inside.insert(inside.end(), octets.begin(), octets.end());
    }
    Bytes out{static_cast<std::byte>(tag)};
    const std::size_t size = inside.size();
    if (size < 0x80 && !long_size) {
      out.push_back(static_cast<std::byte>(size));
    } else {
      const std::size_t count = (size < 0x80 ? 1U : size < 0x100 ? 1U : 2U) + (long_size && size >= 0x80 ? 1U : 0U);
      out.push_back(static_cast<std::byte>(0x80 | count));
      for (std::size_t i = count; i-- > 0;) out.push_back(static_cast<std::byte>(size >> (8 * i)));
    }
    out.insert(out.end(), inside.begin(), inside.end());
    return out;
  }
};

// The elements that fill `in`; none if it is something else.
std::vector<Node> read_all(ByteView in) {
  std::vector<Node> out;
  for (DerReader reader(in); !reader.at_end();) {
    const DerElement element = reader.any();
    if (!reader.ok()) return {};
    Node node{.tag = static_cast<std::uint8_t>(element.tag), .before = {},
              .content = Bytes(element.content.begin(), element.content.end()), .children = {}};
    const bool bits = element.tag == DerTag::bit_string;
    const bool wraps = (node.tag & 0x20U) != 0 || element.tag == DerTag::octet_string || bits;
    const ByteView inside = element.content.subspan(bits && !element.content.empty() ? 1 : 0);
    // hwID is not DER, even if it happens to look like it; a signature neither.
    if (wraps && inside.size() != 64 && inside.size() != 512) node.children = read_all(inside);
    if (!node.children.empty() && bits) node.before = {node.content[0]};
    out.push_back(std::move(node));
  }
  return out;
}

void collect(Node& node, std::vector<std::pair<Node*, std::size_t>>& places) {
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    places.emplace_back(&node, i);
    collect(node.children[i], places);
  }
}

Node leaf(std::uint8_t tag, Bytes content) { return {.tag = tag, .before = {}, .content = std::move(content), .children = {}}; }
Node primitive(DerTag tag, Bytes content) { return leaf(static_cast<std::uint8_t>(tag), std::move(content)); }
Node sequence(std::vector<Node> children) {
  return {.tag = static_cast<std::uint8_t>(DerTag::sequence), .before = {}, .content = {}, .children = std::move(children)};
}
Bytes hex(std::string_view digits) { return test::hex(digits); }
Node extension(const std::string& oid, Bytes value) {
  return sequence({primitive(DerTag::oid, hex(oid)), primitive(DerTag::octet_string, std::move(value))});
}

// The tbsCertificate's parts.
std::vector<Node>& extensions(Node& tbs) { return tbs.children.back().children[0].children; }
Node& key_algorithm(Node& tbs) { return tbs.children[6].children[0]; }

struct Mutation {
  std::string_view name;
  // Changes the element at children[i] of `parent`, in `tbs`.
  std::function<void(Node& tbs, Node& parent, std::size_t i, std::mt19937& random)> change;
};

auto at(Node& parent, std::size_t i) { return parent.children.begin() + static_cast<std::ptrdiff_t>(i); }
auto add(std::string_view oid, std::string_view value) {
  return [=](Node& tbs, Node&, std::size_t, std::mt19937&) {
    extensions(tbs).push_back(extension(std::string(oid), hex(value)));
  };
}
template <class Edit>
auto with_content(Edit edit) {
  return [=](Node&, Node& parent, std::size_t i, std::mt19937& random) {
    Node& node = parent.children[i];
    if (!node.children.empty()) {
      node.content = node.encode();
      node.content.erase(node.content.begin(), node.content.begin() + 2);
      node.children.clear();
      node.before.clear();
    }
    edit(node.content, random);
  };
}

// Of an element anywhere.
const std::vector<Mutation> kOfElements{
    {"twice", [](Node&, Node& parent, std::size_t i, std::mt19937&) {
       parent.children.insert(at(parent, i), Node(parent.children[i]));
     }},
    {"left out", [](Node&, Node& parent, std::size_t i, std::mt19937&) { parent.children.erase(at(parent, i)); }},
    {"swapped with the first", [](Node&, Node& parent, std::size_t i, std::mt19937&) {
       std::swap(parent.children[0], parent.children[i]);
     }},
    {"another tag", [](Node&, Node& parent, std::size_t i, std::mt19937& random) {
       constexpr std::array<std::uint8_t, 24> kTags{0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x0A, 0x0C,
                                                    0x12, 0x13, 0x14, 0x16, 0x17, 0x18, 0x1C, 0x1E,
                                                    0x30, 0x31, 0x80, 0x82, 0x86, 0xA0, 0xA1, 0xA3};
       parent.children[i].tag = kTags[random() % kTags.size()];
     }},
    {"a size in more octets", [](Node&, Node& parent, std::size_t i, std::mt19937&) {
       parent.children[i].long_size = true;
     }},
    {"a bit", with_content([](Bytes& content, std::mt19937& random) {
       if (content.empty()) return content.push_back(std::byte{1});
       content[random() % content.size()] ^= static_cast<std::byte>(1U << random() % 8);
     })},
    {"an octet", with_content([](Bytes& content, std::mt19937& random) {
       if (content.empty()) return content.push_back(std::byte{1});
       content[random() % content.size()] = static_cast<std::byte>(random() % 256);
     })},
    {"nothing in it", with_content([](Bytes& content, std::mt19937&) { content.clear(); })},
    {"a zero before", with_content([](Bytes& content, std::mt19937&) { content.insert(content.begin(), std::byte{0}); })},
    {"a zero behind", with_content([](Bytes& content, std::mt19937&) { content.push_back(std::byte{0}); })},
    {"an element added", [](Node&, Node& parent, std::size_t i, std::mt19937& random) {
       const std::array<Node, 6> some{primitive(DerTag::null, {}), primitive(DerTag::boolean, hex("00")),
                                      primitive(DerTag::boolean, hex("ff")), primitive(DerTag::integer, hex("00")),
                                      primitive(DerTag::oid, hex("550403")), primitive(DerTag::octet_string, hex("00"))};
       parent.children.insert(at(parent, i), some[random() % some.size()]);
     }},
};

// Of what a certificate has.
const std::vector<Mutation> kOfParts{
    {"keyUsage", [](Node& tbs, Node&, std::size_t, std::mt19937& random) {
       constexpr std::array<std::string_view, 5> kValues{"03020106", "03020204", "03020780", "03020560", "030100"};
       extensions(tbs).push_back(extension("551d0f", hex(kValues[random() % kValues.size()])));
     }},
    {"an extension left out", [](Node& tbs, Node&, std::size_t, std::mt19937& random) {
       std::vector<Node>& list = extensions(tbs);
       list.erase(list.begin() + static_cast<std::ptrdiff_t>(random() % list.size()));
     }},
    {"an extension's criticality", [](Node& tbs, Node&, std::size_t, std::mt19937& random) {
       std::vector<Node>& list = extensions(tbs);
       std::vector<Node>& one = list[random() % list.size()].children;
       if (one.size() == 3) one.erase(one.begin() + 1);
       else one.insert(one.begin() + 1, primitive(DerTag::boolean, hex("ff")));
     }},
    {"basicConstraints", [](Node& tbs, Node&, std::size_t, std::mt19937& random) {
       constexpr std::array<std::string_view, 6> kValues{"3000", "3003010100", "300602010101ff", "3003020100",
                                                         "30060101ff020105", "30060101ff0201ff"};
       for (Node& one : extensions(tbs))
         if (one.children[0].content == hex("551d13")) one = extension("551d13", hex(kValues[random() % kValues.size()]));
     }},
    {"FALSE written out", [](Node& tbs, Node&, std::size_t, std::mt19937& random) {
       std::vector<Node>& list = extensions(tbs);
       Node& one = list[random() % list.size()];
       one.children.insert(one.children.begin() + 1, primitive(DerTag::boolean, hex("00")));
     }},
    {"a name's set out of order", [](Node& tbs, Node&, std::size_t, std::mt19937&) {
       std::vector<Node>& subject = tbs.children[5].children;
       subject[0].children.insert(subject[0].children.begin(), subject[1].children[0]);
       std::swap(subject[0].children[0], subject[0].children[1]);
       subject.erase(subject.begin() + 1);
     }},
    {"parameters of the key's algorithm", [](Node& tbs, Node&, std::size_t, std::mt19937& random) {
       const std::array<Node, 4> some{primitive(DerTag::null, hex("00")), primitive(DerTag::integer, hex("05")),
                                      sequence({}), primitive(DerTag::oid, hex("2b81040023"))};
       std::vector<Node>& algorithm = key_algorithm(tbs).children;
       algorithm.resize(1);
       if (const std::size_t n = random() % 5; n < some.size()) algorithm.push_back(some[n]);
     }},
};

const std::vector<Mutation> kOfAddedExtensions{
    {"extKeyUsage", add("551d25", "300a06082b06010505070301")},
    {"extKeyUsage of a malformed OID", add("551d25", "30040602" "5580")},
    {"extKeyUsage of an OID without octets", add("551d25", "30020600")},
    {"extKeyUsage of nothing", add("551d25", "3000")},
    {"nsCertType", add("6086480186f8420101", "03020640")},
    {"nsCertType of nothing", add("6086480186f8420101", "030100")},
    {"nsCertType with a zero bit behind", add("6086480186f8420101", "03020540")},
    {"subjectAltName", add("551d11", "3006820461626364")},
    {"subjectAltName of nothing", add("551d11", "3000")},
    {"subjectAltName of an unknown kind", add("551d11", "3003890100")},
    {"certificatePolicies", add("551d20", "30063004" "0602" "5504")},
    {"certificatePolicies of nothing", add("551d20", "3000")},
    {"authorityKeyIdentifier of another key", add("551d23", "3006800401020304")},
    {"authorityKeyIdentifier of nothing", add("551d23", "")},
    {"authorityKeyIdentifier with half an issuer", add("551d23", "3003820101")},
    {"an unknown extension", add("2a0304", "0500")},
    {"an unknown extension that is not DER", add("2a0304", "ff")},
    {"nameConstraints", add("551d1e", "300aa0083006820461626364")},
    {"policyConstraints", add("551d24", "3003800100")},
};

const std::vector<Mutation>& mutations() {
  static const std::vector<Mutation> all = [] {
    std::vector<Mutation> out;
    for (const auto* const some : {&kOfElements, &kOfParts, &kOfAddedExtensions})
      out.insert(out.end(), some->begin(), some->end());
    return out;
  }();
  return all;
}

Bytes pki_der(const std::string& name) {
  const auto text = test::read_file(SNPNV_SOURCE_DIR "/tests/pki/" + name + ".pem");
  must(text.has_value(), name.c_str());
  Bytes out(text->size());
  const auto block = PemReader(*text, "CERTIFICATE").next(out);
  must(block && *block, name.c_str());
  out.resize((*block)->size());
  return out;
}

Bytes sign(const Key& key, ByteView tbs) {
  Bytes signature(512);
  sign_with(key, {}, [&](EVP_MD_CTX* context) {
    std::size_t size = signature.size();
    must(EVP_DigestSign(context, raw(MutBytes(signature)), &size, raw(tbs), tbs.size()) == 1, "EVP_DigestSign");
  });
  return signature;
}

using Judged = std::optional<std::string>;  // why not

template <Crypto C>
Judged ours(C& crypto, const CertificateChain& chain, const Trust& trust) {
  const auto checked = verify_chain(crypto, chain, trust, kTime);
  if (checked->chain) return {};
  const CheckResult& result = checked->verdict[*checked->verdict.first_failure()];
  return std::string(result.error ? name(result.error->code) : result.note);
}

// AMD's leaves have no authorityKeyIdentifier, which strict mode demands: nothing else is overlooked.
int overlook(int good, X509_STORE_CTX* context) {
  const bool leafs = X509_STORE_CTX_get_error(context) == X509_V_ERR_MISSING_AUTHORITY_KEY_IDENTIFIER &&
                     X509_STORE_CTX_get_error_depth(context) == 0;
  if (leafs) X509_STORE_CTX_set_error(context, X509_V_OK);
  return good == 1 || leafs ? 1 : 0;
}
Judged openssl(const CertificateChain& chain) {
  const auto read = [](ByteView der) {
    const unsigned char* at = raw(der);
    Cert cert(d2i_X509(nullptr, &at, static_cast<long>(der.size())));
    return at == raw(der) + der.size() ? std::move(cert) : Cert();
  };
  const Cert ark = read(chain.ark), ask = read(chain.ask), vek = read(chain.vek);
  if (!ark || !ask || !vek) return "not a certificate";
  X509_STORE* const store = X509_STORE_new();
  X509_STORE_add_cert(store, ark.get());
  STACK_OF(X509)* const others = sk_X509_new_null();
  sk_X509_push(others, ask.get());
  X509_STORE_CTX* const context = X509_STORE_CTX_new();
  must(X509_STORE_CTX_init(context, store, vek.get(), others) == 1, "X509_STORE_CTX_init");
  X509_STORE_CTX_set_flags(context, X509_V_FLAG_X509_STRICT | X509_V_FLAG_CHECK_SS_SIGNATURE);
  X509_STORE_CTX_set_time(context, 0, kTime);
  X509_STORE_CTX_set_verify_cb(context, overlook);
  Judged out;
  if (X509_verify_cert(context) != 1) out = X509_verify_cert_error_string(X509_STORE_CTX_get_error(context));
  X509_STORE_CTX_free(context);
  sk_X509_free(others);
  X509_STORE_free(store);
  return out;
}

// Its clock is the machine's, so that it does not judge periods here.
Judged mbedtls(const CertificateChain& chain) {
  mbedtls_x509_crt trusted, given;
  mbedtls_x509_crt_init(&trusted);
  mbedtls_x509_crt_init(&given);
  Judged out;
  std::uint32_t flags = 0;
  if (mbedtls_x509_crt_parse_der(&trusted, raw(chain.ark), chain.ark.size()) != 0 ||
      mbedtls_x509_crt_parse_der(&given, raw(chain.vek), chain.vek.size()) != 0 ||
      mbedtls_x509_crt_parse_der(&given, raw(chain.ask), chain.ask.size()) != 0) {
    out = "not a certificate";
  } else {
    const int status = mbedtls_x509_crt_verify(&given, &trusted, nullptr, nullptr, &flags, nullptr, nullptr);
    constexpr std::uint32_t kPeriods = MBEDTLS_X509_BADCERT_EXPIRED | MBEDTLS_X509_BADCERT_FUTURE;
    if (status != 0 && (status != MBEDTLS_ERR_X509_CERT_VERIFY_FAILED || (flags & ~kPeriods) != 0))
      out = "not verified";
  }
  mbedtls_x509_crt_free(&trusted);
  mbedtls_x509_crt_free(&given);
  return out;
}

struct Base {
  std::string product, intermediate, leaf;
};

using Chain = std::array<Bytes, 3>;

// The chain with one certificate mutated, and signed again where it can be.
struct Mutated {
  Chain der;
  std::string what;

  Mutated(const Chain& good, const std::array<Key, 3>& signers, std::mt19937& random) : der(good) {
    const std::size_t which = random() % 3;
    const Mutation& mutation = mutations()[random() % mutations().size()];
    Node certificate = read_all(good[which])[0];
    Node& tbs = certificate.children[0];
    std::vector<std::pair<Node*, std::size_t>> places;
    collect(certificate, places);
    const auto [parent, at] = places[random() % places.size()];
    const bool inside = parent != &certificate;
    mutation.change(tbs, *parent, at, random);
    der[which] = certificate.encode();
    // What nobody reads as a certificate needs no signature; what is outside the signed part gets none.
    const unsigned char* front = raw(ByteView(der[which]));
    const bool readable = Certificate::parse(der[which]) ||
                          Cert(d2i_X509(nullptr, &front, static_cast<long>(der[which].size())));
    if (readable && inside && certificate.children.size() == 3) {
      Bytes signature = sign(signers[which], certificate.children[0].encode());
      Node& bits = certificate.children[2];
      if (bits.is(DerTag::bit_string) && bits.content.size() == 513) std::ranges::copy(signature, bits.content.begin() + 1);
      der[which] = certificate.encode();
    }
    what = std::to_string(which) + ": " + std::string(mutation.name) + " at " + std::to_string(at) + " of " +
           hex_of(ByteView(der[which]));
  }
};

}  // namespace

TEST_CASE("MutatedChains_JudgedByThree_EveryDisagreementIsAListedOne") {
  const auto listed = test::read_file(SNPNV_SOURCE_DIR "/docs/verification.md");
  REQUIRE(listed.has_value());
  const auto is_listed = [&](const std::string& kind) {
    return !std::ranges::search(*listed, octets("| " + kind + " |")).empty();
  };
  std::map<std::string, std::pair<unsigned, std::string>> kinds;
  const auto disagrees = [&](const std::string& library, const Judged& our, const Judged& their, const std::string& what) {
    if (our.has_value() == their.has_value()) return;
    const std::string kind = our ? library + " accepts | " + *our : library + " refuses | " + *their;
    auto& [count, example] = kinds[kind];
    if (count++ == 0) example = what;
  };
  const std::array<Base, 3> bases{Base{"milan", "ask", "vcek"}, {"genoa", "asvk", "vlek"}, {"turin", "ask", "vcek"}};
  MbedCrypto by_mbedtls;
  OpenSslCrypto by_openssl;
  std::mt19937 random(2000);  // any seed, but the same one every time
  unsigned cases = 0;
  for (const Base& base : bases) {
    const auto name_of = [&](const std::string& role) { return base.product + "/" + role; };
    const Chain good{pki_der(name_of("ark")), pki_der(name_of(base.intermediate)), pki_der(name_of(base.leaf))};
    const std::array<Key, 3> signers{pki_key(name_of("ark")), pki_key(name_of("ark")), pki_key(name_of(base.intermediate))};
    const std::array<SpkiDigest, 1> roots{spki_of(signers[0])};
    const auto judge = [&](const Chain& der, const std::string& what) {
      const CertificateChain chain{der[0], der[1], der[2], {}};
      const Judged our = ours(by_mbedtls, chain, {roots});
      const Judged other = ours(by_openssl, chain, {roots});
      if (our.has_value() != other.has_value())
        FAIL_CHECK(what, ": ", our.value_or("accepted"), " by Mbed TLS, ", other.value_or("accepted"), " by OpenSSL");
      disagrees("OpenSSL", our, openssl(chain), what);
      disagrees("Mbed TLS", our, mbedtls(chain), what);
      return our;
    };
    CHECK(judge(good, "nothing") == std::nullopt);
    for (unsigned i = 0; i < 670; ++i) {
      const Mutated mutated(good, signers, random);
      judge(mutated.der, base.product + " " + mutated.what);
      ++cases;
    }
  }
  CHECK(cases >= 2000);
  for (const auto& [kind, seen] : kinds)
    CHECK_MESSAGE(is_listed(kind), kind, " (", seen.first, " times): ", seen.second);
}
