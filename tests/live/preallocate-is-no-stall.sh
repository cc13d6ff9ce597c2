#!/bin/bash
# The cure: with a table sized at start nothing freezes, and the report says so.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_memory_mb 1500

record_freeze "$work/cured.dat" --preallocate || fail "no recording"
"$analyze" --json "$work/cured.dat" >"$work/report.json" || fail "analyze: exit status $?"
"$compare_truth" no-stall "$work/report.json" "$work/truth" || fail "the report is not the truth"
"$analyze" "$work/cured.dat" >"$work/report.txt" || fail "analyze: exit status $?"
grep -q 'NO STALL' "$work/report.txt" || fail "the text report has no NO STALL line"
