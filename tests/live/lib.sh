# shellcheck shell=bash
# What the live tests and demo.sh share: start the workload, record it, make it
# freeze, and leave nothing behind. Sourced, by bash, in the build directory.
#
# Nothing here waits for a time in the hope that something has happened by then:
# each wait ends with an event that is looked for, or fails at its deadline.

set -u -m # -m: children get their own process group and can be sent SIGINT
# shellcheck disable=SC2034 # used by those who source this
{
    recorder=$PWD/recorder/recorder
    analyze=$PWD/analyzer/analyze
    workload=$PWD/tests/workloads/hashmap_resize
    compare_truth=$PWD/tests/live/compare_truth
}
children=() # pids of process groups that may still run

fail() {
    echo "FAIL: $*" >&2
    exit 1
}

# skip REASON: automake's status for a test that could not be run here.
skip() {
    echo "SKIP: $*"
    exit 77
}

# What the workload says of others that took its CPUs (truth.h), in words; fails where it says nothing of it. A
# test that loads the host itself sets loads_host: what it takes is not taken by others. An emulated guest is always late.
kept_from_cpu() {
    [ -z "${loads_host-}${IN_GUEST-}" ] || return
    timeout 5 cat 2>/dev/null <&8 >>"$work/truth" # what it said last; it has ended
    awk -F'[:,}]' '/"event":"kept"/ { if ($6 > kept_ns) kept_ns = $6 }
        END { if (!kept_ns) exit 1
              printf "a thread of the workload was kept from a CPU for %d ms\n", kept_ns / 1000000 }' \
        "$work/truth" 2>/dev/null
}

# disturbed EVIDENCE: others on this host took part, says the workload. The test ends and begins anew; returns in its
# third run. It is never the failure itself that says so.
disturbed() {
    echo "DISTURBED in run ${live_run:=1} of 3: $1"
    [ "$live_run" = 3 ] || exit 75
}

# live_test: a directory of its own ($work), root, one live test at a time; beside other calm ones where LIVE_CALM is
# set (local.mk).
live_test() {
    [ "$(id -u)" = 0 ] || skip "recording needs root"
    exec 9>tests/live/lock && flock ${LIVE_CALM:+--shared} 9
    work=$(mktemp -d "$PWD/tests/live/$(basename "$0" .sh).XXXXXX")
    trap live_cleanup EXIT
    trap 'exit 1' INT TERM HUP
    local status=0
    "$recorder" capture -q -d 100ms -o "$work/permitted.dat" 9>&- 2>"$work/permitted" || status=$?
    [ "$status" != 3 ] || skip "$(cat "$work/permitted")"
}

# Kills what still runs; runs a test again that was disturbed; keeps the files of one that failed.
live_cleanup() {
    local status=$? evidence
    stop_children
    if [ "$status" != 0 ] && [ "$status" != 77 ] && [ "$status" != 75 ] && evidence=$(kept_from_cpu); then
        trap - EXIT
        (disturbed "$evidence")
        [ $? != 75 ] || status=75
    fi
    if [ "$status" = 75 ]; then
        rm -rf "$work"
        live_run=$((${live_run:-1} + 1)) exec "$0"
    fi
    if [ "$status" = 0 ] || [ "$status" = 77 ]; then
        rm -rf "$work"
    else
        echo "kept for inspection: $work" >&2
    fi
}

stop_children() {
    local child
    for child in ${children[@]+"${children[@]}"}; do
        kill -KILL -- "-$child" 2>/dev/null && wait "$child" 2>/dev/null
    done
    children=()
}

# The host's, or less where the control group's limit says so.
available_mb() {
    cat /proc/meminfo /sys/fs/cgroup/memory.max 2>/dev/null |
        awk '/^MemAvailable:/ { mb = int($2 / 1024) }
             /^[0-9]+$/ { limit = int($1 / 1048576) }
             END { print limit && limit < mb ? limit : mb }'
}

# reap PID: its exit status; its number may be somebody else's from now on.
reap() {
    local child status=0 still=()
    wait "$1" || status=$?
    for child in "${children[@]}"; do
        [ "$child" = "$1" ] || still+=("$child")
    done
    children=(${still[@]+"${still[@]}"})
    return "$status"
}

need_memory_mb() {
    local mb
    mb=$(available_mb)
    [ "$mb" -ge "$1" ] || skip "needs $1 MB of free memory, $mb MB are available"
}

need_program() {
    command -v "$1" >/dev/null || skip "$1 is not installed"
}

# json_number KEY LINE
json_number() {
    sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p" <<<"$2"
}

# await_truth EVENT: reads what the workload says, into $work/truth, up to that event.
await_truth() {
    while IFS= read -r -t 300 truth_line <&8; do
        printf '%s\n' "$truth_line" >>"$work/truth"
        [[ $truth_line == *"\"event\":\"$1\""* ]] && return
    done
    echo "the workload ended before it said \"$1\"" >&2
    return 1
}

# start_workload OPTIONS...: sets $target_pid; returns when it serves.
start_workload() {
    mkfifo "$work/truth.fifo"
    "$workload" "$@" >"$work/truth.fifo" 9>&- &
    target_pid=$!
    children+=("$target_pid")
    exec 8<"$work/truth.fifo"
    await_truth ready
}

# Ends the service; $work/truth is complete then.
stop_workload() {
    kill -TERM "$target_pid" 2>/dev/null
    await_truth summary && reap "$target_pid"
}

# start_recorder OUTPUT OPTIONS...: sets $recorder_pid; returns when it records.
start_recorder() {
    local output=$1 tries
    shift
    : >"$work/recorder.err"
    "$recorder" capture -o "$output" "$@" 8<&- 9>&- 2> >(exec tee "$work/recorder.err" >&2) &
    recorder_pid=$!
    children+=("$recorder_pid")
    for ((tries = 0; tries < 600; tries++)); do
        grep -qs '^recording ' "$work/recorder.err" && return
        kill -0 "$recorder_pid" 2>/dev/null || break
        sleep 0.05
    done
    echo "the recorder did not start recording" >&2
    return 1
}

# Ctrl-C, then its exit status.
stop_recorder() {
    kill -INT "$recorder_pid"
    reap "$recorder_pid"
}

# record_freeze OUTPUT WORKLOAD-OPTIONS...: the whole of it, some seconds of healthy
# service on both sides. The seconds before let the host of a virtual machine take
# free memory back, on which the length of the freeze depends (hashmap_resize.c).
record_freeze() {
    local output=$1
    shift
    start_workload --healthy 60 "$@" || return
    start_recorder "$output" -p "$target_pid" -d 120s || return
    sleep 3
    kill -USR1 "$target_pid"
    await_truth loaded || return
    sleep 1
    stop_recorder || return
    stop_workload
}
