#!/bin/sh
# Read by dracut's init, not run: what follows must not end it.
/usr/lib/snpnv/snpnv-boot || :
