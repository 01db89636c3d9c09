# SPDX-License-Identifier: Apache-2.0
# The headers; the programs come from a distribution's packages. The port builds the project that it is part of.
set(VCPKG_BUILD_TYPE release)  # headers alone
set(VCPKG_POLICY_SKIP_PKGCONFIG_CHECK enabled)  # share/pkgconfig, since the libraries named there are other ports'
set(SOURCE_PATH "${CMAKE_CURRENT_LIST_DIR}/../../..")
vcpkg_check_features(OUT_FEATURE_OPTIONS features FEATURES openssl SNPNV_OPENSSL)
vcpkg_cmake_configure(SOURCE_PATH "${SOURCE_PATH}"
                      OPTIONS -DSNPNV_TOOLS=OFF -DSNPNV_TESTS=OFF -DSNPNV_TCTI=OFF ${features})
vcpkg_cmake_install()
vcpkg_cmake_config_fixup(PACKAGE_NAME snpnv CONFIG_PATH share/cmake/snpnv)
vcpkg_fixup_pkgconfig()
file(REMOVE_RECURSE "${CURRENT_PACKAGES_DIR}/debug" "${CURRENT_PACKAGES_DIR}/lib")
vcpkg_install_copyright(FILE_LIST "${SOURCE_PATH}/LICENSE")
