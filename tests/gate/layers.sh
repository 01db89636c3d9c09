#!/usr/bin/env bash
# layers.sh SOURCE_DIR: a header includes lower layers only, and the umbrella includes every header.
#   core < wire < tpm < collect; verify stands on core and wire alone; fetch on those three; mbedtls, openssl
#   and nettle on core, wire, verify, and mbedtls for TLS on fetch.
# In wire, the formats do not know each other.
set -euo pipefail
cd "$1/include/snpnv"
bad=0
complain() {
  echo "$1"
  bad=1
}
declare -A allowed=([core]="core" [wire]="core wire" [tpm]="core wire tpm" [verify]="core wire verify"
  [collect]="core wire tpm collect" [fetch]="core wire verify fetch" [mbedtls]="core wire verify fetch mbedtls"
  [openssl]="core wire verify openssl" [nettle]="core wire verify nettle")
# The structures of one format may stand in several files.
family() {
  case $1 in
    snp_*) echo snp ;; tpm2_*) echo tpm2 ;; hcl_*) echo hcl ;; *) echo certificates ;;
  esac
}
for file in */*.hpp; do
  layer=${file%%/*}
  while read -r included; do
    target=${included%%/*}
    [ "$target" = version.hpp ] && continue
    case " ${allowed[$layer]} " in
      *" $target "*) ;;
      *) complain "$file includes $included: not below its layer" ;;
    esac
    if [ "$layer" = wire ] && [ "$target" = wire ] &&
      [ "$(family "${file#wire/}")" != "$(family "${included#wire/}")" ] && [ "$included" != wire/snp_tcb.hpp ]; then
      complain "$file includes $included: another format"
    fi
  done < <(sed -n 's|^#include "snpnv/\([^"]*\)".*|\1|p' "$file")
  grep -q '^#include "[^s]' "$file" && complain "$file includes a file that is not below snpnv/"
  case $layer in mbedtls | openssl | nettle) continue ;; esac
  grep -q "\"snpnv/$file\"" snpnv.hpp || complain "snpnv.hpp leaves out $file"
done
exit $bad
