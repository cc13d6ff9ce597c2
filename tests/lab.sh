#!/bin/bash
# The lab: freezes of known causes, one program each (tests/workloads/), recorded and
# analyzed; a row of a table for each says whether the report is the truth. make lab
# runs it in the build directory, as root. Exit status 1 if a report is wrong.
#
#	lab.sh [-n N] [-k DIR] [-e EVENT] [-t] [PROGRAM...]
#
#	-n N	each N times
#	-k DIR	keep captures, reports and truths of all runs there
#	-e EVENT	record that too, such as mmap_lock
#	-t	also look at each capture with 0.1, 1 and 10 % of its events missing,
#		without its first 30 %, and without its last 30 %
#
# Without names: all that $LAB_WORKLOADS has.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"

usage() {
    sed -n 's/^#	//p' "$0" >&2
    exit 2
}

repeats=1 keep='' thin=no extra=()
while getopts n:k:e:t option; do
    case $option in
    n) repeats=$OPTARG ;;
    k) keep=$OPTARG ;;
    e) extra+=(-e "$OPTARG") ;;
    t) thin=yes ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[[ $repeats =~ ^[1-9][0-9]*$ ]] || usage
programs=("$@")
[ "$#" -gt 0 ] || read -ra programs <<<"${LAB_WORKLOADS:-}"
[ "${#programs[@]}" -gt 0 ] || usage
[ -z "$keep" ] || { mkdir -p "$keep" && keep=$(cd "$keep" && pwd); } || exit 1

# shellcheck disable=SC2034 # for lib.sh
loads_host=yes # so do some of its programs
live_test
need_memory_mb 3000
lab=$work
right=0 wrong=0 cannot=0 thinned=0 misled=0

# look_thinned OPTION...: at the capture without some of its events
look_thinned() {
    local said
    thinned=$((thinned + 1))
    tests/thin_capture "$@" "$work/capture.dat" "$work/thinned.dat" || fail "thin_capture $*"
    "$analyze" --json "$work/thinned.dat" >"$work/thinned.json" 2>>"$work/analyze.err"
    said=$(tests/lab_verdict --thinned "$work/thinned.json" "$work/truth" "$work/report.json" 2>&1) && return
    misled=$((misled + 1))
    printf '    %s: %s\n' "$*" "$said"
}

look_at_all_thinned() {
    for seed in 1 2 3; do
        for share in 0.001 0.01 0.1; do look_thinned --drop "$share" --seed "$seed"; done
    done
    look_thinned --from 0.3
    look_thinned --to 0.7
}

# run_once PROGRAM: sets $verdict to a row, and $result to right, wrong or cannot.
run_once() {
    local name=$1 target=''
    workload=$PWD/tests/workloads/$name
    result=cannot
    [ -x "$workload" ] || fail "there is no workload $name"
    start_workload --start-after 60 --healthy 60 2>"$work/workload.err" || {
        local status=0
        reap "$target_pid" || status=$?
        verdict=$(printf '%-17s %s' "$name" "$(cat "$work/workload.err")")
        [ "$status" = 77 ] || result=wrong
        return
    }
    [[ $truth_line =~ \"target\":\"([0-9,]+)\" ]] && target=${BASH_REMATCH[1]}
    result=wrong verdict="$name: the recording failed"
    start_recorder "$work/capture.dat" -p "$target" -d 60s "${extra[@]}" || return
    sleep 1 # of health: what the freeze is compared with
    kill -USR1 "$target_pid"
    await_truth thawed || return
    sleep 0.3 # of health
    stop_recorder || return
    kill -TERM "$target_pid"
    await_truth truth && reap "$target_pid" || return
    "$analyze" --json "$work/capture.dat" >"$work/report.json" 2>"$work/analyze.err"
    verdict=$(tests/lab_verdict "$work/report.json" "$work/truth" 2>&1) && result=right
    if grep -q 'was decoded once more' "$work/report.json"; then # no freeze of the lab is as large as that
        result=wrong verdict="$name: decoded more than twice"
    fi
}

tests/lab_verdict --header
for name in "${programs[@]}"; do
    name=$(basename "$name")
    for ((run = 1; run <= repeats; run++)); do
        work=$lab/$name.$run
        mkdir "$work"
        run_once "$name" >"$work/log" 2>&1
        stop_children
        printf '%s\n' "$verdict"
        [ $thin = no ] || [ ! -s "$work/report.json" ] || look_at_all_thinned
        case $result in
        right) right=$((right + 1)) ;;
        wrong) wrong=$((wrong + 1)) ;;
        cannot) cannot=$((cannot + 1)) ;;
        esac
        [ -z "$keep" ] || cp -r "$work" "$keep/"
        rm -rf "$work"
    done
done
work=$lab
trap - EXIT
stop_children
rm -rf "$lab"
[ $thin = no ] || printf '\n%d captures with events missing, %d misled the analyzer\n' "$thinned" "$misled"
printf '\n%d right, %d wrong, %d cannot be shown here\n' "$right" "$wrong" "$cannot"
[ "$wrong" = 0 ] && [ "$misled" = 0 ]
