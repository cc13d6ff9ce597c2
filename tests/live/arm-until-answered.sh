#!/bin/bash
# A freeze outlasts the time of -d: while the probe is without an answer the recording goes on, so
# that its end is in the file. And what a probe noted tells another trigger since when it was.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test

start_redis
arm -p "$target_pid" -d 500ms --interval=200ms --slower-than=200ms --for=1s --until-answered=30s \
    --probe-tcp="127.0.0.1:$redis_port,send=PING\\r\\n"
answered() { status && [ "$(status_of probes.0.answered)" -ge 3 ]; }
await 20 answered || fail "the probe has no answer: $(cat "$work/status.err")"
asleep() { [[ $(cat "/proc/$target_pid/stat") == *") S "* ]]; }
await 10 asleep
kill -STOP "$target_pid"
fired() { status && [ "$(status_of probes.0.fired)" -ge 1 ]; }
await 20 fired || fail "the probe does not fire"
sleep 3 # much longer than -d
find_captures
[ "${#files[@]}" = 0 ] || fail "the capture ended before the freeze did"
kill -CONT "$target_pid"
await 20 has_captures 1 || fail "no capture: $(cat "$work/arm.err")"
report "${files[0]}"
"$analyze" "${files[0]}" | sed -n '1,/^blame/p'
expect findings.0.kind process-stopped
expect stall.still_open false

# Stopped for too short a time for the probe to fire; somebody triggers later, and does not say when it was.
asked=$(status && status_of probes.0.answered)
again() { status && [ "$(status_of probes.0.answered)" -gt "$((asked + 1))" ]; }
await 20 again && await 10 asleep
from=$(now_ns)
kill -STOP "$target_pid" && sleep 0.7 && kill -CONT "$target_pid"
asked=$(status && status_of probes.0.answered)
await 20 again
file=$(trigger --wait --reason "a customer called") || fail "no second capture"
to=$(now_ns)
report "$file"
"$analyze" "$file" | sed -n '1,/^blame/p'
expect findings.0.kind process-stopped
start=$(($(report_of capture.start_monotonic_ns) + $(report_of stall.start_ns)))
[ "$start" -ge "$from" ] && [ "$start" -le "$to" ] || fail "it is about another stall"
disarm
