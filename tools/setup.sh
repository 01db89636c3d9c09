#!/usr/bin/env bash
# setup.sh demo|test: installs what the demonstration or the tests need from Debian's packages, as
# root; otherwise says what to run. Installs nothing that is there already. Exits with 3 if a package
# is missing in the end.
set -euo pipefail

packages="ca-certificates cmake g++ libmbedtls-dev libtss2-dev ninja-build openssl pkg-config swtpm"
if [ "${1:-}" = test ]; then
  packages+=" clang-19 clang-tidy-19 curl doctest-dev iproute2 jq libbenchmark-dev libclang-rt-19-dev"
  packages+=" debootstrap dpkg-dev file libgmp-dev libssl-dev make man-db musl-tools nettle-dev nginx-light parallel perl procps psmisc"
  packages+=" python3 reprepro socat systemd tpm2-tools xz-utils zstd"
fi

missing=
for package in $packages; do
  status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
  [ "$status" = installed ] || missing+=" $package"
done
[ -z "$missing" ] && exit 0
install="apt-get install --yes --no-install-recommends$missing"
if [ "$(id -u)" -ne 0 ]; then
  echo "Please run as root: $install" >&2
  exit 3
fi

export DEBIAN_FRONTEND=noninteractive
echo "installing:$missing"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# A machine without package lists, or with old ones, gets new ones first.
if ! $install >"$log" 2>&1 && ! { apt-get update && $install; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 3
fi
