# shellcheck shell=bash
# What the tests of an armed recorder share: arm it, trigger it, ask it how it
# is, look at its captures. Sourced after lib.sh.
#
# Each test has a short form, for check.sh, and a long one, for make soak, which
# sets SOAK=yes.
# shellcheck disable=SC2154 # lib.sh and live_test() set recorder, analyze, work ...

# soak SHORT LONG: the one that is wanted.
soak() {
    if [ "${SOAK-}" = yes ]; then echo "$2"; else echo "$1"; fi
}

# arm_test: live_test, with a directory in memory for ring, socket and services.
arm_test() {
    live_test
    shm=$(mktemp -d /dev/shm/freezetrap-live.XXXXXX) || fail "no directory in /dev/shm"
    trap arm_cleanup EXIT
    captures=$work/captures
    control=$shm/control
    ring=$shm/ring
}

arm_cleanup() {
    local status=$?
    stop_children
    ! mountpoint -q "$work/small" || umount "$work/small"
    rm -rf "$shm"
    (exit "$status")
    live_cleanup
}

now_ns() { "$compare_truth" now; }

# await SECONDS COMMAND...: until it succeeds; fails when it has not by then.
await() {
    local limit=$(($1 * 1000)) start=${EPOCHREALTIME/./}
    shift
    until "$@"; do
        if ((${EPOCHREALTIME/./} - start > limit * 1000)); then
            echo "not within $((limit / 1000)) s: $*" >&2
            return 1
        fi
        sleep 0.02
    done
}

armed() {
    [ -e "/proc/$arm_pid" ] || fail "the recorder ended: $(cat "$work/arm.err")"
    status
}

# status: asks, into $work/status.json
status() {
    "$recorder" status --json --control="$control" >"$work/status.json" 2>"$work/status.err" 9>&-
}

# status_of PATH: one member of the last answer
status_of() { "$compare_truth" get "$work/status.json" "$1"; }

# start_arming OPTIONS...: sets $arm_pid.
start_arming() {
    "$recorder" arm --ring="$ring" --control="$control" -o "$captures" "$@" \
        >"$work/arm.out" 2>"$work/arm.err" 8<&- 9>&- &
    arm_pid=$!
    children+=("$arm_pid")
}

# arm OPTIONS...: returns when it is armed.
arm() {
    start_arming "$@"
    await 60 armed || fail "not armed: $(cat "$work/arm.err" "$work/status.err")"
}

# disarm: as systemd ends it; it must end well, and soon.
disarm() {
    local status=0
    kill -TERM "$arm_pid"
    await 20 not_running "$arm_pid" || fail "the recorder goes on after SIGTERM"
    reap "$arm_pid" || status=$?
    [ "$status" = 0 ] || fail "recorder arm: exit status $status: $(cat "$work/arm.err")"
}

# A zombie has ended too.
not_running() {
    local state
    state=$(sed -n 's/^State:\t\(.\).*/\1/p' "/proc/$1/status" 2>/dev/null)
    [ -z "$state" ] || [ "$state" = Z ]
}

# trigger OPTIONS...: through the control socket.
trigger() {
    timeout 120 "$recorder" trigger --control="$control" "$@" 9>&-
}

# find_captures: $files, oldest first.
find_captures() {
    mapfile -t files < <(find "$captures" -maxdepth 1 -name '*.dat' 2>/dev/null | sort -V)
}

has_captures() {
    find_captures
    [ "${#files[@]}" -ge "$1" ]
}

# report FILE: $work/report.json, of a capture that must be whole.
report() {
    "$analyze" --json "$1" >"$work/report.json" || fail "analyze $1: exit status $?"
    [ "$("$compare_truth" get "$work/report.json" capture.complete)" = true ] ||
        fail "$1 is not whole"
}

report_of() { "$compare_truth" get "$work/report.json" "$1"; }

# waiting N: so many threads of the workload sleep as who waits for its mmap_lock does.
waiting() {
    [ "$(cat /proc/"$target_pid"/task/*/stat 2>/dev/null | grep -c ') D ')" -ge "$1" ]
}

# start_redis: Debian's, on a port and a socket of its own; sets $target_pid, $redis_port.
start_redis() {
    local tries
    need_program redis-server
    need_program redis-cli
    for ((tries = 0; tries < 5; tries++)); do
        redis_port=$((20000 + RANDOM % 10000))
        redis-server --port "$redis_port" --bind 127.0.0.1 --unixsocket "$shm/redis" --save '' \
            --appendonly no --daemonize no --dir "$shm" --enable-debug-command local \
            >"$work/redis.out" 2>&1 9>&- &
        target_pid=$!
        children+=("$target_pid")
        await 20 redis_serves_or_ended && redis_serves && return
        reap "$target_pid" # somebody else's port
    done
    fail "redis-server does not start: $(cat "$work/redis.out")"
}

redis_serves() { [ "$(redis ping 2>/dev/null)" = PONG ]; }
redis_serves_or_ended() { not_running "$target_pid" || redis_serves; }

# redis COMMAND...: its answer
redis() { timeout 60 redis-cli -s "$shm/redis" "$@" 9>&-; }

# arm_redis: with the probes of the manual page's example.
arm_redis() {
    arm -p "$target_pid" -d 5s --interval=500ms --slower-than=200ms --for=2s "$@"
}

# How long threads of redis have waited for a CPU, as the kernel accounts for it, ms.
redis_kept_ms() {
    cat "/proc/$target_pid"/task/*/schedstat | awk '{ ns += $2 } END { printf "%d\n", ns / 1000000 }'
}

# frozen_redis KIND NS COMMAND...: freeze it for so long; the capture that the probe makes says KIND, of this time.
# Sets $kept_ms: so long it has waited for a CPU meanwhile.
frozen_redis() {
    local kind=$1 least=$2 from to
    shift 2
    kept_ms=$(redis_kept_ms)
    from=$(now_ns)
    "$@" || fail "$*: exit status $?"
    to=$(now_ns)
    await 60 has_captures 1 || fail "no capture: the probe did not fire"
    report "${files[0]}"
    kept_ms=$(($(redis_kept_ms) - kept_ms))
    if [ "$(report_of findings.0.kind)" = cpu-starved ]; then
        [ "$kept_ms" -ge 50 ] || fail "redis waited $kept_ms ms for a CPU: $(report_of findings.0.summary)"
        disturbed "redis waited $kept_ms ms for a CPU"
        skip "this host is too busy: others took the CPUs from redis: $(report_of findings.0.summary)"
    fi
    "$compare_truth" freeze "$work/report.json" "$kind" "$from" "$to" "$least" ||
        fail "the report is not the truth"
    "$compare_truth" conservation "$work/report.json" || fail "time was lost or invented"
    "$analyze" "${files[0]}"
}

# asked N: the first probe has asked so often
asked() { status && [ "$(status_of probes.0.asked)" -ge "$1" ]; }

# expect PATH VALUE: in the report
expect() {
    local got
    got=$(report_of "$1") || got="nothing"
    [ "$got" = "$2" ] || fail "$1 is $got, not $2"
}
