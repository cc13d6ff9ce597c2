#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# --help, the manual page and bash completion of recorder name the same options.
set -u
srcdir=${srcdir:-.}
recorder=${RECORDER:-./recorder/recorder}

scratch=$(mktemp -d) || exit 99
trap 'rm -rf "$scratch"' EXIT

fail() {
    echo "$0: $*" >&2
    exit 1
}

# Every -x and --xyz that begins a word, one a line.
options() {
    grep -oE '(^|[^A-Za-z0-9-])--?[A-Za-z][A-Za-z-]*' | grep -oE -- '--?[A-Za-z][A-Za-z-]*' | sort -u
}

# in_help COMMAND...: the options that the lines of its help begin with.
in_help() {
    "$recorder" "$@" --help >"$scratch/text" || fail "$* --help ends with status $?"
    grep -oE '^ +(-[A-Za-z], )?--[a-z-]+' "$scratch/text" | options
}

# in_man HEADING: of the part of OPTIONS below "Of recorder ..."
in_man() {
    sed -n '/^\.SH OPTIONS/,/^\.SH WHAT/p' "$srcdir/man/recorder.1" |
        awk -v heading="$1" '/^Of$/ { inside = 0 } $0 == heading { inside = 1 } inside && /^\.BR? .*\\-/' |
        sed 's/\\-/-/g' | options
}

# in_completion FUNCTION-CASE: of words="..." after that line.
in_completion() {
    awk -v start="$1" 'index($0, start) { inside = 1 } inside { print } inside && /;;|mapfile/ { exit }' \
        "$srcdir/completion/recorder" | grep -v mapfile | options
}

# agree OPTIONS HEADING CASE COMMAND...: three lists, and the test must see OPTIONS.
agree() {
    wanted=$1 heading=$2 case=$3
    shift 3
    in_help "$@" >"$scratch/help"
    for option in $wanted; do
        grep -qx -e "$option" "$scratch/help" || fail "recorder $* --help does not name $option"
    done
    in_man "$heading" | diff -u "$scratch/help" - || fail "recorder $*: --help (-) and recorder.1 (+) differ"
    in_completion "$case" | diff -u "$scratch/help" - || fail "recorder $*: --help (-) and completion (+) differ"
}

agree "--help --version" ".B recorder" "COMP_CWORD == 1"
agree "-p --pid -d --duration -o --output -e -a" '.BR "recorder capture" :' "	capture)" capture
agree "-p --pid --comm --probe-tcp --blocked --for --ring-size --on-capture" \
    '.BR "recorder arm" :' "	arm)" arm
agree "-p --pid" '.BR "recorder check" :' "	check)" check
agree "-r --reason -w --wait -t --timeout --control" '.BR "recorder trigger" :' "	trigger)" trigger
agree "--json --control" '.BR "recorder status" :' "	status)" status

# Each option of capture is taken: with --help after it, nothing is recorded.
in_help capture >"$scratch/help"
while read -r option; do
    case $option in
    -p | --pid) value=1 ;;
    -d | --duration) value=1s ;;
    --kernel-buffer) value=1M ;;
    -o | --output | -e | --event) value=x ;;
    *) value= ;;
    esac
    # shellcheck disable=SC2086 # one word or none
    "$recorder" capture "$option" $value --help >"$scratch/output" 2>&1 ||
        fail "$option is refused: $(cat "$scratch/output")"
done <"$scratch/help"

# The same of arm.
in_help arm >"$scratch/help"
while read -r option; do
    case $option in
    -p | --pid | --max-captures | --blocked | --max-events | --max-cpu) value=1 ;;
    -d | --duration | --interval | --slower-than | --for | --cooldown) value=1s ;;
    --kernel-buffer | --ring-size | --max-disk) value=1M ;;
    --stacks) value=lazy ;;
    -a | --all | -q | --quiet | -h | --help) value= ;;
    *) value=x ;;
    esac
    # shellcheck disable=SC2086 # one word or none
    "$recorder" arm "$option" $value --help >"$scratch/output" 2>&1 ||
        fail "arm: $option is refused: $(cat "$scratch/output")"
done <"$scratch/help"

"$recorder" arm --stacks=some >"$scratch/output" 2>&1
[ $? -eq 2 ] || fail "arm --stacks=some is no wrong usage"
grep -q -e "--stacks is full, sampled, lazy or none, not 'some'" "$scratch/output" ||
    fail "arm --stacks=some: $(cat "$scratch/output")"

# Those of trigger and status; nobody is armed at that path, and they say so.
for arguments in "-r why" "--reason why" "-w" "--wait" "-t 1s" "--timeout=1s"; do
    # shellcheck disable=SC2086 # several arguments
    "$recorder" trigger $arguments --control "$scratch/none" >"$scratch/output" 2>&1
    { [ $? -eq 1 ] && grep -q 'no recorder is armed: start it with recorder arm' "$scratch/output"; } ||
        fail "'trigger $arguments' says: $(cat "$scratch/output")"
done
"$recorder" status --json --control "$scratch/none" >"$scratch/output" 2>&1
{ [ $? -eq 1 ] && grep -q 'no recorder is armed' "$scratch/output"; } || fail "status says: $(cat "$scratch/output")"

# Wrong usage: status 2, a message, nothing on standard output.
for arguments in "" "captrue" "capture --nonsense" "capture -d" "capture -a -p 1" "check surplus" \
    "trigger surplus" "trigger --timeout 0" "trigger --reason" "status --nonsense" "status --control" \
    "arm --nonsense" "arm --comm" "arm -a -p 1" "arm --comm x --pid-file y" "arm -d 0" "arm --blocked 0" \
    "arm --max-cpu 101" "arm --interval soon" "arm surplus"; do
    # shellcheck disable=SC2086 # several arguments
    "$recorder" $arguments >"$scratch/output" 2>"$scratch/error"
    [ $? -eq 2 ] || fail "'recorder $arguments' does not end with status 2"
    [ -s "$scratch/error" ] || fail "'recorder $arguments' gives no message"
    [ ! -s "$scratch/output" ] || fail "'recorder $arguments' writes on standard output"
done
