#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Read by dracut's init, not run: what follows must not end it.
snpnv_boot() {
  # From 126 on: it could not be run or was killed, so nobody has allowed this boot to go on.
  /usr/lib/snpnv/snpnv-boot "$@" || [ $? -lt 126 ] || while :; do echo o > /proc/sysrq-trigger; done
}
# Before any device is there, or, where the command line wants a network, in snpnv-job.sh.
snpnv_waits=
if getargbool 0 rd.neednet; then snpnv_waits=yes; else snpnv_boot; fi

# crypttab's key file: a FIFO, and a process that waits for a reader, which is root's alone, to give it the key. The
# next reader has another FIFO, so that each comes to an end.
snpnv_key=/run/snpnv-key
snpnv_make_fifo() { (umask 077 && mkfifo "$snpnv_key"); }
snpnv_serve_key() {
  while [ -p "$snpnv_key" ]; do
    {
      rm "$snpnv_key"
      snpnv_make_fifo
      snpnv_boot --key
    } > "$snpnv_key"
  done
}
snpnv_server=
if [ -e /etc/crypttab ]; then
  while read -r _ _ file _; do
    [ "$file" != "$snpnv_key" ] || snpnv_server=yes
  done < /etc/crypttab
fi
if [ -n "$snpnv_server" ]; then
  snpnv_make_fifo
  snpnv_serve_key &
  snpnv_server=$!
fi
