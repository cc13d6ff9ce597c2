#!/bin/bash
# A recording that is started while others have taken all CPUs begins while they still have them,
# and records them.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck disable=SC2034 # for lib.sh
loads_host=yes
live_test
need_program chrt
[ "$(cat /proc/sys/kernel/sched_rt_runtime_us)" -gt 0 ] || skip "the kernel leaves others no time beside real-time threads"
chrt -f -p 4 $$ 2>/dev/null || skip "no real-time priority" # above that of the burners

burn_s=15
chrt -o 0 tests/live/burners "$burn_s" >"$work/burners" 9>&- &
burners=$!
children+=("$burners")
until grep -q burning "$work/burners"; do
    sleep 0.05
    [ -e "/proc/$burners" ] || skip "the burners do not burn"
done
from=$("$compare_truth" now)
chrt -o 0 "$recorder" capture -q -d 1s -o "$work/starved.dat" 9>&- || fail "capture: exit status $?"
to=$("$compare_truth" now)
reap "$burners" || fail "the burners failed"
chrt -o -p 0 $$
"$analyze" --json "$work/starved.dat" >"$work/report.json" || fail "analyze: exit status $?"
start=$("$compare_truth" get "$work/report.json" capture.start_monotonic_ns)
echo "recorded $(((start - from) / 1000000)) ms after it was started, sealed after $(((to - from) / 1000000)) ms"
# It had to wait for their end before, or for what is left of real-time for others: a twentieth.
[ $((start - from)) -lt $((burn_s * 1000000000 / 2)) ] || fail "it did not record while the CPUs were taken"
grep -q '"comm": *"burners"' "$work/report.json" || fail "it has not recorded who took the CPUs"
