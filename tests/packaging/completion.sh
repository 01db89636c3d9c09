#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# completion.sh SOURCE_DIR SNPNV: what bash, zsh and fish make of a line behind which Tab is pressed, for both programs;
# and whether the words that completion knows are the programs' own.
set -uo pipefail
completion=$1/packaging/completion
PATH=$(dirname "$2"):$PATH
failures=0
fail() {
  failures=$((failures + 1))
  echo "FAILED: $1"
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# As it is installed.
share=$work/share
mkdir -p "$share/snpnv" "$share"/{bash-completion/completions,zsh/vendor-completions,fish/vendor_completions.d}
cp "$completion/complete" "$share/snpnv"
cp "$completion/snpnv.bash" "$share/bash-completion/completions/snpnv"
cp "$completion/_snpnv" "$share/zsh/vendor-completions"
cp "$completion/snpnv.fish" "$share/fish/vendor_completions.d"
mkdir "$work/here"
cd "$work/here" || exit 1
touch report.bin

# What bash offers.
. "$share/bash-completion/completions/snpnv"
offers() { # WANTED LINE
  COMP_LINE=$2
  COMP_POINT=${#2}
  _snpnv
  [ "${COMPREPLY[*]}" = "$1" ] || fail "behind '$2': '${COMPREPLY[*]}', not '$1'"
}
offers "report" "snpnv rep"
offers "display" "snpnv -q dis"
offers "report" "snpnv -T swtpm: rep"
offers "report" "snpnv display rep"
offers "attestation" "snpnv verify att"
offers "--timeout" "snpnv report --ti"
offers "--allow-debug" "snpnv verify attestation --allow-d"
offers "--json" "snpnv --js"
offers "report.bin" "snpnv display report rep"
offers "report.bin" "snpnv report rep"
offers "report.bin" "snpnv verify attestation --claims rep"
offers "" "snpnv frobnicate -- --x"
offers "" "snpnv zzz"
offers "pem der" "snpnv fetch ca "
offers "report.bin" "snpnv fetch ca pem "
offers "milan genoa bergamo siena turin" "snpnv fetch ca pem dir "
offers "auto platform store kds" "snpnv fetch vcek --source "
offers "/dev/tpmrm0 /dev/tpm0" "snpnv --tcti device:"
offers "azure-2023 azure-2024" "snpnv-paravisor --profile az"

# All three shells, where one word goes on the line: what is there then.
table=(
  "snpnv rep|snpnv report"
  "snpnv verify att|snpnv verify attestation"
  "snpnv verify attestation --allow-d|snpnv verify attestation --allow-debug"
  "snpnv display report rep|snpnv display report report.bin"
  "snpnv fetch ca p|snpnv fetch ca pem"
  "snpnv fetch ca pem dir t|snpnv fetch ca pem dir turin"
  "snpnv evidence --format m|snpnv evidence --format maa"
  "snpnv -T dev evidence f --source k|snpnv -T dev evidence f --source kds"
  "snpnv --tcti device:/dev/tpmr|snpnv --tcti device:/dev/tpmrm0"
  "snpnv verify attestation --min-tcb tee=1,boo|snpnv verify attestation --min-tcb tee=1,boot_loader="
  "snpnv-paravisor --fault torn,http-tr|snpnv-paravisor --fault torn,http-truncated"
  "snpnv-paravisor --user-data-case u|snpnv-paravisor --user-data-case upper"
)
by_bash() {
  COMP_LINE=$1
  COMP_POINT=${#1}
  _snpnv
  local word=${1##* }
  echo "${1%"${word##*[:=]}"}${COMPREPLY[*]}"
}
by_fish() {
  HOME=$work XDG_DATA_DIRS=$share fish --no-config -c "source $share/fish/vendor_completions.d/snpnv.fish
    complete -C '$1'" >"$work/fish" 2>&1
  echo "${1% *} $(cut -f1 "$work/fish" | tr '\n' ' ' | sed 's/ $//')"
}
# Types the line and Tab; the programs are functions there that print what they were given.
cat >"$work/by_zsh" <<'ZSH'
zmodload zsh/zpty
zpty shell "ZDOTDIR=$2 TERM=dumb zsh -f -i"
zpty -w shell "PROMPT= RPROMPT=; unsetopt zle_bracketed_paste prompt_cr prompt_sp; fpath=($1 \$fpath); autoload -Uz compinit; compinit -u -D"
zpty -w shell "snpnv() print -r -- \"<\"snpnv \$@\">\"; snpnv-paravisor() print -r -- \"<\"snpnv-paravisor \$@\">\"; print rea\"\"dy"
zpty -r shell out '*ready*'
zpty -w -n shell $3$'\t\n'
zpty -r shell out $'*\n<snpnv*>*'
out=${out##*$'\n<'}
print -r -- ${${out%%>*}%% }
ZSH
by_zsh() { zsh -f "$work/by_zsh" "$share/zsh/vendor-completions" "$work" "$1"; }
for row in "${table[@]}"; do
  for shell in bash zsh fish; do
    got=$(timeout 300 bash -c "$(declare -f _snpnv by_bash by_zsh by_fish); _snpnv_complete=$_snpnv_complete
      work=$work share=$share by_$shell \"\$1\"" by "${row%|*}")
    [ "$got" = "${row#*|}" ] || fail "$shell makes of '${row%|*}': '$got', not '${row#*|}'"
  done
done

# Each word of the table is one that a program's help or docs/policy.md has.
help=$(for command in "" report "fetch ca" quote evidence "verify attestation"; do
  # shellcheck disable=SC2086 # one word or two
  snpnv $command --help
done; snpnv-paravisor --help; cat "$1/docs/policy.md")
words=$(bash -c '. <(sed -n "/^table() {/,/^}/p" "$1"); help=; table' bash "$share/snpnv/complete" | sed 's/.*[a-z0-9]:\([^:]* \)/\1/')
count=0
for word in $words; do
  word=${word#!}
  count=$((count + 1))
  case $word in
    0 | 1 | 2 | 3 | 5 | *:* | tabrmd | swtpm) ;;
    *) grep -qwF -- "${word%=}" <<<"$help" || fail "nobody else knows '$word'" ;;
  esac
done
[ "$count" -gt 50 ] || fail "the table has only $count words"
[ "$failures" -eq 0 ] && echo "completion: works"
