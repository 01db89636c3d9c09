#!/usr/bin/env bash
# completion.sh SOURCE_DIR SNPNV: what bash offers behind some words.
set -uo pipefail
PATH=$(dirname "$2"):$PATH
. "$1/packaging/completion/snpnv"
failures=0
# offers WANTED WORD...: the last word is the one under the cursor.
offers() {
  local wanted=$1
  shift
  COMP_WORDS=(snpnv "$@")
  COMP_CWORD=$#
  _snpnv
  [ "${COMPREPLY[*]}" = "$wanted" ] && return
  failures=$((failures + 1))
  echo "FAILED: behind '$*': '${COMPREPLY[*]}', not '$wanted'"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 1
touch report.bin
offers "report" rep
offers "display" -q dis
offers "report" -T swtpm: rep
offers "report" display rep
offers "attestation" verify att
offers "--timeout" report --ti
offers "--allow-debug" verify attestation --allow-d
offers "--json" --js
offers "report.bin" display report rep
offers "report.bin" report rep
offers "" frobnicate -- --x
offers "" zzz
[ "$failures" -eq 0 ] && echo "completion: works"
