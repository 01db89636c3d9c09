#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# snpnv report against a real swtpm behind the emulated paravisor.
. "$(dirname "$0")/lib.sh"

fresh() { # OPTION...: a report with random data, its claims bound to it
  rm -f report user envelope claims
  exits 0 "$snpnv" report report user -r --envelope envelope --claims claims "$@" &&
    [ "$(stat -c %s report)" -eq 1184 ] && has_user_data claims user && binds report claims
}

# The report's signature holds under the VCEK in the state folder, by the openssl program.
signed() {
  openssl x509 -in "$state/vcek.pem" -pubkey -noout >vcek.pub
  dd if=report of=signed bs=1 count=672 status=none
  number() { # OFFSET: 48 octets, little-endian there, as hexadecimal digits of a positive INTEGER
    dd if=report bs=1 skip="$1" count=48 status=none | od -An -v -tx1 | tr -d '\n' |
      awk '{for (i = NF; i > 0; --i) printf "%s", $i}'
  }
  printf 'asn1=SEQUENCE:s\n[s]\nr=INTEGER:0x%s\ns=INTEGER:0x%s\n' "$(number 672)" "$(number 744)" >asn1
  openssl asn1parse -genconf asn1 -noout -out signature.der
  openssl dgst -sha384 -verify vcek.pub -signature signature.der signed >verdict 2>&1
}

start_paravisor
check "fresh report by tpm2-tss" fresh -T "libtss2-tcti-${SNPNV_TCTI/swtpm:/swtpm.so.0:}"
for options in "--interval-ms 2000" "--product genoa --report-version 2" "--product turin --report-version 5" \
  "--envelope-version 1 --report-version 2" "--nv-size 2048 --envelope-version 1" "--nv-size 2900" \
  "--refresh on-write" "--refresh on-write --latency-ms 300" "--latency-ms 200"; do
  # shellcheck disable=SC2086 # words on purpose
  start_paravisor $options
  check "fresh report with: $options" fresh
  check "second report inside the window with: $options" fresh
  check "signature with: $options" signed
done

start_paravisor --product turin --seed 7
check "claims name the keys" grep -q HCLAkPub <("$snpnv" report report user -r --claims -)
fresh
cp report first
start_paravisor --product turin --seed 7
fresh
check "the seed decides MEASUREMENT, REPORT_ID and CHIP_ID" cmp -s <(tail -c +145 first | head -c 48) \
  <(tail -c +145 report | head -c 48)

# Steady state: one TPM2_NV_Write and ceil(2394 / 1024) TPM2_NV_Read, counted in a recording.
start_paravisor --interval-ms 0
fresh
user_data user steady
exits 0 "$snpnv" -T "record:recording=$SNPNV_TCTI" report report user --envelope envelope --claims claims
check "4 commands in the steady state" [ "$(grep -c '^>' recording)" -eq 4 ]
check "one write" [ "$(grep -c '^> 8002........00000137' recording)" -eq 1 ]
check "three reads" [ "$(grep -c '^> 8002........0000014e' recording)" -eq 3 ]
cp report recorded
rm -f report
check "replay of the recording" exits 0 "$snpnv" -T replay:recording report report user
check "replay gives the same report" cmp -s report recorded
user_data other other
rm -f report
check "replay with other user data is refused" exits 3 "$snpnv" -T replay:recording report report other
check "and writes nothing" [ ! -e report ]

# The index as other clients leave it.
for shape in "-s 48 -a ownerread|ownerwrite|authread|authwrite" "-s 64 -a ownerwrite|authwrite|authread" \
  "-s 128 -a ownerread|ownerwrite|authread|authwrite" "-s 64 -a authread|authwrite|ownerread"; do
  tpm2_nvundefine -Q -C o 0x01400002 2>/dev/null
  # shellcheck disable=SC2086
  tpm2_nvdefine -Q -C o $shape 0x01400002
  check "report over an index of shape $shape" fresh
done
check "the index has its proper shape again" grep -q 'ownerwrite|authwrite|ownerread|authread' \
  <(tpm2_nvreadpublic 0x01400002)

# One that is not the owner's to define anew: the firmware's, from before the paravisor closed the platform hierarchy.
tpm2_nvundefine -Q -C o 0x01400002
stop_paravisor
python3 - "$state" <<'EOF'
import socket, subprocess, sys
ours, theirs = socket.socketpair()
swtpm = subprocess.Popen(["swtpm", "socket", "--tpm2", "--tpmstate", "dir=" + sys.argv[1], "--fd", str(theirs.fileno()),
                          "--flags", "not-need-init,startup-clear", "--terminate"], pass_fds=[theirs.fileno()])
theirs.close()
# TPM2_NV_DefineSpace by the platform: 48 octets, ppwrite|ppread|ownerread|policydelete|platformcreate.
ours.sendall(bytes.fromhex("80020000002d0000012a4000000c00000009400000090000000000"
                           "0000" "000e01400002000b4003040100000030"))
answer = ours.recv(4096)
ours.close()
swtpm.wait()
sys.exit(answer[6:10] != bytes(4))
EOF
check "an index of the firmware's" [ $? -eq 0 ]
keep_state=$state start_paravisor
check "an index of wrong shape that stays is an error" exits 3 "$snpnv" report report user
check "with its usual cause" grep -q '^hint: .* cannot define it anew' err

# --boot does not write.
start_paravisor
check "boot report" exits 0 "$snpnv" -T "record:recording=$SNPNV_TCTI" report report --boot --claims claims
check "boot report is bound" binds report claims
check "boot report carries zeros" grep -q '"user-data":"0\{128\}"' claims
check "boot report writes nothing" [ "$(grep -c '^> 8002........00000137' recording)" -eq 0 ]
check "boot report says so" grep -q 'unknown age' out
check "fresh after boot" fresh

# Restart on the same state: the keys stay, and so does what the guest wrote.
tpm2_readpublic -Q -c 0x81000003 -o ak1
keep_state=$state start_paravisor
tpm2_readpublic -Q -c 0x81000003 -o ak2
check "the attestation key survives a restart" cmp -s ak1 ak2
check "fresh after restart" fresh

# A program behind a TCTI that does not answer ends with snpnv.
check "a silent program as the TPM" given_time 1 4 io_deadline "$snpnv" -T "cmd:echo \$\$ >program; exec sleep 3600" report report user
check "was there" [ -s program ]
check "and is not left" await "its end" eval '[ ! -e "/proc/$(cat program)/exe" ]'

# JSON.
check "json" exits 0 "$snpnv" --json report report user -r
check "json says fresh" grep -q '^{"fresh":true,.*"writes":1}$' out

stop_paravisor
check "no process is left" [ -z "$(pgrep -f "dir=$work" || true)" ]
start_paravisor --once
exec 3<>"/dev/tcp/127.0.0.1/${SNPNV_TCTI##*=}"  # so that its client is not gone between two slow commands
check "fresh with --once" fresh
exec 3>&-
await_exit "$paravisor_pid"
check "--once ends by itself" [ $? -eq 0 ]
paravisor_pid=
summary
