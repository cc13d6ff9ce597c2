#!/bin/bash
# What people get wrong, and what happens to them: a message that names the
# object, the right exit status, and whatever was recorded kept.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"
live_test
small=$work/small-disk
trap 'status=$?; umount "$small" 2>/dev/null; (exit $status); live_cleanup' EXIT
wrong=0

# expect STATUS TEXT COMMAND...: the exit status, and a message of the program that holds TEXT.
expect() {
    local expected=$1 text=$2 status=0 program
    shift 2
    program=$(basename "$1")
    timeout 60 "$@" >"$work/out" 2>"$work/err" 9>&- || status=$?
    if [ "$status" = "$expected" ] && grep -q "^$program: " "$work/err" &&
        grep -qF -- "$text" "$work/err"; then
        echo "ok      $program ${*:2}: $(head -n 1 "$work/err")"
        return
    fi
    wrong=$((wrong + 1))
    echo "NOT OK  $*"
    echo "        expected status $expected and a message with \"$text\", got status $status and:"
    sed 's/^/        /' "$work/err"
}

# expect_readable FILE STATUS...: analyze prints a report of it and ends with one of these.
expect_readable() {
    local file=$1 status=0
    shift
    "$analyze" "$file" >"$work/out" 2>"$work/err" || status=$?
    if [[ " $* " == *" $status "* ]] && grep -q '^freezetrap' "$work/out"; then
        echo "ok      $(basename "$file") was kept and can be read (status $status)"
        return
    fi
    wrong=$((wrong + 1))
    echo "NOT OK  $file: status $status, expected one of: $*"
    sed 's/^/        /' "$work/err"
}

expect_no_file() {
    [ ! -e "$1" ] && return
    wrong=$((wrong + 1))
    echo "NOT OK  $1 was left behind"
}

# The recorder: wrong usage
expect 2 "0" "$recorder" capture -d 0 -o "$work/a.dat"
expect 2 "-1s" "$recorder" capture -d -1s -o "$work/a.dat"
expect 2 "soon" "$recorder" capture -d soon -o "$work/a.dat"
expect 2 "12x" "$recorder" capture -p 12x -o "$work/a.dat"
expect 2 "surplus" "$recorder" capture -d 1s -o "$work/a.dat" surplus
expect 2 "captrue" "$recorder" captrue
expect_no_file "$work/a.dat"

# No such process
true &
gone=$!
wait "$gone"
expect 1 "$gone" "$recorder" capture -p "$gone" -d 1s -o "$work/gone.dat"
expect_no_file "$work/gone.dat"

# A process that exits during the recording
sleep 2 &
sleeper=$!
children+=("$sleeper")
SECONDS=0
start_recorder "$work/exits.dat" -p "$sleeper" -d 40s || fail "no recording"
reap "$recorder_pid" || fail "recorder: exit status $? where its target exited"
[ "$SECONDS" -lt 30 ] || fail "the recorder went on for ${SECONDS} s after its target had exited"
reap "$sleeper"
expect_readable "$work/exits.dat" 0

# Outputs that cannot be written: said at once, not after the recording
SECONDS=0
expect 1 "$work/no-such-folder" "$recorder" capture -d 30s -o "$work/no-such-folder/a.dat"
expect 1 "$work" "$recorder" capture -d 30s -o "$work"
[ "$SECONDS" -lt 20 ] || fail "an unwritable output was found only after the recording"

# A disk that gets full: what was written is kept
mkdir "$small"
if mount -t tmpfs -o size=48k none "$small"; then
    (yes | cat >/dev/null) &
    load=$!
    children+=("$load")
    expect 1 "$small/full.dat" "$recorder" capture -d 6s -o "$small/full.dat"
    kill -KILL -- "-$load"
    reap "$load" 2>/dev/null
    expect_readable "$small/full.dat" 0 3
else
    fail "cannot mount a small tmpfs to fill"
fi

# analyze: things that are no capture
: >"$work/empty.dat"
echo "not a capture, but a text of some length for a reader to look at" >"$work/text.dat"
expect 1 "$work/missing.dat" "$analyze" "$work/missing.dat"
expect 1 "$work" "$analyze" "$work"
expect 1 "$work/empty.dat" "$analyze" "$work/empty.dat"
expect 1 "$work/text.dat" "$analyze" "$work/text.dat"
expect 2 "" "$analyze"
expect 2 "--no-such-option" "$analyze" --no-such-option "$work/exits.dat"

# A capture cut in the middle: the first half is read
"$recorder" capture -d 2s -o "$work/whole.dat" 9>&- || fail "recorder: exit status $?"
head -c $(($(stat -c %s "$work/whole.dat") / 2)) "$work/whole.dat" >"$work/cut.dat"
expect 3 "$work/cut.dat" "$analyze" "$work/cut.dat"
expect_readable "$work/cut.dat" 3

[ "$wrong" = 0 ] || fail "$wrong of these are wrong"
