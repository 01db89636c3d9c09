#!/usr/bin/env bash
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
# The service gives its verdict: no evidence; and evidence whose version binds the report to no nonce.
service=$work/find_package/service
[ "$("$service" /dev/null "$1/tests/pki/milan/ask.pem" challenge)" = json_syntax ]
vectors=${SNPNV_VECTORS:-$1/../shared/vectors}
if [ -d "$vectors" ]; then
  [ "$("$service" "$vectors/azure-milan-evidence-v1/evidence.json" "$vectors/roots/ask-milan.pem" challenge)" = \
    binding.user_data ]
fi
[ -x "$work/prefix/bin/snpnv" ]
# The providers that this build did not ask for are not there.
for provider in openssl nettle; do
  ! cmake -S "$1/tests/consumers/verifier" -B "$work/$provider" -DCMAKE_PREFIX_PATH="$work/prefix" \
    -DPROVIDER=$provider >"$work/log" 2>&1
  grep -q 'set snpnv_FOUND to FALSE' "$work/log"
  [ ! -e "$work/prefix/include/snpnv/$provider" ]
done
[ ! -e "$work/prefix/include/transports" ]
export PKG_CONFIG_PATH="$work/prefix/share/pkgconfig"
pkg-config --modversion snpnv
# shellcheck disable=SC2046 # flags are words
"$3" "$1/tests/consumers/consumer.cpp" -o "$work/consumer" \
  $(pkg-config --cflags --libs snpnv snpnv-mbedtls snpnv-transports)
[ "$("$work/consumer")" = "no TPM" ]
echo "pkg-config: works"
