#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# get_secret.sh RESOURCE URL CA-FILE COMMAND...: gets a secret from Trustee's key broker, for fresh evidence of this machine,
# and runs COMMAND with it on standard input: `cryptsetup open DEVICE root --key-file -`, say. Without the secret
# COMMAND is not run.
set -eu
resource=$1 url=$2 authority=$3
shift 3
umask 077
secret=$(mktemp "${XDG_RUNTIME_DIR:-/run}/secret.XXXXXX") # in memory, not on a disk
trap 'rm -f "$secret"' EXIT
# shellcheck disable=SC2086 # the resource, and options where there are some
snpnv --quiet kbs $resource --url "$url" --ca-file "$authority" --out "$secret"
"$@" <"$secret"
