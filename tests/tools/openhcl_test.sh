#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# The emulated paravisor as guests' software meets it: sessions of every kind by tpm2-tools, which check each answer's
# HMAC; owner passwords, profiles, faults of the host, boots; and the collector against all of it.
. "$(dirname "$0")/lib.sh"

# report_by OPTION...: tpm2_nvread of the whole report index, and whether it is the report that `snpnv` reads.
report_by() {
  rm -f content
  exits 0 tpm2_nvread -Q -C o "$@" -o content 0x01400001 && cmp -s content whole
}
# in_session KIND OPTION...: a session of that kind reads the report, the user data and the report again.
in_session() {
  local kind=$1 attributes
  shift
  for attributes in "" --enable-encrypt; do
    check "$kind: starts" exits 0 tpm2_startauthsession -S session --hmac-session "$@"
    tpm2_flushcontext -t  # the key of the salt
    if [ -n "$attributes" ]; then
      check "$kind: encrypts" exits 0 tpm2_sessionconfig -Q session "$attributes"
      check "$kind: and reads a public area" exits 0 tpm2_nvreadpublic 0x01400001 -S session
    fi
    check "$kind $attributes: reads the report" report_by -P session:session
    check "$kind $attributes: and the user data" exits 0 tpm2_nvread -Q -C o -P session:session -o data 0x01400002
    check "$kind $attributes: which are right" cmp -s data user
    check "$kind $attributes: and the report again" report_by -P session:session
    check "$kind $attributes: a write is refused" exits 1 tpm2_nvwrite -Q -C o -P session:session -i user 0x01400001
    check "$kind $attributes: as to the owner" grep -q '0x149' err
    tpm2_flushcontext session
  done
}

start_paravisor --interval-ms 600000
user_data user sessions
tpm2_nvdefine -Q -C o -s 64 -a 'ownerread|ownerwrite|authread|authwrite' 0x01400002
tpm2_nvwrite -Q -C o -i user 0x01400002
tpm2_nvread -Q -C o -o whole 0x01400001
check "the whole index" [ "$(stat -c %s whole)" -eq 2900 ]
for key in rsa ecc; do
  tpm2_createprimary -Q -C o -G $key -c $key
  tpm2_flushcontext -t
done
for hash in sha1 sha256 sha384; do
  in_session "a session with $hash" -g "$hash"
  in_session "a session with $hash and a salt" -g "$hash" -c rsa
done
in_session "a session with a salt by ECDH" -g sha256 -c ecc
in_session "a session that is bound to the owner" -g sha256 --bind-context=o
check "certify" exits 0 tpm2_nvcertify -C 0x81000003 -g sha256 -f plain -s rsassa -o signature --attestation attest -c o --size 32 0x01400001
check "a policy on the report" exits 0 bash -c 'tpm2_startauthsession -S trial && tpm2_policynv -Q -S trial -i- -C o 0x01400001 eq --offset 0 < <(head -c 4 whole) && tpm2_flushcontext trial'

# With an owner password, the empty one is refused and the right one works, by itself and in a session.
tpm2_changeauth -Q -c o secret
check "the empty password is refused" exits 1 tpm2_nvread -Q -C o -s 8 0x01400001
check "as wrong" grep -q '0x9A2' err
check "a wrong one too" exits 1 tpm2_nvread -Q -C o -P wrong -s 8 0x01400001
check "the right one reads" report_by -P secret
for options in "" "-c rsa" "--bind-context=o --bind-auth=secret"; do
  # shellcheck disable=SC2086
  check "a session with $options" exits 0 tpm2_startauthsession -S session --hmac-session $options
  tpm2_flushcontext -t
  tpm2_sessionconfig -Q session --enable-encrypt
  check "reads with the password" report_by -P session:session+secret
  tpm2_flushcontext session
done
check "report: the owner's password" exits 3 "$snpnv" report report user
check "report: says so" grep -q '^hint: the owner hierarchy has a password' err
# At the next boot the paravisor cannot read the user data, and there is no vTPM.
stop_paravisor
check "a boot with an owner password" exits 3 timeout 60 "$paravisor_program" --state "$state"
check "says why" grep -q '^snpnv-paravisor: vTPM: .*0x01400002 cannot be read by the owner' err


# What the profiles say, and that options stand above them wherever they are.
profile() { # NAME OCTETS ENVELOPE-VERSION OPTION...
  local name=$1 octets=$2 version=$3
  shift 3
  start_paravisor "$@" --profile "$name" --interval-ms 0
  tpm2_nvread -Q -C o -o content 0x01400001
  check "$name $*: index size" [ "$(stat -c %s content)" -eq "$octets" ]
  check "$name $*: envelope version" [ "$(od -An -tu4 -j4 -N4 content | tr -d ' ')" -eq "$version" ]
  tail -c +1237 content | tr -d '\0' >claims
}
members() { # of the claims' vm-configuration, in their order
  python3 -c 'import json; print(*json.load(open("claims"))["vm-configuration"])'
}
profile openhcl 2900 2
check "openhcl: 2543 octets of envelope, as there" [ "$(od -An -tu4 -j8 -N4 content | tr -d ' ')" -eq 2543 ]
check "openhcl: its members in their order" [ "$(members)" = "root-cert-thumbprint console-enabled\
 interactive-console-enabled secure-boot tpm-enabled tpm-persisted filtered-vpci-devices-allowed vmUniqueId\
 hardware-sealing-policy" ]
check "openhcl: the thumbprint says something" grep -q '"root-cert-thumbprint":"[A-Za-z0-9_-]\{43\}"' claims
check "openhcl: no persistent EK" exits 1 tpm2_readpublic -c 0x81010001
profile azure-2024 2600 1
check "azure-2024: its members" [ "$(members)" = "console-enabled secure-boot tpm-enabled vmUniqueId" ]
check "azure-2024: the EK is persistent" tpm2_readpublic -Q -c 0x81010001 -o ek
check "azure-2024: upper case" exits 0 "$snpnv" report report user --claims claims
check "azure-2024: in the claims" grep -q '"user-data":"[0-9A-F]\{128\}"' claims
profile azure-2023 2048 1
check "azure-2023: its members" [ "$(members)" = "console-enabled current-time secure-boot tpm-enabled vmUniqueId" ]
check "azure-2023: one key" [ "$(grep -o kid claims | wc -l)" -eq 1 ]
check "azure-2023: cannot prove freshness" exits 4 "$snpnv" report report user
check "azure-2023: says so" grep -q fresh_no_user_data err
profile azure-2024 2900 2 --nv-size 2900 --envelope-version 2 --user-data-case lower
check "lower case" exits 0 "$snpnv" report report user --claims claims
check "in the claims" has_user_data claims user
check "as asked" grep -q '"user-data":"[0-9a-f]\{128\}"' claims
check "no such profile" exits 2 "$paravisor_program" --state s --profile azure-2022
check "the certificate's algorithm has no parameters" [ "$(tpm2_nvread -C o 0x01c101d0 2>/dev/null |
  openssl asn1parse -inform der | grep -A1 ecdsa-with-SHA256 | grep -c NULL)" -eq 0 ]

# The collector against indices that others leave: fresh, and no more refreshes awaited than the true machine has.
fresh() { # WHAT OPTION...
  local what=$1 start
  shift
  rm -f report claims
  user_data user "$what"
  start=$(date +%s%N)
  check "$what: a fresh report" exits 0 "$snpnv" report report user --claims claims "$@"
  check "$what: bound" binds report claims
  check "$what: with its user data" has_user_data claims user
  echo "$what: $((($(date +%s%N) - start) / 1000000)) ms"
}
start_paravisor
define() { tpm2_nvundefine -Q -C o 0x01400002 2>/dev/null; tpm2_nvdefine -Q -C o "$@" 0x01400002; }
mine='ownerread|ownerwrite|authread|authwrite'
define -s 48 -a "$mine" && head -c 48 /dev/zero | tpm2_nvwrite -Q -C o -i- 0x01400002
fresh "48 octets"
define -s 64 -a 'ownerwrite|authread|authwrite'
fresh "no ownerread"
define -s 64 -a "$mine|read_stclear" && tpm2_nvwrite -Q -C o -i user 0x01400002 && tpm2_nvreadlock -Q -C o 0x01400002
fresh "read-locked"
define -s 64 -a "$mine|write_stclear" && tpm2_nvwrite -Q -C o -i user 0x01400002 && tpm2_nvwritelock -Q -C o 0x01400002
fresh "write-locked"
define -s 8 -a "$mine|nt=counter" && tpm2_nvincrement -Q -C o 0x01400002
fresh "a counter"
define -s 32 -a "$mine|nt=extend"
fresh "an extended index"
tpm2_clear -Q
fresh "after TPM2_Clear"
check "which took the attestation key" exits 1 tpm2_readpublic -c 0x81000003
keep_state=$state start_paravisor
check "until the next boot" tpm2_readpublic -Q -c 0x81000003 -o ak
fresh "after that boot"

# NV memory that is full: an error that says so, and no index that somebody else made is touched.
start_paravisor
index=0
while tpm2_nvdefine -Q -C o -s 2048 -a "$mine" $((0x01500000 + index)) 2>/dev/null; do index=$((index + 1)); done
while tpm2_nvdefine -Q -C o -s 8 -a "$mine" $((0x01500000 + index)) 2>/dev/null; do index=$((index + 1)); done
check "NV memory is full" [ "$index" -gt 8 ]
check "full NV memory is an error" exits 3 "$snpnv" report report user
check "by its name" grep -q 'TPM_RC_NV_SPACE' err
check "with what to do" grep -q '^hint: .* NV memory is full' err
check "and all indices are there" [ "$(tpm2_nvreadpublic | grep -c '^0x15')" -eq "$index" ]

# A host that fails for a time, and for ever.
start_paravisor --fault refresh-fails=3s --interval-ms 500
fresh "a host that fails for three seconds" --timeout 30
start_paravisor --fault refresh-fails=2 --interval-ms 0
fresh "a host that fails twice"
start_paravisor --fault refresh-fails --interval-ms 0
check "a host that fails for ever" given_time 1 4 fresh_stale "$snpnv" report report user
start_paravisor --fault wrong-ak-attributes --interval-ms 0
check "an attestation key of another kind: no refresh" given_time 1 4 fresh_stale "$snpnv" report report user
check "but a report of the boot" exits 0 "$snpnv" report report --boot

# The attestation key and its certificate.
start_paravisor --fault new-ak-each-boot
tpm2_readpublic -Q -c 0x81000003 -o ak1
keep_state=$state start_paravisor --fault new-ak-each-boot
tpm2_readpublic -Q -c 0x81000003 -o ak2
check "another key at another boot" exits 1 cmp ak1 ak2
fresh "with another key"
start_paravisor --fault no-ak-cert
check "no certificate" [ "$(tpm2_nvreadpublic | grep '^0x')" = 0x1400001: ]
start_paravisor --fault ak-cert-late
check "the certificate is late" exits 1 tpm2_nvread -Q -C o -s 8 0x01c101d0
check "and unwritten until then" grep -q 0x14A err
check "and comes" exits 0 tpm2_nvread -Q -C o -o ak.der 0x01c101d0
check "whole" exits 0 openssl x509 -inform der -in ak.der -noout

# A query is read as one: members in any order, numbers with and without leading zeros, hwID in either case.
if grep -q -- --http < <("$paravisor_program" --help); then
  start_paravisor --https 127.0.0.1:0
  exits 0 "$snpnv" report report user -r
  ca=$state/https-ca.pem
  check "a certificate from the service" exits 0 "$snpnv" fetch vcek der . report --source kds --kds-url "$https" --ca-file "$ca" --root "$state/ark.pem"
  target=$(grep -o '/vcek/v1/Milan/[^ ]*?[^ ]*' "$state/http.log" | head -n 1)
  members=${target#*\?}
  path=${target%%\?*}
  hwid=${path##*/}
  backwards=$(tr '&' '\n' <<<"$members" | tac | paste -sd '&')
  got() { rm -f answer; curl -sSf --cacert "$ca" "$https$1" -o answer && cmp -s answer vcek.der; }
  check "as asked" got "$target"
  check "in another order" got "$path?$backwards"
  check "without leading zeros" got "$path?$(sed 's/=0*\([0-9]\)/=\1/g' <<<"$members")"
  check "with more of them" got "$path?$(sed 's/=/=00/g' <<<"$members")"
  check "hwID in upper case" got "${path%/*}/${hwid^^}?$members"
  check "another number is refused" exits 22 curl -sSf --cacert "$ca" "$https$path?$(sed 's/=/=1/' <<<"$members")"
  check "a member twice is refused" exits 22 curl -sSf --cacert "$ca" "$https$path?$members&${members%%&*}"
fi
summary
