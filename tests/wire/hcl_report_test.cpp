// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/hcl_report.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using H = HclReport;

namespace {
void put(test::Octets& octets, std::size_t at, std::uint32_t value) {
  store<std::uint32_t, Endian::little>(std::span(octets).subspan(at).first<4>(), value);
}
// Offsets and values as in the table of the envelope.
test::Octets envelope(std::size_t extension, std::size_t claims, bool extension_counted = true) {
  test::Octets out(1236 + extension + claims);
  out[0] = std::byte{'H'}, out[1] = std::byte{'C'}, out[2] = std::byte{'L'}, out[3] = std::byte{'A'};
  put(out, 4, 2);
  put(out, 8, static_cast<std::uint32_t>(1236 + claims + (extension_counted ? extension : 0)));
  put(out, 12, 2);
  put(out, 1216, static_cast<std::uint32_t>(20 + extension + claims));
  put(out, 1220, 1);
  put(out, 1224, 2);
  put(out, 1228, 1);
  put(out, 1232, static_cast<std::uint32_t>(claims));
  for (std::size_t i = 1236; i < out.size(); ++i) out[i] = std::byte{'x'};
  return out;
}
Error refused(const test::Octets& octets) {
  const auto parsed = H::parse(octets);
  REQUIRE(!parsed);
  return parsed.error();
}
}  // namespace

TEST_CASE("HclReport_Captures_HeaderAndParts") {
  struct Case {
    const char* file;
    std::uint32_t version, size, type;
    std::size_t padding;
  };
  for (const Case& c : {Case{"azure-milan-2023/nv-01400001.bin", 1, 1819, 2, 229},
                        Case{"azure-milan-2024/nv-01400001.bin", 1, 2346, 2, 254},
                        Case{"azure-tdx/nv-01400001.bin", 2, 2437, 4, 163}}) {
    CAPTURE(c.file);
    const auto content = test::vector_file(c.file);
    if (!content) return;
    const auto parsed = H::parse(*content);
    REQUIRE(parsed.has_value());
    CHECK((*parsed)[H::version] == c.version);
    CHECK((*parsed)[H::report_size] == c.size);
    CHECK((*parsed)[H::request_type] == 2);
    CHECK(parsed->size() == c.size);
    CHECK(static_cast<std::uint32_t>(parsed->type()) == c.type);
    CHECK(parsed->hash() == Hash::sha256);
    CHECK(parsed->claims.size() == c.size - 1236);
    CHECK(parsed->claims.front() == std::byte{'{'});
    CHECK(parsed->claims.back() == std::byte{'}'});
    CHECK(parsed->padding.size() == c.padding);
    CHECK(all_zero(parsed->padding));
    CHECK(parsed->snp_report().has_value() == (c.type == 2));
  }
}

TEST_CASE("HclReport_TdxCapture_IsRefusedByItsType") {
  const auto content = test::vector_file("azure-tdx/nv-01400001.bin");
  if (!content) return;
  CHECK(H::parse(*content)->snp_report().error() == Error{Code::hcl_report_type, 1224, 4});
  CHECK(name(H::parse(*content)->type()) == "TDX");
}

TEST_CASE("HclReport_Extension_OfZeroOrFourOctets") {
  CHECK(H::parse(envelope(0, 10))->extension.empty());
  CHECK(H::parse(envelope(4, 10))->extension.size() == 4);
  CHECK(H::parse(envelope(4, 10))->claims.size() == 10);
  // report_size that leaves the extension out
  CHECK(H::parse(envelope(4, 10, false))->size() == 1250);
  CHECK(H::announced_size(ByteView(envelope(4, 10, false)).first(1024)) == 1246);
  CHECK(H::announced_size(envelope(4, 10, false)) == 1250);
  for (const std::size_t size : {1U, 2U, 3U, 5U, 8U}) {
    CAPTURE(size);
    CHECK(refused(envelope(size, 10)).code == Code::hcl_sizes);
  }
}

TEST_CASE("HclReport_EachCheck_FailsAlone") {
  const test::Octets good = envelope(0, 10);
  REQUIRE(H::parse(good).has_value());
  const auto with = [&](std::size_t at, std::uint32_t value) {
    test::Octets bad = good;
    put(bad, at, value);
    return refused(bad);
  };
  CHECK(with(0, 0x414C4349) == Error{Code::hcl_signature, 0, 0x414C4349});
  CHECK(with(4, 0) == Error{Code::hcl_version, 4, 0});
  CHECK(with(4, 3) == Error{Code::hcl_version, 4, 3});
  CHECK(with(8, 1235) == Error{Code::hcl_sizes, 8, 1235});
  CHECK(with(8, 1245) == Error{Code::hcl_sizes, 8, 1245});
  CHECK(with(8, 0xFFFFFFFF) == Error{Code::hcl_sizes, 8, 0xFFFFFFFF});
  CHECK(with(1216, 29) == Error{Code::hcl_sizes, 1216, 29});
  CHECK(with(1216, 31) == Error{Code::hcl_sizes, 1216, 31});
  CHECK(with(1216, 0) == Error{Code::hcl_sizes, 1216, 0});
  CHECK(with(1232, 11) == Error{Code::hcl_sizes, 1216, 30});
  CHECK(with(1232, 0xFFFFFFFF) == Error{Code::hcl_sizes, 1232, 0xFFFFFFFF});
  CHECK(with(1232, 0xFFFFFFF6) == Error{Code::hcl_sizes, 1232, 0xFFFFFFF6});

  test::Octets hash = good;
  for (const std::uint32_t type : {0U, 4U, 255U}) {
    put(hash, 1228, type);
    CHECK(H::parse(hash)->hash().error() == Error{Code::hcl_hash_type, 1228, type});
  }
  put(hash, 1228, 2);
  CHECK(H::parse(hash)->hash() == Hash::sha384);
  put(hash, 1228, 3);
  CHECK(H::parse(hash)->hash() == Hash::sha512);
  for (const std::uint32_t type : {0U, 1U, 3U, 4U, 5U, 6U}) {
    test::Octets other = good;
    put(other, 1224, type);
    CHECK(H::parse(other)->snp_report().error() == Error{Code::hcl_report_type, 1224, type});
  }
}

TEST_CASE("HclReport_EveryTruncation_IsShort") {
  const test::Octets good = envelope(4, 100);
  for (std::size_t n = 0; n < good.size(); ++n) {
    const auto parsed = H::parse(ByteView(good).first(n));
    REQUIRE(!parsed);
    CHECK(parsed.error().code == Code::wire_short);
    CHECK(parsed.error().where == n);
  }
}

TEST_CASE("HclReport_Capture_EveryTruncationOfTheEnvelopeIsShort") {
  const auto content = test::vector_file("azure-milan-2024/nv-01400001.bin");
  if (!content) return;
  for (std::size_t n = 0; n <= content->size(); ++n) {
    const auto parsed = H::parse(ByteView(*content).first(n));
    CHECK(parsed.has_value() == (n >= 2346));
    if (parsed) {
      CHECK(parsed->padding.size() == n - 2346);
    } else {
      CHECK(parsed.error().code == Code::wire_short);
      CHECK(parsed.error().where == n);
    }
  }
}

TEST_CASE("HclReport_AnnouncedSize_FromTheFrontAlone") {
  const test::Octets good = envelope(0, 10);
  for (std::size_t n = 0; n < good.size(); ++n) {
    const auto size = H::announced_size(ByteView(good).first(n));
    if (n < 12) {
      CHECK(size.error() == Error{Code::wire_short, static_cast<std::uint32_t>(n), 12});
    } else {
      CHECK(size == 1246);
    }
  }
}

TEST_CASE("HclReport_AnnouncedSize_OutsideTheLimitsIsRefusedFromTheFront") {
  for (const std::uint32_t size : {0U, 1235U, 0x04000001U, 0xFFFFFFFFU}) {
    test::Octets front = envelope(0, 10);
    put(front, 8, size);
    CHECK(H::announced_size(ByteView(front).first(12)).error() == Error{Code::hcl_sizes, 8, size});
  }
  for (const std::uint32_t size : {1236U, 0x04000000U}) {
    test::Octets front = envelope(0, 10);
    put(front, 8, size);
    CHECK(H::announced_size(ByteView(front).first(12)) == size);
  }
}

TEST_CASE("HclReportType_Name_OfEachValue") {
  const char* const names[] = {"invalid", "VBS", "SNP", "TVM", "TDX", "CCA", "unknown"};
  for (std::uint32_t type = 0; type < std::size(names); ++type)
    CHECK(name(static_cast<HclReportType>(type)) == names[type]);
}

// Every size contradicts the others, but for the two changes that make claims_size 4 less than the
// rest says: the front of the claims then counts as an extension, and their digest tells.
TEST_CASE("HclReport_EveryBitFlip_IsRefusedOrKeepsToTheInput") {
  const auto check = [](const test::Octets& good, bool padded) {
    test::each_bit_flipped(good, [&](const test::Octets& flipped, std::size_t bit) {
      const auto parsed = H::parse(flipped);
      const std::size_t at = bit / 8;
      const bool size =
          (at >= 8 && at < 12) || (at >= 1216 && at < 1220) || (at >= 1232 && at < 1236);
      const bool extends = bit == 8 * 1232 + 2 || (padded && bit == 8 * 1216 + 2);
      CHECK(parsed.has_value() == !(at < 8 || (size && !extends)));
      if (!parsed) return;
      CHECK(parsed->size() + parsed->padding.size() == flipped.size());
      CHECK(parsed->extension.size() == (extends ? 4 : 0));
    });
  };
  check(envelope(0, 20), false);
  if (const auto content = test::vector_file("azure-milan-2024/nv-01400001.bin")) check(*content, true);
}
