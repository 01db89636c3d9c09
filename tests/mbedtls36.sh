#!/usr/bin/env bash
# Builds and runs the tests of the verifier and of fetch with Mbed TLS 3.6 of Debian 13. Its packages are
# unpacked into the build folder; nothing is installed.
#
# usage: mbedtls36.sh BUILD_DIR
set -euo pipefail

source_dir=$(cd "$(dirname "$0")/.." && pwd)
mkdir -p "$1"
build=$(cd "$1" && pwd)
apt=$build/apt
mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial" "$apt/debs"

cat >"$apt/sources.list" <<SOURCES
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main
SOURCES
cat >"$apt/apt.conf" <<CONF
Dir::Etc::SourceList "$apt/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "root";
CONF

if [ ! -e "$apt/root/usr/include/psa/crypto.h" ]; then
  export APT_CONFIG=$apt/apt.conf
  apt-get -qq update
  (cd "$apt/debs" && apt-get -qq download libmbedtls-dev)
  dpkg -x "$apt"/debs/libmbedtls-dev_3.*.deb "$apt/root"
fi

# The static libraries: what is tested then needs nothing of Debian 13 at run time.
libraries=$(echo "$apt"/root/usr/lib/*/)
cmake -G Ninja -S "$source_dir" -B "$build/cmake" -DSNPNV_WERROR=ON -DCMAKE_BUILD_TYPE=Debug \
  -DMBEDTLS_INCLUDE_DIR="$apt/root/usr/include" \
  -DMBEDTLS_LIBRARY="${libraries}libmbedtls.a" -DMBEDX509_LIBRARY="${libraries}libmbedx509.a" \
  -DMBEDCRYPTO_LIBRARY="${libraries}libmbedcrypto.a" \
  >"$build/cmake.log"
# The library is what counts here, so its users are compiled quickly.
tests=(provider quote vectors verify)
cmake --build "$build/cmake" -- --quiet "${tests[@]/#/test_verify_}" test_by_psa_provider snpnv snpnv-paravisor
ctest --test-dir "$build/cmake" --output-on-failure --parallel "$(nproc)" -R \
  "^(verify_($(IFS='|'; echo "${tests[*]}"))|by_psa_provider|tools_verify|tools_fetch)\$"
