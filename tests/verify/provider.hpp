// The provider of cryptography under test: the build makes some tests once for each.
#pragma once

#ifdef SNPNV_TEST_OPENSSL
#include "snpnv/openssl/crypto.hpp"
using TestCrypto = snpnv::OpenSslCrypto;
#else
#include "snpnv/mbedtls/crypto.hpp"
using TestCrypto = snpnv::MbedCrypto;
#endif
