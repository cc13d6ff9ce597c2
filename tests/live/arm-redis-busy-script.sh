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
# A script has no clock. From 2.9 s on redis lets it be killed: it says so at once, and the script ends a bit later,
# when its own client has an answer, and so has the next one.
computes() {
    redis eval 'while true do end' 0 >"$work/script.out" 2>&1 &
    children+=($!)
    await 30 ended || return
    reap "${children[-1]}"
    redis_serves
}
ended() { [ "$(redis script kill)" = OK ]; }

redis config set busy-reply-threshold 2900
frozen_redis busy-thread 2900000000 computes
expect findings.0.culprit.tid "$target_pid"
expect capture.trigger.source probe-cmd
# They are of its time on a CPU: as many fewer as others took of that.
least=$((20 * (2900 - kept_ms) / 2900))
samples=$(report_of findings.0.culprit.samples)
[ "$samples" -gt $((least > 0 ? least : 0)) ] || fail "there is no profile of it: $samples samples, $kept_ms ms without a CPU"
[[ $(report_of findings.0.evidence) == *"in user space; innermost functions: "* ]] ||
    fail "the profile is not told"
disarm
