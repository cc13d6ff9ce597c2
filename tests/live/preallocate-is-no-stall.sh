#!/bin/bash
# The cure: with a table sized at start nothing freezes, and the report says so.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_memory_mb 1900

# On an overloaded host the service can stall without a resize. Then there is a
# stall, the report is right to tell it, and this test has nothing to look at.
healthy=
for attempt in 1 2 3; do
    record_freeze "$work/cured-$attempt.dat" --preallocate || fail "no recording"
    if ! grep '"event":"stall"' "$work/truth"; then
        healthy=$attempt
        break
    fi
    echo "attempt $attempt: the host is busy, the service stalled by itself"
    rm "$work/truth" "$work/truth.fifo"
done
[ "$healthy" ] || skip "this host is too busy: the service stalls without a resize"

"$analyze" --json "$work/cured-$healthy.dat" >"$work/report.json" || fail "analyze: exit status $?"
"$compare_truth" no-stall "$work/report.json" "$work/truth" || fail "the report is not the truth"
"$analyze" "$work/cured-$healthy.dat" >"$work/report.txt" || fail "analyze: exit status $?"
grep -q 'NO STALL' "$work/report.txt" || fail "the text report has no NO STALL line"
