#!/bin/bash
# --blocked triggers for threads that cannot go on, whatever state that is: frozen by their control
# group, of version 2 or 1, stopped by a signal. Their states differ: S, D and T.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test

mount_of() { # VERSION: where groups that can be frozen are
    awk -v want="$1" '$3 == "cgroup2" && want == 2 || $3 == "cgroup" && want == 1 && ("," $4 ",") ~ /,freezer,/ {
        print $2; found = 1; exit } END { exit !found }' /proc/mounts
}

groups=()
remove_groups() {
    local status=$? group
    thaw
    stop_children
    for group in ${groups[@]+"${groups[@]}"}; do
        await 5 rmdir "$group" 2>/dev/null
    done
    ! mountpoint -q "$work/cgroup2" || umount "$work/cgroup2"
    (exit "$status")
    arm_cleanup
}
thaw() { [ -z "${thaw-}" ] || eval "$thaw"; }
trap remove_groups EXIT

# in_group VERSION: moves the workload to a group of its own, in $group.
in_group() {
    local mount
    if ! mount=$(mount_of "$1") && [ "$1" = 2 ]; then
        mkdir "$work/cgroup2" && mount -t cgroup2 none "$work/cgroup2" 2>/dev/null || return
        mount=$work/cgroup2
    fi
    [ -n "$mount" ] && group=$mount/freezetrap-test-$$-$1 && mkdir "$group" 2>/dev/null || return
    groups+=("$group")
    echo "$target_pid" >"$group/cgroup.procs"
}

# freeze KIND COMMAND UNDO: there is a capture of it, which says that the process was stopped.
tried=0
expect_capture_of() {
    local kind=$1
    thaw=$3
    eval "$2"
    await 20 has_captures $((tried + 1)) || fail "$kind: no capture: $(cat "$work/arm.err")"
    thaw
    thaw=''
    tried=$((tried + 1))
    report "${files[-1]}"
    "$analyze" "${files[-1]}" | sed -n '1,/^$/p;/^1 /,/^$/p'
    [ "$(report_of capture.trigger.source)" = blocked ] || fail "$kind: another trigger"
    expect findings.0.kind process-stopped
}

start_workload --healthy 120 || fail "the workload does not start"
arm -p "$target_pid" --blocked=3 --for=1s -d 1s --cooldown=0
if in_group 2; then
    expect_capture_of "cgroup v2" 'echo 1 >"$group/cgroup.freeze"' 'echo 0 >"$group/cgroup.freeze"'
fi
if in_group 1; then
    expect_capture_of "cgroup v1" 'echo FROZEN >"$group/freezer.state"' 'echo THAWED >"$group/freezer.state"'
fi
expect_capture_of "SIGSTOP" 'kill -STOP "$target_pid"' 'kill -CONT "$target_pid"'
disarm
