#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Twenty processes at once, each with its own user data. With the lock every one gets its report;
# without it each gets its own or exit status 4, never another's.
# ROUNDS and INTERVAL_MS (of the paravisor) may be set for a longer run.
. "$(dirname "$0")/lib.sh"
rounds=${ROUNDS:-10}
interval=${INTERVAL_MS:-50}

# crowd ROUND TIMEOUT: the exit statuses are in status.N
crowd() {
  local i
  for i in $(seq 20); do
    user_data "user.$i" "$1 $i"
    rm -f "report.$i" "claims.$i"
    ("$snpnv" -q report "report.$i" "user.$i" --claims "claims.$i" --timeout "$2" 2>"err.$i"
      echo $? >"status.$i") &
    pids[i]=$!
  done
  for i in $(seq 20); do await_exit "${pids[i]}"; done
}

start_paravisor --interval-ms "$interval"
served=0
for round in $(seq "$rounds"); do
  crowd "locked $round" "$patience"
  for i in $(seq 20); do
    check "round $round, process $i: exit status 0" [ "$(cat "status.$i")" -eq 0 ]
    check "round $round, process $i: its own user data" has_user_data "claims.$i" "user.$i"
    check "round $round, process $i: bound" binds "report.$i" "claims.$i"
    served=$((served + 1))
  done
done
echo "with the lock: $served of $served served"

# Without it they are in each other's way; somebody is served, with time enough for this machine.
export SNPNV_NO_LOCK=1
served=0
late=0
timeout=${FREE_TIMEOUT:-3}
for round in $(seq $(((rounds + 4) / 5))) more more; do
  [ "$round" != more ] || [ "$served" -eq 0 ] || break
  [ "$round" != more ] || timeout=$((timeout * 8))
  crowd "free $round" "$timeout"
  for i in $(seq 20); do
    case $(cat "status.$i") in
      0)
        served=$((served + 1))
        check "round $round, process $i without the lock: its own user data" \
          has_user_data "claims.$i" "user.$i"
        check "round $round, process $i without the lock: bound" binds "report.$i" "claims.$i"
        ;;
      4)
        late=$((late + 1))
        check "round $round, process $i without the lock: nothing written" [ ! -e "report.$i" ]
        ;;
      *) check "round $round, process $i without the lock: exit status 0 or 4" false ;;
    esac
  done
done
echo "without the lock: $served served, $late exit status 4"
check "without the lock somebody is served" [ "$served" -gt 0 ]
summary
