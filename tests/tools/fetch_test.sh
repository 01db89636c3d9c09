#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Certificates from the emulated services, from a stock nginx and from a store: what is used, and what is
# refused and why.
. "$(dirname "$0")/services.sh"
hw_id() { (. "$pki/make.sh" "$pki" && hw_id "$1"); }
poke() { printf '%b' "$3" | dd of="$1" bs=1 seek=$(($2)) conv=notrunc status=none; } # FILE OFFSET OCTETS
same_certificate() { # FILE FILE, each PEM or DER
  cmp -s <(openssl x509 -in "$1" -outform der) <(openssl x509 -in "$2" -outform der)
}

serve milan
# Busy for 20 s; asked in the background while everything else goes on.
serve busy --fault http-429=20s
"$snpnv" -T "${tcti[milan]}" report report user --random >/dev/null || exit 1
"$tools/asleep.py" busy.slept "$snpnv" fetch ca pem busy-certs milan --source kds --kds-url "${url[busy.http]}" "${root[@]}" \
  >busy.out 2>busy.err &
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
  check "$scheme: of two roots with one name the one that signed the list" exits 0 \
    "$snpnv" fetch crl der crl.$scheme milan --root "$pki/other/ark.pem" "${service[@]}"
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
check "JSON is one object" jq -e '.source == "kds" and .product == "Milan" and (.files | length) == 2' out >/dev/null
echo old >private/ark.pem
check "an unknown root is refused" exits 3 "$snpnv" fetch ca pem private milan "${kds[@]:0:4}"
check "and says so" says 'chain.root_pinned: ARK: its key is not that of a trusted root'
check "and leaves the older file" [ "$(cat private/ark.pem)" = old ]

check "a full standard output is an error" exits 3 bash -c '"$1" fetch ca pem full "${@:2}" >/dev/full' - "$snpnv" milan "${kds[@]}"
check "and leaves nothing" [ ! -e full ]
check "nor a changed file" bash -c '! "$1" fetch ca pem private "${@:2}" 2>/dev/full >/dev/full' - "$snpnv" milan "${kds[@]}"
check "the older one is there" [ "$(cat private/ark.pem)" = old ]
mkdir same
cp report same/vcek.der
check "a report is not replaced by its VCEK" exits 2 "$snpnv" fetch vcek der same same/vcek.der "${kds[@]}"
check "and is named" says 'same/vcek.der: would replace REPORT'
mkfifo fifo
check "a report that nobody writes" given_time 1 3 '' "$snpnv" fetch vcek der d fifo "${kds[@]}"
check "a root that nobody writes" given_time 1 3 '' "$snpnv" fetch ca der d milan --root fifo
check "authorities that nobody writes" given_time 1 3 '' "$snpnv" fetch ca der d milan --source kds \
  --kds-url "${url[milan.https]}" --ca-file fifo "${root[@]}"

# Whoever is busy is asked again, first in order or not, while nobody else has it.
for status in 410 429 503; do
  serve once.$status --fault http-$status=1
  check "a platform that answers $status once" exits 0 "$snpnv" fetch vcek der soon.$status report "${root[@]}" \
    --platform-url "${url[once.$status.http]}" --kds-url "http://$nobody"
  check "$status: is asked again" grep -q 'from platform' out
  check "$status: once" [ "$(requests once.$status '^GET /metadata')" -eq 2 ]
  end once.$status
done
serve gone --fault http-410
check "a platform that answers 410 for ever is named" given_time 3 3 'platform: HTTP status 410' \
  "$snpnv" fetch vcek der d report --source platform --platform-url "${url[gone.http]}" "${root[@]}"
check "and asked again and again" [ "$(requests gone ' 410$')" -gt 1 ]
check "is passed over meanwhile" exits 0 "$snpnv" fetch vcek der soon.gone report "${root[@]}" \
  --platform-url "${url[gone.http]}" --kds-url "${url[milan.http]}"
check "by the KDS" grep -q 'from KDS' out
end gone
serve three --fault http-503=3
check "both busy, and one of them no more" exits 0 "$snpnv" fetch vcek der soon.both report "${root[@]}" \
  --platform-url "${url[three.http]}" --kds-url "${url[three.http]}"
check "each was asked again" [ "$(requests three '^GET /metadata')" -eq 2 ]
end three

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
check "404 is final" exits 3 "$snpnv" fetch vcek pem d other-tcb "${kds[@]}"
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
auto=("${root[@]}" --store store --kds-url "${url[milan.http]}" --platform-url "http://$nobody")
: >milan/http.log
for i in $(seq 50); do
  "$snpnv" fetch vcek pem "many.$i" report "${auto[@]}" --timeout "$patience" >/dev/null 2>"many.$i.err" &
  many[i]=$!
done
good=0
for i in $(seq 50); do await_exit "${many[i]}" && same_certificate "many.$i/vcek.pem" "$pki/milan/vcek.pem" && good=$((good + 1)); done
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
mkdir -p page/vcek/Milan
echo '<html>' >page/vcek/Milan/crl.der
check "a store with a page" exits 3 "$snpnv" fetch crl der d milan --source store --store page "${root[@]}"
check "is named" says 'store: neither a certificate nor a revocation list, from page (fetch_content)'
check "a folder of any name" exits 0 "$snpnv" fetch ca pem $'new\nline' milan "${kds[@]}"
check "is said as printable text" grep -qF 'new\u000aline/ark.pem: Milan, from KDS' out
(flock 9 && exec sleep 3600) 9>store/.snpnv.lock &
holder=$!
await "the lock of the store" eval '! flock -n store/.snpnv.lock true'
check "a lock that is held costs a share, and is named" given_time 4 0 'warning: store: another process holds its lock' \
  "$snpnv" fetch ca der d milan -e vlek "${auto[@]}"
rm -r d
if [ "$(id -u)" -eq 0 ]; then
  chown 1 store/.snpnv.lock
  check "another user's costs nothing" exits 0 "$snpnv" fetch crl der d milan "${auto[@]}"
  check "nor is it waited for" [ ! -s err ]
  rm -r d
fi
stop $holder

# A store that leads elsewhere: nothing is written or read there, and a link is replaced, not followed.
echo precious >victim
mkdir -p hostile/vcek/Milan elsewhere
ln -s "$work/victim" hostile/vcek/Milan/crl.der
ln -s ../../../victim hostile/vcek/Milan/cert_chain.pem
ln -s "$work/victim" hostile/.snpnv.lock
hostile=("${auto[@]:0:2}" --store hostile "${auto[@]:4}")
check "a list from a hostile store" exits 0 "$snpnv" fetch crl der hostile.certs milan "${hostile[@]}"
check "issuers" exits 0 "$snpnv" fetch ca der hostile.certs milan "${hostile[@]}"
check "the file that it links to is as it was" [ "$(cat victim)" = precious ]
check "the links are files now" [ -f hostile/vcek/Milan/crl.der -a ! -L hostile/vcek/Milan/crl.der \
  -a ! -L hostile/vcek/Milan/cert_chain.pem ]
check "with what was fetched" cmp -s hostile/vcek/Milan/crl.der hostile.certs/crl.der
mv hostile/vcek/Milan/* elsewhere/
rmdir hostile/vcek/Milan
ln -s "$work/elsewhere" hostile/vcek/Milan
check "behind a linked folder nothing is read" exits 3 "$snpnv" fetch crl der d milan --source store --store hostile "${root[@]}"
check "since it is none" says 'store: Not a directory'
rm elsewhere/*
check "nor written" exits 0 "$snpnv" fetch crl der hostile.certs milan "${hostile[@]}"
check "which is warned of" says 'warning: not stored: hostile/vcek/Milan/crl.der: Not a directory'
check "it is empty" [ -z "$(ls elsewhere)" ]
rm hostile/vcek/Milan
mkdir hostile/vcek/Milan
mkfifo hostile/vcek/Milan/crl.der
check "a FIFO is not waited for" exits 0 timeout 60 "$snpnv" fetch crl der hostile.certs milan "${hostile[@]}"
ln -sf "$work/hostile.certs/crl.der" hostile/vcek/Milan/crl.der
check "a link is not read" exits 3 "$snpnv" fetch crl der d milan --source store --store hostile "${root[@]}"


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
# Three ports that the system gives away, listened on before nginx knows of them, in the place of PORT0 to PORT2.
# It takes over what $NGINX names.
cat >nginx.conf <<EOF
daemon off; user root; pid "$work/nginx.pid"; error_log "$work/nginx.log";
events {}
http {
  access_log off; root "$work/www"; default_type application/octet-stream;
$(for kind in client_body proxy fastcgi uwsgi scgi; do echo "${kind}_temp_path '$work/nginx.temp';"; done)
$(index=0
  for certificate in server expired wrong-name; do
    echo "server { listen 127.0.0.1:PORT$index ssl; ssl_certificate '$work/pki/https/$certificate.pem';
      ssl_certificate_key '$work/pki/https/$certificate.key';
      location /moved { rewrite ^/moved(.*) \$1 redirect; } location /round { return 302 /round; }
      location /portal { return 200 '<!DOCTYPE html><title>Welcome</title>'; }
      location /away { return 301 http://127.0.0.1:PORT0/vcek/v1/Milan/cert_chain; } }"
    index=$((index + 1))
  done)
}
EOF
cat >nginx.py <<'EOF'
import os, socket
sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(3)]
text = open("nginx.conf").read()
for i, s in enumerate(sockets):
    s.set_inheritable(True)
    text = text.replace(f"PORT{i}", str(s.getsockname()[1]))
open("nginx.conf", "w").write(text)
print(*(s.getsockname()[1] for s in sockets), flush=True)
os.environ["NGINX"] = "".join(f"{s.fileno()};" for s in sockets)
os.execlp("nginx", "nginx", "-p", ".", "-c", os.path.abspath("nginx.conf"), "-e", os.path.abspath("nginx.log"))
EOF
start_server ports python3 nginx.py
pid[nginx]=$server
read -r port expired wrong_name <<<"$ports"
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
  check "$1 is refused in time, and says why" given_time 2 3 "$2" "${@:3}"
  check "$1: nothing is written" [ ! -e d ]
}
ca=("$snpnv" fetch ca pem d milan "${nginx[@]}")
refused "a redirection elsewhere" http_redirect "${ca[@]}" "https://localhost:$port/away"
refused "a redirection without end" http_redirect "${ca[@]}" "https://localhost:$port/round"
portal=https://localhost:$port/portal
for wanted in "ca pem d milan" "crl der d milan" "vcek der d report"; do
  # shellcheck disable=SC2086
  refused "a page in place of: $wanted" "KDS: neither a certificate nor a revocation list, from $portal (fetch_content)" \
    "$snpnv" fetch $wanted "${nginx[@]}" "$portal"
done
refused "a page in place of the platform's" "platform: neither a certificate nor a revocation list, from $portal (fetch_content)" \
  "$snpnv" fetch vcek der d report --source platform --platform-url "$portal" "${root[@]}" "${authority[@]}"
check "its cause is hinted at" says 'hint: another server may have answered in its place, such as a proxy'
refused "an expired server certificate" 'its certificate has expired' "${ca[@]}" "https://localhost:$expired"
refused "a server of another name" 'its certificate is for another name' "${ca[@]}" "https://localhost:$wrong_name"
refused "a server of another address" 'its certificate is for another name' "${ca[@]}" "https://127.0.0.1:$wrong_name"
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
await_exit $busy
check "after 20 s of 429 it succeeds" [ $? -eq 0 ]
read -r slept took <busy.slept
check "within the deadline" [ "$slept" -lt 60000 ]
check "and not before" [ "$took" -ge 20000 ]
check "without crowding" [ "$(requests busy ' 429$')" -le 10 ]
echo "429 for 20 s: asleep for $slept of $took ms, $(wc -l <busy/http.log) requests"
summary
