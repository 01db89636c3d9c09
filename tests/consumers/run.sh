#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# run.sh SOURCE_DIR BUILD_DIR COMPILER: each way to use the project from another one.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cmake --install "$2" --prefix "$work/prefix" >"$work/log"
for way in find_package add_subdirectory fetch_content; do
  cmake -G Ninja -S "$1/tests/consumers/$way" -B "$work/$way" -DCMAKE_CXX_COMPILER="$3" \
    -DCMAKE_PREFIX_PATH="$work/prefix" -DSNPNV_SOURCE_DIR="$1" >"$work/log" || { cat "$work/log"; exit 1; }
  cmake --build "$work/$way" >"$work/log" || { cat "$work/log"; exit 1; }
  [ "$("$work/$way/consumer")" = "no TPM" ]
  echo "$way: works"
done
# A consumer that exports what it links.
cmake -G Ninja -S "$1/tests/consumers/exported" -B "$work/exported" -DCMAKE_CXX_COMPILER="$3" -DSNPNV_SOURCE_DIR="$1" \
  >"$work/log" 2>&1 && cmake --build "$work/exported" >>"$work/log" 2>&1 &&
  cmake --install "$work/exported" --prefix "$work/exported-prefix" >>"$work/log" 2>&1 &&
  cmake -G Ninja -S "$1/tests/consumers/exported/user" -B "$work/user" -DCMAKE_CXX_COMPILER="$3" \
    -DCMAKE_PREFIX_PATH="$work/exported-prefix" >>"$work/log" 2>&1 && cmake --build "$work/user" >>"$work/log" 2>&1 ||
  { cat "$work/log"; exit 1; }
[ "$("$work/user/consumer")" = "no TPM" ]
echo "install(EXPORT): works"
# The example gives its verdict: no evidence; and evidence whose version binds the report to no nonce.
service=$work/find_package/verify_evidence
says() { "$service" "$@" | tail -n 1; }
[ "$(says /dev/null "$1/tests/pki/milan/ask.pem" challenge)" = "REJECTED: json_syntax" ]
vectors=${SNPNV_VECTORS:-$1/../shared/vectors}
if [ -d "$vectors" ]; then
  [ "$(says "$vectors/azure-milan-evidence-v1/evidence.json" "$vectors/roots/ask-milan.pem" challenge)" = \
    "REJECTED: binding.user_data" ]
fi
[ -x "$work/prefix/bin/snpnv" ]
# The providers that this build did not ask for are not there.
for provider in openssl nettle; do
  ! cmake -S "$1/tests/consumers/verifier" -B "$work/$provider" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DPROVIDER=$provider >"$work/log" 2>&1
  grep -q 'set snpnv_FOUND to FALSE' "$work/log"
  grep -q "^  $provider: not a component that was built" "$work/log"
  [ ! -e "$work/prefix/include/snpnv/$provider" ]
done
[ ! -e "$work/prefix/include/transports" ]
# pkg-config has the same components as CMake: all of them, where all were asked for.
cmake -G Ninja -S "$1" -B "$work/all" -DCMAKE_CXX_COMPILER="$3" -DSNPNV_TOOLS=OFF -DSNPNV_TESTS=OFF \
  -DSNPNV_OPENSSL=ON -DSNPNV_NETTLE=ON >"$work/log" 2>&1 || { cat "$work/log"; exit 1; }
cmake --install "$work/all" --prefix "$work/all-prefix" >"$work/log"
components() { find "$1/share/pkgconfig" -name '*.pc' -printf '%f\n' | sed 's/^snpnv-//; s/\.pc$//' | sort | tr '\n' ' '; }
targets() {
  sed -n 's/^add_library(snpnv::\([a-z]*\) .*/\1/p' "$1/share/cmake/snpnv/snpnvTargets.cmake" | sort | tr '\n' ' '
}
[ "$(components "$work/prefix")" = "mbedtls paravisor snpnv tls transports " ]
[ "$(components "$work/prefix")" = "$(targets "$work/prefix")" ]
[ "$(components "$work/all-prefix")" = "mbedtls nettle openssl paravisor snpnv tls transports " ]
[ "$(components "$work/all-prefix")" = "$(targets "$work/all-prefix")" ]
compiler=$3
by_pkgconfig() { # PACKAGES SOURCE OPTION...: compiles it to $work/consumer
  # shellcheck disable=SC2046,SC2086 # flags and packages are words
  "$compiler" "${@:3}" "$2" -o "$work/consumer" \
    $(PKG_CONFIG_PATH=$work/all-prefix/share/pkgconfig pkg-config --cflags --libs $1)
}
by_pkgconfig "snpnv-mbedtls snpnv-transports" "$1/tests/consumers/consumer.cpp"
[ "$("$work/consumer")" = "no TPM" ]
for provider in openssl nettle; do
  by_pkgconfig snpnv-$provider "$1/tests/consumers/verifier/verifier.cpp" -DBY_$provider
  [ "$("$work/consumer")" = chain.root_pinned ]
done
by_pkgconfig snpnv-tls "$1/tests/consumers/tls.cpp"
"$work/consumer"
echo "pkg-config: works"
# What was installed can be taken away again as README says.
uninstall=$(sed -n 's|.*`\(xargs [^`]*\)`.*|\1|p' "$1/README.md")
(cd "$work" && mv all build && eval "$uninstall")
left=$(find "$work/all-prefix" -type f)
[ -n "$uninstall" ] && [ -z "$left" ] || { echo "left behind: $left"; exit 1; }
echo "uninstall: works"
