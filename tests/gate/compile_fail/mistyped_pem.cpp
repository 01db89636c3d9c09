// SPDX-License-Identifier: Apache-2.0
// EXPECT: the_text_is_not_one_certificate_in_pem_of_that_size
#include "snpnv/verify/root_certificates.hpp"

using namespace snpnv;
inline constexpr auto kRight = decoded_pem<3>("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n");
inline constexpr auto kWrong = decoded_pem<3>("-----BEGIN CERTIFICATE-----\nAA!A\n-----END CERTIFICATE-----\n");  // WRONG
