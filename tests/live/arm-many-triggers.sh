#!/bin/bash
# Triggers without end, under load: no descriptor, no memory and no file more than before.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
need_program stress-ng
triggers=$(soak 200 10000)
waiting=$(soak 30 300) # of them until their capture is whole

look() {
    status || fail "$(cat "$work/status.err")"
    [ "$(status_of capturing)" = null ]
}

usage() {
    await 60 look || fail "a capture does not end"
    fds=$(find "/proc/$arm_pid/fd" -mindepth 1 | wc -l)
    threads=$(find "/proc/$arm_pid/task" -mindepth 1 -maxdepth 1 | wc -l)
    rss_kb=$(awk '/^VmRSS:/ { print $2 }' "/proc/$arm_pid/status")
    echo "$1: $fds descriptors, $threads threads, $rss_kb kB"
}

# A small ring: what is tried here are the triggers, not the disk.
arm -d 10ms --ring-size=4M --max-captures=5
stress-ng --quiet --switch 1 --switch-freq 20000 -t 3600 9>&- &
children+=($!)
for ((i = 0; i < 10; i++)); do
    trigger --wait --reason "to get going" >/dev/null || fail "trigger $i"
done
usage before
fds_before=$fds threads_before=$threads rss_before_kb=$rss_kb
for ((i = 0; i < triggers; i++)); do
    if ((i % (triggers / waiting) == 0)); then
        trigger --wait --reason "number $i" >/dev/null || fail "trigger $i"
    else
        trigger --reason "number $i" >/dev/null || fail "trigger $i"
    fi
done
usage after
# Two more: of a client that has its answer and is gone a moment later.
[ "$fds" -le $((fds_before + 2)) ] || fail "descriptors were not closed"
[ "$threads" -le "$threads_before" ] || fail "threads were not ended"
[ "$rss_kb" -le $((rss_before_kb + rss_before_kb / 10 + 4096)) ] || fail "memory was not freed"
status_of triggers
[ "$(status_of triggers.seen)" = $((triggers + 10)) ] || fail "not every trigger was seen"
[ "$(status_of triggers.captured)" -ge "$waiting" ] || fail "not every one who waited has a capture"
find_captures
[ "${#files[@]}" -le 5 ] || fail "${#files[@]} captures are kept, of 5 allowed"
[ "${#files[@]}" -gt 0 ] || fail "no capture is kept"
! find "$captures" -name '*.part' | grep . || fail "unfinished captures are left behind"
for file in "${files[@]}"; do
    report "$file"
done
disarm
