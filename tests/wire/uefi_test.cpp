// SPDX-License-Identifier: Apache-2.0
#include "snpnv/wire/uefi.hpp"

#include "tests/test.hpp"

using namespace snpnv;
using test::hex;

namespace {

std::string utf8(ByteView utf16) {
  std::string out(2 * utf16.size() + 3, '\0');
  ByteWriter writer(std::as_writable_bytes(std::span(out)));
  utf16_to_utf8(writer, utf16);
  REQUIRE(writer.ok());
  out.resize(writer.size());
  return out;
}

// Boot0001 of a machine with systemd-boot, as its firmware logged it: attributes, a description, a partition, a file.
constexpr std::string_view kOption =
    "010000002400530044000000"
    "0401140001000000000000000000000000000000"
    "040410005c0045005c00530000000000"  // "\E\S", NUL and padding
    "7fff0400";

}  // namespace

TEST_CASE("Uefi_Utf16_BecomesUtf8") {
  CHECK(utf8(hex("4100e400ac20")) == "A\xc3\xa4\xe2\x82\xac");
  CHECK(utf8(hex("3dd800de")) == "\xf0\x9f\x98\x80");  // U+1F600
  for (const std::string_view half : {"3dd8", "00de", "41"}) CHECK(utf8(hex(half)) == "\xef\xbf\xbd");
  CHECK(utf8(hex("3dd84100")) == "\xef\xbf\xbd" "A");
  CHECK(before_nul16(hex("410042000000430000")).size() == 4);
  CHECK(before_nul16(hex("4100420043")).size() == 5);
}

TEST_CASE("Uefi_LoadOption_IsTakenApart") {
  const auto octets = hex(kOption);
  const auto option = EFI_LOAD_OPTION::parse(octets);
  REQUIRE(option.has_value());
  CHECK(option->Attributes == 1);
  CHECK(utf8(option->Description) == "SD");
  CHECK(option->FilePathList.size() == 36);
  CHECK(utf8(file_of(option->FilePathList)) == "\\E\\S");
  CHECK(option->OptionalData.size() == 4);
}

TEST_CASE("Uefi_LoadOption_EveryTruncationIsRefusedOrShorter") {
  const auto octets = hex(kOption);
  for (std::size_t size = 0; size < octets.size(); ++size) {
    const auto option = EFI_LOAD_OPTION::parse(ByteView(octets).first(size), 100);
    CHECK(option.has_value() == (size >= 48));
    if (!option) CHECK(option.error().where <= 100 + size);
  }
}

TEST_CASE("Uefi_DevicePath_EndsWhereANodeDoesNotFit") {
  CHECK(file_of({}).empty());
  CHECK(file_of(hex("040403")).empty());
  CHECK(file_of(hex("04040300")).empty());    // shorter than its header
  CHECK(file_of(hex("040410004100")).empty());  // longer than the path
  CHECK(file_of(hex("7fff0400")).empty());
}

TEST_CASE("Uefi_ImageLoadEvent_HasItsPath") {
  const auto octets = hex("1880d9bd000000000092" "0e0000000000" "0000000000000000" "0400000000000000" "7fff0400");
  const auto image = UEFI_IMAGE_LOAD_EVENT::parse(octets);
  REQUIRE(image.has_value());
  CHECK(image->ImageLocationInMemory == 0xbdd98018);
  CHECK(image->ImageLengthInMemory == 0xe9200);
  CHECK(image->DevicePath.size() == 4);
  const auto longer = hex(test::digits(octets) + "0000000000000000");
  CHECK(equal(UEFI_IMAGE_LOAD_EVENT::parse(longer)->DevicePath, image->DevicePath));
  const auto cut = UEFI_IMAGE_LOAD_EVENT::parse(ByteView(octets).first(octets.size() - 1), 10);
  REQUIRE(!cut);
  CHECK(cut.error() == Error{Code::wire_size, 34, 4});
}

TEST_CASE("Uefi_SignatureLists_AreWalked") {
  const std::string type(32, '1');
  const std::string owner(32, '2');
  // Two entries of 17 octets in a list with a header of 1, then one of 18 without.
  const std::string first = type + "3f000000" "01000000" "11000000" "ff" + owner + "aa" + owner + "bb";
  const std::string second = type + "2e000000" "00000000" "12000000" + owner + "ccdd";
  const auto octets = hex(first + second);
  SignatureLists lists(octets);
  std::vector<std::string> listed;
  while (const auto entry = lists.next()) listed.push_back(test::digits(entry->subspan(SignatureLists::kOwner)));
  CHECK(listed == std::vector<std::string>{"aa", "bb", "ccdd"});
  CHECK(lists.whole());
  for (std::size_t size = 1; size < octets.size(); ++size) {
    SignatureLists cut(ByteView(octets).first(size));
    while (cut.next()) {
    }
    CHECK(cut.whole() == (size == 0x3f));
  }
}

TEST_CASE("Uefi_SignatureListsOfOddSizes_AreNotWhole") {
  const std::string type(32, '1');
  for (const std::string_view sizes : {"1c000000" "01000000" "11000000",    // a header beyond the list
                                       "2d000000" "00000000" "00000000",    // entries of nothing
                                       "2d000000" "00000000" "10000000",    // without room behind the owner
                                       "2d000000" "00000000" "12000000",    // that do not fill the list
                                       "1b000000" "00000000" "11000000"}) {  // shorter than its own header
    const auto octets = hex(type + std::string(sizes) + std::string(34, '0'));
    SignatureLists lists(octets);
    CHECK(!lists.next());
    CHECK(!lists.whole());
  }
}
