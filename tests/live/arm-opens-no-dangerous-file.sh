#!/bin/bash
# From arming to the sealed capture, in the middle of a freeze, the recorder
# opens no file that takes the target's mmap_lock.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
need_program strace
need_memory_mb 1900

every_thread_is_traced() {
    ! grep -L "^TracerPid:[[:space:]]*$tracer\$" /proc/"$arm_pid"/task/*/status | grep -q .
}

start_workload --healthy 60 --buckets-log2 24 || fail "no workload"
arm -p "$target_pid" -d 2s
strace -f -qq -y -o "$work/trace" -e trace=open,openat,openat2,process_vm_readv,ptrace \
    -p "$arm_pid" 9>&- &
tracer=$!
children+=("$tracer")
await 20 every_thread_is_traced || fail "strace does not attach"
kill -USR1 "$target_pid"
file=$(trigger --wait --reason "a resize") || fail "no capture"
await_truth loaded || fail "the workload did not end its resize"
stop_workload
disarm
report "$file"
expect findings.0.kind mmap-lock-convoy

# Its capture is in the trace: what is not there was not opened.
grep -q "$(basename "$file")" "$work/trace" || fail "strace saw nothing of the capture"
dangerous='cmdline|environ|maps|smaps|smaps_rollup|numa_maps|pagemap|mem|map_files|clear_refs'
# strace -y shows the path of a directory that a name is relative to.
of_target="/proc/$target_pid/|/proc/$target_pid>|[<\"]$target_pid/|process_vm_readv|ptrace"
grep -E "$of_target" "$work/trace" >"$work/of-target"
echo "$(wc -l <"$work/trace") calls traced, $(wc -l <"$work/of-target") for the target"
! grep -E "process_vm_readv|ptrace|[/\"]($dangerous)(/[^\"]*)?\"" "$work/of-target" ||
    fail "these take the target's mmap_lock"
