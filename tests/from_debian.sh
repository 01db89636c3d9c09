#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# from_debian.sh FOLDER SUITE ARCHITECTURE PACKAGE...: unpacks packages of a Debian suite (bookworm, trixie) into
# FOLDER/root, without their dependencies; nothing is installed. Does nothing where that has been done.
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)
suite=$2
architecture=$3
shift 3
done="$folder/complete $suite $architecture $*"
[ ! -e "$done" ] || exit 0
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/debs"
cat >"$folder/sources.list" <<SOURCES
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian $suite main
SOURCES
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
(cd "$folder/debs" && apt-get -qq download "$@")
for deb in "$folder"/debs/*.deb; do dpkg -x "$deb" "$folder/root"; done
rm -r "$folder/lists" "$folder/cache" "$folder/debs"
touch "$done"
