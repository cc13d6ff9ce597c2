#!/bin/bash
# For each thread running + runnable + blocked + unknown = observed time, exactly.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_memory_mb 400

# A small table: many short waits, and doublings before, in and after the capture.
record_freeze "$work/small.dat" --buckets-log2 20 --workers 24 || fail "no recording"
"$analyze" --json "$work/small.dat" >"$work/report.json" || fail "analyze: exit status $?"
"$compare_truth" conservation "$work/report.json" || fail "time was lost or invented"
