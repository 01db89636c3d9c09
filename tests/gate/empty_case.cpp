// SPDX-License-Identifier: Apache-2.0
// A test case without a check, which tests/main.cpp reports with status 2.
#include <doctest/doctest.h>

TEST_CASE("Nothing_Always_IsNotATest") {}
