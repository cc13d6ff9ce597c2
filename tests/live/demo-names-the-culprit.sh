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
