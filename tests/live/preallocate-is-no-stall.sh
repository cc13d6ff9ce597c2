#!/bin/bash
# The cure: with a table sized at start nothing freezes, and the report says so.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_memory_mb 1900

# On an overloaded host the service can stall without a resize. Then there is a
# stall, the report is right to tell it, and this test has nothing to look at.
record_freeze "$work/cured.dat" --preallocate --buckets-log2 24 || fail "no recording"
if grep '"event":"stall"' "$work/truth"; then
    disturbed "the service stalled without a resize"
    skip "this host is too busy: the service stalls without a resize"
fi

"$analyze" --json "$work/cured.dat" >"$work/report.json" || fail "analyze: exit status $?"
"$compare_truth" no-stall "$work/report.json" "$work/truth" || fail "the report is not the truth"
"$analyze" "$work/cured.dat" >"$work/report.txt" || fail "analyze: exit status $?"
grep -q 'NO STALL' "$work/report.txt" || fail "the text report has no NO STALL line"
