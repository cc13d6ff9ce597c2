#!/bin/bash
# A CPU goes offline under an armed recorder, and comes back: recording goes on, the
# capture is whole and tells of it, and what runs on the CPU afterwards is recorded again.
# In a guest: no host is asked to give up a CPU.
if [ -z "${IN_GUEST-}" ]; then
    # shellcheck source=tests/guest/lib.sh
    . "${srcdir:-.}/tests/guest/lib.sh"
    guest_test
    run_in_guest tests/guest/cpu-goes-and-comes.sh
    exit
fi
# shellcheck source=tests/live/lib.sh
. "$srcdir/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "$srcdir/tests/live/lib-arm.sh"
arm_test
cpu1=/sys/devices/system/cpu/cpu1/online

# start_beat CPU NAME: a process of this name that sleeps and wakes on that CPU; sets $beat_pid.
start_beat() {
    cp "$(command -v bash)" "$shm/$2"
    # shellcheck disable=SC2016 # for that shell
    taskset -c "$1" "$shm/$2" -c 'while :; do read -r -t 0.02 <>/proc/$$/fd/9; done' \
        9<>"$work/never" &
    beat_pid=$!
    children+=("$beat_pid")
}

end_beat() { kill -KILL -- "-$1" && reap "$1" 2>/dev/null; }

# thread_ns COMM STATE: of the report's thread of that name
thread_ns() {
    local i comm
    for ((i = 0; i < 1000; i++)); do
        comm=$(report_of "threads.$i.comm") || break
        [ "$comm" = "$1" ] && report_of "threads.$i.$2" && return
    done
    fail "the report has no thread $1"
}

# recorded_well COMM: of the time there is, little is unknown. Some is: as long as the events of a CPU are
# missing, a thread that waits for a CPU may have run there.
recorded_well() {
    local unknown blocked
    unknown=$(thread_ns "$1" unknown_ns) blocked=$(thread_ns "$1" blocked_ns)
    echo "$1: blocked $blocked ns, unknown $unknown ns"
    [ "$blocked" -gt $((4 * unknown)) ] && [ "$blocked" -gt 500000000 ] ||
        { "$analyze" --threads "$file" && fail "$1 was not recorded"; }
}

# capture REASON: whole, and its time adds up
capture() {
    file=$(trigger --wait --reason "$1") || fail "no capture: $(cat "$work/arm.err")"
    report "$file"
    "$compare_truth" conservation "$work/report.json" >"$work/conservation" ||
        fail "time was lost or invented: $(cat "$work/conservation")"
}

# noted TIMES TEXT: a capture's notes say so, so often
noted() {
    capture "does it say so" # and not what: the reason is in the report too
    [ "$(grep -o -- "$2" "$work/report.json" | wc -l)" -ge "$1" ]
}

mkfifo "$work/never"
arm -d 500ms --cooldown=0
start_beat 0 beat-on-0
start_beat 1 beat-on-1
times=0
for round in gone flipped; do
    times=$((times + 1))
    echo "== CPU 1 goes offline, and comes back ($round)"
    from=$(now_ns)
    echo 0 >"$cpu1" || fail "CPU 1 cannot be taken offline"
    if [ "$round" = gone ]; then
        await 30 noted 1 "CPU 1 went offline" || fail "nobody says that CPU 1 is gone"
        recorded_well beat-on-0
    fi
    echo 1 >"$cpu1" || fail "CPU 1 cannot be taken online"
    to=$(now_ns)
    await 30 noted "$times" "CPU 1 is online again" || fail "nobody says that CPU 1 is back"
    start_beat 1 "after-$round"
    sleep 2 # of its life
    capture "CPU 1 is back"
    recorded_well beat-on-0
    recorded_well "after-$round"
    echo "CPU 1 was offline for $(((to - from) / 1000000)) ms"
done
"$analyze" "$file"
disarm
