# SPDX-License-Identifier: Apache-2.0
# Read by cpack before it packs: the date of all files is that of the version, unless the caller sets one.
if(NOT DEFINED ENV{SOURCE_DATE_EPOCH})
  execute_process(COMMAND dpkg-parsechangelog -l "${CPACK_SNPNV_SOURCE_DIR}/debian/changelog" -S Timestamp
                  OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  set(ENV{SOURCE_DATE_EPOCH} ${date})
endif()
