#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Makes the test PKI: for each product a chain of the same shape as AMD's and an empty revocation
# list, with keys of our own, and a second root of the same name. These keys vouch for nothing.
#
# usage: make.sh [--new-keys] [DIR]
#   DIR         where to write; default: the folder of this script
#   --new-keys  make every key anew. Without it keys that exist are kept, so that what was signed
#               with them stays valid and only signatures change.
set -euo pipefail

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
new_keys=no
if [ "${1:-}" = --new-keys ]; then new_keys=yes; shift; fi
if [[ ${1:-} == -* ]]; then echo "usage: make.sh [--new-keys] [DIR]" >&2; exit 2; fi
out=${1:-$here}
mkdir -p "$out"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# The parameters of make_ca and make_leaf; the caller's environment must not set them by accident.
unset CN SERIAL START END MD SALT KEY SIGNER EXTENSIONS

kStart=20230101000000Z
kCaEnd=20480101000000Z
kLeafEnd=20400101000000Z # also the end of the revocation lists

# make_key FILE rsa:BITS|ec:CURVE
make_key() {
  if [ "$new_keys" = no ] && [ -s "$1" ]; then return; fi
  local args=(-algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa:}")
  if [[ $2 == ec:* ]]; then
    args=(-algorithm EC -pkeyopt "ec_paramgen_curve:${2#ec:}" -pkeyopt ec_param_enc:named_curve)
  fi
  mkdir -p "$(dirname "$1")"
  { echo "# snpnv TEST KEY: vouches for nothing"
    openssl genpkey "${args[@]}" 2>"$work/log" || { cat "$work/log" >&2; return 1; }
  } >"$work/key"
  mv "$work/key" "$1" # a key is there whole or not at all
}

# pss: the options that make `openssl ca` sign with RSASSA-PSS, in the array pss_options.
pss() {
  local md=${MD:-sha384}
  pss_options=(-md "$md" -sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:${SALT:-48}"
    -sigopt "rsa_mgf1_md:$md")
}

# new_ca DIR: a configuration for `openssl ca` and an empty database in DIR. `openssl ca` is the
# command of OpenSSL 3.0 that takes the dates of validity as they are.
new_ca() {
  : >"$1/index"
  echo "${SERIAL:-00}" >"$1/serial"
  echo 01 >"$1/crlnumber"
  cat >"$1/config" <<CONFIG
[ca]
default_ca = it
[it]
database = $1/index
serial = $1/serial
crlnumber = $1/crlnumber
new_certs_dir = $1
policy = any
preserve = yes
unique_subject = no
email_in_dn = no
x509_extensions = extensions
crl_extensions = crl_extensions
[any]
organizationalUnitName = supplied
countryName = supplied
localityName = supplied
stateOrProvinceName = supplied
organizationName = supplied
commonName = supplied
[req]
distinguished_name = name
prompt = no
string_mask = utf8only
[name]
OU = Engineering
C = US
L = Santa Clara
ST = CA
O = Advanced Micro Devices
CN = ${CN:-unused}
[crl_extensions]
authorityKeyIdentifier = keyid
[extensions]
${EXTENSIONS:-}
CONFIG
}

# make_cert OUT: a certificate for KEY, signed by SIGNER.pem with SIGNER.key, or by KEY itself if
# SIGNER is "self". Takes CN, SERIAL, START, END, MD, SALT and EXTENSIONS too.
# shellcheck disable=SC2153 # set in front of a call, which shellcheck does not follow
make_cert() {
  local dir pss_options signed_by=(-selfsign -keyfile "$KEY")
  dir=$(mktemp -d "$work/ca.XXXXXX")
  new_ca "$dir"
  pss
  if [ "$SIGNER" != self ]; then signed_by=(-cert "$SIGNER.pem" -keyfile "$SIGNER.key"); fi
  mkdir -p "$(dirname "$1")"
  openssl req -new -config "$dir/config" -key "$KEY" -out "$dir/request"
  openssl ca -batch -notext -config "$dir/config" -in "$dir/request" -out "$dir/cert" \
    "${signed_by[@]}" -startdate "${START:-$kStart}" -enddate "$END" \
    "${pss_options[@]}" 2>"$dir/log" || { cat "$dir/log" >&2; return 1; }
  name_seconds "$dir"
  mv "$dir/cert" "$1"
}

# name_seconds DIR: gives the second extensions of one name in DIR/cert their name, and signs again.
# `openssl ca` would put the second one in place of the first, so until here it has a name of kSecond
# (arc 7f), of the same length.
name_seconds() {
  local md=${MD:-sha384} key=$SIGNER.key cert tbs named signature
  openssl asn1parse -in "$1/cert" -strparse 4 -noout -out "$1/tbs"
  tbs=$(hex <"$1/tbs")
  named=${tbs//2b060104019c787f/2b060104019c7801}
  if [ "$named" = "$tbs" ]; then return; fi
  if [ "$SIGNER" = self ]; then key=$KEY; fi
  signature=$(unhex "$named" | openssl dgst "-$md" -sign "$key" -sigopt rsa_padding_mode:pss \
    -sigopt "rsa_pss_saltlen:${SALT:-48}" -sigopt "rsa_mgf1_md:$md" | hex)
  cert=$(openssl x509 -in "$1/cert" -outform der | hex)
  cert=${cert/"$tbs"/"$named"}
  unhex "${cert:0:${#cert}-${#signature}}$signature" | openssl x509 -inform der -out "$1/cert"
}
hex() { od -An -v -tx1 | tr -d ' \n'; }
# shellcheck disable=SC2001
unhex() { printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"; }

# make_crl OUT: an empty revocation list, signed by SIGNER. Takes START, END, MD, SALT.
make_crl() {
  local dir pss_options
  dir=$(mktemp -d "$work/ca.XXXXXX")
  new_ca "$dir"
  pss
  openssl ca -gencrl -config "$dir/config" -out "$dir/crl" -cert "$SIGNER.pem" \
    -keyfile "$SIGNER.key" -crl_lastupdate "${START:-$kStart}" -crl_nextupdate "${END:-$kLeafEnd}" \
    "${pss_options[@]}" 2>"$dir/log" || { cat "$dir/log" >&2; return 1; }
  mv "$dir/crl" "$1"
}

# What differs between products, as in AMD's certificates.
declare -A name=([milan]=Milan [genoa]=Genoa [turin]=Turin)
declare -A serial=(
  [milan.ark]=010000 [milan.ask]=010001 [milan.asvk]=010101
  [genoa.ark]=020000 [genoa.ask]=020002 [genoa.asvk]=020101
  [turin.ark]=030000 [turin.ask]=030001 [turin.asvk]=030101)

# The fields of AMD's extensions, in the order in which AMD writes them. Turin has fmcSPL in place
# of spl4, and snpSPL after teeSPL.
declare -A order=(
  [milan]="structVersion productName blSPL teeSPL spl4 spl5 spl6 spl7 snpSPL ucodeSPL"
  [genoa]="structVersion productName blSPL teeSPL spl4 spl5 spl6 spl7 snpSPL ucodeSPL"
  [turin]="structVersion productName fmcSPL blSPL teeSPL snpSPL spl5 spl6 spl7 ucodeSPL")
kBase=1.3.6.1.4.1.3704.1
kSecond=1.3.6.1.4.1.3704.127 # stands for kBase in a second extension of one name: see name_seconds
declare -A oid=(
  [structVersion]=$kBase.1 [productName]=$kBase.2 [blSPL]=$kBase.3.1 [teeSPL]=$kBase.3.2
  [snpSPL]=$kBase.3.3 [spl4]=$kBase.3.4 [spl5]=$kBase.3.5 [spl6]=$kBase.3.6 [spl7]=$kBase.3.7
  [ucodeSPL]=$kBase.3.8 [fmcSPL]=$kBase.3.9 [hwID]=$kBase.4 [cspID]=$kBase.5)
declare -A values=(
  [milan]="structVersion=0 blSPL=3 teeSPL=0 snpSPL=24 ucodeSPL=219"
  [genoa]="structVersion=0 blSPL=9 teeSPL=0 snpSPL=23 ucodeSPL=72"
  [turin]="structVersion=1 fmcSPL=1 blSPL=1 teeSPL=1 snpSPL=4 ucodeSPL=75")
declare -A part=([milan]=Milan-B0 [genoa]=Genoa-B1 [turin]=Turin) # productName of a VCEK

# hw_id PRODUCT: hwID of the test chip in hexadecimal digits, the first 8 octets of 64 on Turin.
hw_id() {
  local digits
  digits=$(printf 'snpnv test chip %s' "$1" | sha512sum | cut -c1-128)
  if [ "$1" = turin ]; then digits=${digits:0:16}; fi
  echo "$digits"
}

# amd_extensions PRODUCT vcek|vlek [CHANGE ...]: lines of an openssl configuration. CHANGE is
#   FIELD=VALUE   another value: an INTEGER, or what openssl takes (ASN1:..., DER:HEX) as it is
#   FIELD=        leave the extension out
#   FIELD+=VALUE  add the extension a second time, at the end
# A field that the product or the certificate doesn't have is added at the end.
amd_extensions() {
  local product=$1 role=$2 fields field change value
  shift 2
  declare -A content=([spl4]=0 [spl5]=0 [spl6]=0 [spl7]=0)
  for change in ${values[$product]}; do content[${change%%=*}]=${change#*=}; done
  fields=${order[$product]}
  if [ "$role" = vcek ]; then
    fields+=" hwID"
    content[productName]=ASN1:IA5STRING:${part[$product]}
    content[hwID]=DER:$(hw_id "$product") # as it is, not in an OCTET STRING of its own
  else
    fields+=" cspID"
    content[productName]=ASN1:IA5STRING:${name[$product]}
    content[cspID]="ASN1:IA5STRING:CN=snpnv test"
  fi
  declare -A second=()
  local seconds=()
  for change in "$@"; do
    field=${change%%=*}
    value=${change#*=}
    if [ -z "${oid[${field%+}]:-}" ]; then echo "no such field: $change" >&2; return 1; fi
    if [[ $field == *+ ]]; then
      seconds+=("${field%+}")
      second[${field%+}]=$value
    else
      content[$field]=$value
      if [[ " $fields " != *" $field "* ]]; then fields+=" $field"; fi
    fi
  done
  for field in $fields; do
    if [ -n "${content[$field]}" ]; then echo "${oid[$field]} = $(openssl_value "${content[$field]}")"; fi
  done
  for field in ${seconds[@]+"${seconds[@]}"}; do
    echo "${oid[$field]/#$kBase/$kSecond} = $(openssl_value "${second[$field]}")"
  done
}
openssl_value() {
  if [[ $1 == *:* ]]; then echo "$1"; else echo "ASN1:INTEGER:$1"; fi
}

# ca_extensions PRODUCT ark|ask|asvk, in the order in which AMD writes them. The keyUsage of AMD's
# ASK and ASVK, keyCertSign alone, has one unused bit where DER has two: a verifier must take it.
ca_extensions() {
  local list=vcek
  if [ "$2" = asvk ]; then list=vlek; fi
  if [ "$2" = ark ]; then
    echo "keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = none
basicConstraints = critical,CA:TRUE"
  else
    echo "subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,DER:03020104"
  fi
  echo "crlDistributionPoints = URI:https://kdsintf.amd.com/$list/v1/${name[$1]}/crl"
}

# make_ca PRODUCT ark|ask|asvk OUT
# make_leaf PRODUCT vcek|vlek OUT [CHANGE ...]      CHANGE: see amd_extensions
# make_chain_crl PRODUCT OUT
# One call makes one file. Each of these in the environment of the call overrides its default:
#   KEY         file of the subject's private key; default: PRODUCT/ROLE.key
#   SIGNER      path of the signer's .pem and .key without the ending, or "self"
#   CN, SERIAL  (an even number of hexadecimal digits)
#   START, END  as YYYYMMDDHHMMSSZ
#   MD, SALT    hash (and hash of MGF1) and salt length of the RSASSA-PSS signature
#   EXTENSIONS  lines of an openssl configuration, in place of all extensions
# For example: END=20240101000000Z make_leaf milan vcek expired.pem
#              make_leaf milan vcek doubled.pem blSPL+=3
make_ca() {
  local cn=SEV-${name[$1]} signer=$out/$1/ark
  case $2 in
    ark) cn=ARK-${name[$1]} signer=self ;;
    asvk) cn=SEV-VLEK-${name[$1]} ;;
  esac
  KEY=${KEY:-$out/$1/$2.key} SIGNER=${SIGNER:-$signer} CN=${CN:-$cn} END=${END:-$kCaEnd} \
    SERIAL=${SERIAL:-${serial[$1.$2]}} EXTENSIONS=${EXTENSIONS:-$(ca_extensions "$1" "$2")} \
    make_cert "$3"
}
make_leaf() {
  local product=$1 role=$2 file=$3 signer=$out/$1/ask extensions
  shift 3
  if [ "$role" = vlek ]; then signer=$out/$product/asvk; fi
  # AMD's leaves carry no key identifiers; `openssl ca` adds them unless told otherwise.
  extensions=$(amd_extensions "$product" "$role" "$@") # on its own line: a failure ends the script
  extensions+=$'\nsubjectKeyIdentifier = none\nauthorityKeyIdentifier = none'
  KEY=${KEY:-$out/$product/$role.key} SIGNER=${SIGNER:-$signer} CN=${CN:-SEV-${role^^}} \
    END=${END:-$kLeafEnd} EXTENSIONS=${EXTENSIONS:-$extensions} make_cert "$file"
}
make_chain_crl() {
  SIGNER=${SIGNER:-$out/$1/ark} make_crl "$2"
}

make_chain() { # PRODUCT
  local role
  for role in ark ask asvk; do
    make_key "$out/$1/$role.key" rsa:4096
    make_ca "$1" "$role" "$out/$1/$role.pem"
  done
  for role in vcek vlek; do
    make_key "$out/$1/$role.key" ec:P-384
    make_leaf "$1" "$role" "$out/$1/$role.pem"
  done
  make_chain_crl "$1" "$out/$1/crl.pem"
  make_others_vceks "$1"
}

# What a server that is wrong gives: the VCEK of another chip, and of another TCB of this chip.
make_others_vceks() { # PRODUCT
  local key=$out/$1/vcek.key digits
  digits=$(hw_id "$1" | tr 0-9a-f 1-9a-f0)
  KEY=$key make_leaf "$1" vcek "$out/$1/vcek-other-chip.pem" "hwID=DER:$digits"
  KEY=$key make_leaf "$1" vcek "$out/$1/vcek-other-tcb.pem" snpSPL=25
}

# An authority for servers, and the certificates of one on this machine, which its guests see at the platform's address,
# and of what signs an attestation provider's tokens.
make_https() {
  local dir
  make_key "$out/https/ca.key" ec:P-256
  make_key "$out/https/server.key" ec:P-256
  dir=$(mktemp -d "$work/ca.XXXXXX")
  CN="snpnv test authority" SERIAL=01 EXTENSIONS="basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
subjectKeyIdentifier = hash" new_ca "$dir"
  sign_https "$dir" ca "$kCaEnd" -selfsign
  dir=$(mktemp -d "$work/ca.XXXXXX")
  CN=localhost SERIAL=02 EXTENSIONS="subjectAltName = DNS:localhost,IP:127.0.0.1,IP:::1,IP:169.254.169.254
extendedKeyUsage = serverAuth" new_ca "$dir"
  sign_https "$dir" server "$kLeafEnd" -cert "$out/https/ca.pem"
  make_attestation
}
make_attestation() {
  local dir
  make_key "$out/https/attestation.key" rsa:2048
  dir=$(mktemp -d "$work/ca.XXXXXX")
  CN="snpnv test attestation" SERIAL=03 EXTENSIONS="keyUsage = digitalSignature" new_ca "$dir"
  sign_https "$dir" attestation "$kLeafEnd" -cert "$out/https/ca.pem"
}
sign_https() { # DIR FILE END SIGNER...
  openssl req -new -config "$1/config" -key "$out/https/$2.key" -out "$1/request"
  openssl ca -batch -notext -config "$1/config" -in "$1/request" -out "$out/https/$2.pem" "${@:4}" \
    -keyfile "$out/https/ca.key" -startdate "$kStart" -enddate "$3" -md sha256 2>"$1/log" ||
    { cat "$1/log" >&2; return 1; }
}

# A root and an ASK with Milan's names and other keys.
make_other() {
  make_key "$out/other/ark.key" rsa:4096
  make_key "$out/other/ask.key" rsa:4096
  KEY=$out/other/ark.key make_ca milan ark "$out/other/ark.pem"
  KEY=$out/other/ask.key SIGNER=$out/other/ark make_ca milan ask "$out/other/ask.pem"
}

# `source make.sh DIR` only defines the functions, with DIR as the folder of keys and signers.
if [ "${BASH_SOURCE[0]}" = "$0" ]; then
  make_chain milan
  make_chain genoa
  make_chain turin
  make_other
  make_https
fi
