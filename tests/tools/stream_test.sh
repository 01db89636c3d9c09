#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# snpnv verify evidence --stream: one document a line, one verdict a line; and the versions of evidence.
. "$(dirname "$0")/lib.sh"
start_paravisor
nonce=$(printf '5a%.0s' $(seq 48))
exits 0 "$snpnv" evidence good.json --nonce "$nonce" --vcek "$state/vcek.pem"
judge=("$snpnv" verify evidence --certs "$state" --root "$state/ark.pem")

# What other programs write: version 1, version 0 with its arrays of integers and PEM, no padding.
octets='def octets: [range(0; length; 2) as $i | .[$i:$i + 2] | explode
  | map(if . > 96 then . - 87 else . - 48 end) | .[0] * 16 + .[1]];'
jq -c '.version = 1' good.json >version-1.json
jq -c '.hcl_report |= rtrimstr("=") | .hcl_report |= rtrimstr("=") | .vcek |= (rtrimstr("=") | rtrimstr("="))' \
  good.json >unpadded.json
report=$(jq -r .hcl_report good.json | tr '_-' '/+' | openssl base64 -d -A | od -An -v -tx1 | tr -d ' \n')
jq -c --arg report "$report" --rawfile vcek "$state/vcek.pem" "$octets"'{quote: {signature: .tpm_quote.signature | octets,
  message: .tpm_quote.message | octets, pcrs: .tpm_quote.pcrs | map(octets)}, report: $report | octets, vcek: $vcek}' \
  good.json >version-0.json
for file in version-1 unpadded version-0; do
  check "$file verifies" exits 0 "${judge[@]}" "$file.json" --nonce "$nonce" --allow-old-evidence
  check "$file: by all checks of the quote" [ "$(grep -c '^PASS quote\.' out)" -eq 6 ]
  check "$file with another nonce does not" exits 1 "${judge[@]}" "$file.json" --nonce 00 --allow-old-evidence
done
check "user-data is the nonce in version 2" exits 0 "${judge[@]}" good.json --nonce "$nonce"
check "which is a check of its own" grep -q '^PASS binding.user_data' out
check "and the last line is the verdict" [ "$(tail -n 1 out)" = VERIFIED ]
check "as JSON too" jq -e '.verified and .old_evidence == false' <("${judge[@]}" good.json --nonce "$nonce" --json)
for file in version-1 version-0; do
  check "$file does not bind the report to a nonce" exits 1 "${judge[@]}" "$file.json" --nonce "$nonce"
  check "$file: which alone fails" [ "$(grep '^FAIL' out | cut -d' ' -f2)" = binding.user_data ]
  check "$file: and says what accepts it" grep -q '^FAIL binding.user_data .*--allow-old-evidence' out
  check "$file: accepted" exits 0 "${judge[@]}" "$file.json" --nonce "$nonce" --allow-old-evidence
  check "$file: it is skipped, and says why" \
    grep -q '^SKIP binding.user_data .*evidence of this version does not bind the report to the nonce' out
  check "$file: the verdict says so" [ "$(tail -n 2 out | head -n 1)" = VERIFIED ]
  check "$file: behind itself" grep -q '^the report is not bound to the nonce' <(tail -n 1 out)
  check "$file: quietly too" [ "$("${judge[@]}" "$file.json" --nonce "$nonce" --allow-old-evidence -q | wc -l)" -eq 2 ]
  check "$file: as JSON" jq -e '.verified and .old_evidence' \
    <("${judge[@]}" "$file.json" --nonce "$nonce" --allow-old-evidence --json)
  check "$file: user data are looked for where the option asks" exits 0 "${judge[@]}" "$file.json" \
    --nonce "$nonce" --user-data "$nonce"
  check "$file: and found" grep -q '^PASS binding.user_data' out
done
# Another boot's report and claims with a fresh quote, called by each version.
exits 0 "$snpnv" evidence before.json --nonce 00 --vcek "$state/vcek.pem"
jq -c --slurpfile before before.json '.hcl_report = $before[0].hcl_report' good.json >stale-2.json
jq -c '.version = 1' stale-2.json >stale-1.json
for file in stale-1 stale-2; do
  check "$file is rejected" exits 1 "${judge[@]}" "$file.json" --nonce "$nonce"
  check "$file: by the user data" grep -q '^REJECTED: binding.user_data$' out
done
check "a stream is as strict" exits 1 "${judge[@]}" --stream --nonce "$nonce" < <(cat good.json stale-1.json version-0.json)
check "line by line" [ "$(jq -c '[.verified, .rejected_by, .old_evidence]' out | tr '\n' ' ')" = \
  '[true,null,false] [false,"binding.user_data",false] [false,"binding.user_data",false] ' ]

# Lines that are wrong in different ways, in between, and a last one without newline.
{
  cat good.json
  echo '{}'
  jq -c '.tpm_quote.pcrs[0] = "ff" * 32' good.json
  echo
  cat version-0.json
  printf '{"version" \0 2}\n'
  head -c 3000000 /dev/zero | tr '\0' 'x' && echo
  cat unpadded.json | tr -d '\n'
} >lines
for jobs in 1 2 3 9; do
  check "$jobs: one line is not verified, so the stream is not" exits 1 "${judge[@]}" --stream --jobs $jobs <lines
  check "$jobs: nothing is said but verdicts" [ ! -s err ]
  check "$jobs: one verdict a line, in order" [ "$(jq -c .line out | tr '\n' ' ')" = "1 2 3 4 5 6 7 8 " ]
  check "$jobs: each its own" [ "$(jq -c '[.verified, .rejected_by, .error.code]' out | tr '\n' ' ')" = \
    '[true,null,null] [false,null,"json_missing"] [false,"quote.pcr_digest",null] [false,null,"json_syntax"] [true,null,null] [false,null,"json_syntax"] [false,null,"wire_too_large"] [true,null,null] ' ]
done
check "a stream of good ones is verified" exits 0 "${judge[@]}" --stream < <(cat good.json version-0.json)
check "the nonce of each is told" [ "$(jq -r '.checks[] | select(.name == "quote.nonce").found' out | head -1)" = "$nonce" ]
check "an empty stream verified nothing" exits 1 "${judge[@]}" --stream </dev/null
check "a standard input that is closed is an error" exits 3 "${judge[@]}" --stream <&-
check "--jobs 0 is refused" exits 2 "${judge[@]}" --stream --jobs 0 </dev/null
check "--jobs needs a stream" exits 2 "${judge[@]}" good.json --jobs 2
check "a stream has no file" exits 2 "${judge[@]}" good.json --stream

# A verdict comes as soon as its line is there, whatever the rest does.
mkfifo questions answers
"${judge[@]}" --stream --jobs 2 <questions >answers &
stream=$!
exec 3>questions 4<answers
for i in 1 2 3; do
  cat good.json >&3
  read -r -t "$patience" answer <&4
  check "line $i is answered at once" [ "$(jq -c '[.line, .verified]' <<<"$answer")" = "[$i,true]" ]
done
exec 3>&-
await_exit $stream
check "and the stream ends with its input" [ $? -eq 0 ]
exec 4<&-

# Nobody reads: the stream ends, and so do its workers.
yes "$(cat good.json)" | "${judge[@]}" --stream --jobs 2 2>/dev/null | head -n 3 >three
check "a reader that goes away ends it" [ "$(jq -s length three)" -eq 3 ]

# The peak of memory does not follow the number of lines.
yes "$(cat good.json)" | head -n 1000 >many
peak() { # PID: kB of the process and of its workers
  cat "/proc/$1/status" $(pgrep -P "$1" | sed 's|.*|/proc/&/status|') | awk '/^VmHWM:/ { sum += $2 } END { print sum }'
}
for jobs in 1 2; do
  "${judge[@]}" --stream --jobs $jobs <questions >answers &
  stream=$!
  exec 3>questions 4<answers
  head -n 20 many >&3 &
  check "$jobs: 20 lines" [ "$(timeout "$patience" head -n 20 <&4 | jq -s 'map(select(.verified)) | length')" -eq 20 ]
  few=$(peak $stream)
  cat many >&3 &
  check "$jobs: 1000 lines" [ "$(timeout "$patience" head -n 1000 <&4 | jq -s 'map(select(.verified)) | length')" -eq 1000 ]
  all=$(peak $stream)
  if grep -q __asan_init "$snpnv"; then
    echo "SKIPPED: AddressSanitizer keeps what was freed, which looks like growth" >&2
  else
    check "$jobs: no more memory than 20 lines took: $few and $all kB" [ "$all" -le $((few + 128)) ]
  fi
  exec 3>&- 4<&-
  await_exit "$stream"
done

# The example of docs/evidence.md.
parallel --will-cite --quote --pipe -N 100 --keep-order -j 2 "${judge[@]}" --stream <many >verdicts
check "behind GNU parallel" [ "$(jq -s 'map(select(.verified)) | length' verdicts)" -eq 1000 ]
summary
