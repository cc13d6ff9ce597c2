#!/bin/bash
# The wall clock is set back by an hour under an armed recorder (its own idea of it
# alone: tests/live/stepping_clock.c). Captures stay whole, their names apart, and
# the oldest one is removed, not the one whose name looks oldest.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
# shellcheck source=tests/live/lib-arm.sh
. "${srcdir:-.}/tests/live/lib-arm.sh"
arm_test

# capture REASON: $file, whole, of now
capture() {
    local took
    file=$(trigger --wait --reason "$1") || fail "no capture ($1): $(cat "$work/arm.err")"
    report "$file"
    "$compare_truth" conservation "$work/report.json" || fail "time was lost or invented"
    took=$(report_of capture.duration_ns)
    [ "$took" -gt 0 ] && [ "$took" -lt 120000000000 ] || fail "the capture is of $took ns"
    all+=("$file")
}

# seconds FILE: since the epoch, as its name says
seconds() {
    local name
    name=$(basename "$1")
    date -u -d "${name:0:4}-${name:4:2}-${name:6:2} ${name:9:2}:${name:11:2}:${name:13:2}" +%s
}

export STEPPING_CLOCK=$work/back
preload=$PWD/tests/live/stepping_clock.so
[ -e "$preload" ] || fail "$preload was not built"
all=()
unstepped=$recorder
recorder=$work/recorder
printf '#!/bin/sh\nLD_PRELOAD=%s exec %s "$@"\n' "$preload" "$unstepped" >"$recorder"
chmod +x "$recorder"

arm -d 200ms --max-captures=3
capture "before"
capture "before, again"
: >"$STEPPING_CLOCK"
capture "an hour earlier"
back=$(($(seconds "${all[1]}") - $(seconds "$file")))
[ "$back" -ge 3500 ] && [ "$back" -le 3600 ] || fail "the clock was not set back: by $back s"
capture "an hour earlier, again"
rm "$STEPPING_CLOCK"
capture "set right"
: >"$STEPPING_CLOCK"
capture "an hour earlier, once more"
status || fail "no status: $(cat "$work/status.err")"
disarm

[ "$(printf '%s\n' "${all[@]}" | sort -u | wc -l)" = 6 ] || fail "names collide: ${all[*]}"
find_captures
[ "${#files[@]}" = 3 ] || fail "not 3 captures: ${files[*]}"
for kept in "${all[@]:3}"; do
    [ -e "$kept" ] || fail "$kept was removed, one of the last three"
    "$analyze" "$kept" >"$work/text" || fail "analyze $kept: exit status $?"
done
