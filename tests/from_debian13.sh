#!/usr/bin/env bash
# from_debian13.sh FOLDER PACKAGE: unpacks a package of Debian 13 into FOLDER/root, without its dependencies;
# nothing is installed. Does nothing where that has been done.
set -euo pipefail
mkdir -p "$1"
folder=$(cd "$1" && pwd)
[ ! -e "$folder/$2.complete" ] || exit 0
mkdir -p "$folder/lists/partial" "$folder/cache/archives/partial" "$folder/debs"
cat >"$folder/sources.list" <<'SOURCES'
deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian trixie main
SOURCES
cat >"$folder/apt.conf" <<CONF
Dir::Etc::SourceList "$folder/sources.list";
Dir::Etc::SourceParts "-";
Dir::State::Lists "$folder/lists";
Dir::Cache "$folder/cache";
APT::Sandbox::User "root";
CONF
export APT_CONFIG=$folder/apt.conf
apt-get -qq update
(cd "$folder/debs" && apt-get -qq download "$2/trixie")
dpkg -x "$folder/debs/$2"_*.deb "$folder/root"
touch "$folder/$2.complete"
