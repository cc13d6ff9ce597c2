#!/bin/bash
# Armed and nothing to do: next to no CPU, and no memory more than at the start.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
settle_s=5
duration_s=$(soak 60 600)
quiet_events_s=1000 # with more the host is not quiet, and this test has nothing to look at

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
spent_ns=$((cpu_ns - first_cpu_ns)) took_ns=$((at_ns - first_at_ns))
events_s=$(((events - first_events) * 1000 / (took_ns / 1000000)))
echo "$((spent_ns / 1000)) us of CPU in $((took_ns / 1000000)) ms; allowed: $((took_ns / 1000000)) us"
echo "memory: $first_rss_bytes, then $rss_bytes bytes; $events_s events a second"
disarm
[ "$events_s" -le "$quiet_events_s" ] ||
    skip "others are not quiet: $events_s events a second, $((spent_ns * 1000 / (took_ns / 1000))) ppm of a CPU"
[ "$spent_ns" -le $((took_ns / 1000)) ] || fail "more than 0.1 % of a CPU"
[ "$rss_bytes" -le $((first_rss_bytes + 262144)) ] || fail "memory grows"
