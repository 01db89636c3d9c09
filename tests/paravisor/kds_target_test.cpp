// SPDX-License-Identifier: Apache-2.0
#include "paravisor/kds_target.hpp"

#include "tests/test.hpp"

using snpnv::paravisor::canonical_target;

TEST_CASE("KdsTarget_WhatTheServiceDoesNotTellApart_IsAlike") {
  const std::string wanted = canonical_target("/vcek/v1/Milan/00ab00ab00ab00ab?blSPL=3&teeSPL=0&snpSPL=10&ucodeSPL=115");
  for (const char* const target : {"/vcek/v1/Milan/00AB00ab00ab00AB?blSPL=03&teeSPL=00&snpSPL=10&ucodeSPL=115",
                                   "/vcek/v1/Milan/00ab00ab00ab00ab?ucodeSPL=115&snpSPL=010&teeSPL=0&blSPL=3",
                                   "/vcek/v1/Milan/00ab00ab00ab00ab?snpSPL=10&blSPL=003&teeSPL=000&ucodeSPL=115"}) {
    CHECK(canonical_target(target) == wanted);
    CHECK(canonical_target(canonical_target(target)) == wanted);
  }
}

TEST_CASE("KdsTarget_WhatItTellsApart_IsNot") {
  const std::string wanted = canonical_target("/vcek/v1/Milan/00ab00ab00ab00ab?blSPL=3&teeSPL=0");
  for (const char* const target :
       {"/vcek/v1/milan/00ab00ab00ab00ab?blSPL=3&teeSPL=0", "/VCEK/v1/Milan/00ab00ab00ab00ab?blSPL=3&teeSPL=0",
        "/vcek/v1/Milan/00ab00ab00ab00ac?blSPL=3&teeSPL=0", "/vcek/v1/Milan/00ab00ab00ab00ab?blSPL=30&teeSPL=0",
        "/vcek/v1/Milan/00ab00ab00ab00ab?blspl=3&teeSPL=0", "/vcek/v1/Milan/00ab00ab00ab00ab?blSPL=3",
        "/vcek/v1/Milan/00ab00ab00ab00ab?blSPL=3&teeSPL=0&teeSPL=0", "/vcek/v1/Milan/00ab00ab00ab00ab?blSPL=3&teeSPL=",
        "/vcek/v1/Milan/00ab00ab00ab00ab?blSPL=0x3&teeSPL=0", "/vcek/v1/Milan/00ab00ab00ab00ab", ""})
    CHECK(canonical_target(target) != wanted);
  CHECK(canonical_target("/vcek/v1/Milan/CRL") == "/vcek/v1/Milan/CRL");
  CHECK(canonical_target("?") == "?");
  CHECK(canonical_target("/a?b&&c=") == "/a?&b&c=");
}
