#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Each source of certificates down, silent, slow, wrong or lying: alone it is an error in time; before another one
# it costs its share of the time.
. "$(dirname "$0")/services.sh"

serve milan
"$snpnv" -T "${tcti[milan]}" report report user --random >/dev/null || exit 1
check "issuers" exits 0 "$snpnv" fetch ca pem issuers milan --source kds --kds-url "${url[milan.http]}" "${root[@]}"
start_server port "$tools/peer.py"
silent=127.0.0.1:$port

# faulty WHAT WORDS KDS-URL PLATFORM-URL
faulty() {
  local what=$1 words=$2 kds=$3 platform=$4
  [ "$kds" = - ] || check "KDS $what ends in time, and is named" given_time 1 3 "$words" \
    "$snpnv" fetch vcek der d report --source kds --kds-url "$kds" "${root[@]}" "${authority[@]}"
  check "platform $what ends in time, and is named" given_time 1 3 "$words" \
    "$snpnv" fetch vcek der d report --source platform --platform-url "$platform" "${root[@]}" "${authority[@]}"
  check "platform $what is passed over" given_time 4 0 '' "$snpnv" fetch vcek der "issuers" report \
    --platform-url "$platform" --kds-url "${url[milan.https]}" "${root[@]}" "${authority[@]}"
  check "platform $what: the VCEK is from the KDS" grep -q 'from KDS' out
  check "platform $what: nothing else was written" [ ! -e d ]
}
faulty down 'Connection refused' "http://$nobody" "http://$nobody"
faulty "without a name" 'host name' http://name.invalid http://name.invalid
faulty silent io_deadline "http://$silent" "http://$silent"
faulty "silent in TLS" io_deadline "https://$silent" "https://$silent"
check "all of them silent, each with its reason" given_time 2 3 \
  'store: No such file or directory; platform: no answer before the deadline; KDS: no answer' \
  "$snpnv" fetch vcek der d report --store d/none "${root[@]}" --platform-url "http://$silent" --kds-url "http://$silent"
rm -r d
serve first --fault http-503=1
check "a silent KDS leaves a busy platform its time" given_time 4 0 '' "$snpnv" fetch vcek der soon.silent report \
  --platform-url "${url[first.http]}" --kds-url "http://$silent" "${root[@]}"
check "which has it" grep -q 'from platform' out
end first
# A quarter of the time, five seconds at most; with a little time first, since the rest takes what the machine needs.
share() { # SECONDS MS: the platform is asked once, and what it costs is not less than its share and not twice as much
  start_server once "$tools/peer.py"
  in_time "$1" 0 "$snpnv" fetch vcek der once.certs report --timeout "$1" --platform-url "http://127.0.0.1:$once" \
    --kds-url "${url[milan.http]}" "${root[@]}" && await_line once.lines connected &&
    [ "$(grep -c connected once.lines)" -eq 1 ] && [ "$took" -ge "$2" ] && [ "$slept" -lt $(($2 * 19 / 10)) ]
}
check "a silent platform costs a quarter of the time once, for VCEK and issuers" \
  eval 'share 4 1000 || share 16 4000 || share 64 5000'
fault() { # NAME WORDS [no-kds]
  serve "$1" --fault "$1"
  faulty "$1" "$2" "$([ "${3:-}" = no-kds ] && echo - || echo "${url[$1.http]}")" "${url[$1.http]}"
  [ "${3:-}" = no-kds ] || check "KDS $1 over TLS ends in time" given_time 1 3 "$2" "$snpnv" fetch vcek der d report \
    --source kds --kds-url "${url[$1.https]}" "${root[@]}" "${authority[@]}"
  end "$1"
}
fault http-429 'HTTP status 429'
fault http-503 'HTTP status 503'
fault http-slow io_deadline
fault http-truncated io_closed
fault http-endless wire_too_large
fault wrong-certificate vek.hwid
fault wrong-tcb fetch_tcb no-kds
summary
