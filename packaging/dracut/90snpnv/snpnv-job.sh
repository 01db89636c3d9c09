#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Read by dracut's init: the first job once devices are there. It runs the jobs that bring up the network, since
# those that unlock a device may have names before theirs.
# shellcheck disable=SC2154 # dracut sets hookdir
if [ -n "$snpnv_waits" ]; then
  for job in "$hookdir"/initqueue/ifup-*.sh; do
    # shellcheck source=/dev/null
    [ ! -e "$job" ] || . "$job"
  done
  snpnv_boot
  snpnv_waits=
fi
