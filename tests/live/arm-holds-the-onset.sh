#!/bin/bash
# The trigger comes in the middle of a freeze; the capture holds it from its
# first moment on: the call that caused it, and the begin of each worker's wait.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
late_ns=$(soak 1100000000 3000000000)

# frozen_for NS: six of the eight workers wait so long; fails where they do not.
frozen_for() {
    local start
    start=$(now_ns)
    while waiting 6; do
        (($(now_ns) - start < $1)) || return 0
    done
    echo "the freeze was over before the trigger"
    return 1
}

# How long a table takes to double depends on the memory that the host of a virtual machine gives: one that takes
# less than a second is tried again, larger.
for buckets_log2 in $(soak "25 26 27" 26); do
    need_memory_mb $((3100 << (buckets_log2 - 25)))
    rm -rf "$captures" "$work/truth" "$work/truth.fifo"
    start_workload --healthy 120 --buckets-log2 "$buckets_log2" || fail "no workload"
    arm -p "$target_pid" -d 4s
    sleep 2 # of healthy service
    kill -USR1 "$target_pid"
    await 60 waiting 6 || fail "the workload does not freeze"
    if frozen_for "$late_ns"; then
        file=$(trigger --wait --reason "6 of 8 workers frozen for 1.0 s") || fail "no capture"
        break
    fi
    file=
    disarm
    await_truth loaded && stop_workload
done
[ "$file" ] || skip "this host doubles the largest table in less than a second"
await_truth loaded || fail "the workload did not end its resize"
stop_workload
report "$file"
"$compare_truth" onset "$work/report.json" "$work/truth" || fail "the onset is not in the capture"
"$analyze" "$file"
disarm
