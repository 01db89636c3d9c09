# SPDX-License-Identifier: Apache-2.0
# The libraries behind snpnv::mbedtls, snpnv::openssl, snpnv::nettle and snpnv::transports; also part of the
# installed package.

# Mbed TLS 3 brings a package of its own; 2.28 as Debian 12 has it does not.
if(NOT TARGET MbedTLS::mbedcrypto)
  find_package(MbedTLS CONFIG QUIET)
endif()
if(NOT TARGET MbedTLS::mbedcrypto)
  find_path(MBEDTLS_INCLUDE_DIR mbedtls/md.h)
  find_library(MBEDX509_LIBRARY mbedx509)
  find_library(MBEDCRYPTO_LIBRARY mbedcrypto)
  find_library(MBEDTLS_LIBRARY mbedtls)
  if(MBEDTLS_INCLUDE_DIR AND MBEDX509_LIBRARY AND MBEDCRYPTO_LIBRARY)
    add_library(MbedTLS::mbedcrypto UNKNOWN IMPORTED)
    set_target_properties(MbedTLS::mbedcrypto PROPERTIES
      IMPORTED_LOCATION "${MBEDCRYPTO_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${MBEDTLS_INCLUDE_DIR}")
    add_library(MbedTLS::mbedx509 UNKNOWN IMPORTED)
    set_target_properties(MbedTLS::mbedx509 PROPERTIES
      IMPORTED_LOCATION "${MBEDX509_LIBRARY}" INTERFACE_LINK_LIBRARIES MbedTLS::mbedcrypto)
    if(MBEDTLS_LIBRARY)
      add_library(MbedTLS::mbedtls UNKNOWN IMPORTED)
      set_target_properties(MbedTLS::mbedtls PROPERTIES
        IMPORTED_LOCATION "${MBEDTLS_LIBRARY}" INTERFACE_LINK_LIBRARIES MbedTLS::mbedx509)
    endif()
  endif()
endif()

# Hogweed is Nettle's part that calculates with large numbers, by GMP.
if((SNPNV_NETTLE OR SNPNV_TESTS) AND NOT TARGET Nettle::hogweed)
  find_path(NETTLE_INCLUDE_DIR nettle/ecdsa.h)
  find_library(HOGWEED_LIBRARY hogweed)
  find_library(NETTLE_LIBRARY nettle)
  find_library(GMP_LIBRARY gmp)
  if(NETTLE_INCLUDE_DIR AND HOGWEED_LIBRARY AND NETTLE_LIBRARY AND GMP_LIBRARY)
    add_library(Nettle::hogweed UNKNOWN IMPORTED)
    set_target_properties(Nettle::hogweed PROPERTIES
      IMPORTED_LOCATION "${HOGWEED_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${NETTLE_INCLUDE_DIR}"
      INTERFACE_LINK_LIBRARIES "${NETTLE_LIBRARY};${GMP_LIBRARY}")
  endif()
endif()

if(SNPNV_OPENSSL AND NOT TARGET OpenSSL::Crypto)
  find_package(OpenSSL 3.0 QUIET)
endif()

find_package(Threads QUIET)
if(SNPNV_TCTI AND NOT TARGET PkgConfig::TCTILDR)
  find_package(PkgConfig QUIET)
  if(PkgConfig_FOUND)
    pkg_check_modules(TCTILDR QUIET IMPORTED_TARGET tss2-tctildr)
  endif()
endif()
