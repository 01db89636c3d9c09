// SPDX-License-Identifier: Apache-2.0
// What Trustee's own broker says: https://github.com/confidential-containers/trustee, commit 78962cd4. Its answers to
// POST auth with version 0.4.0 and with 0.1.0; and what jwe() of kbs/src/jwe/mod.rs makes of "open sesame" for the
// public key of Bob, RFC 7518, appendix C.
#pragma once

#include <sstream>

#include "tests/test.hpp"

namespace snpnv::test {

struct Trustee {
  Trustee() {
    const auto file = read_file(SNPNV_SOURCE_DIR "/tests/data/trustee.ndjson");
    REQUIRE(file.has_value());
    std::istringstream lines{std::string(text(*file))};
    for (std::string* line : {&challenge, &refusal, &secret}) REQUIRE(std::getline(lines, *line));
  }
  std::string challenge;
  std::string refusal;
  std::string secret;
};

}  // namespace snpnv::test
