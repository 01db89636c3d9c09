#!/bin/bash
# dracut module: attests the boot from the initramfs. To switch it on:
#   echo 'add_dracutmodules+=" snpnv "' > /etc/dracut.conf.d/snpnv.conf
# shellcheck disable=SC2154 # dracut sets moddir, systemdsystemunitdir, initdir and systemdutildir

check() {
  require_binaries snpnv || return 1
  return 255 # only when asked for
}

installkernel() {
  hostonly='' instmods '=drivers/char/tpm'
}

install() {
  local hook
  inst_multiple snpnv mkdir mv sleep
  inst_multiple -o modprobe
  inst_script /usr/lib/snpnv/snpnv-boot
  inst_multiple -o /etc/snpnv/initramfs.conf /etc/snpnv/vcek.pem
  hook=$(sed -n 's/^hook=//p' "${dracutsysrootdir-}/etc/snpnv/initramfs.conf" 2> /dev/null)
  [ -z "$hook" ] || inst_multiple "$hook"
  if dracut_module_included systemd; then
    inst_simple "$systemdsystemunitdir/snpnv-initrd.service"
    $SYSTEMCTL -q --root "$initdir" add-wants initrd.target snpnv-initrd.service
  else
    inst_hook pre-trigger 50 "$moddir/snpnv-hook.sh"
  fi
}
