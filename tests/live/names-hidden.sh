#!/bin/bash
# Where the names of the kernel's functions are hidden nobody can tell what threads wait for: the
# recorder says so and what to do, and the report gives no verdict instead of an all-clear.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_program setpriv

without_names() { setpriv --inh-caps=-syslog --bounding-set=-syslog "$@" 9>&-; }

grep -qm1 '^0* ' <(without_names head -n 1 /proc/kallsyms) || skip "this host shows the names to everybody"
status=0
without_names "$recorder" check >"$work/check" || status=$?
[ "$status" = 3 ] || fail "check: exit status $status: $(cat "$work/check")"
grep -q 'of little use' "$work/check" && grep -q CAP_SYSLOG "$work/check" || fail "check: $(cat "$work/check")"
! grep -q 'capture works here' "$work/check" || fail "check: $(cat "$work/check")"

start_workload --healthy 60 || fail "the workload does not start"
without_names "$recorder" capture -q -p "$target_pid" -d 2s -o "$work/hidden.dat" 2>"$work/err" ||
    fail "capture: $(cat "$work/err")"
grep -q 'NO VERDICT' "$work/err" && grep -q CAP_SYSLOG "$work/err" || fail "capture does not warn: $(cat "$work/err")"
"$analyze" "$work/hidden.dat" >"$work/report" || fail "analyze: exit status $?"
grep -Eq '^(NO VERDICT|FROZEN)' "$work/report" || # a host that is too busy starves threads, which needs no names
    fail "the report is not one without names: $(cat "$work/report")"
cat "$work/report"
