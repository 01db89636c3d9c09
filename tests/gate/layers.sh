#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# layers.sh SOURCE_DIR: every file includes lower layers only, and the umbrella includes every header.
#   core < wire < tpm < collect; verify stands on core and wire alone; fetch on those three; broker on fetch too;
#   mbedtls, openssl and nettle on core, wire, verify, mbedtls and openssl on broker, and mbedtls for TLS on fetch.
#   words on core, wire and verify, but errors in words without verify, which a collector has none of;
#   transports stand on core, wire and tpm; the emulated paravisor on these and mbedtls. The programs may use
#   everything, but nothing a program; tests are nobody's.
# In wire, the formats do not know each other.
set -euo pipefail
cd "$1"
bad=0
complain() {
  echo "$1"
  bad=1
}
declare -A allowed=([core]="core" [wire]="core wire" [tpm]="core wire tpm" [verify]="core wire verify"
  [collect]="core wire tpm collect" [fetch]="core wire verify fetch" [broker]="core wire verify fetch broker"
  [words]="core wire verify words" [mbedtls]="core wire verify fetch broker mbedtls" [openssl]="core wire verify broker openssl"
  [nettle]="core wire verify nettle" [transports]="core wire tpm transports"
  [paravisor]="core wire tpm verify mbedtls paravisor")
# The structures of one format may stand in several files.
family() {
  case $1 in
    snp_*) echo snp ;; tpm2_*) echo tpm2 ;; hcl_*) echo hcl ;; *) echo certificates ;;
  esac
}
includes() { sed -n 's|^ *# *include "\([^"]*\)".*|\1|p' "$1"; }
for file in include/snpnv/*/*.hpp transports/*.hpp paravisor/*.hpp; do
  path=${file#include/snpnv/}
  layer=${path%%/*}
  while read -r included; do
    case $included in
      snpnv/version.hpp) continue ;;
      snpnv/*/* | transports/* | paravisor/*) ;;
      *) complain "$file includes $included: no layer" ;;
    esac
    name=${included#snpnv/}
    target=${name%%/*}
    case " ${allowed[$layer]} " in
      *" $target "*) ;;
      *) complain "$file includes $included: not below its layer" ;;
    esac
    if [ "$layer" = wire ] && [ "$target" = wire ] &&
      [ "$(family "${path#wire/}")" != "$(family "${name#wire/}")" ] && [ "$included" != snpnv/wire/snp_tcb.hpp ]; then
      complain "$file includes $included: another format"
    fi
    [ "$path" != words/error.hpp ] || [ "$target" != verify ] || complain "$file includes $included: a collector's"
  done < <(includes "$file")
  case $layer in mbedtls | openssl | nettle | transports | paravisor) continue ;; esac
  grep -q "\"snpnv/$path\"" include/snpnv/snpnv.hpp || complain "snpnv.hpp leaves out $path"
done
for file in $(find tools -name '*.?pp'); do
  while read -r included; do
    case $included in tests/* | fuzz/* | bench/*) complain "$file includes $included: not the programs'" ;; esac
  done < <(includes "$file")
done
# What the headers of the library and transports do is said by their callers alone.
if grep -nE '\b(secure_)?getenv\(|\b(set|put|unset)env\(' include/snpnv/*/*.hpp transports/*.hpp paravisor/*.hpp; then
  complain "a header reads or sets environment variables"
fi
# Commands stand on what they share, never the other way round; neither do the rooms of the tool below others.
for file in tools/snpnv/*.?pp; do
  grep -q '^#include "commands/' "$file" && complain "$file includes a command"
done
declare -A below=([words]="" [failure]="words" [cli]="failure words" [describe]="cli failure words"
  [files]="cli describe failure words" [output_files]="files cli describe failure words"
  [output]="cli describe failure files words")
for room in "${!below[@]}"; do
  for file in tools/snpnv/$room.?pp; do
    while read -r included; do
      case $included in */*) continue ;; esac
      case " ${below[$room]} $room " in
        *" ${included%.hpp} "*) ;;
        *) complain "$file includes $included: not below it" ;;
      esac
    done < <(includes "$file")
  done
done
exit $bad
