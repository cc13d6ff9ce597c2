#!/bin/bash
# A recorder that is killed leaves a file without its end, and yet with the names
# of the kernel's functions: the report names the culprit, and says what is missing.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_memory_mb 1900

start_workload --healthy 60 --buckets-log2 24 || fail "the workload does not start"
start_recorder "$work/killed.dat" -p "$target_pid" -d 120s || fail "no recording"
sleep 2
kill -USR1 "$target_pid"
await_truth loaded || fail "the table was not loaded"
# Names follow the events after a second at most; all that was recorded is in the file some
# seconds later, and the end of a quiet CPU's last segment is what takes longest.
for ((tries = 0; tries < 60; tries++)); do
    "$analyze" --json "$work/killed.dat" >"$work/report.json" 2>/dev/null
    grep -q '"kind": "mmap-lock-convoy"' "$work/report.json" && break
    sleep 0.5
done
kill -KILL "$recorder_pid"
reap "$recorder_pid" || true
status=0
"$analyze" --json "$work/killed.dat" >"$work/report.json" 2>"$work/message" || status=$?
[ "$status" = 3 ] || fail "analyze: exit status $status of a file without its end"
grep -q 'end mark is missing' "$work/message" || fail "the message does not say what is missing"
grep -q '"kind": "mmap-lock-convoy"' "$work/report.json" || fail "the culprit is not in the report"
grep -q '"comm": "resizer"' "$work/report.json" || fail "the culprit is not named"
stop_workload
