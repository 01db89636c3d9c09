# SPDX-License-Identifier: Apache-2.0
# fish completion for snpnv and snpnv-paravisor: ../../snpnv/complete knows what to offer.
set -g __snpnv_complete (dirname (status filename))/../../snpnv/complete
function __snpnv
    set -l offered ($__snpnv_complete (commandline -opc) (commandline -ct | string collect --allow-empty))
    if test "$offered[1]" = @files
        __fish_complete_path (commandline -ct)
    else
        printf '%s\n' $offered
    end
end
complete -c snpnv -f -a '(__snpnv)'
complete -c snpnv-paravisor -f -a '(__snpnv)'
