#!/bin/bash
# With lazy stacks, under a storm of switches, a freeze is explained as with all of them:
# uninterruptible waits keep their stacks, and so does who ends a long wait for a lock.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
# shellcheck disable=SC2034 # for lib.sh
loads_host=yes
arm_test
need_program stress-ng
need_memory_mb 1900

step_is() { armed && [ "$(status_of governor.step)" = "$1" ]; }

start_workload --healthy 120 --buckets-log2 24 || fail "no workload"
# On one CPU: to wake another one is slow on some hosts.
cpu=$(sed -n 's/^Cpus_allowed_list:[[:space:]]*\([0-9]*\).*/\1/p' /proc/self/status)
stress-ng --quiet --switch 1 --switch-freq 10000 --taskset "$cpu" -t 3600 9>&- &
children+=($!)
arm -p "$target_pid" -d 6s --stacks=lazy --max-events=0 --max-cpu=0
await 60 step_is lazy || fail "stacks are not lazy"
kill -USR1 "$target_pid"
await 60 waiting 6 || fail "the workload does not freeze"
file=$(trigger --wait --reason "6 of 8 workers frozen") || fail "no capture"
await_truth loaded || fail "the workload did not end its resize"
stop_workload
report "$file"
expect findings.0.kind mmap-lock-convoy
expect findings.0.culprit.comm resizer
expect findings.0.grade strong
disarm
