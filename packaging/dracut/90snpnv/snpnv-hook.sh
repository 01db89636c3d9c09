#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Read by dracut's init, not run: what follows must not end it.
snpnv_attest() {
  # From 126 on: it could not be run or was killed, so nobody has allowed this boot to go on.
  /usr/lib/snpnv/snpnv-boot || [ $? -lt 126 ] || while :; do echo o > /proc/sysrq-trigger; done
}
# Before any device is there, or, where the command line wants a network, in snpnv-job.sh.
snpnv_waits=
if getargbool 0 rd.neednet; then snpnv_waits=yes; else snpnv_attest; fi
