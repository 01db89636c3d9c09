#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# A fresh SNP report on any machine: builds the project, starts an emulated paravisor with a real
# software TPM behind it, and asks it for reports. Needs root once, for Debian's packages.
set -euo pipefail
cd "$(dirname "$0")/.."

bash tools/setup.sh demo
echo "building (the first time takes a few minutes) ..."
cmake -G Ninja -S . -B build/demo -DSNPNV_TESTS=OFF >/dev/null
cmake --build build/demo -- --quiet
PATH=$PWD/build/demo/tools:$PATH

work=$(mktemp -d)
cleanup() {
  [ -n "${paravisor:-}" ] && kill "$paravisor" 2>/dev/null && wait "$paravisor" 2>/dev/null
  rm -rf "$work"
}
trap cleanup EXIT

run() { # prints a command and runs it
  printf '\n$ %s\n' "$*"
  "$@"
}
proven() { printf '  proven: %s\n' "$*"; }

cd "$work"
mkfifo ready
printf '\n$ snpnv-paravisor --state vm --listen 127.0.0.1:0 --http 127.0.0.1:0 --https 127.0.0.1:0\n'
snpnv-paravisor --state vm --listen 127.0.0.1:0 --http 127.0.0.1:0 --https 127.0.0.1:0 >ready &
paravisor=$!
read -r line <ready
echo "$line"
line=${line#ready tcti=}
export SNPNV_TCTI=${line%% *}
platform=$(sed 's/.* http=\([^ ]*\).*/\1/' <<<"$line") # as a cloud's endpoint, which needs no DNS
kds=$(sed 's/.* https=\([^ ]*\).*/\1/' <<<"$line")     # as AMD's service

run snpnv probe
proven "the vTPM offers the NV attestation interface"

run snpnv report report.bin user-data.bin --random --envelope envelope.bin
proven "the report is bound to 64 random octets that were written a moment ago"

run snpnv display report report.bin

run snpnv report second.bin second-user-data.bin --random
proven "a second report inside the 2 s window is fresh too: the stale one was not accepted"
cmp -s report.bin second.bin && exit 1

run snpnv fetch ca pem certs --report report.bin --kds-url "$kds" --ca-file vm/https-ca.pem --source kds --root vm/ark.pem
proven "the server is the one that its certificate names, and its ASK leads to the test root"

run snpnv fetch vcek pem certs report.bin --platform-url "$platform" --root vm/ark.pem
proven "the VCEK is this chip's, for the TCB in the report"

run snpnv verify certs certs --root vm/ark.pem
proven "the chain holds up to the test root, which only --root makes trusted"

user_data=$(od -An -v -tx1 user-data.bin | tr -d ' \n')
run snpnv verify envelope certs envelope.bin --user-data "$user_data" --root vm/ark.pem
proven "the chip signed this report, and the claims it vouches for carry our 64 octets"

run snpnv verify attestation certs report.bin --root vm/ark.pem
proven "the chip signed this report"

cp report.bin flipped.bin
printf '\001' | dd of=flipped.bin bs=1 seek=144 conv=notrunc status=none # first octet of MEASUREMENT
cmp -s report.bin flipped.bin && printf '\002' | dd of=flipped.bin bs=1 seek=144 conv=notrunc status=none
status=0
run snpnv verify attestation certs flipped.bin --root vm/ark.pem || status=$?
[ "$status" -eq 1 ]
proven "one changed octet and the report is rejected, with the check named"

# The same guest at brokers of different minds.
printf 'the key of the disk' >key
printf '{"vm_configuration":{"secure-boot":true},"pcrs":{"16":"%064d"}}' 0 >policy
broker() { # POLICY [FAULT]: a machine with a broker that has the key; sets `ask`
  kill "$paravisor" && wait "$paravisor" || true
  snpnv-paravisor --state vm --listen 127.0.0.1:0 --http 127.0.0.1:0 --kbs 127.0.0.1:0 --resource default/key/disk=key \
    --kbs-policy "$1" ${2:+--fault "$2"} >ready &
  paravisor=$!
  read -r line <ready
  export SNPNV_TCTI=${line#ready tcti=}
  SNPNV_TCTI=${SNPNV_TCTI%% *}
  ask=(snpnv kbs default/key/disk --url "$(sed 's/.* kbs=\([^ ]*\).*/\1/' <<<"$line")" --ca-file vm/https-ca.pem --out disk-key
    --source platform --platform-url "$(sed 's/.* http=\([^ ]*\).*/\1/' <<<"$line")" --root vm/ark.pem)
}
refused() {
  status=0
  rm -f disk-key
  run "${ask[@]}" || status=$?
  [ "$status" -eq 1 ] && [ ! -e disk-key ]
}
broker policy
run "${ask[@]}"
cmp key disk-key
proven "the broker saw fresh evidence for its nonce and our key, and gave the secret to that key alone"
sed 's/"16":"0/"16":"1/' policy >other-pcr
broker other-pcr
refused
proven "with another value of one PCR in its policy it gives nothing"
sed 's/true/false/' policy >other-policy
broker other-policy
refused
proven "nor with another policy"
broker policy kbs-wrong-nonce
refused
proven "nor to evidence for another nonce than its own"

printf '\nAll of it worked. Nothing is left running. The programs are in build/demo/tools.\n'
