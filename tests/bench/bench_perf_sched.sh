#!/bin/sh
# analyze beside perf sched timehist: one load, recorded by each for itself, read by each in turn.
#
# Usage: bench_perf_sched.sh ANALYZE RECORDER [SECONDS]
# Needs root, perf and stress-ng. Prints events a second of CPU time and peak memory of each, best
# of three; then the ratios.
set -eu
analyze=$1 recorder=$2 seconds=${3:-45}
directory=$(mktemp -d)
load=
trap 'kill $load 2>/dev/null || :; rm -rf "$directory"' EXIT
cd "$directory"

stress-ng --quiet --switch 2 --futex 2 --pipe 2 --mutex 2 --timeout $((4 * seconds + 60)) &
load=$!
sleep 1
"$recorder" capture --quiet --duration "${seconds}s" --output ours.dat
perf sched record --output plain.perf -- sleep "$((seconds / 5))" >/dev/null 2>&1
perf sched record --output stacks.perf -g -- sleep "$((seconds / 5))" >/dev/null 2>&1
kill $load
wait $load || :
load=

# samples FILE: how many perf recorded
samples() {
    perf report --stats --stdio --input "$1" 2>/dev/null |
        awk '$1 == "SAMPLE" && $2 == "events:" { print $3; exit }'
}

# timed NAME EVENTS COMMAND...: one line: name, events a second, MB
timed() {
    name=$1 events=$2
    shift 2
    for _ in 1 2 3; do
        /usr/bin/time --output=time --append --format='%U %S %M' "$@" >/dev/null 2>&1
    done
    awk -v name="$name" -v events="$events" '
        { seconds = $1 + $2; if (!best || seconds < best) best = seconds; if ($3 > most) most = $3 }
        END { printf "%s %d %.2f %.3f %.0f\n", name, events, best, events / best / 1e6, most / 1024 }' time >>lines
    rm time
}

events=$("$analyze" --json ours.dat | awk -F '[ ,]+' '$2 == "\"events\":" { print $3; exit }')
timed analyze-json "$events" "$analyze" --json ours.dat
timed timehist-summary "$(samples plain.perf)" perf sched --input plain.perf timehist -s
timed timehist-stacks "$(samples stacks.perf)" perf sched --input stacks.perf timehist
awk 'BEGIN { printf "%-18s %10s %8s %12s %8s\n", "", "events", "CPU s", "M events/s", "peak MB" }
     { printf "%-18s %10d %8s %12s %8s\n", $1, $2, $3, $4, $5; rate[$1] = $4 }
     END { printf "analyze / timehist -s: %.2f, analyze / timehist with stacks: %.2f\n",
           rate["analyze-json"] / rate["timehist-summary"],
           rate["analyze-json"] / rate["timehist-stacks"] }' lines
