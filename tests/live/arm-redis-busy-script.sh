#!/bin/bash
# A redis-server computes for 3 s: the capture names the busy thread and where
# its time went.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test

start_redis
arm_redis --probe-cmd="redis-cli -s $shm/redis ping"
await 20 asked 6 || fail "the probe does not ask" # some healthy time before it
computes() {
    redis eval 'local x = 0 for i = 1, tonumber(ARGV[1]) do x = x + i end return x' 0 "$1" >/dev/null
}
# As many rounds as take 3 s here, from what some take. Scripts have no clock.
rounds=10000000
from=$(now_ns)
computes "$rounds"
took_ns=$(($(now_ns) - from))
rounds=$((rounds * 3000000 / (took_ns / 1000)))
[ "$rounds" -gt 0 ] || fail "$took_ns ns"
frozen_redis busy-thread computes "$rounds"
expect findings.0.culprit.tid "$target_pid"
expect capture.trigger.source probe-cmd
[ "$(report_of findings.0.culprit.samples)" -gt 20 ] || fail "there is no profile of it"
[[ $(report_of findings.0.evidence) == *"in user space; innermost functions: "* ]] ||
    fail "the profile is not told"
disarm
