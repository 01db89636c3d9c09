#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Read by dracut's init before the real root: nobody is given a key there.
if [ -n "$snpnv_server" ]; then
  { kill "$snpnv_server" && wait "$snpnv_server"; } 2> /dev/null  # without a word about the signal
  rm -f "$snpnv_key"
fi
