# SPDX-License-Identifier: Apache-2.0
# CMake toolchain file: musl by Debian's musl-gcc, and the C++ headers of the same GCC.
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_CXX_COMPILER musl-gcc)
execute_process(COMMAND gcc -dumpversion OUTPUT_VARIABLE version OUTPUT_STRIP_TRAILING_WHITESPACE)
execute_process(COMMAND gcc -print-multiarch OUTPUT_VARIABLE multiarch OUTPUT_STRIP_TRAILING_WHITESPACE)
set(CMAKE_CXX_FLAGS_INIT "-isystem /usr/include/c++/${version} \
-isystem /usr/include/${multiarch}/c++/${version} -include ${CMAKE_CURRENT_LIST_DIR}/libstdcxx_on_musl.hpp")
