// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/kbs.hpp"

#include "tests/broker/trustee.hpp"

using namespace snpnv;
using namespace snpnv::test;

namespace {

const std::string kNonce = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
const std::string kKey =
    R"({"alg":"ECDH-ES+A256KW","crv":"P-256","kty":"EC","x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ",)"
    R"("y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"})";
P256Point point() {
  P256Point out{std::byte{4}};
  REQUIRE(decode_base64url("weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ", MutBytes(out).subspan(1, 32)));
  REQUIRE(decode_base64url("e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck", MutBytes(out).subspan(33)));
  return out;
}

template <class Write>
std::string written(Write write) {
  std::array<std::byte, 8192> room;
  ByteWriter out(room);
  write(out);
  const auto octets = out.finish();
  REQUIRE(octets.has_value());
  return std::string(text(*octets));
}
template <class Format>
Error refused(const std::string& document) {
  const auto parsed = Format::parse(view(document));
  CAPTURE(document);
  REQUIRE_FALSE(parsed.has_value());
  CHECK(parsed.error().where <= document.size());
  return parsed.error();
}
std::string replaced(std::string in, std::string_view part, std::string_view by) {
  const std::size_t at = in.find(part);
  REQUIRE(at != std::string::npos);
  return in.replace(at, part.size(), by);
}
std::string base64url(std::string_view plain) {
  return written([&](ByteWriter& out) { encode_base64url(out, view(plain), Padding::none); });
}

const std::string kHeader =
    R"({"alg":"ECDH-ES+A256KW","enc":"A256GCM","epk":{"crv":"P-256","kty":"EC",)"
    R"("x":"weNJy2HscCSM6AEDTDg04biOvhFhyyWvOHQfeF_PxMQ","y":"e8lnCO-AlStT-NJVX-crhB7QRYhiix03illJOVAOyck"}})";
std::string secret(const std::string& header = kHeader) {
  return R"({"protected":")" + base64url(header) + R"(","encrypted_key":")" + base64url(std::string(40, 'k')) +
         R"(","iv":")" + base64url(std::string(12, 'i')) + R"(","ciphertext":"YWJj","tag":")" +
         base64url(std::string(16, 't')) + "\"}";
}

}  // namespace

// key-broker protocol 0.4.0, "Request".
TEST_CASE("KbsRequest_Written_IsTheProtocols") {
  CHECK(written(write_kbs_request) ==
        R"({"version":"0.4.0","tee":"az-snp-vtpm","extra-params":{"supported-hash-algorithms":)"
        R"(["sha256","sha384"]}})");
}

TEST_CASE("KbsChallenge_Read_IsNonceAndHash") {
  const auto plain = KbsChallenge::parse(view(R"({"nonce":")" + kNonce + R"(","extra-params":""})"));
  REQUIRE(plain.has_value());
  CHECK(plain->nonce() == kNonce);
  CHECK(plain->hash == Hash::sha384);
  for (const auto& [name, hash] : {std::pair{"sha256", Hash::sha256}, {"SHA384", Hash::sha384}}) {
    const auto got = KbsChallenge::parse(
        view(R"({"extra-params":{"x":[1],"selected-hash-algorithm":")" + std::string(name) + R"("},"nonce":")" + kNonce + "\"}"));
    REQUIRE(got.has_value());
    CHECK(got->hash == hash);
  }
}

TEST_CASE("KbsChallenge_ThatIsNone_IsAnError") {
  using C = KbsChallenge;
  CHECK(refused<C>("{}") == Error{Code::json_missing, 2, static_cast<std::uint32_t>(JsonMember::nonce)});
  CHECK(refused<C>(R"({"nonce":"AAAA"})").code == Code::text_length);
  CHECK(refused<C>(R"({"nonce":")" + kNonce.substr(0, 43) + "\"}").code == Code::text_length);  // no padding
  CHECK(refused<C>(R"({"nonce":")" + kNonce + kNonce + "\"}").code == Code::text_base64);
  CHECK(refused<C>(R"({"nonce":")" + std::string(64, 'A') + "\"}").code == Code::wire_overflow);
  CHECK(refused<C>(R"({"nonce":"-_ECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="})").code == Code::text_base64);
  CHECK(refused<C>(R"({"nonce":")" + kNonce + R"(","nonce":")" + kNonce + "\"}").code == Code::json_duplicate);
  CHECK(refused<C>(R"({"nonce":7})").code == Code::json_type);
  CHECK(refused<C>(R"({"nonce":")" + kNonce + R"(","extra-params":{"selected-hash-algorithm":"sha512"}})").code ==
        Code::crypto_unsupported);
}

// RFC 8785: members in order, no white space.
TEST_CASE("RuntimeData_Written_IsCanonical") {
  CHECK(written([](ByteWriter& out) { write_runtime_data(out, kNonce, point()); }) ==
        R"({"additional-evidence":"","nonce":")" + kNonce + R"(","tee-pubkey":)" + kKey + "}");
}

TEST_CASE("KbsAttestation_Written_IsRead") {
  const std::string evidence = R"({"version":2,"tpm_quote":{}})";
  const std::string plain = written([&](ByteWriter& out) { write_kbs_attestation(out, kNonce, point(), view(evidence)); });
  CHECK(plain == R"({"runtime-data":{"nonce":")" + kNonce + R"(","tee-pubkey":)" + kKey +
                     R"(},"tee-evidence":{"primary_evidence":)" + evidence + R"(,"additional_evidence":""}})");
  const std::string with = written([&](ByteWriter& out) {
    write_kbs_attestation(out, kNonce, point(), view(evidence), KbsInitData{"toml", "a = \"b\"\n"});
  });
  CHECK(with.starts_with(R"({"init-data":{"format":"toml","body":"a = \"b\"\u000a"},"runtime-data":)"));
  for (const std::string& document : {plain, with}) {
    const auto read = KbsAttestation::parse(view(document));
    REQUIRE(read.has_value());
    CHECK(read->nonce == std::string_view(kNonce));
    CHECK(read->key == point());
    CHECK(text(read->evidence) == evidence);
  }
}

TEST_CASE("KbsAttestation_OtherKeys_AreRefusedByName") {
  const std::string whole = written([&](ByteWriter& out) { write_kbs_attestation(out, kNonce, point(), view("{}")); });
  const auto algorithm = [&](std::string_view part, std::string_view by) {
    const Error error = refused<KbsAttestation>(replaced(whole, part, by));
    CHECK(error.code == Code::jwe_algorithm);
    return name(static_cast<JsonMember>(error.detail));
  };
  CHECK(algorithm("ECDH-ES+A256KW", "ECDH-ES") == "alg");
  CHECK(algorithm("P-256", "P-384") == "crv");
  CHECK(algorithm("\"EC\"", "\"RSA\"") == "kty");
  CHECK(refused<KbsAttestation>(replaced(whole, "\"x\":\"we", "\"x\":\"")).code == Code::text_base64);
  CHECK(refused<KbsAttestation>(replaced(whole, "\"x\":\"weNJ", "\"x\":\"")).code == Code::text_length);
  CHECK(refused<KbsAttestation>(replaced(whole, "\"x\":\"", "\"x\":\"AAAA")).code == Code::wire_overflow);
  CHECK(refused<KbsAttestation>(replaced(whole, "\"alg\":\"ECDH-ES+A256KW\",", "")).code == Code::json_missing);
  CHECK(refused<KbsAttestation>(replaced(whole, "\"alg\"", "\"kid\"")).code == Code::json_unknown);
  CHECK(refused<KbsAttestation>("{}").code == Code::json_missing);
}

TEST_CASE("Token_Read_IsThreeParts") {
  CHECK(*parse_token(view(R"({"token":"eyJ.e-_0.c2ln","more":1})")) == "eyJ.e-_0.c2ln");
  const auto error = [](std::string_view document) { return parse_token(view(document)).error().code; };
  CHECK(error(R"({"token":"a.b"})") == Code::wire_value);
  CHECK(error(R"({"token":"a.b.c.d"})") == Code::wire_value);
  CHECK(error(R"({"token":"a.b.c=="})") == Code::wire_value);
  CHECK(error(R"({"token":"a.b.c\u0064"})") == Code::wire_value);
  CHECK(error("{}") == Code::json_missing);
}

TEST_CASE("KbsError_Read_IsNameAndDetail") {
  const auto error = KbsError::parse(view(
      R"({"type":"https://github.com/confidential-containers/kbs/errors/PolicyDeny","detail":"Access denied by policy"})"));
  REQUIRE(error.has_value());
  CHECK(error->name() == "PolicyDeny");
  CHECK(error->detail == std::string_view("Access denied by policy"));
  CHECK(KbsError::parse(view(R"({"type":"X","detail":""})"))->name() == "X");
  CHECK(KbsError::parse(view(R"({"type":"a-b/)" + std::string(64, 'n') + R"(","detail":""})")).has_value());
  CHECK(refused<KbsError>(R"({"type":"a/","detail":""})").code == Code::wire_value);
  CHECK(refused<KbsError>(R"({"type":"a/b c","detail":""})").code == Code::wire_value);
  CHECK(refused<KbsError>(R"({"type":")" + std::string(65, 'n') + R"(","detail":""})").code == Code::wire_value);
  CHECK(refused<KbsError>(R"({"type":"X"})").code == Code::json_missing);
  CHECK(refused<KbsError>(R"({"detail":""})").code == Code::json_missing);
  CHECK(refused<KbsError>("<html>").code == Code::json_syntax);
}

TEST_CASE("KbsSecret_Read_IsItsParts") {
  const std::string document = secret();
  const auto read = KbsSecret::parse(view(document));
  REQUIRE(read.has_value());
  CHECK(read->header.epk == point());
  CHECK(read->protected_text == base64url(kHeader));
  CHECK(text(read->wrapped_key) == std::string(40, 'k'));
  CHECK(text(read->iv) == std::string(12, 'i'));
  CHECK(text(read->tag) == std::string(16, 't'));
  CHECK(read->ciphertext == std::string_view("YWJj"));
  CHECK(written([](ByteWriter& out) { write_jwe_header(out, point()); }) == kHeader);
  CHECK(written([&](ByteWriter& out) {
          write_kbs_secret(out, read->protected_text, read->wrapped_key, read->iv, view("abc"), read->tag);
        }) == document);
}

TEST_CASE("Messages_OfTrusteesOwn_AreRead") {
  const Trustee trustee;
  const auto challenge = KbsChallenge::parse(view(trustee.challenge));
  REQUIRE(challenge.has_value());
  CHECK(challenge->nonce() == "c4lUU4Die75AgHbT7ejpUOMNzj1PLOiKWDhjHcL/qqE=");
  const auto refusal = KbsError::parse(view(trustee.refusal));
  REQUIRE(refusal.has_value());
  CHECK(refusal->name() == "AttestationError");
  CHECK(refusal->detail == std::string_view("Attestation error: RCAR handshake Auth failed: KBS Client Protocol Version "
                                            "Mismatch: expect =0.4.0 while the request is 0.1.0"));
  CHECK(KbsSecret::parse(view(trustee.secret)).has_value());
}

TEST_CASE("KbsSecret_EncryptedInAnotherWay_IsRefusedByName") {
  const auto algorithm = [](std::string_view part, std::string_view by) {
    const Error error = refused<KbsSecret>(secret(replaced(kHeader, part, by)));
    CHECK(error.code == Code::jwe_algorithm);
    return name(static_cast<JsonMember>(error.detail));
  };
  CHECK(algorithm("ECDH-ES+A256KW", "RSA1_5") == "alg");
  CHECK(algorithm("ECDH-ES+A256KW", "ECDH-ES+A128KW") == "alg");
  CHECK(algorithm("A256GCM", "A128GCM") == "enc");
  CHECK(algorithm("P-256", "P-521") == "crv");
  CHECK(algorithm("\"EC\"", "\"OKP\"") == "kty");
}

TEST_CASE("KbsSecret_Malformed_IsRefused") {
  using S = KbsSecret;
  const std::string whole = secret();
  for (const std::string_view member : {"protected", "encrypted_key", "iv", "ciphertext", "tag"}) {
    const Error error = refused<S>(replaced(whole, "\"" + std::string(member) + "\"", "\"aad\""));
    CHECK(error.code == Code::json_unknown);
  }
  CHECK(refused<S>("{}") == Error{Code::json_missing, 2, static_cast<std::uint32_t>(JsonMember::protected_)});
  CHECK(name(JsonMember::protected_) == "protected");
  CHECK(refused<S>(replaced(whole, "{", R"({"tag":"AA",)")).code == Code::text_length);
  CHECK(refused<S>(replaced(whole, "}", R"(,"iv":""})")).code == Code::json_duplicate);
  CHECK(refused<S>(replaced(whole, "}", R"(,"aad":""})")).code == Code::json_unknown);
  CHECK(refused<S>(replaced(whole, "\"protected\":\"e", "\"protected\":\"\\u0065")).code == Code::wire_value);
  CHECK(refused<S>(secret("{}")).code == Code::json_missing);
  CHECK(refused<S>(secret(replaced(kHeader, "{", R"({"apu":"QQ",)"))).code == Code::json_unknown);
  CHECK(refused<S>(secret(replaced(kHeader, "{", R"({"alg":"x",)"))).code == Code::jwe_algorithm);
  CHECK(refused<S>(secret(replaced(kHeader, "}}", R"(},"alg":"ECDH-ES+A256KW"})"))).code == Code::json_duplicate);
  CHECK(refused<S>(secret(kHeader + std::string(1024, ' '))).code == Code::wire_overflow);
}

TEST_CASE("KbsResource_Name_HasThreeParts") {
  for (const char* name : {"default/key/disk", "a/b/c", "my_repo/v1.2/x-y"}) CHECK_MESSAGE(is_kbs_resource(name), name);
  for (const char* name : {"", "a/b", "a/b/c/d", "a//c", "/a/b", "a/b/", "a/../b", "a/b/c?d", "a/b/c d", "a/b/%41"})
    CHECK_FALSE_MESSAGE(is_kbs_resource(name), name);
}
