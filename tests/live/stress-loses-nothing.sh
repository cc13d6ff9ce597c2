#!/bin/bash
# Under a load of context switches no event is lost, and the report says so.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_program stress-ng

start_recorder "$work/stress.dat" -d 60s || fail "no recording"
stress-ng --quiet --switch 2 --futex 2 --pipe 2 --mutex 2 -t 10 9>&- || fail "stress-ng: exit status $?"
stop_recorder || fail "recorder: exit status $?"
"$analyze" --json "$work/stress.dat" >"$work/report.json" || fail "analyze: exit status $?"
"$compare_truth" losses "$work/report.json" none || fail "events were lost, or few were recorded"
"$compare_truth" conservation "$work/report.json" || fail "time was lost or invented"
