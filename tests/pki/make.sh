#!/usr/bin/env bash
# Makes the test PKI: for each product a chain of the same shape as AMD's, with keys of our own.
# These keys vouch for nothing. Keys that exist already are kept, so that certificates can be made
# anew without changing what was signed with them.
#
# usage: make.sh [DIR]       DIR: where to write; default: the folder of this script
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
out=${1:-$here}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

base=1.3.6.1.4.1.3704.1 # AMD's certificate extensions

# make_key FILE rsa:4096|ec:P-384
make_key() {
  [ -s "$1" ] && return
  local args=(-algorithm RSA -pkeyopt "rsa_keygen_bits:${2#rsa:}")
  [[ $2 == ec:* ]] && args=(-algorithm EC -pkeyopt "ec_paramgen_curve:${2#ec:}" -pkeyopt ec_param_enc:named_curve)
  { echo "snpnv TEST KEY: vouches for nothing"
    openssl genpkey "${args[@]}" 2>/dev/null; } >"$1"
}

# make_cert OUT KEY ISSUER_CERT ISSUER_KEY: a certificate for KEY. ISSUER_CERT "self" signs itself.
# Read from the environment, each with a default: CN, SERIAL, START, END, EXTENSIONS (lines of an
# openssl configuration), MD and SALT of the RSASSA-PSS signature.
make_cert() {
  local cert=$1 key=$2 issuer=$3 issuer_key=$4 dir
  dir=$(mktemp -d "$work/ca.XXXXXX")
  touch "$dir/index"
  echo "${SERIAL:-00}" >"$dir/serial"
  cat >"$dir/config" <<CONFIG
[ca]
default_ca = it
[it]
database = $dir/index
serial = $dir/serial
new_certs_dir = $dir
policy = any
preserve = yes
unique_subject = no
email_in_dn = no
x509_extensions = extensions
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
CN = $CN
[extensions]
$EXTENSIONS
CONFIG
  openssl req -new -config "$dir/config" -key "$key" -out "$dir/request"
  local signer=(-cert "$issuer" -keyfile "$issuer_key")
  [ "$issuer" = self ] && signer=(-selfsign -keyfile "$key")
  openssl ca -batch -notext -config "$dir/config" -in "$dir/request" -out "$cert" "${signer[@]}" \
    -startdate "${START:-20230101000000Z}" -enddate "${END:-20480101000000Z}" \
    -md "${MD:-sha384}" -sigopt rsa_padding_mode:pss -sigopt "rsa_pss_saltlen:${SALT:-48}" \
    -sigopt "rsa_mgf1_md:${MD:-sha384}" 2>"$dir/log" || { cat "$dir/log" >&2; return 1; }
}

ca_extensions="subjectKeyIdentifier = hash
keyUsage = critical,keyCertSign,cRLSign
basicConstraints = critical,CA:TRUE"

# hw_id PRODUCT: CHIP_ID of the test chip, in hexadecimal digits.
hw_id() {
  local digits
  digits=$(printf 'snpnv test chip %s' "$1" | sha512sum | cut -c1-128)
  if [ "$1" = turin ]; then digits=${digits:0:16}; fi
  echo "$digits"
}

# spl_extensions fmc|- bl tee snp ucode: security version numbers, in the order of AMD's certificates.
spl_extensions() {
  [ "$1" = - ] || echo "$base.3.9 = ASN1:INTEGER:$1"
  echo "$base.3.1 = ASN1:INTEGER:$2"
  echo "$base.3.2 = ASN1:INTEGER:$3"
  echo "$base.3.4 = ASN1:INTEGER:0"
  echo "$base.3.5 = ASN1:INTEGER:0"
  echo "$base.3.6 = ASN1:INTEGER:0"
  echo "$base.3.7 = ASN1:INTEGER:0"
  echo "$base.3.3 = ASN1:INTEGER:$4"
  echo "$base.3.8 = ASN1:INTEGER:$5"
}

# Per product: structVersion, productName of the VCEK, and the security version numbers.
declare -A struct=([milan]=0 [genoa]=0 [turin]=1)
declare -A part=([milan]=Milan-B0 [genoa]=Genoa-B1 [turin]=Turin-B0)
declare -A spl=([milan]="- 3 0 24 219" [genoa]="- 9 0 23 72" [turin]="1 2 1 4 75")

# vcek_extensions PRODUCT, vlek_extensions PRODUCT
vcek_extensions() {
  echo "$base.1 = ASN1:INTEGER:${struct[$1]}"
  echo "$base.2 = ASN1:IA5STRING:${part[$1]}"
  # shellcheck disable=SC2086 # five words on purpose
  spl_extensions ${spl[$1]}
  echo "$base.4 = DER:$(hw_id "$1")"
}
vlek_extensions() {
  echo "$base.1 = ASN1:INTEGER:${struct[$1]}"
  echo "$base.2 = ASN1:IA5STRING:${part[$1]%-*}"
  # shellcheck disable=SC2086
  spl_extensions ${spl[$1]}
  echo "$base.5 = ASN1:IA5STRING:CN=snpnv test"
}

# make_crl OUT ISSUER_CERT ISSUER_KEY: a revocation list that names one serial number, of nothing here.
make_crl() {
  local dir
  dir=$(mktemp -d "$work/crl.XXXXXX")
  printf 'R\t480101000000Z\t230101000000Z\t0200FF\tunknown\t/CN=revoked\n' >"$dir/index"
  echo 01 >"$dir/number"
  cat >"$dir/config" <<CONFIG
[ca]
default_ca = it
[it]
database = $dir/index
crlnumber = $dir/number
unique_subject = no
crl_extensions = extensions
[extensions]
authorityKeyIdentifier = keyid
CONFIG
  openssl ca -gencrl -config "$dir/config" -cert "$2" -keyfile "$3" -out "$1" \
    -crl_lastupdate 20230101000000Z -crl_nextupdate 20480101000000Z -md sha384 \
    -sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:48 -sigopt rsa_mgf1_md:sha384 2>"$dir/log" ||
    { cat "$dir/log" >&2; return 1; }
}

make_chain() { # PRODUCT NAME, as AMD spells it
  local dir=$out/$1
  mkdir -p "$dir"
  make_key "$dir/ark.key" rsa:4096
  make_key "$dir/ask.key" rsa:4096
  make_key "$dir/asvk.key" rsa:4096
  make_key "$dir/vcek.key" ec:P-384
  make_key "$dir/vlek.key" ec:P-384
  CN=ARK-$2 SERIAL=010000 EXTENSIONS=$ca_extensions make_cert "$dir/ark.pem" "$dir/ark.key" self -
  local ark=("$dir/ark.pem" "$dir/ark.key")
  CN=SEV-$2 SERIAL=010001 EXTENSIONS=$ca_extensions make_cert "$dir/ask.pem" "$dir/ask.key" "${ark[@]}"
  CN=SEV-VLEK-$2 SERIAL=010101 EXTENSIONS=$ca_extensions \
    make_cert "$dir/asvk.pem" "$dir/asvk.key" "${ark[@]}"
  CN=SEV-VCEK EXTENSIONS=$(vcek_extensions "$1") \
    make_cert "$dir/vcek.pem" "$dir/vcek.key" "$dir/ask.pem" "$dir/ask.key"
  CN=SEV-VLEK EXTENSIONS=$(vlek_extensions "$1") \
    make_cert "$dir/vlek.pem" "$dir/vlek.key" "$dir/asvk.pem" "$dir/asvk.key"
  make_crl "$dir/crl.pem" "${ark[@]}"
}

make_chain milan Milan
make_chain genoa Genoa
make_chain turin Turin
