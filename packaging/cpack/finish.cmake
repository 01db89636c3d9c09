# SPDX-License-Identifier: Apache-2.0
# Read by cpack once the files of all packages are in place: what debhelper does for dpkg-buildpackage.
foreach(component IN LISTS CPACK_COMPONENTS_ALL)
  string(TOUPPER ${component} upper)
  set(share "${CPACK_TEMPORARY_DIRECTORY}/${component}/usr/share")
  set(doc "${share}/doc/${CPACK_DEBIAN_${upper}_PACKAGE_NAME}")
  configure_file("${CPACK_SNPNV_SOURCE_DIR}/debian/copyright" "${doc}/copyright" COPYONLY)
  configure_file("${CPACK_SNPNV_SOURCE_DIR}/debian/changelog" "${doc}/changelog" COPYONLY)
  file(GLOB pages "${share}/man/*/*")
  execute_process(COMMAND gzip -9nf ${pages} "${doc}/changelog" COMMAND_ERROR_IS_FATAL ANY)
endforeach()
