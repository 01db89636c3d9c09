# SPDX-License-Identifier: Apache-2.0
# What the tests of `snpnv fetch` share beside lib.sh, which this reads: emulated services.
pki=$(cd "$(dirname "${BASH_SOURCE[0]}")/../pki" && pwd)
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
declare -A url tcti pid

# serve NAME OPTION...: a paravisor with both services, state in ./NAME, URLs in url[NAME.http] and .https
serve() {
  local name=$1 line
  start_server line "$paravisor_program" --state "$name" --listen 127.0.0.1:0 --http 127.0.0.1:0 --https 127.0.0.1:0 "${@:2}"
  pid[$name]=$server
  tcti[$name]=$(sed -n 's/^ready tcti=\([^ ]*\) .*/\1/p' <<<"$line")
  url[$name.http]=$(sed -n 's/.* http=\([^ ]*\).*/\1/p' <<<"$line")
  url[$name.https]=$(sed -n 's/.* https=\([^ ]*\).*/\1/p' <<<"$line")
  [ -n "${url[$name.https]}" ] || { echo "FAILED: $name did not get ready" >&2; exit 1; }
}
end() { # NAME
  stop "${pid[$1]}"
}

root=(--root "$pki/milan/ark.pem")
authority=(--ca-file "$pki/https/ca.pem")
says() { grep -q -- "$1" err; }
requests() { grep -c -- "$2" "$1/http.log"; } # NAME PATTERN

start_server closed "$tools/peer.py" --closed
nobody=127.0.0.1:$closed
