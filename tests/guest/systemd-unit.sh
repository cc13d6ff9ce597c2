#!/bin/bash
# freezetrap.service as it is installed, run by systemd: armed as a user of its own with
# the unit's capabilities and in its sandbox, it answers, captures, and ends well. What
# it runs for others has none of its capabilities.
if [ -z "${IN_GUEST-}" ]; then
    # shellcheck source=tests/guest/lib.sh
    . "${srcdir:-.}/tests/guest/lib.sh"
    need_program systemctl
    [ -x /lib/systemd/systemd ] || skip "systemd is not installed"
    guest_test
    guest_mb=1536
    guest_init=/lib/systemd/systemd
    guest_programs+=(systemctl systemd-sysusers systemd-tmpfiles)
    guest_extra() {
        local system=$root/etc/systemd/system program=$PWD/recorder/recorder bin
        make -s systemd/freezetrap.service 2>/dev/null || skip "configured without systemd"
        copy_with_libraries /lib/systemd/systemd || return
        mkdir -p "$system" "$root"/usr/lib/{sysusers.d,tmpfiles.d} "$root/etc/default" "$root/usr/sbin"
        cp systemd/freezetrap.service "$system/"
        cp "${srcdir:-.}/systemd/sysusers.d/freezetrap.conf" "$root/usr/lib/sysusers.d/"
        cp "${srcdir:-.}/systemd/tmpfiles.d/freezetrap.conf" "$root/usr/lib/tmpfiles.d/"
        bin=$(sed -n 's/^ExecStart=\([^ ]*\) .*/\1/p' systemd/freezetrap.service)
        mkdir -p "$root/$(dirname "$bin")"
        cp "$program" "$root/$bin"
        cp analyzer/analyze "$root/$(dirname "$bin")/analyze"
        : >"$root/etc/machine-id"
        cp /etc/os-release "$root/etc/"
        cp --parents /lib/systemd/system/{sysinit,basic,shutdown}.target "$root/"
        cat >"$root/etc/systemd/system.conf" <<END
[Manager]
DefaultStandardOutput=kmsg
DefaultStandardError=kmsg
END
        cat >"$system/guest.service" <<END
[Unit]
DefaultDependencies=no
[Service]
Type=oneshot
ExecStart=/init
StandardOutput=tty
StandardError=tty
END
        cat >"$system/default.target" <<END
[Unit]
DefaultDependencies=no
Wants=guest.service
END
    }
    run_in_guest tests/guest/systemd-unit.sh
    exit
fi
# shellcheck source=tests/live/lib.sh
. "$srcdir/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "$srcdir/tests/live/lib-arm.sh"
work=/tmp/work
mkdir "$work"
control=/run/freezetrap/control
unit=freezetrap.service

property() { systemctl show -p "$1" --value "$unit"; }
unit_is() { [ "$(property ActiveState)" = "$1" ]; }

cat >/etc/default/freezetrap <<'END'
OPTIONS="-d 500ms --cooldown=0 --interval=1s --probe-cmd='grep ^Cap /proc/self/status >/var/lib/freezetrap/probe.tmp && mv /var/lib/freezetrap/probe.tmp /var/lib/freezetrap/probe' --on-capture='grep ^Cap /proc/self/status >/var/lib/freezetrap/after; echo \"$FREEZETRAP_VERDICT\" >/var/lib/freezetrap/verdict'"
END
mkdir -p "/etc/systemd/system/$unit.d"
printf '[Service]\nWatchdogSec=2\n' >"/etc/systemd/system/$unit.d/soon.conf" # of the unit's 30
systemd-sysusers && systemd-tmpfiles --create || fail "no user and no directory"
systemctl daemon-reload

echo "== where Debian refuses CAP_PERFMON"
if [ "$(cat /proc/sys/kernel/perf_event_paranoid)" -gt 2 ]; then
    ! systemctl start "$unit" || fail "it records although perf_event_paranoid forbids it"
    echo "not started, as it should be; exit status $(property ExecMainStatus)"
    [ "$(property ExecMainStatus)" = 3 ] || fail "exit status $(property ExecMainStatus)"
    unit_is failed || fail "it is tried again and again: $(property ActiveState)"
    systemctl reset-failed "$unit"
    echo 2 >/proc/sys/kernel/perf_event_paranoid
fi

# As sys-kernel-tracing.mount does on a host; the unit may not mount anything.
mount -t tracefs none /sys/kernel/tracing || fail "no tracefs"

echo "== armed"
systemctl start "$unit" || fail "it does not start: $(systemctl status --no-pager "$unit")"
unit_is active || fail "it is $(property ActiveState)"
pid=$(property MainPID)
grep -E '^(Uid|Cap|NoNewPrivs|Seccomp:)' "/proc/$pid/status"
readlink "/proc/$pid"/fd/* | grep -qx /dev/kmsg || fail "it cannot read the kernel's log"
[ "$(stat -c %U "/proc/$pid")" = freezetrap ] || fail "it runs as $(stat -c %U "/proc/$pid")"
status || fail "no status: $(cat "$work/status.err")"
"$recorder" status --control="$control"
sleep 5 # more than twice the watchdog's time
unit_is active && [ "$(property NRestarts)" = 0 ] && [ "$(property MainPID)" = "$pid" ] ||
    fail "the watchdog had to restart it"

echo "== a capture"
file=$(trigger --wait --reason "the unit is tested") || fail "no capture"
report "$file"
"$analyze" "$file" | tail -n 30
[ "$(stat -c '%U %a' "$file")" = "freezetrap 600" ] || fail "its mode is $(stat -c '%U %a' "$file")"
events=$(report_of capture.events) || events=0
[ "$events" -gt 100 ] || fail "$events events are no recording"
await 30 test -s /var/lib/freezetrap/verdict || fail "the command after a capture did not run"
for whose in probe after; do
    echo "-- capabilities of the $whose command"
    cat "/var/lib/freezetrap/$whose" || fail "the $whose command did not run"
    ! grep -E '^Cap(Prm|Eff|Amb):' "/var/lib/freezetrap/$whose" | grep -qv '0000000000000000$' ||
        fail "the $whose command has the recorder's capabilities"
done

echo "== ended"
systemctl stop "$unit" || fail "it does not stop"
unit_is inactive && [ "$(property Result)" = success ] || fail "it ended with $(property Result)"
