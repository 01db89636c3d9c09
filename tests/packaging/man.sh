#!/usr/bin/env bash
# man.sh SOURCE_DIR SNPNV SNPNV-PARAVISOR: the manual pages are what the programs say, and are good roff.
set -euo pipefail
for program in "$2" "$3"; do
  page=$1/packaging/man/$(basename "$program").1
  python3 "$1/packaging/man/make.py" "$program" | diff "$page" - ||
    { echo "renew it: packaging/man/make.py $(basename "$program")"; exit 1; }
  warnings=$(LC_ALL=C.UTF-8 MANROFFSEQ='' MANWIDTH=80 man --warnings --local-file "$page" 2>&1 >/dev/null)
  [ -z "$warnings" ] || { echo "$warnings"; exit 1; }
  # All of the command line is there, whatever make.py took for a list.
  commands=("")
  if "$program" --help | grep -q '^commands:'; then
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
