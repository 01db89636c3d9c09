#!/usr/bin/env bash
# Certificates from the emulated services, from a stock nginx and from a store: what is used, what is
# refused and why, and that no deadline is passed.
pki=$(cd "$(dirname "$0")/../pki" && pwd)
. "$(dirname "$0")/lib.sh"
declare -A url tcti pid

end_all() {
  local name
  for name in "${!pid[@]}"; do kill "${pid[$name]}" 2>/dev/null; done
  for name in "${!pid[@]}"; do wait "${pid[$name]}" 2>/dev/null; done
  finish
}
trap end_all EXIT

# serve NAME OPTION...: a paravisor with both services, state in ./NAME, URLs in url[NAME.http] and .https
serve() {
  local name=$1 line
  mkfifo "ready.$name"
  "$paravisor_program" --state "$name" --listen 127.0.0.1:0 --http 127.0.0.1:0 --https 127.0.0.1:0 "${@:2}" \
    >"ready.$name" &
  pid[$name]=$!
  read -r line <"ready.$name"
  tcti[$name]=$(sed -n 's/^ready tcti=\([^ ]*\) .*/\1/p' <<<"$line")
  url[$name.http]=$(sed -n 's/.* http=\([^ ]*\).*/\1/p' <<<"$line")
  url[$name.https]=$(sed -n 's/.* https=\([^ ]*\).*/\1/p' <<<"$line")
  [ -n "${url[$name.https]}" ] || { echo "FAILED: $name did not get ready" >&2; exit 1; }
}
end() { # NAME
  kill "${pid[$1]}"
  wait "${pid[$1]}" 2>/dev/null
  unset "pid[$1]"
}

hw_id() { (. "$pki/make.sh" "$pki" && hw_id "$1"); }
root=(--root "$pki/milan/ark.pem")
authority=(--ca-file "$pki/https/ca.pem")
says() { grep -q -- "$1" err; }
requests() { grep -c -- "$2" "$1/http.log"; } # NAME PATTERN
poke() { printf '%b' "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none; } # FILE OFFSET OCTETS
same_certificate() { # FILE FILE, each PEM or DER
  cmp -s <(openssl x509 -in "$1" -outform der) <(openssl x509 -in "$2" -outform der)
}

# timed DEADLINE STATUS COMMAND...: exits STATUS, not later than the deadline; keeps the worst overrun.
worst=-100000
timed() {
  local deadline=$1 start
  start=$(date +%s%N)
  exits "${@:2}" || return
  took=$((($(date +%s%N) - start) / 1000000))
  [ $((took - deadline * 1000)) -gt "$worst" ] && worst=$((took - deadline * 1000))
  echo "  $took ms of $deadline s: $(head -1 err)"
  [ "$took" -le $((deadline * 1000 + 1000)) ]
}

serve milan
# Busy for 20 s; asked in the background while everything else goes on.
serve busy --fault http-429=20s
"$snpnv" -T "${tcti[milan]}" report report user --random >/dev/null || exit 1
(
  start=$(date +%s%N)
  "$snpnv" fetch ca pem busy-certs milan --source kds --kds-url "${url[busy.http]}" "${root[@]}" >busy.out 2>busy.err
  echo $? $((($(date +%s%N) - start) / 1000000)) >busy.done
) &
busy=$!

# The whole procedure, over HTTP and over TLS.
for scheme in http https; do
  service=("${root[@]}" "${authority[@]}" --kds-url "${url[milan.$scheme]}" --platform-url "${url[milan.$scheme]}")
  for encoding in pem der; do
    for source in kds platform auto; do
      dir=$scheme.$encoding.$source/made
      what="$scheme, $encoding, $source"
      check "$what: fetch ca" exits 0 "$snpnv" fetch ca $encoding "$dir" Milan --source $source "${service[@]}"
      check "$what: fetch vcek" exits 0 "$snpnv" fetch vcek $encoding "$dir" report --source $source "${service[@]}"
      check "$what: verify certs" exits 0 "$snpnv" verify certs "$dir" "${root[@]}"
      check "$what: verify attestation" exits 0 "$snpnv" verify attestation "$dir" report "${root[@]}"
      for name in ark ask vcek; do
        check "$what: $name is the one" same_certificate "$dir/$name.$encoding" "$pki/milan/$name.pem"
      done
    done
  done
  check "$scheme: fetch crl" exits 0 "$snpnv" fetch crl der crl.$scheme -r report "${service[@]}"
  check "$scheme: the list serves" exits 0 "$snpnv" verify certs "$scheme.pem.kds/made" "${root[@]}" --crl crl.$scheme/crl.der
  check "$scheme: fetch crl as PEM" exits 0 "$snpnv" fetch crl pem crl.$scheme milan "${service[@]}"
  check "$scheme: openssl reads it" openssl crl -in crl.$scheme/crl.pem -noout
  check "$scheme: fetch ca of VLEKs" exits 0 "$snpnv" fetch ca pem vlek.$scheme milan -e vlek "${service[@]}"
  check "$scheme: asvk is the one" same_certificate vlek.$scheme/asvk.pem "$pki/milan/asvk.pem"
done
# 127.1 resolves to 127.0.0.1, which the certificate has as an iPAddress and not as a name.
check "another spelling of an address is that address" exits 0 "$snpnv" fetch ca pem spelled milan --source kds \
  --kds-url "${url[milan.https]/127.0.0.1/127.1}" "${root[@]}" "${authority[@]}"
check "one process, one request for a VCEK" [ "$(requests milan '^GET /vcek/v1/Milan/25')" -eq 4 ]
kds=(--source kds --kds-url "${url[milan.http]}" "${root[@]}")

# Files.
(umask 077 && "$snpnv" -q fetch ca pem private/new/er milan "${kds[@]}")
check "files have mode 0644 whatever the umask" [ "$(stat -c %a private/new/er/ark.pem)" = 644 ]
check "nothing is left beside" [ -z "$(find . -name '*.snpnv-*')" ]
check "JSON" exits 0 "$snpnv" --json fetch ca pem private milan "${kds[@]}"
check "JSON is one object" jq -e '.source == "kds" and .product == "milan" and (.files | length) == 2' out >/dev/null
echo old >private/ark.pem
check "an unknown root is refused" exits 3 "$snpnv" fetch ca pem private milan "${kds[@]:0:4}"
check "and says so" says 'chain.root_pinned: ARK: its key is not that of a trusted root'
check "and leaves the older file" [ "$(cat private/ark.pem)" = old ]

# Waiting is shown on a terminal only.
serve once --fault http-429=1
waits=("$snpnv" fetch ca pem waited milan --source kds --kds-url "${url[once.http]}" "${root[@]}")
check "a wait on a terminal" script -qec "${waits[*]}" terminal </dev/null >/dev/null
check "is shown" grep -q 'KDS answers 429; asking again in' terminal
end once
serve twice --fault http-429=1
check "a wait elsewhere" exits 0 "${waits[@]:0:9}" "${url[twice.http]}" "${root[@]}"
check "is not" [ ! -s err ]
end twice
check "a fault without end takes no number" exits 2 "$paravisor_program" --state s --fault http-slow=3

# Wrong usage.
check "another encoding" exits 2 "$snpnv" fetch ca txt d milan
check "another product" exits 2 "$snpnv" fetch ca pem d rome
check "no product" exits 2 "$snpnv" fetch ca pem d
check "a product and a report" exits 2 "$snpnv" fetch ca pem d milan -r report
check "another source" exits 2 "$snpnv" fetch ca pem d milan --source dns
check "no store to ask" exits 2 "$snpnv" fetch ca pem d milan --source store
check "a list from the platform" exits 2 "$snpnv" fetch crl pem d milan --source platform
check "not a URL" exits 2 "$snpnv" fetch ca pem d milan --kds-url ftp://127.0.0.1
check "a report of another product" exits 2 "$snpnv" fetch vcek pem d report -p turin "${kds[@]}"
check "no report" exits 3 "$snpnv" fetch vcek pem d absent "${kds[@]}"
check "nothing of these made a directory" [ ! -e d ]

# What the report says.
cp report masked
poke masked 0x1A0 "$(printf '\\000%.0s' $(seq 64))"
check "a masked chip" exits 3 "$snpnv" fetch vcek pem d masked "${kds[@]}"
check "is named so" says 'masked'
cp report by-vlek
poke by-vlek 0x48 '\004'
check "a report under a VLEK" exits 3 "$snpnv" fetch vcek pem d by-vlek "${kds[@]}"
check "is told where VLEKs come from" says 'VLEK'
check "its issuers are the ASVK's" exits 0 "$snpnv" fetch ca pem by-vlek.certs -r by-vlek "${kds[@]}"
check "asvk was written" [ -e by-vlek.certs/asvk.pem ]
cp report other-tcb
poke other-tcb 0x186 '\031'
before=$(requests milan .)
check "404 is final" timed 1 3 "$snpnv" fetch vcek pem d other-tcb "${kds[@]}"
check "and explained" says 'wrong product, TCB or chip'
check "and asked for once" [ "$(requests milan .)" -eq $((before + 1)) ]
check "the platform with another TCB" exits 3 "$snpnv" fetch vcek pem d other-tcb --source platform \
  --platform-url "${url[milan.http]}" "${root[@]}"
check "is found out" says 'another TCB'

# The other products, and reports that do not tell the product.
for product in genoa turin; do
  serve $product --product $product --report-version $([ $product = genoa ] && echo 2 || echo 5)
  "$snpnv" -T "${tcti[$product]}" report report.$product user.$product --random >/dev/null || exit 1
  its=(--kds-url "${url[$product.https]}" --source kds "${authority[@]}" --root "$pki/$product/ark.pem")
  check "$product: fetch ca by the report" exits 0 "$snpnv" fetch ca der $product.certs -r report.$product "${its[@]}"
  check "$product: fetch vcek" exits 0 "$snpnv" fetch vcek der $product.certs report.$product "${its[@]}"
  check "$product: verify" exits 0 "$snpnv" verify attestation $product.certs report.$product --root "$pki/$product/ark.pem"
  store=(--store store.$product)
  check "$product: into a store" exits 0 "$snpnv" fetch vcek pem $product.certs report.$product "${its[@]}" "${store[@]}"
  end $product
done
check "Turin's VCEK is in the store by its 16 digits" [ -e "store.turin/vcek/$(hw_id turin)/bl01_tee01_snp04_ucode75_fmc01_vcek.der" ]
check "a version-2 report of Genoa asks Milan once, and Genoa" [ "$(grep -c Milan genoa/http.log)" -le 3 ]
for alias in Bergamo SIENA; do
  serve $alias --product genoa
  check "$alias is Genoa" exits 0 "$snpnv" fetch ca pem $alias.certs $alias --kds-url "${url[$alias.http]}" --source kds \
    --root "$pki/genoa/ark.pem"
  end $alias
done

# A store is asked first, shared by processes, checked, and mended.
auto=("${root[@]}" --store store --kds-url "${url[milan.http]}" --platform-url http://127.0.0.1:9)
: >milan/http.log
for i in $(seq 50); do
  "$snpnv" fetch vcek pem "many.$i" report "${auto[@]}" >/dev/null 2>"many.$i.err" &
  many[i]=$!
done
good=0
for i in $(seq 50); do wait "${many[i]}" && same_certificate "many.$i/vcek.pem" "$pki/milan/vcek.pem" && good=$((good + 1)); done
check "50 processes have their VCEK" [ "$good" -eq 50 ]
check "for one request" [ "$(requests milan '?blSPL')" -eq 1 ]
check "and one for its issuers" [ "$(requests milan cert_chain)" -eq 1 ]
stored=$(echo store/vcek/*/bl03_tee00_snp24_ucode219_vcek.der)
check "the store has it where others look" same_certificate "$stored" "$pki/milan/vcek.pem"
check "with mode 0644" [ "$(stat -c %a "$stored")" = 644 ]
check "the store alone serves" exits 0 "$snpnv" fetch vcek der stored report --source store --store store "${root[@]}"
check "and the issuers" exits 0 "$snpnv" fetch ca der stored milan --source store --store store "${root[@]}"
for lie in "head -c 700 $pki/milan/vcek.pem" "openssl x509 -in $pki/milan/vcek-other-chip.pem -outform der" \
  "openssl x509 -in $pki/milan/vcek-other-tcb.pem -outform der" "openssl x509 -in $pki/turin/vcek.pem -outform der" true; do
  $lie >"$stored"
  check "a store that lies ($lie)" exits 3 "$snpnv" fetch vcek der d report --source store --store store "${root[@]}"
  check "is passed over ($lie)" exits 0 "$snpnv" fetch vcek der mended report "${auto[@]}"
  check "and mended ($lie)" same_certificate "$stored" "$pki/milan/vcek.pem"
done
mkdir -p fallback/vcek
cp -r "$(dirname "$stored")" fallback/vcek/
cp -r store/vcek/Milan fallback/vcek/
mv fallback/vcek/*/bl03*.der "$(echo fallback/vcek/25*)/vcek.der"
check "vcek.der serves where the exact name is missing" exits 0 \
  "$snpnv" fetch vcek der fallen report --source store --store fallback "${root[@]}"
touch file
check "a store that cannot be written" exits 0 "$snpnv" fetch vcek der unstored report "${auto[@]:0:2}" --store file/store "${auto[@]:4}"
check "is warned of" says 'warning: not stored'
(flock 9; exec sleep 30) 9>store/.snpnv.lock &
holder=$!
until ! flock -n store/.snpnv.lock true; do :; done
check "a lock that is held" timed 2 3 "$snpnv" fetch vcek der d other-tcb "${auto[@]}" --timeout 2
check "is named" says 'another process holds it'
kill $holder

# Each source down, silent, slow, wrong or lying: alone it is an error in time; before another one it
# costs its share of the time.
cp -r "https.pem.kds/made" issuers
rm issuers/vcek.pem
python3 -c '
import socket, time
s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen(64)
print(s.getsockname()[1], flush=True); time.sleep(600)' >silent.port &
pid[silent]=$!
until [ -s silent.port ]; do :; done
silent=127.0.0.1:$(cat silent.port)

# faulty WHAT WORDS KDS-URL PLATFORM-URL
faulty() {
  local what=$1 words=$2 kds=$3 platform=$4
  if [ "$kds" != - ]; then
    check "KDS $what ends in time" timed 1 3 "$snpnv" fetch vcek der d report --source kds --kds-url "$kds" \
      "${root[@]}" "${authority[@]}" --timeout 1
    check "KDS $what is named" says "$words"
  fi
  check "platform $what ends in time" timed 1 3 "$snpnv" fetch vcek der d report --source platform \
    --platform-url "$platform" "${root[@]}" "${authority[@]}" --timeout 1
  check "platform $what is named" says "$words"
  check "platform $what is passed over" timed 4 0 "$snpnv" fetch vcek der "issuers" report \
    --platform-url "$platform" --kds-url "${url[milan.https]}" "${root[@]}" "${authority[@]}" --timeout 4
  check "platform $what: the VCEK is from the KDS" grep -q 'from KDS' out
  check "platform $what: nothing else was written" [ ! -e d ]
}
faulty down 'Connection refused' http://127.0.0.1:9 http://127.0.0.1:9
faulty "without a name" 'host name' http://name.invalid http://name.invalid
faulty silent io_deadline "http://$silent" "http://$silent"
faulty "silent in TLS" io_deadline "https://$silent" "https://$silent"
check "all of them silent" timed 2 3 "$snpnv" fetch vcek der d report --store d/none --timeout 2 "${root[@]}" \
  --platform-url "http://$silent" --kds-url "http://$silent"
check "each has its reason" says 'store: No such file or directory; platform: no answer before the deadline; KDS: no answer'
rm -r d
check "a silent platform costs its share once, for VCEK and issuers" timed 4 0 "$snpnv" fetch vcek der once.certs report \
  --platform-url "http://$silent" --kds-url "${url[milan.http]}" "${root[@]}" --timeout 4
check "which is a quarter of the time" [ "$took" -lt 1900 ]
fault() { # NAME WORDS [no-kds]
  serve "$1" --fault "$1"
  faulty "$1" "$2" "$([ "${3:-}" = no-kds ] && echo - || echo "${url[$1.http]}")" "${url[$1.http]}"
  [ "${3:-}" = no-kds ] || check "KDS $1 over TLS ends in time" timed 1 3 "$snpnv" fetch vcek der d report --source kds \
    --kds-url "${url[$1.https]}" "${root[@]}" "${authority[@]}" --timeout 1
  end "$1"
}
fault http-429 'HTTP status 429'
fault http-503 'HTTP status 503'
fault http-slow io_deadline
fault http-truncated io_closed
fault http-endless wire_too_large
fault wrong-certificate vek.hwid
fault wrong-tcb fetch_tcb no-kds

# A stock nginx over TLS, with the same files; and servers that do not prove who they are.
mkdir -p pki/https www/vcek/v1/Milan www/metadata/THIM/amd www/mirror
cp "$pki"/https/* pki/https/
( # make.sh brings a folder and a trap of its own
  . "$pki/make.sh" "$work/pki"
  make_server() { # FILE END EXTENSIONS
    local dir
    dir=$(mktemp -d "$work/ca.XXXXXX")
    cp "$out/https/server.key" "$out/https/$1.key"
    CN=localhost SERIAL=03 EXTENSIONS=$3 new_ca "$dir"
    sign_https "$dir" "$1" "$2" -cert "$out/https/ca.pem"
  }
  make_server expired 20240101000000Z "subjectAltName = DNS:localhost,IP:127.0.0.1"
  make_server wrong-name 20400101000000Z "subjectAltName = DNS:kds.invalid,IP:127.0.0.2"
)
hwid=$(hw_id milan)
cat "$pki"/milan/{ask,ark}.pem >www/vcek/v1/Milan/cert_chain
openssl crl -in "$pki/milan/crl.pem" -outform der -out www/vcek/v1/Milan/crl
openssl x509 -in "$pki/milan/vcek.pem" -outform der -out "www/vcek/v1/Milan/$hwid"
cp -r www/vcek www/mirror/
curl -sS -H 'Metadata: true' "${url[milan.http]}/metadata/THIM/amd/certification" >www/metadata/THIM/amd/certification
check "curl has it from the emulated platform" jq -e .tcbm www/metadata/THIM/amd/certification >/dev/null
check "which wants its header" [ "$(curl -s -o curl.out -w '%{http_code}' "${url[milan.http]}/metadata/THIM/amd/certification")" = 400 ]
check "curl trusts https-ca.pem" curl -sS --cacert milan/https-ca.pem "${url[milan.https]}/vcek/v1/Milan/cert_chain" -o curl.out
server() { # PORT CERTIFICATE MORE
  echo "server { listen 127.0.0.1:$1 ssl; ssl_certificate $work/pki/https/$2.pem;
    ssl_certificate_key $work/pki/https/$2.key; root $work/www; default_type application/octet-stream; ${3:-} }"
}
# Below the ports that systems give away by themselves; once more where something else listens there.
start_nginx() {
  port=$((10000 + RANDOM % 20000))
  write_configuration >nginx.conf
  nginx -p "$work" -c "$work/nginx.conf" -e "$work/nginx.log" 2>nginx.err &
  pid[nginx]=$!
  until [ -s nginx.pid ]; do kill -0 "${pid[nginx]}" 2>/dev/null || return 1; done
}
write_configuration() {
  echo "daemon off; user root; pid $work/nginx.pid; error_log $work/nginx.log; events {} http { access_log off;"
  for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path $work/nginx.temp;"; done
  server $port server "location /moved { rewrite ^/moved(.*) \$1 redirect; } location /round { return 302 /round; }
    location /away { return 301 http://127.0.0.1:$port/vcek/v1/Milan/cert_chain; }"
  server $((port + 1)) expired
  server $((port + 2)) wrong-name
  echo "}"
}
start_nginx || start_nginx || start_nginx || cat nginx.log >&2
nginx=("${root[@]}" "${authority[@]}" --source kds --kds-url)
for host in 127.0.0.1 localhost; do
  check "nginx at $host: fetch ca" exits 0 "$snpnv" fetch ca pem nginx.$host milan "${nginx[@]}" "https://$host:$port"
  check "nginx at $host: fetch vcek" exits 0 "$snpnv" fetch vcek pem nginx.$host report "${nginx[@]}" "https://$host:$port"
  check "nginx at $host: fetch crl" exits 0 "$snpnv" fetch crl pem nginx.$host milan "${nginx[@]}" "https://$host:$port"
  check "nginx at $host: verify" exits 0 "$snpnv" verify attestation nginx.$host report "${root[@]}" --crl nginx.$host/crl.pem
done
check "nginx as a platform" exits 0 "$snpnv" fetch vcek der nginx.platform report --source platform \
  --platform-url "https://localhost:$port" "${root[@]}" "${authority[@]}"
for prefix in mirror mirror/ moved; do
  check "behind the path $prefix" exits 0 "$snpnv" fetch ca pem mirrored milan "${nginx[@]}" "https://localhost:$port/$prefix"
done
refused() { # WHAT WORDS COMMAND...
  check "$1 is refused" timed 2 3 "${@:3}" --timeout 2
  check "$1: says why" says "$2"
  check "$1: nothing is written" [ ! -e d ]
}
ca=("$snpnv" fetch ca pem d milan "${nginx[@]}")
refused "a redirection elsewhere" http_redirect "${ca[@]}" "https://localhost:$port/away"
refused "a redirection without end" http_redirect "${ca[@]}" "https://localhost:$port/round"
refused "an expired server certificate" 'its certificate has expired' "${ca[@]}" "https://localhost:$((port + 1))"
refused "a server of another name" 'its certificate is for another name' "${ca[@]}" "https://localhost:$((port + 2))"
refused "a server of another address" 'its certificate is for another name' "${ca[@]}" "https://127.0.0.1:$((port + 2))"
refused "a server under an unknown authority" 'no trusted authority' "$snpnv" fetch ca pem d milan "${root[@]}" --source kds \
  --kds-url "https://localhost:$port"
refused "plain HTTP from a TLS server" 'HTTP status 400' "${ca[@]}" "http://localhost:$port"
refused "a file without authorities" crypto_failed "$snpnv" fetch ca pem d milan "${root[@]}" --source kds \
  --kds-url "https://localhost:$port" --ca-file report
end nginx

if [ -e /proc/sys/net/ipv6/conf/lo ] && [ "$(cat /proc/sys/net/ipv6/conf/lo/disable_ipv6)" = 0 ]; then
  serve six --https '[::1]:0'
  check "IPv6 over TLS" exits 0 "$snpnv" fetch ca pem six.certs milan "${nginx[@]}" "${url[six.https]}"
  end six
fi

# The busy service, in the end.
wait $busy
read -r status took <busy.done
check "after 20 s of 429 it succeeds" [ "$status" -eq 0 ]
check "within the deadline" [ "$took" -ge 19000 -a "$took" -lt 60000 ]
check "without crowding" [ "$(requests busy ' 429$')" -le 10 ]
echo "429 for 20 s: done after $took ms and $(wc -l <busy/http.log) requests"
echo "worst overrun of a deadline: $worst ms"
summary
