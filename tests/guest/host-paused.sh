#!/bin/bash
# The machine that this guest runs on pauses it, or one of its CPUs: the report says so, and for
# how long. What is true is measured on that machine, between the signals that stop and resume.
if [ -z "${IN_GUEST-}" ]; then
    # shellcheck source=tests/guest/lib.sh
    . "${srcdir:-.}/tests/guest/lib.sh"
    guest_test
    # The guest orders a pause on its third serial port, and is told there how many ns it was.
    mkfifo "$work"/{line,monitor}.{in,out}
    # shellcheck disable=SC2054 # of qemu's own syntax
    guest_options=(-serial "pipe:$work/line" -chardev "pipe,id=monitor,path=$work/monitor"
        -mon chardev=monitor -name guest,debug-threads=on)

    # paused_ns STOP RESUME: commands
    paused_ns() {
        local from to
        from=$("$compare_truth" now)
        eval "$1" || return
        sleep 3
        to=$("$compare_truth" now)
        eval "$2" && echo $((to - from))
    }
    cpu1_thread() { grep -l '^CPU 1/' "/proc/$1"/task/*/comm | cut -d/ -f5; }
    guest_host() {
        local order pid answer
        exec 4<>"$work/monitor.in" 5<>"$work/line.in" 6<>"$work/line.out"
        while kill -0 "$guest" 2>/dev/null; do
            read -r -t 1 order <&6 || continue
            pid=$(cat "$work/pid")
            case $order in
            signal) answer=$(paused_ns "kill -STOP $pid" "kill -CONT $pid") ;;
            monitor) answer=$(paused_ns 'echo stop >&4' 'echo cont >&4') ;;
            cpu1) answer=$(tests/guest/pause_thread "$(cpu1_thread "$pid")" 3000) ;;
            esac
            echo "${answer:-0}" >&5
        done
        exec 4>&- 5>&- 6>&-
    }
    run_in_guest tests/guest/host-paused.sh
    exit
fi
# shellcheck source=tests/live/lib.sh
. "$srcdir/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "$srcdir/tests/live/lib-arm.sh"
arm_test
stty -F /dev/ttyS2 raw -echo
exec 5<>/dev/ttyS2

# pause HOW: sets $paused_ns, the truth; $from and $to as this clock saw it
pause() {
    from=$(now_ns)
    echo "$1" >&5
    read -r -t 100 paused_ns <&5 && [ "$paused_ns" -gt 2900000000 ] || fail "not paused: $1"
    to=$(now_ns)
    echo "paused for $paused_ns ns ($1), $((to - from)) ns later by the clock of the guest"
}

# found GRADE LATE_MS: the report has the pause first, of its length. It begins with the last event before, which a
# sampled thread leaves every 20 ms and an idle host every 250 ms, and ends with the first one after, which an
# emulated CPU may be late with as well.
found() {
    local stall_ns
    "$analyze" "$file"
    report "$file"
    "$compare_truth" freeze "$work/report.json" host-paused "$((from - 250000000))" "$to" \
        "$paused_ns" || fail "the report is not the truth"
    "$compare_truth" conservation "$work/report.json" || fail "time was lost or invented"
    stall_ns=$(($(report_of stall.end_ns) - $(report_of stall.start_ns)))
    [ "$stall_ns" -lt $((paused_ns + $2 * 1000000)) ] || fail "the stall lasts $stall_ns ns"
    expect findings.0.grade "$1"
}

arm -d 500ms --cooldown=0
echo "== a host with nothing to do"
pause signal
file=$(trigger --wait --reason "nobody answered") || fail "no capture"
found plausible 500

echo "== one that computes"
taskset -c 1 bash -c 'while :; do :; done' &
children+=($!)
busy=$!
sleep 1 # of samples
pause signal
file=$(trigger --wait --reason "nobody answered") || fail "no capture"
found strong 250

echo "== one of its CPUs"
file=$work/cpu1.dat
start_recorder "$file" -p "$busy" -d 60s
sleep 1 # likewise
pause cpu1
stop_recorder
found plausible 250
[[ $(report_of findings.0.summary) == "CPU 1 stood still for "* ]] || fail "not of CPU 1"

echo "== its clocks as well"
file=$work/monitor.dat
start_recorder "$file" -d 60s
sleep 1
pause monitor
[ $((to - from)) -lt 1000000000 ] || fail "the clocks of the guest went on"
stop_recorder
report "$file"
expect findings.0.kind no-stall # nobody in there can know
disarm
