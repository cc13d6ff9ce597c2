#!/bin/bash
# The lab: freezes of known causes, one program each (tests/workloads/), recorded and
# analyzed; a row of a table for each says whether the report is the truth. make lab
# runs it in the build directory, as root. Exit status 1 if a report is wrong.
#
#	lab.sh [-n N] [-k DIR] [-e EVENT] [-t] [-q] [-o FILE] [SCENARIO...]
#	lab.sh -r DIR [-r DIR...] [-o FILE]
#
#	-n N	each N times
#	-k DIR	keep captures, reports and truths of all runs there
#	-e EVENT	record that too, such as mmap_lock
#	-t	also look at each capture with 0.1, 1 and 10 % of its events missing,
#		without its first 30 %, and without its last 30 %
#
#	-q	only the quick set, $LAB_QUICK: one of each kind, two minutes
#	-r DIR	record nothing: look again at what -k kept there
#	-o FILE	write a table of the scenarios there (doc/TRUTH.md)
#
# A scenario is a program, PROGRAM.MODE where one has several, or SERVICE.MODE, with a real service and what is in
# tests/services/. A pattern stands for all that it matches: '*queue*'. Without names: all of $LAB_WORKLOADS.
# shellcheck source=tests/live/lib.sh
. "${srcdir:-.}/tests/live/lib.sh"

usage() {
    sed -n 's/^#	//p' "$0" >&2
    exit 2
}

repeats=1 keep='' thin=no table='' extra=() all=() kept=()
read -ra all <<<"${LAB_WORKLOADS:-}"
while getopts n:k:e:tqo:r: option; do
    case $option in
    n) repeats=$OPTARG ;;
    k) keep=$OPTARG ;;
    e) extra+=(-e "$OPTARG") ;;
    t) thin=yes ;;
    q) read -ra all <<<"${LAB_QUICK:-}" ;;
    o) table=$OPTARG ;;
    r) kept+=("$OPTARG") ;;
    *) usage ;;
    esac
done
shift $((OPTIND - 1))
[[ $repeats =~ ^[1-9][0-9]*$ ]] || usage
# choose_scenarios [NAME...]: sets programs
choose_scenarios() {
    local name known
    programs=()
    [ "$#" -gt 0 ] || programs=("${all[@]}")
    for name in "$@"; do
        case $name in
        *[*?]*)
            for known in "${all[@]}"; do
                # shellcheck disable=SC2053 # a pattern
                [[ ${known##*/} != $name ]] || programs+=("$known")
            done
            ;;
        *) programs+=("$name") ;;
        esac
    done
}
# write_table FIELDS: of what the verdicts said
write_table() {
    [ -z "$table" ] || awk -f "$srcdir/tests/lab_table.awk" "$1" >"$table"
}

# Captures that -k kept.
judge_again() {
    local run fields status=0
    fields=$(mktemp)
    for run in "$@"; do
        if [ ! -s "$run/truth" ] || ! grep -q '"event":"truth"' "$run/truth"; then
            run=${run%/}
            run=${run##*/}
            printf '%s\tcannot\n' "${run%.*}" >>"$fields"
            continue
        fi
        "$analyze" --json "$run/capture.dat" >"$fields.json" 2>"$fields.err"
        tests/lab_verdict "$fields.json" "$run/truth" || status=1
        tests/lab_verdict --fields "$fields.json" "$run/truth" >>"$fields"
    done
    write_table "$fields"
    rm -f "$fields" "$fields.json" "$fields.err"
    return $status
}

choose_scenarios "$@"
[ -z "$table" ] || table=$(realpath "$table") || exit 1
if [ "${#kept[@]}" -gt 0 ]; then
    tests/lab_verdict --header
    # shellcheck disable=SC2046 # their names have no spaces
    judge_again $(printf '%s/*/ ' "${kept[@]}")
    exit
fi
[ "${#programs[@]}" -gt 0 ] || usage
[ -z "$keep" ] || { mkdir -p "$keep" && keep=$(cd "$keep" && pwd); } || exit 1

# shellcheck disable=SC2034 # for lib.sh
loads_host=yes # so do some of its programs
live_test
need_memory_mb 3000
lab=$work
export PYTHONDONTWRITEBYTECODE=1 # nothing is written beside tests/services/
right=0 wrong=0 cannot=0 thinned=0 misled=0 disturbed=0

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
    local name=$1 target='' mode=()
    workload=$PWD/tests/workloads/${name%%.*}
    [ -x "$workload" ] || workload=$(realpath "$srcdir")/tests/services/${name%%.*}.py
    [ "${name%%.*}" = "$name" ] || mode=(--mode "${name#*.}")
    result=cannot
    [ -x "$workload" ] || fail "there is no workload $name"
    start_workload --start-after 60 --healthy 60 "${mode[@]}" 2>"$work/workload.err" || {
        local status=0
        reap "$target_pid" || status=$?
        verdict=$(printf '%-24s %s' "$name" "$(cat "$work/workload.err")")
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

# Whether others on this host kept a thread of the workload from a CPU for long, as the workload says itself (truth.h):
# then a report may be right that finds a freeze which nobody planted.
was_disturbed() {
    timeout 1 cat 2>/dev/null <&8 >>"$work/truth"
    awk -F'[:,}]' '/"event":"kept"/ && $6 >= 100000000 { kept = 1 } END { exit !kept }' "$work/truth"
}

tests/lab_verdict --header
for name in "${programs[@]}"; do
    name=${name##*/}
    for ((run = 1; run <= repeats; run++)); do
        work=$lab/$name.$run
        for ((try = 1; try <= 3; try++)); do
            mkdir "$work"
            run_once "$name" >"$work/log" 2>&1
            stop_children
            { [ "$result" = wrong ] && [ $try -lt 3 ] && was_disturbed; } || break
            disturbed=$((disturbed + 1))
            rm -rf "$work"
        done
        [ "$result" = cannot ] || [ ! -s "$work/report.json" ] ||
            tests/lab_verdict --fields "$work/report.json" "$work/truth" >>"$lab/fields"
        printf '%s\n' "$verdict"
        [ $thin = no ] || [ ! -s "$work/report.json" ] || look_at_all_thinned
        case $result in
        right) right=$((right + 1)) ;;
        wrong) wrong=$((wrong + 1)) ;;
        cannot) cannot=$((cannot + 1))
            printf '%s\tcannot\n' "$name" >>"$lab/fields" ;;
        esac
        [ -z "$keep" ] || cp -r "$work" "$keep/"
        rm -rf "$work"
    done
done
write_table "$lab/fields"
work=$lab
trap - EXIT
stop_children
rm -rf "$lab"
[ $thin = no ] || printf '\n%d captures with events missing, %d misled the analyzer\n' "$thinned" "$misled"
[ $disturbed = 0 ] || printf '\n%d runs repeated, in which others on this host took part\n' "$disturbed"
printf '\n%d right, %d wrong, %d cannot be shown here\n' "$right" "$wrong" "$cannot"
[ "$wrong" = 0 ] && [ "$misled" = 0 ]
