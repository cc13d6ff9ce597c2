#!/bin/bash
# Killed at random moments - arming, recording, writing a capture, sealing it -
# the recorder leaves a ring that can be read, whole captures stay whole, and the
# next one arms as if nothing had been.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test
need_program stress-ng
moments=$(soak 10 50)
RANDOM=${SEED:=$$}
echo "SEED=$SEED"

# check_leftovers WHEN: of the one killed
check_leftovers() {
    local file status
    for file in "$ring" "$ring.old" "$ring.old2"; do
        [ -s "$file" ] || continue # killed as soon as it had made it
        status=0
        "$analyze" "$file" >"$work/ring.txt" 2>"$work/ring.err" || status=$?
        # Killed before it could record. What its predecessor left is in ring.old then.
        if [ "$status" = 1 ] && [ "$file" = "$ring" ] && grep -q 'an empty ring file' "$work/ring.err"; then
            continue
        fi
        [ "$status" = 0 ] || [ "$status" = 3 ] ||
            fail "killed $1: $file cannot be read: $(cat "$work/ring.err")"
        rings=$((rings + 1))
    done
    find_captures
    for file in ${files[@]+"${files[@]}"}; do
        [ -e "$work/whole/$(basename "$file")" ] || continue
        "$analyze" "$file" >/dev/null 2>&1 || fail "killed $1: $file was whole, and is not any more"
        cmp "$file" "$work/whole/$(basename "$file")" || fail "killed $1: $file has changed"
    done
}

# remember: copies of what is whole before the next one is killed
remember() {
    local file status
    find_captures
    for file in ${files[@]+"${files[@]}"}; do
        # The next one to arm gives torn ones their name; those are readable, not whole.
        status=0
        "$analyze" "$file" >/dev/null 2>"$work/capture.err" || status=$?
        case $status in
        0) cp -n "$file" "$work/whole/" ;;
        3) ;;
        *) fail "$file cannot be read: $(cat "$work/capture.err")" ;;
        esac
    done
}

kill_9() {
    kill -KILL "$arm_pid"
    reap "$arm_pid" 2>/dev/null
}

# at_random MS: sleeps up to so long; the moment is what is tried here.
at_random() { sleep "$(printf '0.%03d' $((RANDOM % $1)))"; }

mkdir "$work/whole"
rings=0
stress-ng --quiet --switch 1 --switch-freq 20000 -t 3600 9>&- &
children+=($!)
for ((moment = 0; moment < moments; moment++)); do
    case $((moment % 4)) in
    0) # arming
        start_arming -d 200ms --ring-size=16M
        at_random 600
        kill_9
        check_leftovers "while arming"
        ;;
    1) # recording
        arm -d 200ms --ring-size=16M
        at_random 500
        kill_9
        check_leftovers "while recording"
        [ "$rings" -gt 0 ] || fail "no ring at $ring"
        ;;
    2) # writing the history and what follows
        arm -d 200ms --ring-size=16M
        trigger --reason "to be killed" >/dev/null || fail "no trigger"
        at_random 200
        kill_9
        check_leftovers "while writing a capture"
        ;;
    3) # sealing
        arm -d 200ms --ring-size=16M
        trigger --reason "to be killed" >/dev/null || fail "no trigger"
        sleep 0.2
        at_random 300
        kill_9
        check_leftovers "while sealing"
        ;;
    esac
    remember
done
arm -d 200ms --ring-size=16M
file=$(trigger --wait --reason "after all") || fail "no capture after $moments kills"
report "$file"
disarm
echo "$moments kills, $rings rings read, $(find "$work/whole" -type f | wc -l) captures stayed whole"
! find "$captures" -name '*.part' | grep . || fail "these were left unfinished for ever"
