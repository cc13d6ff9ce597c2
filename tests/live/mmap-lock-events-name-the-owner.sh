#!/bin/bash
# With -e mmap_lock the kernel itself says who holds an mmap_lock: the report is exact,
# also where the holder is another process that reads the frozen one's maps.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_memory_mb 3000
[ -d /sys/kernel/tracing/events/mmap_lock ] || skip "this kernel has no mmap_lock events"

# told WORKLOAD: its report is the truth; sets $grade.
told() {
    workload=$PWD/tests/workloads/$1
    start_workload --start-after 60 --healthy 60 || fail "$1 did not start"
    [[ $truth_line =~ \"target\":\"([0-9,]+)\" ]] || fail "$1 has no target"
    start_recorder "$work/$1.dat" -p "${BASH_REMATCH[1]}" -d 60s -e mmap_lock || fail "no recording"
    sleep 1 # of health
    kill -USR1 "$target_pid"
    await_truth thawed || fail "$1 did not freeze"
    sleep 0.3 # of health
    stop_recorder || fail "the recorder failed"
    kill -TERM "$target_pid"
    await_truth truth && reap "$target_pid" || fail "$1 failed"
    "$analyze" --json "$work/$1.dat" >"$work/$1.json" || fail "analyze: exit status $?"
    "$analyze" "$work/$1.dat"
    tests/lab_verdict "$work/$1.json" "$work/truth" || fail "the report of $1 is not the truth"
    grade=$("$compare_truth" get "$work/$1.json" findings.0.grade)
    rm "$work/truth.fifo" "$work/truth" "$work/$1.dat"
}

# exact WORKLOAD: the owner is exact. Where the kernel leaves events out without a word, every grade is
# plausible and the report says why: that is right, but it is not what this test is to show.
exact() {
    local attempt
    for attempt in 1 2 3 4; do
        told "$1"
        [ "$grade" != exact ] || return 0
        grep -q "another thread left the CPU than had come to it" "$work/$1.json" || fail "the owner is $grade, not exact"
        echo "attempt $attempt: the kernel left events out"
    done
    fail "the kernel left events out each time"
}

exact mprotect_large
exact smaps_reader
