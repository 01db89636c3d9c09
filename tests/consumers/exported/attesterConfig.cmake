# SPDX-License-Identifier: Apache-2.0
include(CMakeFindDependencyMacro)
find_dependency(snpnv 0.1 COMPONENTS mbedtls transports)
include("${CMAKE_CURRENT_LIST_DIR}/attesterTargets.cmake")
