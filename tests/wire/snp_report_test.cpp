// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/snp_report.hpp"

#include <map>

#include "snpnv/core/json_reader.hpp"
#include "tests/test.hpp"

using namespace snpnv;
using R = ATTESTATION_REPORT;

namespace {
// The report inside a captured NV content.
std::optional<test::Octets> captured(const std::string& name) {
  auto content = test::vector_file(name);
  if (content) *content = {content->begin() + 32, content->begin() + 32 + R::kSize};
  return content;
}
test::Octets blank(std::uint32_t version) {
  test::Octets out(R::kSize);
  out[0] = static_cast<std::byte>(version);
  return out;
}
std::optional<ProductSet> products_of(const test::Octets& octets) {
  const auto report = R::parse(octets);
  REQUIRE(report.has_value());
  const auto found = products(*report);
  if (!found) return std::nullopt;
  return *found;
}
// The report inside the envelope that Trustee's evidence carries in base64url.
std::optional<test::Octets> from_evidence(const std::string& name) {
  const auto evidence = test::vector_file(name);
  if (!evidence) return std::nullopt;
  test::Octets envelope(2600);
  JsonReader json(*evidence);
  json.enter_object();
  for (JsonString member; json.next_member(member);) {
    if (member == "hcl_report") {
      const auto decoded = decode_base64url(json.string().source(), envelope);
      REQUIRE(decoded.has_value());
      REQUIRE(decoded->size() == envelope.size());
    } else {
      json.skip();
    }
  }
  REQUIRE(json.finish().has_value());
  return test::Octets(envelope.begin() + 32, envelope.begin() + 32 + R::kSize);
}

// The octets of a field; of a long one the first four and the last four.
std::string abridged(ByteView octets) {
  if (octets.size() <= 8) return test::digits(octets);
  return test::digits(octets.first(4)) + ".." + test::digits(octets.last(4));
}

using Values = std::array<const char*, 4>;  // in the order of kReports below
const std::map<std::string_view, Values> kFields = {
    {"VERSION", {"02000000", "02000000", "03000000", "03000000"}},
    {"GUEST_SVN", {"02000000", "05000000", "0a000000", "00000000"}},
    {"POLICY", {"1f00030000000000", "1f00030000000000", "1f00030000000000", "0000030000000000"}},
    {"FAMILY_ID", {"01000000..00000000", "01000000..00000000", "02212000..00000000", "00000000..00000000"}},
    {"IMAGE_ID", {"02000000..00000000", "02000000..00000000", "02000000..00000000", "00000000..00000000"}},
    {"VMPL", {"00000000", "00000000", "00000000", "01000000"}},
    {"SIGNATURE_ALGO", {"01000000", "01000000", "01000000", "01000000"}},
    {"CURRENT_TCB", {"03000000000008ce", "03000000000008d2", "04000000000018db", "04000000000018dc"}},
    {"PLATFORM_INFO", {"0100000000000000", "0100000000000000", "2500000000000000", "2700000000000000"}},
    {"KEY_INFO", {"00000000", "00000000", "00000000", "04000000"}},
    {"REPORT_DATA", {"1d0a466a..00000000", "b3fbad65..00000000", "af291034..00000000", "819770b7..a7bc27ca"}},
    {"MEASUREMENT", {"5a71e4ba..b7094508", "9ac48fca..6d17c315", "6a063be9..b2f9401e", "8922ebbd..570d7bf0"}},
    {"HOST_DATA", {"00000000..00000000", "00000000..00000000", "00000000..00000000", "00000000..00000000"}},
    {"ID_KEY_DIGEST", {"934f68bd..5fb13a71", "03562158..af7a44a3", "942fd93e..56af4177", "00000000..00000000"}},
    {"AUTHOR_KEY_DIGEST", {"00000000..00000000", "00000000..00000000", "00000000..00000000", "00000000..00000000"}},
    {"REPORT_ID", {"c6c91310..577e7a61", "0d418852..d69ed0b0", "5ab50660..cbb866c9", "62e04fba..5f4bb057"}},
    {"REPORT_ID_MA", {"ffffffff..ffffffff", "ffffffff..ffffffff", "ffffffff..ffffffff", "ffffffff..ffffffff"}},
    {"REPORTED_TCB", {"0300000000000873", "0300000000000873", "04000000000018db", "04000000000018d9"}},
    {"CPUID_FAM_ID", {"00", "00", "19", "19"}},
    {"CPUID_MOD_ID", {"00", "00", "01", "01"}},
    {"CPUID_STEP", {"00", "00", "01", "01"}},
    {"CHIP_ID", {"3a5d5b1d..5a1a775a", "19752a44..838c6cca", "66a5a7b4..09fa563a", "00000000..00000000"}},
    {"COMMITTED_TCB", {"0300000000000873", "0300000000000873", "04000000000018db", "04000000000018db"}},
    {"CURRENT_BUILD", {"04", "04", "1d", "1d"}},
    {"CURRENT_MINOR", {"34", "34", "37", "37"}},
    {"CURRENT_MAJOR", {"01", "01", "01", "01"}},
    {"COMMITTED_BUILD", {"04", "04", "1d", "1d"}},
    {"COMMITTED_MINOR", {"34", "34", "37", "37"}},
    {"COMMITTED_MAJOR", {"01", "01", "01", "01"}},
    {"LAUNCH_TCB", {"0300000000000873", "0300000000000873", "04000000000018db", "04000000000018db"}},
    {"LAUNCH_MIT_VECTOR", {"0000000000000000", "0000000000000000", "0000000000000000", "0000000000000000"}},
    {"CURRENT_MIT_VECTOR", {"0000000000000000", "0000000000000000", "0000000000000000", "0000000000000000"}},
    {"SIGNATURE_R", {"b7ddfbb6..00000000", "185c0e2b..00000000", "8c04e96e..00000000", "bc5688f1..00000000"}},
    {"SIGNATURE_S", {"f6ace1d1..00000000", "8a713a95..00000000", "da91314d..00000000", "e0fb397a..00000000"}},
};
}  // namespace

// Octets read off the captures with Python at the offsets of the vendor's table, little-endian as
// they stand there.
TEST_CASE("SnpReport_Captures_EachFieldHoldsItsOctets") {
  const std::array<std::optional<test::Octets>, 4> reports{
      captured("azure-milan-2023/nv-01400001.bin"), captured("azure-milan-2024/nv-01400001.bin"),
      from_evidence("azure-milan-evidence-v1/evidence.json"), test::vector_file("aws-milan-vlek/report.bin")};
  for (std::size_t i = 0; i < reports.size(); ++i) {
    if (!reports[i]) continue;
    CAPTURE(i);
    const auto report = R::parse(*reports[i]);
    REQUIRE(report.has_value());
    CHECK(report->known_version());
    std::size_t read = 0;
    R::for_each_field([&](auto field) {
      CAPTURE(field.name);
      if constexpr (is_reserved<typename decltype(field)::Type>) {
        CHECK(all_zero(field.octets(report->raw)));
      } else {
        ++read;
        CHECK(abridged(field.octets(report->raw)) == kFields.at(field.name)[i]);
      }
    });
    CHECK(read == kFields.size());
    CHECK(all_zero((*report)[R::SIGNATURE_R].subspan(48)));
    CHECK(all_zero((*report)[R::SIGNATURE_S].subspan(48)));
  }
}

TEST_CASE("SnpReport_Captures_NumbersAreLittleEndian") {
  const auto azure = captured("azure-milan-2023/nv-01400001.bin");
  const auto aws = test::vector_file("aws-milan-vlek/report.bin");
  if (!azure || !aws) return;
  const R a = *R::parse(*azure);
  CHECK(a[R::VERSION] == 2);
  CHECK(a[R::POLICY].value == 0x3001F);
  CHECK(a[R::POLICY][GuestPolicy::ABI_MINOR] == 31);
  CHECK(a[R::POLICY][GuestPolicy::SMT] == 1);
  CHECK(a[R::POLICY][GuestPolicy::DEBUG] == 0);
  CHECK(a[R::SIGNATURE_ALGO] == R::kEcdsaP384Sha384);
  CHECK(a[R::REPORTED_TCB].get(kTcbLayout[4], Product::milan) == 0x73);
  CHECK(a.signing_key() == SIGNING_KEY::VCEK);
  CHECK_FALSE(a.chip_id_masked());
  const R b = *R::parse(*aws);
  CHECK(b[R::VMPL] == 1);
  CHECK(b[R::PLATFORM_INFO].value == 0x27);
  CHECK(b[R::REPORTED_TCB].get(kTcbLayout[3], Product::milan) == 0x18);
  CHECK(b.signing_key() == SIGNING_KEY::VLEK);
  CHECK(b.chip_id_masked());
}

TEST_CASE("Products_Captures_MilanWhereCpuidSaysSo") {
  for (const char* const name : {"azure-milan-2023/nv-01400001.bin", "azure-milan-2024/nv-01400001.bin"}) {
    const auto octets = captured(name);
    if (!octets) continue;
    const auto set = products(*R::parse(*octets));  // version 2: no CPUID
    REQUIRE(set.has_value());
    CHECK((set->has(Product::milan) && set->has(Product::genoa) && !set->has(Product::turin)));
    CHECK_FALSE(set->only().has_value());
  }
  const auto evidence = from_evidence("azure-milan-evidence-v1/evidence.json");
  if (evidence) CHECK(products(*R::parse(*evidence))->only() == Product::milan);
  const auto aws = test::vector_file("aws-milan-vlek/report.bin");
  if (aws) CHECK(products(*R::parse(*aws))->only() == Product::milan);
}

TEST_CASE("SnpReport_Capture_EveryTruncationIsShort") {
  const auto octets = captured("azure-milan-2024/nv-01400001.bin");
  if (!octets) return;
  for (std::size_t n = 0; n < octets->size(); ++n)
    CHECK(R::parse(ByteView(*octets).first(n)).error() ==
          Error{Code::wire_short, static_cast<std::uint32_t>(n), R::kSize});
}

TEST_CASE("SnpReport_EverySize_OnlyTheRightOneIsAccepted") {
  test::Octets octets(R::kSize + 8);
  octets[0] = std::byte{3};
  for (std::size_t n = 0; n <= octets.size(); ++n) {
    const auto report = R::parse(ByteView(octets).first(n), 32);
    CHECK(report.has_value() == (n == R::kSize));
    if (n < R::kSize) CHECK(report.error() == Error{Code::wire_short, static_cast<std::uint32_t>(32 + n), R::kSize});
    if (n > R::kSize) CHECK(report.error().code == Code::wire_trailing);
  }
}

TEST_CASE("SnpReport_EveryBitFlip_ChangesTheFieldThatHoldsIt") {
  const test::Octets octets = captured("azure-milan-2023/nv-01400001.bin").value_or(blank(2));
  test::each_bit_flipped(octets, [&](const test::Octets& flipped, std::size_t bit) {
    const auto report = R::parse(flipped);
    if (!report) {  // versions below 2
      CHECK(bit == 1);
      return;
    }
    std::size_t changed = 0;
    R::for_each_field([&](auto field) {
      const bool here = bit / 8 >= field.offset && bit / 8 < field.end;
      const bool differs = !equal(field.octets(report->raw), ByteView(octets).subspan(field.offset, field.size));
      CHECK(here == differs);
      changed += differs;
    });
    CHECK(changed == 1);
  });
}

TEST_CASE("SnpReport_Versions_OldOnesAreRefusedNewerOnesMarked") {
  CHECK(R::parse(blank(0)).error().code == Code::report_version);
  CHECK(R::parse(blank(1)).error() == Error{Code::report_version, 0, 1});
  CHECK(R::parse(blank(2))->known_version());
  CHECK(R::parse(blank(5))->known_version());
  CHECK_FALSE(R::parse(blank(6))->known_version());
}

TEST_CASE("Products_ByCpuid_AsTheTableSays") {
  auto octets = blank(3);
  const auto of = [&](unsigned family, unsigned model) {
    octets[R::CPUID_FAM_ID.offset] = static_cast<std::byte>(family);
    octets[R::CPUID_MOD_ID.offset] = static_cast<std::byte>(model);
    const auto set = products_of(octets);
    return set ? set->only() : std::nullopt;
  };
  CHECK(of(0x19, 0x00) == Product::milan);
  CHECK(of(0x19, 0x0F) == Product::milan);
  CHECK(of(0x19, 0x10) == Product::genoa);
  CHECK(of(0x19, 0x1F) == Product::genoa);
  CHECK(of(0x19, 0xA0) == Product::genoa);
  CHECK(of(0x19, 0xAF) == Product::genoa);
  CHECK(of(0x1A, 0x00) == Product::turin);
  CHECK(of(0x1A, 0x11) == Product::turin);
  for (const auto& [family, model] :
       {std::pair{0x19, 0x20}, {0x19, 0x9F}, {0x19, 0xB0}, {0x1A, 0x12}, {0x17, 0x31}, {0, 0}}) {
    CAPTURE(family);
    CAPTURE(model);
    octets[R::CPUID_FAM_ID.offset] = static_cast<std::byte>(family);
    octets[R::CPUID_MOD_ID.offset] = static_cast<std::byte>(model);
    const auto report = R::parse(octets);
    CHECK(products(*report).error() ==
          Error{Code::report_product, 0x188, static_cast<std::uint32_t>(family << 16 | model)});
  }
}

TEST_CASE("Products_Venice_IsNamedAndRefused") {
  auto octets = blank(3);
  for (const unsigned model : {0x50U, 0x57U, 0x90U, 0xAFU, 0xC0U, 0xC7U}) {
    CAPTURE(model);
    octets[R::CPUID_FAM_ID.offset] = std::byte{0x1A};
    octets[R::CPUID_MOD_ID.offset] = static_cast<std::byte>(model);
    CHECK(products(*R::parse(octets)).error() == Error{Code::report_product, 0x188, 0x1A0000 | model});
    const CpuModels* const row = find_cpu(0x1A, static_cast<std::uint8_t>(model));
    REQUIRE(row != nullptr);
    CHECK(row->name == "Venice");
    CHECK_FALSE(row->product.has_value());
  }
  for (const int model : {0x12, 0x4F, 0x58, 0x8F, 0xB0, 0xBF, 0xC8})
    CHECK(find_cpu(0x1A, static_cast<std::uint8_t>(model)) == nullptr);
}

TEST_CASE("Products_Version2_ByChipId") {
  auto octets = blank(2);
  const auto all = products_of(octets);
  CHECK((all->has(Product::milan) && all->has(Product::genoa) && all->has(Product::turin)));  // masked
  octets[R::CHIP_ID.offset + 7] = std::byte{1};
  CHECK(products_of(octets)->only() == Product::turin);
  octets[R::CHIP_ID.offset + 8] = std::byte{1};
  const auto older = products_of(octets);
  CHECK((older->has(Product::milan) && older->has(Product::genoa) && !older->has(Product::turin)));
}

TEST_CASE("ReportData_Digest_WithZerosBehind") {
  auto octets = blank(3);
  Digest digest;
  digest.size = 32;
  digest.octets[0] = std::byte{7};
  CHECK_FALSE(R::parse(octets)->report_data_is(digest));
  octets[R::REPORT_DATA.offset] = std::byte{7};
  CHECK(R::parse(octets)->report_data_is(digest));
  octets[R::REPORT_DATA.offset + 63] = std::byte{1};
  CHECK_FALSE(R::parse(octets)->report_data_is(digest));
}
