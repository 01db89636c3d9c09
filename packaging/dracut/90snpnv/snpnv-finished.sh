#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Read by dracut's init: whether it may go on to mount the root.
[ -z "$snpnv_waits" ]
