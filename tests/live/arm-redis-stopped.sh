#!/bin/bash
# A redis-server, watched by a probe, is healthy for a while: no capture. Then
# it is stopped for 3 s: one capture, which says so and who did it.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
need_program redis-benchmark

start_redis
arm_redis --probe-tcp="127.0.0.1:$redis_port,send=PING\\r\\n"
timeout "$(soak 15 600)" nice redis-benchmark -q -c 4 -n 1000000000 -s "$shm/redis" -t set,get \
    >/dev/null 2>&1 9>&-
[ $? = 124 ] || fail "redis-benchmark ended early"
find_captures
[ "${#files[@]}" = 0 ] || fail "a capture of healthy load: ${files[*]}"
status || fail "$(cat "$work/status.err")"
[ "$(status_of probes.0.asked)" -ge "$(soak 12 500)" ] || fail "the probe asked too rarely"

# Who signals a thread that runs does not wake it, and is not seen.
asleep() { [[ $(cat "/proc/$target_pid/stat") == *") S "* ]]; }
stop_for_3_s() {
    await 10 asleep && kill -STOP "$target_pid" && sleep 3 && kill -CONT "$target_pid"
}
frozen_redis process-stopped 3000000000 stop_for_3_s
expect findings.0.grade exact
expect findings.0.culprit.tid $$
expect capture.trigger.source probe-tcp
disarm
