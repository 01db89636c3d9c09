// SPDX-License-Identifier: Apache-2.0
#include "snpnv/core/error.hpp"

#include <set>
#include <string>

#include "tests/test.hpp"

using namespace snpnv;

TEST_CASE("Code_List_NamesTextsAndValuesAreDistinct") {
  std::set<std::string> names, texts;
  std::set<std::uint32_t> values;
  std::size_t count = 0;
#define SNPNV_X(name, value, text, detail) \
  ++count;                                 \
  names.insert(#name);                     \
  texts.insert(text);                      \
  values.insert(value);
  SNPNV_CODES(SNPNV_X)
#undef SNPNV_X
  CHECK(names.size() == count);
  CHECK(texts.size() == count);
  CHECK(values.size() == count);
  CHECK(name(Code::wire_short) == "wire_short");
  CHECK(text(Code::wire_short) == "input ends before the field");
  CHECK(name(Code{}) == "unknown");
}

namespace {
Result<int> half(int n) {
  if (n % 2 != 0) return fail(Code::wire_value, 7, static_cast<std::uint32_t>(n));
  return n / 2;
}
Result<int> quarter(int n) {
  SNPNV_TRY(const int once, half(n));
  SNPNV_CHECK(half(once));
  return half(once);
}
}  // namespace

TEST_CASE("Try_Error_ReturnsItUnchanged") {
  CHECK(*quarter(12) == 3);
  CHECK(quarter(3).error() == Error{Code::wire_value, 7, 3});
  CHECK(quarter(6).error() == Error{Code::wire_value, 7, 3});
}
