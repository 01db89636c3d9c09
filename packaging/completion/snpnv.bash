# SPDX-License-Identifier: Apache-2.0
# bash completion for snpnv and snpnv-paravisor: ../../snpnv/complete knows what to offer.
_snpnv_complete=${BASH_SOURCE[0]%/*}/../../snpnv/complete
_snpnv() {
  local words current line=${COMP_LINE:0:COMP_POINT}
  read -ra words <<<"$line"
  [[ $line != *[[:space:]] ]] || words+=("")
  current=${words[-1]}
  mapfile -t COMPREPLY < <("$_snpnv_complete" "${words[@]}")
  if [ "${COMPREPLY[0]-}" = @files ]; then
    compopt -o filenames 2>/dev/null
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
    return
  fi
  # What goes on, as swtpm:host= does, gets no space; and bash replaces what stands behind the last colon or =.
  [[ ${COMPREPLY[0]-} != *[:=] ]] || compopt -o nospace 2>/dev/null
  local keep=${current%"${current##*[:=]}"} i
  for i in "${!COMPREPLY[@]}"; do COMPREPLY[i]=${COMPREPLY[i]#"$keep"}; done
}
complete -F _snpnv snpnv snpnv-paravisor
