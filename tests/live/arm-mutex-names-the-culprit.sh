#!/bin/bash
# Armed for long, a recorder takes no stacks of wakers. Who held a mutex is certain all
# the same: the holder's own call that let it go was recorded.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test

# It begins with stacks, until nobody has waited for a lock of the kernel for ten seconds.
armed_for_long() { status && [ "$(status_of uptime_ns)" -gt 11000000000 ]; }

is_target() { status && [ "$(status_of target)" = "$1" ]; }

# freeze PROGRAM: the report of its freeze, and the truth about it.
freeze() {
    workload=$PWD/tests/workloads/$1
    rm -f "$work/truth.fifo" "$work/truth"
    start_workload --start-after 60 --healthy 60 || fail "$1 does not start"
    await 20 is_target "$target_pid" || fail "the recorder does not find $1"
    kill -USR1 "$target_pid"
    file=$(trigger --wait --reason "$1 is frozen") || fail "no capture"
    await_truth thawed || fail "$1 does not thaw"
    kill -TERM "$target_pid"
    await_truth truth && reap "$target_pid" || fail "$1 does not end"
    report "$file"
}

by_call() { [[ $(report_of findings.0.evidence.0) == *"by a futex call on the lock's address" ]]; }

for ((try = 1; try <= 3; try++)); do
    rm -rf "$ring" "$captures" # what another freeze has left
    arm --comm=mutex_cpu -d 4s
    await 30 armed_for_long || fail "it is not armed for long: $(cat "$work/status.err")"
    freeze mutex_cpu
    disarm
    "$analyze" "$file"
    tests/lab_verdict "$work/report.json" "$work/truth" || fail "the report is not the truth"
    expect findings.0.grade strong
    by_call && exit
    [[ $(report_of findings.0.evidence.0) == *"out of futex_wake"* ]] ||
        fail "the evidence is neither a call nor a stack: $(report_of findings.0.evidence.0)"
done
skip "somebody on this host waits for locks of the kernel: wakers' stacks were taken"
