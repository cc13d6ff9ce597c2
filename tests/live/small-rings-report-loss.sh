#!/bin/bash
# Where the rings are too small events are lost; the report says how many and
# where, and the time of the gaps is unknown, not invented.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_program stress-ng

start_recorder "$work/stress.dat" -d 60s --kernel-buffer=64K || fail "no recording"
stress-ng --quiet --switch 2 --futex 2 --pipe 2 --mutex 2 -t 4 9>&- &
load=$!
children+=("$load")
# A recorder that does not get to run for a second, under load, must lose events.
sleep 1
kill -STOP "$recorder_pid"
sleep 1
kill -CONT "$recorder_pid"
reap "$load" || fail "stress-ng: exit status $?"
stop_recorder || fail "recorder: exit status $?"
"$analyze" --json "$work/stress.dat" >"$work/report.json" || fail "analyze: exit status $?"
"$compare_truth" losses "$work/report.json" some || fail "the losses are not told"
"$compare_truth" conservation "$work/report.json" || fail "time was lost or invented"
"$analyze" "$work/stress.dat" | sed -n '/^coverage/,/^$/p' | grep -q lost ||
    fail "the text report does not say that events were lost"
