// SPDX-License-Identifier: Apache-2.0
// The provider of a broker's cryptography under test: the build makes some tests once for each.
#pragma once

#ifdef SNPNV_TEST_OPENSSL
#include "snpnv/openssl/broker_crypto.hpp"
using TestBrokerCrypto = snpnv::OpenSslBrokerCrypto;
#else
#include "snpnv/mbedtls/broker_crypto.hpp"
using TestBrokerCrypto = snpnv::MbedBrokerCrypto;
#endif
