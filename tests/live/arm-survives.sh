#!/bin/bash
# What goes wrong around an armed recorder: a full disk, a directory that is
# gone, a probe and a command that hang, a target that starts anew, somebody who
# empties the ring file. It goes on, or ends and says why; captures stay whole.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
small=$work/small

# capture REASON: $file, whole
capture() {
    file=$(trigger --wait --reason "$1") || fail "no capture ($1): $(cat "$work/arm.err")"
    report "$file"
}

said() { grep -qE -- "$1" "$work/arm.err"; }

say() { echo "== $*"; }

say "a disk that is full, and has room again"
mkdir "$small"
mount -t tmpfs -o size=8m none "$small" || fail "cannot mount a small tmpfs to fill"
captures=$small/captures
stress-ng --quiet --switch 1 -t 3600 9>&- &
load=$!
children+=("$load")
arm -d 200ms
capture "there is room"
cp "$file" "$work/first.dat"
recorded() { status && [ "$(status_of events)" -ge "$1" ]; }
await 180 recorded 1500000 || fail "the load makes $(status_of events) events"
dd if=/dev/zero of="$small/filler" bs=4k 2>/dev/null
truncate -s -1M "$small/filler"
capture "there is some room"
grep -q 's of older history were left out: 1.0 MB were free' "$work/report.json" ||
    fail "the report does not say what was left out"
[ "$(report_of capture.trigger.at_ns)" -gt 100000000 ] ||
    fail "only $(report_of capture.trigger.at_ns) ns before the trigger are left"
rm "$file"
dd if=/dev/zero of="$small/filler" bs=4k oflag=append conv=notrunc 2>/dev/null
trigger --wait --reason "the disk is full" >"$work/full.out" 2>&1
await 10 said 'No space left on device' ||
    fail "nothing was said of the full disk: $(cat "$work/arm.err" "$work/full.out")"
rm "$small/filler"
capture "there is room again"
[ ! -e "$small/captures/$(basename "$work/first.dat")" ] || cmp "$work/first.dat" "$small/captures/$(basename "$work/first.dat")" ||
    fail "the capture from before has changed"
kill -KILL -- "-$load"
reap "$load" 2>/dev/null

say "a directory that is gone"
rm -r "$small/captures"
capture "the directory is gone"
disarm
umount "$small"
captures=$work/captures

say "a probe and a command that hang for ever"
arm -d 200ms --until-answered=0 --cooldown=0 --probe-cmd="[ ! -e $work/hang ] || exec sleep 1000" --interval=100ms --slower-than=300ms \
    --for=500ms --on-capture='exec sleep 1000'
await 20 asked 4 || fail "the probe does not ask" # before a good answer it triggers nothing
touch "$work/hang"
await 20 has_captures 1 || fail "the probe that hangs did not fire"
capture "the first command still hangs"
capture "and so does the second"
status || fail "no status: $(cat "$work/status.err")"
[ "$(status_of probes.0.fired)" = 1 ] || fail "one row of failures fired $(status_of probes.0.fired) times"
disarm
! pgrep -g "$arm_pid" || fail "these outlive the recorder"

say "an end during a capture, which has its command"
# shellcheck disable=SC2016 # for the command's shell
arm -d 60s --on-capture='echo "$FREEZETRAP_FILE: $FREEZETRAP_REASON" >'"$work/command.out"
trigger --reason "cut short" >/dev/null || fail "no trigger"
disarm
find_captures
[ "$(cat "$work/command.out")" = "${files[-1]}: cut short" ] ||
    fail "the command said '$(cat "$work/command.out")' of ${files[-1]}"
report "${files[-1]}"

say "a target that starts anew"
start_target() {
    sh -c 'echo $$ >'"$work"'/target.pid; exec sleep 1000' 9>&- &
    target_pid=$!
    children+=("$target_pid")
    await 10 test -s "$work/target.pid" || fail "no target"
}
end_target() {
    rm "$work/target.pid"
    kill -KILL "$target_pid"
    reap "$target_pid" 2>/dev/null
}
start_target
arm -d 200ms --pid-file="$work/target.pid"
capture "of the first"
expect capture.target "[$target_pid]"
end_target
start_target
follows() {
    status && [[ $(status_of target) == *"$target_pid"* ]]
}
await 20 follows || fail "the new target is not followed: $(status_of target)"
capture "of the second"
[[ $(report_of capture.target) == *"$target_pid"* ]] || fail "the target is $(report_of capture.target)"
disarm
end_target
cp "$(command -v sleep)" "$shm/ft-live-target"
start_named() {
    "$shm/ft-live-target" 1000 9>&- &
    target_pid=$!
    children+=("$target_pid")
}
start_named
arm -d 200ms --comm=ft-live-target
await 20 follows || fail "not found by its name: $(status_of target)"
kill -KILL "$target_pid"
reap "$target_pid" 2>/dev/null
start_named
await 20 follows || fail "the new one is not followed: $(status_of target)"
capture "of the second with this name"
[[ $(report_of capture.target) == *"$target_pid"* ]] || fail "the target is $(report_of capture.target)"

say "somebody empties the ring file"
before=$file
cp "$before" "$work/before.dat"
: >"$ring"
sleep 1 # it records into what is not there any more
if not_running "$arm_pid"; then
    reap "$arm_pid"
    gone=$?
    [ "$gone" = 1 ] || fail "the recorder ended with status $gone: $(cat "$work/arm.err")"
    said "$ring" || fail "it ended, and did not say why: $(cat "$work/arm.err")"
    echo "it ended: $(cat "$work/arm.err")"
else
    capture "the ring was emptied"
    disarm
    echo "it went on: $(cat "$work/arm.err")"
fi
cmp "$before" "$work/before.dat" || fail "the capture from before has changed"
arm -d 200ms
capture "armed again"
disarm
