#!/bin/bash
# The main job, end to end: freeze a real program, record it, read who did it.
set -eu
source_dir=$(cd "$(dirname "$0")" && pwd)
output_dir=$source_dir/build/demo
build_dir=$output_dir
[ ! -f "$source_dir/config.status" ] || build_dir=$source_dir # where it was built already

usage() {
    cat <<USAGE
Usage: ./demo.sh [--full] [--preallocate]
Install what is missing, build, freeze the demo program, record it, print the report.

  --full         the size of the incident: a table of 3.5 GB (needs 6.5 GB of free memory)
  --preallocate  the cure: a table sized at start; nothing freezes
USAGE
}

say() { printf '\n== %s\n' "$*"; }

die() {
    printf 'demo.sh: %s\n' "$*" >&2
    exit 1
}

# run_quietly LOG COMMAND...: shows the log's end where the command fails.
run_quietly() {
    local log=$1
    shift
    "$@" >"$log" 2>&1 || {
        tail -n 30 "$log" >&2
        die "$1 failed; all it said is in $log."
    }
}

build() {
    [ -x "$source_dir/configure" ] || run_quietly "$output_dir/autogen.log" "$source_dir/autogen.sh"
    [ -f Makefile ] || run_quietly "$output_dir/configure.out" "$source_dir/configure"
    run_quietly "$output_dir/make.log" make -j"$(nproc)" all tests/workloads/hashmap_resize
}

full='' preallocate=''
for option; do
    case $option in
    --full) full=--full ;;
    --preallocate) preallocate=--preallocate ;;
    --help | -h)
        usage
        exit
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
done

[ "$(id -u)" = 0 ] || die "recording needs root (it watches the whole host). Run it as root."
mkdir -p "$output_dir"
cd "$build_dir"
# shellcheck source=tests/live/lib.sh
. "$source_dir/tests/live/lib.sh"
need_mb=$([ "$full" ] && echo 6500 || echo 1900)
[ "$(available_mb)" -ge "$need_mb" ] ||
    die "the demo program needs $need_mb MB of free memory, $(available_mb) MB are available."

say "Installing what is missing (./autogen.sh --install-deps)"
"$source_dir/autogen.sh" --install-deps
say "Building in $([ "$build_dir" = "$source_dir" ] && echo . || echo "${build_dir#"$source_dir"/}")"
build

work=$(mktemp -d)
trap 'stop_children; rm -rf "$work"' EXIT
trap 'echo "demo.sh: interrupted" >&2; exit 130' INT TERM HUP
capture=$output_dir/freeze.dat
[ ! "$preallocate" ] || capture=$output_dir/cured.dat
rm -f "$capture"

say "Starting the demo program: a table of documents and 8 worker threads"
# $full and $preallocate are one word or none.
# shellcheck disable=SC2086
start_workload --healthy 60 $full $preallocate
echo "$truth_line"
say "Recording it: recorder capture -p $target_pid -d 120s -o ${capture#"$source_dir"/}"
start_recorder "$capture" -p "$target_pid" -d 120s
sleep 3
if [ "$preallocate" ]; then
    say "Loading more documents: the table was sized for them"
else
    say "Loading more documents: the table passes 7/8 load and doubles"
fi
kill -USR1 "$target_pid"
await_truth loaded
sleep 1
say "Ending the recording, as Ctrl-C does"
stop_recorder
stop_workload
say "What the demo program itself measured (its own clock, every operation above 100 ms)"
grep -v '"ready"\|"loaded"' "$work/truth" || true
say "The report: analyze ${capture#"$source_dir"/}"
"$analyze" "$capture"
