#!/bin/bash
# A table doubles under a service; the report names the thread, the lock, the
# call, its size, and the time the workers lost, as the service measured them.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_memory_mb 1900

record_freeze "$work/freeze.dat" || fail "no recording of the freeze"
"$analyze" --json "$work/freeze.dat" >"$work/report.json" || fail "analyze: exit status $?"
"$compare_truth" culprit "$work/report.json" "$work/truth" || fail "the report is not the truth"
"$analyze" "$work/freeze.dat" >"$work/report.txt" || fail "analyze: exit status $?"
grep -q 'FROZEN' "$work/report.txt" || fail "the text report has no FROZEN line"

# The chain behind a victim's longest wait leads to the same culprit, at the grade of the report.
victim=$(awk '/"victims": \[/ { getline; print $1 + 0; exit }' "$work/report.json")
"$analyze" --explain="$victim" "$work/freeze.dat" >"$work/explained" || fail "--explain: exit status $?"
grep -q '^  held up by  [0-9]* (resizer), .*grade: strong' "$work/explained" ||
    fail "--explain does not name the culprit: $(cat "$work/explained")"
grep -q 'root: it was running' "$work/explained" || fail "--explain names no root"
"$analyze" --explain=4194305 "$work/freeze.dat" >"$work/nothing" 2>"$work/error"
[ $? = 1 ] && [ ! -s "$work/nothing" ] && grep -q 'no thread 4194305' "$work/error" ||
    fail "a thread that is not there is explained: $(cat "$work/error")"
"$analyze" --before="$work/freeze.dat" "$work/freeze.dat" >"$work/compared" || fail "--before: exit status $?"
grep -q 'Nothing that hurts differs' "$work/compared" ||
    fail "a capture differs from itself: $(cat "$work/compared")"
