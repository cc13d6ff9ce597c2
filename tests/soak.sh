#!/bin/bash
# Runs live tests, those given, in their long forms: make soak does, in the build
# directory, as root. Not through automake, which knows only what make check runs.
# The last line counts them. What each said is in tests/live/NAME.soak.log.
set -u
export SOAK=yes srcdir=${srcdir:-.}
passed=0 failed=0 skipped=0

for test; do
    program=./$test
    if [[ $test == *.sh ]]; then program=$srcdir/$test; fi
    log=$test.soak.log
    start=$SECONDS
    "$program" >"$log" 2>&1 </dev/null
    case $? in
    0) result=PASS passed=$((passed + 1)) ;;
    77) result=SKIP skipped=$((skipped + 1)) ;;
    *) result=FAIL failed=$((failed + 1)) ;;
    esac
    disturbed=$(grep -q ^DISTURBED "$log" && echo ", disturbed")
    printf "%s: %s (%d s%s)\n" "$result" "$test" $((SECONDS - start)) "$disturbed"
    [ "$result" = PASS ] || tail -n 20 "$log"
done
printf '\n%d passed, %d failed, %d skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" = 0 ]
