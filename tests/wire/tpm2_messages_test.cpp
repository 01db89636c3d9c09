// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/tpm2_messages.hpp"

#include "tests/test.hpp"
#include "transports/recorded.hpp"

using namespace snpnv;
using test::hex;

namespace {
constexpr std::string_view kNvReadPublicResponse =  // captured from tpm2_nvreadpublic and swtpm
    "80010000003e00000000000e01400002000b00060006000000400022000b12fca66caba83a276724784c25bede33"
    "adedeff8508cac6602fed6f09bd3491b";

template <class C>
std::string marshaled(const C& command) {
  std::array<std::byte, kMaxTpmMessage> room;
  const auto out = marshal_command(command, room);
  REQUIRE(out.has_value());
  const auto back = unmarshal_command<C>(*out);
  REQUIRE(back.has_value());
  std::array<std::byte, kMaxTpmMessage> room2;
  CHECK(equal(*marshal_command(*back, room2), *out));
  return test::digits(*out);
}

// Every truncation, every longer message and every change of the size field is an error.
template <class C>
void strict(const C& command, std::string_view response) {
  test::Octets good = hex(response);
  const auto accepted = unmarshal_response(command, good);
  REQUIRE(accepted.has_value());
  for (std::size_t n = 0; n < good.size(); ++n) {
    CHECK(!unmarshal_response(command, ByteView(good).first(n)).has_value());
    // also where the size field agrees with the truncation
    test::Octets cut(good.begin(), good.begin() + static_cast<std::ptrdiff_t>(n));
    if (n < 10) continue;
    store<std::uint32_t, Endian::big>(std::span(cut).subspan(2).template first<4>(), static_cast<std::uint32_t>(n));
    CHECK(!unmarshal_response(command, cut).has_value());
  }
  test::Octets longer = good;
  longer.push_back(std::byte{0});
  CHECK(unmarshal_response(command, longer).error().code == Code::tpm_header);
  store<std::uint32_t, Endian::big>(std::span(longer).subspan(2).template first<4>(), static_cast<std::uint32_t>(longer.size()));
  CHECK(!unmarshal_response(command, longer).has_value());
  test::each_bit_flipped(good, [&](const test::Octets& flipped, std::size_t bit) {
    const auto out = unmarshal_response(command, flipped);
    if (bit < 80) CHECK(!out.has_value());  // tag, size, code
    if (!out) CHECK(out.error().command == static_cast<std::uint32_t>(C::kCode));
  });
}
}  // namespace

// Octets as the command tables of Part 3 give them, with one password session (Part 1, "Password
// Authorizations"): 40000009, empty nonce, attributes 00, empty password. Those marked with the name of
// a tool are what that tool sent.
TEST_CASE("Commands_Octets_AreThoseOfTheSpecification") {
  CHECK(marshaled(Startup{TPM_SU::CLEAR}) == "80010000000c000001440000");
  CHECK(marshaled(NV_ReadPublic{vtpm::kReportIndex}) == "80010000000e0000016901400001");  // tpm2_nvreadpublic
  CHECK(marshaled(ReadPublic{vtpm::kAttestationKey}) == "80010000000e0000017381000003");  // tpm2_readpublic
  CHECK(marshaled(GetRandom{16}) == "80010000000c0000017b0010");                          // tpm2_getrandom
  CHECK(marshaled(GetCapability{TPM_CAP::TPM_PROPERTIES, 0x12C, 1}) ==
        "8001000000160000017a000000060000012c00000001");  // tpm2_nvwrite
  const auto select = hex("030000");
  PCR_Read pcrs;
  pcrs.pcrSelectionIn.add({TPM_ALG_ID::SHA256, 3, select});
  CHECK(marshaled(pcrs) == "8001000000140000017e00000001000b03030000");  // tpm2_pcrread sha256:0,1
  CHECK(marshaled(NV_Read{TPM_RH::OWNER, vtpm::kReportIndex, 1024, 0}) ==
        "8002000000230000014e4000000101400001" "00000009400000090000000000" "04000000");
  const auto data = hex("0102");
  CHECK(marshaled(NV_Write{TPM_RH::OWNER, vtpm::kUserDataIndex, {data}, 5}) ==
        "800200000025000001374000000101400002" "00000009400000090000000000" "000201020005");
  CHECK(marshaled(NV_UndefineSpace{TPM_RH::OWNER, vtpm::kUserDataIndex}) ==
        "80020000001f000001224000000101400002" "00000009400000090000000000");
  const TPMS_NV_PUBLIC area{vtpm::kUserDataIndex, TPM_ALG_ID::SHA256, {0x00060006}, {}, 64};
  CHECK(marshaled(NV_DefineSpace{TPM_RH::OWNER, {}, {area}}) ==
        "80020000002d0000012a40000001" "00000009400000090000000000" "0000000e01400002000b0006000600000040");
  const auto nonce = hex("00ff");
  Quote quote{vtpm::kAttestationKey, {nonce}, {TPM_ALG_ID::RSASSA, TPM_ALG_ID::SHA256}, {}};
  quote.PCRselect.add({TPM_ALG_ID::SHA256, 3, select});
  CHECK(marshaled(quote) ==
        "80020000002d0000015881000003" "00000009400000090000000000" "000200ff0014000b00000001000b03030000");
  quote.inScheme = {};
  CHECK(marshaled(quote) ==
        "80020000002b0000015881000003" "00000009400000090000000000" "000200ff001000000001000b03030000");
}

namespace {

// What tpm2-tss exchanged with swtpm; the file says how it was captured.
class Captured {
 public:
  explicit Captured(std::vector<RecordedExchange> exchanges) : exchanges_(std::move(exchanges)) {}

  // The next exchange is `command`; its response is the error `rc`, or holds to strict().
  template <class Command>
  Command::Response next(const Command& command, std::uint32_t rc = 0) {
    CAPTURE(at_);
    REQUIRE(at_ < exchanges_.size());
    const RecordedExchange& exchange = exchanges_[at_++];
    CHECK(marshaled(command) == test::digits(exchange.command));
    const test::Octets& octets = exchange.command;
    for (std::size_t n = 0; n < octets.size(); ++n)
      CHECK(!unmarshal_command<Command>(ByteView(octets).first(n)).has_value());
    const auto response = unmarshal_response(command, *exchange.response);
    if (rc != 0) {
      CHECK(response.error().code == Code::tpm_rc);
      CHECK(response.error().detail == rc);
    } else {
      strict(command, test::digits(*exchange.response));
    }
    return response.value_or(typename Command::Response{});
  }
  [[nodiscard]] bool at_end() const { return at_ == exchanges_.size(); }

 private:
  std::vector<RecordedExchange> exchanges_;
  std::size_t at_ = 0;
};

using enum TPM_ALG_ID;

void check_nv(Captured& captured) {
  captured.next(Startup{TPM_SU::CLEAR});
  const auto limit = captured.next(GetCapability{TPM_CAP::TPM_PROPERTIES, 0x12C, 1});
  CHECK(limit.capabilityData.tpmProperties.view()[0].value == 1024);
  CHECK(captured.next(GetRandom{16}).randomBytes.data.size() == 16);
  const TPMS_NV_PUBLIC area{vtpm::kUserDataIndex, SHA256, {0x00060006}, {}, 64};
  captured.next(NV_DefineSpace{TPM_RH::OWNER, {}, {area}});
  const auto indices = captured.next(GetCapability{TPM_CAP::HANDLES, 0x01000000, 254});
  CHECK(indices.capabilityData.handles.count == 1);
  CHECK(indices.capabilityData.handles.view()[0] == vtpm::kUserDataIndex);
  const auto public_area = captured.next(NV_ReadPublic{vtpm::kUserDataIndex});
  CHECK(public_area.nvPublic.value.attributes == area.attributes);
  CHECK(public_area.nvPublic.value.dataSize == 64);
  CHECK(public_area.nvName.data.size() == 34);
  captured.next(NV_Read{TPM_RH::OWNER, vtpm::kUserDataIndex, 64, 0}, 0x14A);
  test::Octets data(64);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<std::byte>(i);
  captured.next(NV_Write{TPM_RH::OWNER, vtpm::kUserDataIndex, {data}, 0});
  captured.next(NV_Write{TPM_RH::OWNER, vtpm::kUserDataIndex, {data}, 1}, 0x146);
  const auto part = captured.next(NV_Read{TPM_RH::OWNER, vtpm::kUserDataIndex, 48, 16});
  CHECK(equal(part.data.data, ByteView(data).subspan(16)));
  captured.next(NV_Read{TPM_RH::OWNER, vtpm::kUserDataIndex, 1025, 0}, 0x1C4);
}

void check_pcrs_and_keys(Captured& captured) {
  const auto select = hex("070080");
  PCR_Read pcrs;
  pcrs.pcrSelectionIn.add({SHA256, 3, select});
  const auto values = captured.next(pcrs);
  CHECK(values.pcrUpdateCounter == 0x14);
  CHECK(values.pcrSelectionOut.view()[0].count() == 4);
  CHECK(values.pcrValues.count == 4);
  CHECK(values.pcrValues.view()[3].data.size() == 32);
  const auto key = captured.next(ReadPublic{vtpm::kAttestationKey});
  const TPMT_PUBLIC& ak = key.outPublic.value;
  CHECK(ak.nameAlg == SHA256);
  CHECK(ak.objectAttributes.value == 0x00050472);
  CHECK(ak.symmetric.algorithm == NULL_);
  CHECK(ak.scheme.scheme == RSASSA);
  CHECK(ak.scheme.hashAlg == SHA256);
  CHECK(ak.keyBits == 2048);
  CHECK(ak.exponent == 0);
  CHECK(ak.unique.data.size() == 256);
  CHECK(key.name.data.size() == 34);
  CHECK(key.qualifiedName.data.size() == 34);
  const std::string_view challenge = "challenge";
  Quote quote{vtpm::kAttestationKey, {test::view(challenge)}, {}, {}};
  quote.PCRselect.add({SHA256, 3, select});
  const auto quoted = captured.next(quote);
  CHECK(test::digits(quoted.quoted.data.first(6)) == "ff5443478018");
  CHECK(quoted.signature.sigAlg == RSASSA);
  CHECK(quoted.signature.hash == SHA256);
  CHECK(quoted.signature.sig.data.size() == 256);
  const auto storage = captured.next(ReadPublic{TPM_HANDLE{0x81000001}});
  CHECK(storage.outPublic.value.symmetric.algorithm == AES);
  CHECK(storage.outPublic.value.symmetric.keyBits == 128);
  CHECK(storage.outPublic.value.symmetric.mode == CFB);
  CHECK(storage.outPublic.value.scheme.scheme == NULL_);
}

}  // namespace

TEST_CASE("Recording_Tpm2Tss_SameCommandsAndReadableResponses") {
  const auto file = test::read_file(SNPNV_SOURCE_DIR "/tests/data/tpm2_tss_swtpm.recording");
  REQUIRE(file.has_value());
  auto exchanges = parse_recording(test::text(*file));
  REQUIRE(exchanges.has_value());
  Captured captured(std::move(*exchanges));
  check_nv(captured);
  check_pcrs_and_keys(captured);
  captured.next(NV_UndefineSpace{TPM_RH::OWNER, vtpm::kUserDataIndex});
  CHECK(captured.at_end());
}

TEST_CASE("PcrRead_Response_OfPcrsNotAskedForIsRefused") {
  const auto asked = hex("030000");
  PCR_Read command;
  command.pcrSelectionIn.add({TPM_ALG_ID::SHA256, 3, asked});
  const auto code = [&](std::string_view bank, std::string_view values) {
    const std::string body = "00000014" "00000001" + std::string(bank) + std::string(values);
    std::string digits = "80010000" "0000" "00000000" + body;
    test::Octets octets = hex(digits);
    octets[5] = static_cast<std::byte>(octets.size());
    const auto out = unmarshal_response(command, octets);
    return out ? std::string("accepted") : std::string(name(out.error().code));
  };
  CHECK(code("000b03010000", "00000001" "0001aa") == "accepted");  // fewer than asked for
  CHECK(code("000b03030000", "00000002" "0001aa" "0001bb") == "accepted");
  CHECK(code("000b03040000", "00000001" "0001aa") == "tpm_answer");  // another PCR
  CHECK(code("000b03000100", "00000001" "0001aa") == "tpm_answer");
  CHECK(code("000c03010000", "00000001" "0001aa") == "tpm_answer");  // another bank
  CHECK(code("000b03010000", "00000002" "0001aa" "0001bb") == "tpm_answer");
  CHECK(code("000b03030000", "00000001" "0001aa") == "tpm_answer");
}

TEST_CASE("GetCapability_Response_OfAnotherRangeIsRefused") {
  const GetCapability property{TPM_CAP::TPM_PROPERTIES, 0x12C, 1};
  const auto code = [&](const GetCapability& command, std::string_view digits) {
    const auto out = unmarshal_response(command, hex(digits));
    return out ? std::string("accepted") : std::string(name(out.error().code));
  };
  const std::string_view one = "80010000001b00000000" "00" "00000006" "00000001" "0000012c00000400";
  CHECK(code(property, one) == "accepted");
  CHECK(code({TPM_CAP::TPM_PROPERTIES, 0x12D, 1}, one) == "tpm_answer");  // before the first one
  CHECK(code({TPM_CAP::TPM_PROPERTIES, 0x12C, 0}, one) == "tpm_answer");  // more than asked for
  CHECK(code({TPM_CAP::HANDLES, 0, 1}, one) == "tpm_answer");
  const std::string_view two = "80010000001b00000000" "00" "00000001" "00000002" "0140000101400002";
  CHECK(code({TPM_CAP::HANDLES, 0x01400001, 2}, two) == "accepted");
  CHECK(code({TPM_CAP::HANDLES, 0x01400002, 2}, two) == "tpm_answer");
  CHECK(code({TPM_CAP::HANDLES, 0x01400001, 1}, two) == "tpm_answer");
}

TEST_CASE("Commands_EachContradiction_IsItsOwnError") {
  const auto code = [](std::string_view digits) {
    const auto out = unmarshal_command<NV_UndefineSpace>(hex(digits));
    REQUIRE(!out);
    return out.error().code;
  };
  const std::string_view rest = "000001224000000101400002" "00000009400000090000000000";
  REQUIRE(unmarshal_command<NV_UndefineSpace>(hex("80020000001f" + std::string(rest))).has_value());
  CHECK(code("80010000001f" + std::string(rest)) == Code::tpm_header);  // no sessions
  CHECK(code("80030000001f" + std::string(rest)) == Code::tpm_header);  // another tag
  CHECK(code("80020000001e" + std::string(rest)) == Code::tpm_header);  // size
  CHECK(code("80020000001f" "0000012a4000000101400002" "00000009400000090000000000") == Code::wire_value);
  // authorizationSize too small, too large, none
  CHECK(code("80020000001f" "000001224000000101400002" "00000008400000090000000000") == Code::wire_short);
  CHECK(code("80020000001f" "000001224000000101400002" "0000000a400000090000000000") == Code::wire_short);
  CHECK(code("800200000016" "000001224000000101400002" "00000000") == Code::wire_short);
  // neither with nor without sessions
  CHECK(unmarshal_command<GetRandom>(hex("80030000000c0000017b0010")).error() == Error{Code::tpm_header, 0, 0x8003});
  // a parameter that the command does not have
  CHECK(code("800200000020" "000001224000000101400002" "0000000940000009000000000000") ==
        Code::wire_trailing);
}

TEST_CASE("Responses_Captured_AreReadAndNothingElse") {
  strict(NV_ReadPublic{vtpm::kUserDataIndex}, kNvReadPublicResponse);
  const auto octets = hex(kNvReadPublicResponse);
  const auto area = unmarshal_response(NV_ReadPublic{vtpm::kUserDataIndex}, octets);
  CHECK(area->nvPublic.value.dataSize == 64);
  CHECK(area->nvPublic.value.attributes.value == 0x00060006);
  CHECK(area->nvPublic.value.nameAlg == TPM_ALG_ID::SHA256);
  CHECK(area->nvName.data.size() == 34);
  CHECK(unmarshal_response(NV_ReadPublic{vtpm::kReportIndex}, octets).error().code == Code::tpm_answer);

  strict(GetRandom{16}, "80010000001c000000000010032267bcd4d27b73ae28ba05cd43382d");
  const auto random = hex("80010000001c000000000010032267bcd4d27b73ae28ba05cd43382d");
  CHECK(unmarshal_response(GetRandom{15}, random).error().code == Code::tpm_answer);

  const GetCapability property{TPM_CAP::TPM_PROPERTIES, 0x12C, 1};
  strict(property, "80010000001b000000000100000006000000010000012c00000400");
  CHECK(unmarshal_response(property, hex("80010000001b000000000100000006000000010000012c00000400"))
            ->capabilityData.tpmProperties.view()[0]
            .value == 1024);
  CHECK(!unmarshal_response(property, hex("80010000001b000000000200000006000000010000012c00000400")));

  const std::string zeros(64, '0');
  const auto select = hex("030000");
  PCR_Read pcrs;
  pcrs.pcrSelectionIn.add({TPM_ALG_ID::SHA256, 3, select});
  strict(pcrs, "800100000060000000000000001400000001000b0303000000000002" "0020" + zeros + "0020" + zeros);
  CHECK(unmarshal_response(pcrs, hex("80010000003e000000000000001400000001000b0303000000000001" "0020" + zeros))
            .error()
            .code == Code::tpm_answer);
}

TEST_CASE("NvRead_Response_OfExactlyTheOctetsAskedFor") {
  const NV_Read command{TPM_RH::OWNER, vtpm::kReportIndex, 4, 0};
  const std::string_view response = "800200000019000000000000000600040a0b0c0d0000010000";
  strict(command, response);
  CHECK(test::digits(unmarshal_response(command, hex(response))->data.data) == "0a0b0c0d");
  for (const std::uint16_t size : {std::uint16_t{3}, std::uint16_t{5}}) {
    const NV_Read other{TPM_RH::OWNER, vtpm::kReportIndex, size, 0};
    const auto error = unmarshal_response(other, hex(response)).error();
    CHECK(error.code == Code::tpm_answer);
    CHECK(error.object == 0x01400001);
    CHECK(error.command == 0x14E);
  }
}

TEST_CASE("Responses_EachContradiction_IsItsOwnError") {
  const NV_Read command{TPM_RH::OWNER, vtpm::kReportIndex, 4, 0};
  const auto code = [&](std::string_view response) {
    const auto out = unmarshal_response(command, hex(response));
    REQUIRE(!out);
    return out.error();
  };
  // tag of another kind
  CHECK(code("800100000019000000000000000600040a0b0c0d0000010000").code == Code::tpm_header);
  // parameterSize too small, too large
  CHECK(code("800200000019000000000000000500040a0b0c0d0000010000").code == Code::wire_short);
  CHECK(code("800200000019000000000000000700040a0b0c0d0000010000").code == Code::wire_trailing);
  // inner size too large, too small
  CHECK(code("800200000019000000000000000600050a0b0c0d0000010000").code == Code::wire_short);
  CHECK(code("800200000019000000000000000600030a0b0c0d0000010000").code == Code::wire_trailing);
  // a session that does not answer the password
  CHECK(code("80020000001a000000000000000600040a0b0c0d000101010000").code == Code::wire_value);
  CHECK(code("80020000001a000000000000000600040a0b0c0d000001000101").code == Code::wire_value);
  // an error with a body, or with the tag of a success
  CHECK(code("8001000000" "0b" "0000018b00").code == Code::tpm_header);
  CHECK(code("80020000000a0000018b").code == Code::tpm_header);
  const Error refused = code("80010000000a0000018b");
  CHECK(refused.code == Code::tpm_rc);
  CHECK(refused.detail == 0x18B);
  CHECK(code("00c40000000a0000001e").detail == 0x1E);
  CHECK(code("8001").code == Code::wire_short);
}

TEST_CASE("ReadPublic_Response_OfAnotherKeyTypeIsRefused") {
  // An RSA key as swtpm gives it, shortened to a modulus of 2 octets.
  const std::string_view key = "8001000000" "4c" "00000000" "001a" "0001000b00050472" "0000" "0010" "0014000b" "0800"
                               "00000000" "0002" "b426" "0012000b" "00112233445566778899aabbccddeeff" "0010"
                               "00112233445566778899aabbccddeeff";
  const auto area = unmarshal_response(ReadPublic{vtpm::kAttestationKey}, hex(key));
  REQUIRE(area.has_value());
  CHECK(area->outPublic.value.keyBits == 2048);
  CHECK(area->outPublic.value.objectAttributes.value == 0x00050472);
  CHECK(area->outPublic.value.scheme.scheme == TPM_ALG_ID::RSASSA);
  test::Octets ecc = hex(key);
  ecc[13] = std::byte{0x23};
  CHECK(unmarshal_response(ReadPublic{vtpm::kAttestationKey}, ecc).error().code == Code::wire_value);
  strict(ReadPublic{vtpm::kAttestationKey}, key);
}

TEST_CASE("Lists_TooLong_AreRefused") {
  CHECK(unmarshal<TPML_DIGEST>(hex("00000009")).error() == Error{Code::wire_size, 0, 9});
  CHECK(unmarshal<TPM2B_DIGEST>(hex("0041")).error() == Error{Code::wire_size, 0, 0x41});
  CHECK(unmarshal<TPMS_PCR_SELECTION>(hex("000b05ffffffffff")).error().code == Code::wire_size);
  const test::Octets large(65);
  std::array<std::byte, 100> room;
  CHECK(marshal(TPM2B_DIGEST{large}, room).error().code == Code::wire_overflow);
}
