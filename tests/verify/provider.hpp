// SPDX-License-Identifier: Apache-2.0
// The provider of cryptography under test: the build makes some tests once for each.
#pragma once

#ifdef SNPNV_TEST_OPENSSL
#include "snpnv/openssl/crypto.hpp"
using TestCrypto = snpnv::OpenSslCrypto;
#elif defined(SNPNV_TEST_NETTLE)
#include "snpnv/nettle/crypto.hpp"
using TestCrypto = snpnv::NettleCrypto;
#elif defined(SNPNV_TEST_PSA)
#include "snpnv/mbedtls/psa_crypto.hpp"
using TestCrypto = snpnv::MbedPsaCrypto;
#else
#include "snpnv/mbedtls/crypto.hpp"
using TestCrypto = snpnv::MbedCrypto;
#endif
