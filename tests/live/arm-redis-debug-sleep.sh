#!/bin/bash
# A redis-server sleeps for 3 s: the capture names the sleep as what its main
# thread was in while the probe waited.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test

start_redis
arm_redis --probe-cmd="redis-cli -s $shm/redis ping"
await 20 asked 6 || fail "the probe does not ask" # some healthy time before it
frozen_redis slow-producer 3000000000 redis debug sleep 3
expect findings.0.grade plausible
expect findings.0.culprit.tid "$target_pid"
expect capture.trigger.source probe-cmd
[[ $(report_of findings.0.culprit.stack) == *nanosleep* ]] || fail "the stack does not show the sleep"
disarm
