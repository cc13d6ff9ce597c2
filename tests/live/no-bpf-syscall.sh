#!/bin/bash
# The recorder makes no bpf() call: not while checking, not while recording.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
need_program strace

# perf_event_open is traced too: a trace without it proves that nothing was seen.
trace() {
    strace -f -qq -o "$work/trace" -e trace=bpf,perf_event_open "$@" >"$work/out" 2>&1 9>&- ||
        fail "$*: exit status $?: $(cat "$work/out")"
    grep -q 'perf_event_open(' "$work/trace" || fail "strace saw no perf_event_open of: $*"
    ! grep 'bpf(' "$work/trace" || fail "a bpf system call in: $*"
}
trace "$recorder" capture -d 1s -o "$work/whole-host.dat"
trace "$recorder" capture -p $$ -d 1s -o "$work/one-process.dat"
trace "$recorder" check
