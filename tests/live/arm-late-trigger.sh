#!/bin/bash
# Who triggers by hand, or from a watchdog, does so when the stall is over, and does not say since
# when it was there. The report is about that stall all the same, and says how late the trigger was;
# and why the memory of the call behind it was populated.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
need_memory_mb 3000

workload=$PWD/tests/workloads/mlockall_grow

is_target() { status && [ "$(status_of target)" = "$1" ]; }

# freeze_and_trigger SECONDS: the report of a capture that was asked for so long after the stall.
freeze_and_trigger() {
    rm -f "$work/truth.fifo" "$work/truth"
    start_workload --start-after 60 --healthy 60 || fail "the workload does not start"
    await 20 is_target "$target_pid" || fail "the recorder does not find it"
    kill -USR1 "$target_pid"
    await_truth thawed || fail "it does not thaw"
    sleep "$1"
    file=$(trigger --wait --reason "a customer called") || fail "no capture"
    kill -TERM "$target_pid"
    await_truth truth && reap "$target_pid" || fail "it does not end"
    report "$file"
}

arm --comm=mlockall_grow -d 1s --max-events=0 --max-cpu=0
for late in $(soak "0.2 3" "0.2 1 3 0.2 1 3 0.2 1 3 0.2 1 3"); do
    freeze_and_trigger "$late"
    "$analyze" "$file" | sed -n '1,/^blame/p'
    tests/lab_verdict "$work/report.json" "$work/truth" || fail "the report is not the truth"
    expect findings.0.kind mmap-lock-convoy
    expect findings.0.grade strong
    [ "$(report_of stall.trigger_after_ns)" -gt 0 ] || fail "it does not say how late the trigger was"
    [[ $(report_of findings.0.advice) == *MCL_ONFAULT* ]] || fail "no advice on locked memory"
done
disarm
