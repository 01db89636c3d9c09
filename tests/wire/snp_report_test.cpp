#include "snpnv/wire/snp_report.hpp"

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
}  // namespace

// Values read off the captures with od.
TEST_CASE("SnpReport_AzureMilan2023_Fields") {
  const auto octets = captured("azure-milan-2023/nv-01400001.bin");
  if (!octets) return;
  const auto report = R::parse(*octets);
  REQUIRE(report.has_value());
  const R& r = *report;
  CHECK(r[R::VERSION] == 2);
  CHECK(r[R::GUEST_SVN] == 2);
  CHECK(r[R::POLICY].value == 0x3001F);
  CHECK(r[R::POLICY][GuestPolicy::ABI_MINOR] == 31);
  CHECK(r[R::POLICY][GuestPolicy::SMT] == 1);
  CHECK(r[R::POLICY][GuestPolicy::DEBUG] == 0);
  CHECK(r[R::VMPL] == 0);
  CHECK(r[R::SIGNATURE_ALGO] == R::kEcdsaP384Sha384);
  CHECK(test::digits(r[R::CURRENT_TCB].octets) == "03000000000008ce");
  CHECK(test::digits(r[R::REPORTED_TCB].octets) == "0300000000000873");
  CHECK(r[R::PLATFORM_INFO][PlatformInfo::SMT_EN] == 1);
  CHECK(r.signing_key() == SIGNING_KEY::VCEK);
  CHECK(test::digits(r[R::REPORT_DATA].first(32)) ==
        "1d0a466a9eed975e88f889f7aed4abc1c97e87c4f43e5e3478c9a4a5853cbd7d");
  CHECK(all_zero(r[R::REPORT_DATA].last(32)));
  CHECK(r[R::CURRENT_BUILD] == 4);
  CHECK(r[R::CURRENT_MINOR] == 52);
  CHECK(r[R::CURRENT_MAJOR] == 1);
  CHECK_FALSE(r.chip_id_masked());
  const auto possible = products(r);
  REQUIRE(possible.has_value());
  CHECK(possible->has(Product::milan));
  CHECK(possible->has(Product::genoa));
  CHECK_FALSE(possible->has(Product::turin));
  CHECK_FALSE(possible->only().has_value());
}

TEST_CASE("SnpReport_AwsMilanVlek_Fields") {
  const auto octets = test::vector_file("aws-milan-vlek/report.bin");
  if (!octets) return;
  const auto report = R::parse(*octets);
  REQUIRE(report.has_value());
  CHECK((*report)[R::VERSION] == 3);
  CHECK(report->signing_key() == SIGNING_KEY::VLEK);
  CHECK(report->chip_id_masked());
  CHECK((*report)[R::CPUID_FAM_ID] == 0x19);
  CHECK((*report)[R::CPUID_MOD_ID] == 1);
  CHECK(products(*report)->only() == Product::milan);
  CHECK((*report)[R::REPORTED_TCB].get(kTcbLayout[4], Product::milan) == 217);
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
  const test::Octets octets = blank(2);
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
       {std::pair{0x19, 0x20}, {0x19, 0x9F}, {0x19, 0xB0}, {0x1A, 0x12}, {0x1A, 0x50}, {0x1A, 0x90}, {0x1A, 0xC7},
        {0x17, 0x31}, {0, 0}}) {
    CAPTURE(family);
    CAPTURE(model);
    octets[R::CPUID_FAM_ID.offset] = static_cast<std::byte>(family);
    octets[R::CPUID_MOD_ID.offset] = static_cast<std::byte>(model);
    const auto report = R::parse(octets);
    CHECK(products(*report).error() ==
          Error{Code::report_product, 0x188, static_cast<std::uint32_t>(family << 16 | model)});
  }
  CHECK(find_cpu(0x1A, 0x50)->name == "Venice");
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

// AMD 56860, "TCB_VERSION": which octet is which.
TEST_CASE("Tcb_Components_StandWhereTheProductHasThem") {
  const TCB_VERSION tcb = TCB_VERSION::load(std::span<const std::byte, 8>(test::hex("0a0b0c0d0e0f1011")));
  const auto get = [&](std::string_view name, Product product) -> int {
    for (const TcbLayoutEntry& entry : kTcbLayout)
      if (entry.name == name) return tcb.get(entry, product).value_or(255);
    return -1;
  };
  for (const Product product : {Product::milan, Product::genoa}) {
    CHECK(get("FMC", product) == 255);
    CHECK(get("BOOT_LOADER", product) == 0x0A);
    CHECK(get("TEE", product) == 0x0B);
    CHECK(get("SNP", product) == 0x10);
    CHECK(get("MICROCODE", product) == 0x11);
  }
  CHECK(get("FMC", Product::turin) == 0x0A);
  CHECK(get("BOOT_LOADER", Product::turin) == 0x0B);
  CHECK(get("TEE", Product::turin) == 0x0C);
  CHECK(get("SNP", Product::turin) == 0x0D);
  CHECK(get("MICROCODE", Product::turin) == 0x11);
}

TEST_CASE("Bits_Unnamed_AreKept") {
  CHECK(unnamed_bits(PlatformInfo{0xFF}) == 0x40);
  CHECK(unnamed_bits(GuestPolicy{~std::uint64_t{0}}) == 0xFFFFFFFFFC000000);
  CHECK(unnamed_bits(KeyInfo{0xFFFFFFFF}) == 0xFFFFFFE0);
  CHECK(KeyInfo{0x1C}[KeyInfo::SIGNING_KEY] == 7);
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
