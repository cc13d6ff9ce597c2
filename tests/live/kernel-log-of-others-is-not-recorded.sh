#!/bin/bash
# The recorder reads the kernel's log, and records nothing of it but what the kernel's hung-task detector
# says: not what others write there, not even if it looks the same.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
[ -r /dev/kmsg ] && [ -w /dev/kmsg ] || skip "there is no /dev/kmsg to read and write"
secret=freezetrap-secret-$$

# Twice: before the recording and in it.
write_log() {
    echo "<3>INFO: task $secret:1 is blocked on a mutex likely owned by task b:2." >/dev/kmsg
    echo "$secret" >/dev/kmsg
    await 5 eval "dmesg | grep -q '^.*] $secret'" || skip "what is written to /dev/kmsg is not in the log"
}
reads_log() { readlink "/proc/$1"/fd/* | grep -qx /dev/kmsg; }
# The file's texts are deflated: what the reader makes of them is looked at.
nothing_in() {
    "$analyze" --json "$1" >"$work/json" || fail "analyze: exit status $?"
    ! grep "$secret" "$work/json" || fail "$1 has what others wrote to the kernel's log"
}

write_log
start_recorder "$work/now.dat" -d 60s || fail "no recording"
reads_log "$recorder_pid" || fail "it does not read the kernel's log"
write_log
stop_recorder || fail "the recorder failed"
nothing_in "$work/now.dat"

arm -d 500ms
reads_log "$arm_pid" || fail "the armed recorder does not read the kernel's log"
write_log
file=$(trigger --wait --reason "the log is tested") || fail "no capture"
nothing_in "$file"
disarm

echo "== without permission"
if [ "$(cat /proc/sys/kernel/dmesg_restrict)" = 1 ] && command -v capsh >/dev/null; then
    capsh --drop=cap_syslog,cap_sys_admin -- -c "'$recorder' check" >"$work/check"
    grep "kernel's log" "$work/check"
    grep "lines of the kernel's log *hidden: needs CAP_SYSLOG" "$work/check" >/dev/null ||
        fail "recorder check does not say why it cannot read the log"
else
    echo "not tried: the log may be read by all, or there is no capsh"
fi
