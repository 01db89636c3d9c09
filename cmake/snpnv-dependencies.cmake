# The libraries behind snpnv::mbedtls, snpnv::openssl and snpnv::transports; also part of the installed
# package.

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
