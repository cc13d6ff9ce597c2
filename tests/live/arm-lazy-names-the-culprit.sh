#!/bin/bash
# While a storm of switches makes the governor take lazy stacks, a freeze is still
# explained: uninterruptible waits keep their stacks.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
# shellcheck disable=SC2034 # for lib.sh
loads_host=yes
arm_test
need_program stress-ng
need_memory_mb 1900

step_is() { armed && [ "$(status_of governor.step)" = "$1" ]; }

# look_at_events: $events, $at_ns
look_at_events() {
    status || fail "$(cat "$work/status.err")"
    at_ns=$(now_ns)
    events=$(status_of events)
}

# measure_events: $rate, events a second of this host with what runs on it now
measure_events() {
    local events at_ns before before_ns
    look_at_events
    before=$events before_ns=$at_ns
    sleep 2
    look_at_events
    rate=$(((events - before) * 1000 / ((at_ns - before_ns) / 1000000)))
}

start_workload --healthy 120 --buckets-log2 24 || fail "no workload"
# On one CPU: to wake another one is slow on some hosts. So seldom that a slow one can do it, with stacks and without.
cpu=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' /proc/self/status)
stress-ng --quiet --switch 1 --switch-freq 10000 --taskset "$cpu" -t 3600 9>&- &
children+=($!)
arm -p "$target_pid" -d 2s --max-events=0 --max-cpu=0
measure_events
disarm
# An event without a stack counts half: full stacks take 133 % of this budget, lazy ones 67 % and some.
budget=$((rate * 3 / 4))
echo "$rate events a second; the budget is $budget"
arm -p "$target_pid" -d 2s --max-events="$budget" --max-cpu=0
await 60 step_is lazy || fail "the storm did not make the governor take lazy stacks"
kill -USR1 "$target_pid"
await 60 waiting 6 || fail "the workload does not freeze"
file=$(trigger --wait --reason "6 of 8 workers frozen") || fail "no capture"
await_truth loaded || fail "the workload did not end its resize"
stop_workload
report "$file"
expect findings.0.kind mmap-lock-convoy
expect findings.0.culprit.comm resizer
[[ $(report_of findings.0.grade) = plausible ]] ||
    fail "wakers had no stacks, and yet the grade is $(report_of findings.0.grade)"
disarm
