#!/bin/bash
# While a process' mmap_lock is held and the CPUs have eight times the work they
# can do: a trigger reaches the recorder within 100 ms, nothing is lost, and the
# capture is sealed within 100 ms after its time.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
# shellcheck disable=SC2034 # for lib.sh
loads_host=yes
arm_test
need_program stress-ng
need_memory_mb 1900
limit_ms=100
after_ms=2000

# realtime_us RFC3339: microseconds since the epoch
realtime_us() { date -u -d "$1" +%s%6N; }

# look_at_cpus: $all_ticks and $others_ticks of the CPUs' time: of others than this test and its children, who run or
# are reaped, and of the host of a virtual machine, which took it away
look_at_cpus() {
    read -r all_ticks others_ticks < <(cat /proc/[0-9]*/stat /proc/stat 2>/dev/null | sed 's/^\([0-9]*\) (.*) /\1 /' |
        awk -v self=$$ -v groups=" ${children[*]} " '
            $1 == self || ($1 ~ /^[0-9]/ && index(groups, " " $4 " ")) { own += $13 + $14 + $15 + $16 }
            $1 == "cpu" { all = $2 + $3 + $4 + $5 + $6 + $7 + $8 + $9; busy = all - $5 - $6 }
            END { print all, busy - own }')
}

# measure: $reached_ms, $late_ms of a trigger in the middle of a freeze; $others_percent of the CPUs' time meanwhile
measure() {
    local all_before others_before sent_us taken_us sealed_s sealed_us
    rm -rf "$captures" "$work/truth" "$work/truth.fifo"
    start_workload --healthy 120 --buckets-log2 24 || fail "no workload"
    arm -p "$target_pid" -d "${after_ms}ms"
    stress-ng --quiet --cpu $((8 * $(nproc))) -t 3600 9>&- &
    children+=($!)
    look_at_cpus
    all_before=$all_ticks others_before=$others_ticks
    sleep 1 # of overload
    kill -USR1 "$target_pid"
    await 120 waiting 4 || fail "the workload does not freeze"
    # Nothing between looking at the clock and the system call that triggers.
    sent_us=${EPOCHREALTIME/./}
    kill -USR2 "$arm_pid"
    await 60 has_captures 1 || fail "no capture"
    sealed_s=$(stat -c %.9Z "${files[0]}") # it got its name then
    sealed_us=$((${sealed_s/./} / 1000))
    report "${files[0]}"
    taken_us=$(($(realtime_us "$(report_of capture.start)") + $(report_of capture.trigger.at_ns) / 1000))
    reached_ms=$(((taken_us - sent_us) / 1000))
    late_ms=$(((sealed_us - taken_us) / 1000 - after_ms))
    echo "trigger to recorder $reached_ms ms; sealed $late_ms ms after its time;" \
        "recorder's own run delay $(($(report_of coverage.recorder_delay_max_ns) / 1000)) us"
    expect coverage.lost_events 0
    expect findings.0.kind mmap-lock-convoy
    disarm
    look_at_cpus
    others_percent=$(((others_ticks - others_before) * 100 / (all_ticks - all_before)))
    stop_children
}

# Others on this host may take what is left of its CPUs: tried three times.
for attempt in 1 2 3; do
    measure
    if [ "$reached_ms" -lt "$limit_ms" ] && [ "$late_ms" -le "$limit_ms" ]; then
        exit 0
    fi
    echo "attempt $attempt: not within $limit_ms ms; others took $others_percent % of the CPUs' time"
done
if [ "$others_percent" -ge 10 ]; then
    disturbed "others took $others_percent % of the CPUs' time"
    skip "this host is too busy: others took $others_percent % of the CPUs' time"
fi
fail "three times not within $limit_ms ms"
