#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# setup.sh demo|quick|all: installs what the demonstration, the quick tests or all tests need from Debian's
# packages, as root; otherwise says what to run. Installs nothing that is there already. Exits with 3 if a
# package is missing in the end, with 2 if it is called otherwise.
set -euo pipefail

packages="ca-certificates cmake g++ libmbedtls-dev libtss2-dev ninja-build openssl pkg-config swtpm"
quick=" curl doctest-dev jq libgmp-dev libssl-dev nettle-dev nginx-light parallel perl procps python3 tpm2-tools"
all=" build-essential clang-19 clang-tidy-19 debhelper debootstrap doxygen dpkg-dev file fish iproute2 libbenchmark-dev libc++-19-dev libclang-rt-19-dev lintian make man-db"
all+=" musl-tools openssh-client openssh-server reprepro socat systemd xz-utils zsh zstd"
# Bare metal.
all+=" gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib qemu-system-arm"
# Other processors.
all+=" g++-arm-linux-gnueabihf g++-s390x-linux-gnu qemu-user-static"
case ${1:-} in
  demo) ;;
  quick) packages+=$quick ;;
  all) packages+=$quick$all ;;
  *)
    echo "usage: setup.sh demo|quick|all" >&2
    exit 2
    ;;
esac

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
# One after the other, where several set up at once; and after whoever else installs something.
exec {turn}</var/lib/dpkg
flock "$turn"
install="apt-get -o DPkg::Lock::Timeout=600${install#apt-get}"
# A machine without package lists, or with old ones, gets new ones first.
if ! $install >"$log" 2>&1 && ! { apt-get update && $install; } >"$log" 2>&1; then
  cat "$log" >&2
  exit 3
fi
