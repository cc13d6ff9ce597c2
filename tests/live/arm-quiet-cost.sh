#!/bin/bash
# Armed and nothing to do: next to no CPU, and no memory more than at the start.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
settle_s=5
duration_s=$(soak 60 600)
event_ns=100 # allowed for each event: others may not be as quiet as we are

# look: $cpu_ns, $events, $rss_bytes, $at_ns
look() {
    status || fail "$(cat "$work/status.err")"
    at_ns=$(now_ns)
    cpu_ns=$(status_of recorder.cpu_ns)
    events=$(status_of events)
    rss_bytes=$(status_of recorder.rss_bytes)
}

sleep 600 9>&- &
children+=($!)
arm -p $!
sleep "$settle_s"
look
first_cpu_ns=$cpu_ns first_events=$events first_rss_bytes=$rss_bytes first_at_ns=$at_ns
sleep "$duration_s"
look
spent_ns=$((cpu_ns - first_cpu_ns)) seen=$((events - first_events)) took_ns=$((at_ns - first_at_ns))
allowed_ns=$((took_ns / 1000 + seen * event_ns))
echo "$((spent_ns / 1000)) us of CPU in $((took_ns / 1000000)) ms and for $seen events; allowed: $((allowed_ns / 1000)) us"
echo "memory: $first_rss_bytes, then $rss_bytes bytes"
[ "$spent_ns" -le "$allowed_ns" ] || fail "more than 0.1 % of a CPU and $event_ns ns an event"
[ "$rss_bytes" -le $((first_rss_bytes + 262144)) ] || fail "memory grows"
disarm
