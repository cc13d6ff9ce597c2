#!/bin/bash
# An armed recorder takes the stacks of wakers only where somebody waited for a lock of the
# kernel. Who held a mutex is certain all the same: the holder's own call that let it go was
# recorded.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test

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

arm --comm=mutex_cpu -d 4s
freeze mutex_cpu
disarm
"$analyze" "$file"
tests/lab_verdict "$work/report.json" "$work/truth" || fail "the report is not the truth"
expect findings.0.grade strong
by_call || fail "the evidence is no call: $(report_of findings.0.evidence.0)"
