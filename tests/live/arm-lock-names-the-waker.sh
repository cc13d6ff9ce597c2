#!/bin/bash
# An armed recorder takes a waker's stack where that ends a long wait for a lock of the kernel:
# who held the lock is certain, and what it let go is told.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
need_memory_mb 1500

is_target() { status && [ "$(status_of target)" = "$1" ]; }
is_watched() { status && [ "$(status_of stacks.watched)" -gt 0 ]; }

arm --comm=mmap_populate -d 15s # the hold has to end in it, on a busy host too
workload=$PWD/tests/workloads/mmap_populate
start_workload --start-after 60 --healthy 60 || fail "the workload does not start"
await 20 is_target "$target_pid" || fail "the recorder does not find the workload"
kill -USR1 "$target_pid"
await 20 is_watched || fail "nobody who waits for the lock is watched"
file=$(trigger --wait --reason "frozen") || fail "no capture"
await_truth thawed || fail "the workload does not thaw"
kill -TERM "$target_pid"
await_truth truth && reap "$target_pid" || fail "the workload does not end"
report "$file"
disarm
tests/lab_verdict "$work/report.json" "$work/truth" || fail "the report is not the truth"
expect findings.0.kind mmap-lock-convoy
expect findings.0.grade strong
[[ $(report_of findings.0.evidence.0) == *"out of up_read"* ]] ||
    fail "the evidence is no waker's stack: $(report_of findings.0.evidence.0)"
