#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Output files appear whole or not at all: full disk, read-only folder, kill -9 at any moment.
. "$(dirname "$0")/lib.sh"
start_paravisor --interval-ms 0
user_data user files
export SNPNV_NO_LOCK=1

if [ "$(id -u)" -eq 0 ] && mkdir small frozen && mount -t tmpfs -o size=16k tmpfs small 2>/dev/null; then
  trap 'umount small frozen 2>/dev/null; finish' EXIT
  echo old >small/report
  head -c 1000000 /dev/zero >small/filler 2>/dev/null
  check "a full disk is an error" exits 3 "$snpnv" report small/report user
  check "and named" grep -q '^snpnv: small/report: No space left on device' err
  check "the older file is as it was" [ "$(cat small/report)" = old ]
  check "nothing is left beside" [ "$(ls small | wc -l)" -eq 2 ]
  check "no space for the second file leaves the first as it was" \
    exits 3 "$snpnv" report report.new user --envelope small/envelope
  check "nothing of it was written" [ ! -e report.new ]

  mount -t tmpfs tmpfs frozen && echo old >frozen/report && mount -o remount,ro frozen
  check "a read-only folder is an error" exits 3 "$snpnv" report frozen/report user
  check "and named" grep -q '^snpnv: frozen/report: Read-only file system' err
  check "the older file is as it was" [ "$(cat frozen/report)" = old ]

  # The last of four cannot take its place, since it is a mount point: the others are taken back.
  mkdir all
  for name in user claims report; do echo "old $name" >all/$name; done
  chmod 640 all/claims
  before=$(stat -c '%n %i %a %h %s' all/*)
  touch busy && mount --bind busy all/report
  trap 'umount all/report small frozen 2>/dev/null; finish' EXIT
  check "a file that cannot take its place is an error" \
    exits 3 "$snpnv" report all/report all/user -r --claims all/claims --envelope all/envelope
  check "and named" grep -q '^snpnv: all/report: Device or resource busy' err
  check "nothing is said to be done" [ ! -s out ]
  umount all/report
  check "all the others are what they were, and nothing is beside" [ "$before" = "$(stat -c '%n %i %a %h %s' all/*)" ]
else
  echo "SKIPPED: full disk, read-only folder and mount point need root and mount" >&2
fi

check "a folder is not a file" exits 3 "$snpnv" report . user
check "a missing folder is an error" exits 3 "$snpnv" report missing/report user
check "standard output" exits 0 "$snpnv" report - user
check "holds the report and nothing else" [ "$(stat -c %s out)" -eq 1184 ]
check "a full standard output is an error" exits 3 bash -c '"$1" report - user >/dev/full' - "$snpnv"
check "a closed standard output is an error, not the next file that is opened" \
  exits 3 env -u SNPNV_NO_LOCK bash -c '"$1" report report user -r >&-' - "$snpnv"
check "and named" grep -q '^snpnv: standard output: Bad file descriptor' err
echo old >older.report
cp older.report older.user
check "a full standard output leaves older files as they were" \
  exits 3 bash -c '"$1" report older.report older.user -r >/dev/full' - "$snpnv"
check "and so does a full device for another output" \
  exits 3 "$snpnv" report older.report older.user -r --envelope /dev/full
check "both are the older ones" [ "$(cat older.report older.user)" = "$(printf 'old\nold')" ]
check "what was not there is not there" exits 3 bash -c '"$1" report new.report new.user -r >/dev/full' - "$snpnv"
check "neither of them" bash -c '! ls new.*' 2>/dev/null
check "a folder that is made goes again" exits 3 bash -c '"$1" quote new/er --nonce 00 >/dev/full' - "$snpnv"
check "with those above it" [ ! -e new ]
check "nothing is left beside" [ -z "$(ls -d ./*.snpnv-* 2>/dev/null)" ]

# Standard output by another name is standard output, and holds nothing else.
check "/dev/stdout, a file" exits 0 "$snpnv" report /dev/stdout user
check "holds the report and nothing else" [ "$(stat -c %s out)" -eq 1184 ]
check "/dev/stdout, a pipe" [ "$("$snpnv" report /dev/stdout user | wc -c)" -eq 1184 ]
check "/proc/self/fd/1 as a second output" [ "$("$snpnv" --json report report user --claims /proc/self/fd/1 | jq -r '."user-data"')" != null ]
check "what stands around it stays" bash -c '{ echo 1; "$1" report /dev/stdout user; echo 2; } >around' - "$snpnv"
check "in place" [ "$(stat -c %s around)" -eq 1188 ]
check "a recording there" bash -c '"$1" -T "record:/dev/stdout=$SNPNV_TCTI" report report user >recording' - "$snpnv"
check "is nothing else either" exits 0 "$snpnv" -T replay:recording report replayed user
mkdir quoted
ln -s message quoted/pcrs # to a file that is not there yet
check "two files of a folder that are one are refused" exits 2 "$snpnv" quote quoted --nonce 00
check "and named" grep -q '^snpnv: quoted/pcrs: named for two outputs' err
check "so are those of evidence" exits 2 "$snpnv" evidence quoted --format dir --nonce 00
echo 00 >nonce
check "a nonce is not replaced" exits 2 "$snpnv" evidence nonce --nonce @nonce --vcek "$state/vcek.pem"
check "nor a VCEK" exits 2 "$snpnv" evidence "$state/vcek.pem" --nonce 00 --vcek "$state/vcek.pem"

# The shell's child has a handler too, until it becomes the program: a signal to that one is lost.
defers_sigterm() { [ ! /proc/"$1"/exe -ef "$BASH" ] && grep -qs '^SigCgt:.*[4-7cdef]...$' /proc/"$1"/status; }

# The other end of a FIFO is waited for as long as for anything else.
mkfifo fifo
check "a FIFO that nobody writes is an error" given_time 1 3 '' "$snpnv" report report fifo
check "of that file" grep -q '^snpnv: fifo: nothing at its other end before the deadline' err
check "@FILE too" given_time 1 3 '' "$snpnv" quote quote --nonce @fifo
check "and --vcek" given_time 1 3 '' "$snpnv" evidence evidence --nonce 00 --vcek fifo
check "a FIFO that nobody reads is an error" given_time 1 3 '' "$snpnv" report fifo older.user -r
check "of that file" grep -q '^snpnv: fifo: nothing at its other end before the deadline' err
check "other outputs are the older ones" [ "$(cat older.user)" = old ]
check "a recording in a FIFO" given_time 1 3 '' "$snpnv" -T "record:fifo=$SNPNV_TCTI" report report user
check "of that file" grep -q '^snpnv: record:fifo=.*: nobody at the other end of the recording before the deadline' err
check "a recording from a FIFO" given_time 1 3 '' "$snpnv" -T replay:fifo report report user
check "in other commands" given_time 1 3 '' "$snpnv" -T replay:fifo probe
check "and quote" given_time 1 3 '' "$snpnv" -T replay:fifo quote quote --nonce 00
cat fifo >read & # opens it before or behind the other end
check "a FIFO with a reader" exits 0 "$snpnv" report fifo user
wait $!
check "gets the report" [ "$(stat -c %s read)" -eq 1184 ]
cat user >fifo &
check "a FIFO with a writer" exits 0 "$snpnv" report report fifo
"$snpnv" report fifo user --timeout 600 2>err &
waiting=$!
await "snpnv's own handler of SIGTERM" defers_sigterm $waiting
kill $waiting
await_exit $waiting
check "a signal ends the wait" [ $? -eq 143 ]

mkdir target
echo old >target/report
chmod 600 target/report
ln -s target/report link
check "through a link" exits 0 "$snpnv" report link user
check "the link stays a link" [ -L link ]
check "its target is the report" [ "$(stat -c %s target/report)" -eq 1184 ]
check "with the mode it had" [ "$(stat -c %a target/report)" = 600 ]

# At moments of a run, by the time that a run takes here; more and later ones, if these were too early on this machine.
start=$(date +%s%N)
"$snpnv" -q report older user
took=$((($(date +%s%N) - start) / 1000))
pause() { [ "$1" -eq 0 ] || perl -e 'select undef, undef, undef, $ARGV[0] / 1e6' "$1"; }

# kill -9: the file is the older one or a whole new one.
torn=0
new=0
for ((i = 0; i < 150 || ((new == 0 || new == i) && i < 3000); ++i)); do
  cp older report
  user_data user.i "kill $i"
  "$snpnv" -q report report user.i 2>/dev/null &
  pid=$!
  pause $((took * (i % 150) / 75 * (1 + i / 150)))
  kill -9 $pid 2>/dev/null
  await_exit $pid
  [ "$(stat -c %s report)" -eq 1184 ] || torn=$((torn + 1))
  cmp -s report older || new=$((new + 1))
done
check "after kill -9 no file is torn" [ "$torn" -eq 0 ]
check "some were killed too late and some too early ($new of $i were written)" [ "$new" -gt 0 -a "$new" -lt "$i" ]

# A signal that ends it in the midst of it: nothing is left beside.
rm -f ./*.snpnv-*
ended=0
left=0
for ((i = 0; i < 100 || (ended == 0 && i < 2000); ++i)); do
  "$snpnv" -q report report user --envelope envelope --claims claims 2>/dev/null &
  pid=$!
  pause $((took * (20 + i % 80) / 100))
  signals=(TERM ALRM)
  kill -"${signals[i % 2]}" $pid 2>/dev/null
  await_exit $pid
  case $? in 143 | 142) ended=$((ended + 1)) ;; esac
  ls ./*.snpnv-* >/dev/null 2>&1 && left=$((left + 1)) && rm -f ./*.snpnv-*
done
check "SIGTERM and SIGALRM end it ($ended of $i)" [ "$ended" -gt 0 ]
check "and leave nothing beside ($left of $i)" [ "$left" -eq 0 ]
summary
