#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# How much code and constants the library puts into a program for a Cortex-M33, at -Os, without the provider, the
# transport and the C library.
#   code.sh          prints the table; fails if a job takes 5 % more than docs/size.md says, or more than its limit, or
#                    if a constant lies in memory that can be written
#   code.sh --table  prints the table alone
# 77: there is no compiler of the version that the table is of.
set -euo pipefail
root=$(cd "$(dirname "$0")/../.." && pwd)
doc=$root/docs/size.md
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
version=12
verify='Verdict& verdict, const CertificateChain& certificates, const Trust& trust, const Evidence& evidence, const Policy& policy,
          ChainCheck& chain) {
  if (!verify_chain(crypto, certificates, trust, kEarliestTime, chain) || !chain.chain) return false;
  return verify_report(crypto, *chain.chain, evidence, policy, kEarliestTime, CheckScope::all, verdict).has_value();
}'
# JOB|LIMIT|FUNCTION
jobs=("collector|12288|Result<BoundReport> job(Nowhere& nowhere, Stopped& stopped, NoCrypto& crypto, MutBytes room, const UserData& user_data) {
  Tpm tpm(nowhere, stopped, 1);
  return ReportCollector(tpm, crypto, room).fresh_report(user_data);
}"
  "verifier|36864|bool job(NoQuotes& crypto, $verify"
  "verifier, quotes and event logs too|—|bool job(NoCrypto& crypto, $verify"
  "reader of policies|—|bool job(ByteView text, Policy& policy) { return parse_policy(text, policy).has_value(); }")

[ "$(arm-none-eabi-g++ -dumpversion 2>/dev/null | cut -d. -f1)" = $version ] || { echo "no arm-none-eabi-g++ $version"; exit 77; }
sizes() { # FUNCTION: code with constants, and what can be written
  printf '%s\n' '#include "tests/size/nothing.hpp"' "$1" |
    arm-none-eabi-g++ -mcpu=cortex-m33 -mthumb -std=c++23 -Os -fno-exceptions -fno-rtti -Wall -Wextra -I"$root" \
      -I"$root/include" -x c++ -c - -o "$work/job.o"
  arm-none-eabi-size "$work/job.o" | awk 'NR == 2 { print $1, $2 + $3 }'
}

bad=0
for job in "${jobs[@]}"; do
  IFS='|' read -r -d '' what limit function <<<"$job" || true
  read -r code writable <<<"$(sizes "$function")"
  echo "| $what | $code | $limit |"
  [ "${1:-}" != --table ] || continue
  IFS='|' read -r _ _ old _ < <(grep -F "| $what | " "$doc" || echo '||0|')
  if [ $((code * 100)) -gt $((old * 105)) ]; then
    echo "$what: $code octets, more than 5 % above$old"
    bad=1
  fi
  [ "$limit" = — ] || [ "$code" -le "$limit" ] || { echo "$what: above its limit"; bad=1; }
  [ "$writable" -eq 0 ] || { echo "$what: $writable octets of constants can be written"; bad=1; }
done
exit $bad
