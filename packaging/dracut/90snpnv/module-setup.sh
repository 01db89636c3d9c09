#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# dracut module: attests the boot from the initramfs. It is in every image that is made where it is installed.
# shellcheck disable=SC2154 # dracut sets moddir, systemdsystemunitdir, initdir and systemdutildir

check() {
  require_binaries snpnv setsid || return 1
}

installkernel() {
  hostonly='' instmods '=drivers/char/tpm'
}

install() {
  local root=${dracutsysrootdir-} options name value file
  # What is wrong is said, and no image made: dracut goes on where a module only fails.
  options=$("$root/usr/lib/snpnv/snpnv-boot" --check "$root") || exit 1
  inst_multiple snpnv sh mkdir setsid sleep
  inst_multiple -o modprobe
  inst_script /usr/lib/snpnv/snpnv-boot
  inst_multiple -o /etc/snpnv/initramfs.conf /etc/snpnv/vcek.pem /etc/snpnv/kbs-ca.pem
  while IFS== read -r name value; do
    case $name=$value in
      hook=/*) inst_multiple "$value" ;;
      ca=*) inst_multiple -o "$value" ;;
      vcek=/*) find -L "$root$value" -type f | while read -r file; do inst_simple "${file#"$root"}"; done ;;
      vcek=https:*) inst_multiple -o /etc/ssl/certs/ca-certificates.crt ;;
    esac
  done <<< "$options"
  if dracut_module_included systemd; then
    inst_simple "$systemdsystemunitdir/snpnv-initrd.service"
    $SYSTEMCTL -q --root "$initdir" add-requires initrd.target snpnv-initrd.service
    inst_multiple "$systemdsystemunitdir/snpnv-key.socket" "$systemdsystemunitdir/snpnv-key@.service"
    $SYSTEMCTL -q --root "$initdir" add-wants initrd.target snpnv-key.socket
  else
    inst_multiple mkfifo rm
    inst_hook pre-trigger 50 "$moddir/snpnv-hook.sh"
    inst_hook initqueue 00 "$moddir/snpnv-job.sh"
    inst_hook initqueue/finished 00 "$moddir/snpnv-finished.sh"
    inst_hook cleanup 50 "$moddir/snpnv-cleanup.sh"
    dracut_need_initqueue
  fi
}
