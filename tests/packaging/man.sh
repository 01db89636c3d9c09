#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# man.sh SOURCE_DIR SNPNV SNPNV-PARAVISOR: the manual pages are what the programs, the script and the
# configuration file say, and are good roff.
set -euo pipefail
good() { # PAGE WHAT-IT-DESCRIBES
  python3 "$packaging/man/make.py" "$2" | diff "$1" - || { echo "renew it: packaging/man/make.py $2"; exit 1; }
  warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings --local-file "$1" 2>&1 >/dev/null)
  [ -z "$warnings" ] || { echo "$warnings"; exit 1; }
}
packaging=$1/packaging
good "$packaging/man/snpnv-boot.8" "$packaging/initramfs/snpnv-boot"
page=$packaging/man/snpnv-initramfs.conf.5
good "$page" "$packaging/initramfs/initramfs.conf"
# All that the script takes.
options=$(sed -n '/^option() {/,/^}/s/^    \([a-z]*\)) *.*/\1/p; /^option() {/,/^}/s/^    \([a-z]*\)$/\1/p' \
  "$packaging/initramfs/snpnv-boot")
[ "$(wc -w <<<"$options")" -eq 10 ] || { echo "not the options of snpnv-boot: $options"; exit 1; }
for option in $options; do grep -q "^\.B $option=" "$page" || { echo "$page lacks $option"; exit 1; }; done
for program in "$2" "$3"; do
  page=$packaging/man/$(basename "$program").1
  good "$page" "$program"
  # All of the command line is there, whatever make.py took for a list.
  commands=("")
  if grep -q '^commands:' < <("$program" --help); then
    mapfile -t -O 1 commands < <("$program" --help | sed -n '/^commands:/,/^$/s/^  \([a-z ]*[a-z]\)  .*/\1/p')
    [ "${#commands[@]}" -gt 5 ]
  fi
  for command in "${commands[@]}"; do
    # shellcheck disable=SC2086 # one word or two
    for option in $("$program" $command --help | grep -oE -- '^ +(-.,)? *--[a-z-]+' | grep -oE -- '--[a-z-]+'); do
      grep -qF -- "${option//-/\\-}" "$page" || { echo "$page lacks $option of $command"; exit 1; }
    done
    grep -qF -- "${command//-/\\-}" "$page" || { echo "$page lacks $command"; exit 1; }
  done
  echo "$(basename "$page"): ${#commands[@]} commands"
done
