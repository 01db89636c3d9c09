// SPDX-License-Identifier: Apache-2.0
// The provider of cryptography that the tool was built with.
#pragma once

#ifdef SNPNV_NETTLE
#include "snpnv/nettle/crypto.hpp"
namespace snpnv::tool {
using Provider = NettleCrypto;
}
#elif defined(SNPNV_OPENSSL)
#include "snpnv/openssl/crypto.hpp"
namespace snpnv::tool {
using Provider = OpenSslCrypto;
}
#else
#include "snpnv/mbedtls/crypto.hpp"
namespace snpnv::tool {
using Provider = MbedCrypto;
}
#endif

#ifdef SNPNV_FETCH  // which has Mbed TLS for TLS at any rate
#ifdef SNPNV_OPENSSL
#include "snpnv/openssl/broker_crypto.hpp"
namespace snpnv::tool {
using BrokerProvider = OpenSslBrokerCrypto;
}
#else
#include "snpnv/mbedtls/broker_crypto.hpp"
namespace snpnv::tool {
using BrokerProvider = MbedBrokerCrypto;
}
#endif
#endif
