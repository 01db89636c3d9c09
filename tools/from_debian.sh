#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# from_debian.sh FOLDER SUITE ARCHITECTURE PACKAGE...: unpacks packages of a Debian suite (bookworm, trixie) into
# FOLDER/root, without their dependencies; with `source` as the architecture it is one source package, patched and with
# its security updates. Nothing is installed. Does nothing where that has been done.
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)
suite=$2
architecture=$3
shift 3
done="$folder/complete $suite $architecture $*"
[ ! -e "$done" ] || exit 0
rm -rf "$folder/root" "$folder/packages"
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/packages"
mirror="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org"
if [ "$architecture" = source ]; then
  printf '%s\n' "deb-src $mirror/debian $suite main" "deb-src $mirror/debian-security $suite-security main"
  architecture=$(dpkg --print-architecture)
  unpack() { apt-get -qq source --download-only "$@" && dpkg-source --no-copy -x ./*.dsc "$folder/root"; }
else
  echo "deb $mirror/debian $suite main"
  unpack() { apt-get -qq download "$@" && for deb in ./*.deb; do dpkg -x "$deb" "$folder/root"; done; }
fi >"$folder/sources.list"
cat >"$folder/apt.conf" <<CONF
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$folder/lists";
Dir::State::Status "/dev/null";
Dir::Cache "$folder/cache";
APT::Sandbox::User "root";
APT::Architecture "$architecture";
APT::Architectures { "$architecture"; };
CONF
export APT_CONFIG=$folder/apt.conf
apt-get -qq update
(cd "$folder/packages" && unpack "$@" >"$folder/log" 2>&1) || { cat "$folder/log" >&2; exit 1; }
rm -r "$folder/lists" "$folder/cache" "$folder/packages" "$folder/log"
touch "$done"
