#!/usr/bin/env bash
# setup.sh demo|test: installs what the demonstration or the tests need from Debian's packages, as
# root; otherwise says what to install. Installs nothing that is there already.
set -euo pipefail

packages="ca-certificates cmake g++ libmbedtls-dev libtss2-dev ninja-build openssl pkg-config swtpm"
if [ "${1:-}" = test ]; then
  packages+=" clang-19 curl doctest-dev iproute2 jq libbenchmark-dev libclang-rt-19-dev libssl-dev perl"
  packages+=" procps psmisc python3 socat tpm2-tools xz-utils zstd"
fi

missing=
for package in $packages; do
  dpkg-query -W -f='${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed || missing+=" $package"
done
[ -z "$missing" ] && exit 0
if [ "$(id -u)" -ne 0 ]; then
  echo "Please install, as root: apt-get install$missing" >&2
  exit 3
fi
export DEBIAN_FRONTEND=noninteractive
echo "installing:$missing"
log=$(mktemp)
# shellcheck disable=SC2086 # words on purpose
if ! { apt-get update -qq && apt-get install -y -qq --no-install-recommends $missing; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 3
fi
rm -f "$log"
