// SPDX-License-Identifier: Apache-2.0
// Prints docs/fields.md: the tables of every declared layout, and the error codes.
#include <cstdio>
#include <string>

#include "snpnv/snpnv.hpp"

using namespace snpnv;

namespace {

std::string str(std::string_view text) { return std::string(text); }

template <class Layout>
void table(const char* title, const char* unit) {
  std::printf("\n## %s\n\n%zu octets, little-endian.\n\n| offset | octets | field | since %s | meaning |\n|---|---|---|---|---|\n",
              title, Layout::kSize, unit);
  Layout::for_each_field([](auto field) {
    std::printf("| 0x%03zx | %zu | %s | %u | %s |\n", field.offset, field.size, str(field.name).c_str(), field.since,
                str(field.meaning).c_str());
  });
}

template <class Bits>
void bits(const char* title) {
  std::printf("\n## %s\n\n| bits | name |\n|---|---|\n", title);
  for (const BitName& bit : Bits::kBits) {
    if (bit.first == bit.last) {
      std::printf("| %u | %s |\n", bit.first, str(bit.name).c_str());
    } else {
      std::printf("| %u:%u | %s |\n", bit.last, bit.first, str(bit.name).c_str());
    }
  }
}

std::string octet(std::uint8_t at) { return at == TcbLayoutEntry::kAbsent ? "-" : std::to_string(at); }

}  // namespace

int main() {
  std::printf("# Layouts and error codes\n\nMade from the declarations in `include/snpnv/`; a test compares the two.\n");
  table<ATTESTATION_REPORT>("ATTESTATION_REPORT", "version");
  bits<GuestPolicy>("POLICY");
  bits<PlatformInfo>("PLATFORM_INFO");
  bits<KeyInfo>("KEY_INFO");
  std::printf("\n## TCB_VERSION\n\n| component | octet on Milan and Genoa | octet on Turin |\n|---|---|---|\n");
  for (const TcbLayoutEntry& entry : kTcbLayout)
    std::printf("| %s | %s | %s |\n", str(entry.name).c_str(), octet(entry.family_19).c_str(), octet(entry.family_1a).c_str());
  table<HclReport>("HCLA envelope, fixed part", "envelope version");
  std::printf("\nAn extension of 0 or 4 octets follows, then the claims, then padding.\n");
  std::printf("\n## Error codes\n\n| code | value | text | detail |\n|---|---|---|---|\n");
#define SNPNV_X(name, value, text, detail) std::printf("| `%s` | 0x%04x | %s | %s |\n", #name, value, text, detail);
  SNPNV_CODES(SNPNV_X)
#undef SNPNV_X
}
