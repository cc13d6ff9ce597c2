#!/bin/bash
# Install, build and run every test, in each way we build:
#   gcc         optimised, every test, live tests included
#   sanitizers  address and undefined-behaviour sanitizers, unit tests
#   clang       from a release tarball (make distcheck), unit tests
# The last line counts the tests of all runs: "N passed, N failed".
#
# Unit tests sleep most of their time, and run beside the next build; so do those live tests that this does not disturb.
# The others look at a whole host, and run last: the calm ones two at a time, the rest alone; tests/live/local.mk says
# which and why. All is built in build/check/, from a copy of the sources: what was built in the source tree is not in
# the way, and nothing is left in it.
set -eu
source_dir=$(cd "$(dirname "$0")" && pwd)
build=$source_dir/build/check
copy=$build/source
jobs=$(nproc)
passed=0 failed=0 skipped=0

# say STEP: about the seconds that follow.
say() { printf '\n[%3d s] %s\n' "$SECONDS" "$*"; }

# step LOG COMMAND...: returns the command's status; shows why it failed.
step() {
    local log=$1 status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" != 0 ]; then
        echo "FAILED (status $status): $*"
        grep -E '^(FAIL|ERROR|XPASS): ' "$log" || tail -n 40 "$log"
        echo "all it said is in ${log#"$source_dir"/}"
    fi
    return "$status"
}

# broken WHAT: what is not a test, and failed, counts as one.
broken() {
    failed=$((failed + 1))
    echo "$1 failed"
}

# count WHAT LOG: adds up the summaries that automake printed.
count() {
    local summary p f s
    summary=$(awk '/^# (PASS|XFAIL): /{ p += $3 } /^# SKIP: /{ s += $3 }
                   /^# (FAIL|XPASS|ERROR): /{ f += $3 } END { print p + 0, f + 0, s + 0 }' "$2")
    read -r p f s <<<"$summary"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    printf '[%3d s]   %s: %d passed, %d failed, %d skipped\n' "$SECONDS" "$1" "$p" "$f" "$s"
    if [ "$p$f$s" = 000 ]; then
        broken "Running them"
    fi
}

# run_tests DIRECTORY LOG MAKE-ARGUMENTS...: its status; shows what failed. Two may run in a directory at a time.
run_tests() {
    local directory=$1 log=$2 status=0
    shift 2
    step "$directory/$log" make -C "$directory" "TEST_SUITE_LOG=${log%.log}-suite.log" "$@" || status=$?
    [ "$status" = 0 ] || show_failures "$directory" "$directory/$log"
    return "$status"
}

# show_failures DIRECTORY LOG: what each test that failed has said.
show_failures() {
    local result name
    find "$1" -name '*.trs' -exec grep -lE '^:global-test-result: (FAIL|ERROR|XPASS)' {} + |
        while read -r result; do
            name=$(basename "$result" .trs)
            grep -qE "^(FAIL|ERROR|XPASS): ([^ ,]*/)?$name(,|\$)" "$2" || continue # of others in that directory
            printf -- '-- %s\n' "${result%.trs}"
            tail -n 60 "${result%.trs}.log"
        done
}

# start_tests, await_tests: as run_tests WHAT ..., beside what comes between the two.
declare -A tests_pid=() tests_log=()
start_tests() {
    local what=$1
    shift
    tests_log[$what]=$1/$2
    run_tests "$@" >"$1/$2.out" 2>&1 &
    tests_pid[$what]=$!
}

await_tests() {
    local what=$1 status=0 before=$failed
    [ "${tests_pid[$what]-}" ] || return 0
    wait "${tests_pid[$what]}" || status=$?
    tests_pid[$what]=
    cat "${tests_log[$what]}.out"
    count "$what" "${tests_log[$what]}"
    if [ "$status" != 0 ] && [ "$failed" = "$before" ]; then
        broken "$what"
    fi
}

# Files of the source tree, each ended by a NUL: what git knows and would not ignore.
list_sources() {
    git -C "$source_dir" -c safe.directory='*' ls-files -z --cached --others --exclude-standard |
        while IFS= read -r -d '' file; do
            [ ! -e "$source_dir/$file" ] || printf '%s\0' "$file"
        done
}

# copy_sources: with their times, so that a second run builds only what has changed.
copy_sources() {
    mkdir -p "$copy"
    if [ -e "$source_dir/.git" ]; then
        list_sources >"$build/files"
        tar -C "$source_dir" --null -T "$build/files" -c | tar -C "$copy" -x
        sort -z "$build/files" >"$build/files.sorted"
        [ ! -e "$build/files.before" ] || # those that are gone
            (cd "$copy" && comm -z -23 "$build/files.before" "$build/files.sorted" | xargs -0 -r rm -f)
        mv "$build/files.sorted" "$build/files.before"
    elif [ -e "$source_dir/config.status" ]; then # a release that was built in its own directory
        rm -rf "$copy"
        make -C "$source_dir" distdir distdir="$copy"
    else
        copy=$source_dir
    fi
}

# configured NAME OPTIONS...: build/NAME, configured once.
configured() {
    local directory=$build/$1
    shift
    mkdir -p "$directory"
    [ -f "$directory/Makefile" ] || (cd "$directory" && step "$directory/configure.out" "$copy/configure" --quiet "$@") || {
        rm -f "$directory/Makefile"
        return 1
    }
}

# built NAME: with all that its tests need.
built() {
    step "$build/$1/make.log" make -C "$build/$1" -j"$jobs" check TESTS=
}

# list_live_tests WHICH: beside-builds, calm or alone
list_live_tests() { make -s -C "$build/gcc" "print-live-tests-$1"; }

summary() {
    [ "$skipped" = 0 ] || printf '\n%d skipped\n' "$skipped"
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" = 0 ]
}

stop() {
    broken "$1"
    summary
    exit 1
}

mkdir -p "$build"
say "packages that are missing (none: a second; all: two minutes)"
step "$build/packages.log" "$source_dir/autogen.sh" --install-deps tests || stop "installing"
say "copy of the sources, autogen.sh (10 s)"
step "$build/copy.log" copy_sources || stop "copying the sources"
[ -e "$copy/configure" ] || step "$build/autogen.log" "$copy/autogen.sh" || stop "autogen.sh"

unit_tests=''
say "gcc: build (45 s)"
if configured gcc CC=gcc --enable-werror && built gcc; then
    unit_tests=$(make -s -C "$build/gcc" print-unit-tests)
    start_tests "gcc, unit tests" "$build/gcc" unit.log -j$((2 * jobs)) check "TESTS=$unit_tests"
    start_tests "gcc, live tests beside builds" "$build/gcc" live-beside-builds.log check \
        "TESTS=$(list_live_tests beside-builds)"
else
    broken "the gcc build"
fi

# Warnings of this kind are wrong where less is optimised.
say "sanitizers: build, beside the unit tests of gcc (60 s)"
if configured sanitizers CC=gcc 'CFLAGS=-g -O1 -Wno-format-truncation' --enable-werror \
    --enable-sanitizers && built sanitizers; then
    await_tests "gcc, unit tests"
    start_tests "sanitizers, unit tests" "$build/sanitizers" unit.log -j$((2 * jobs)) check "TESTS=$unit_tests"
else
    broken "the sanitizer build"
fi

say "clang: a release tarball, built and tested, beside the unit tests of the sanitizers (90 s)"
if [ -f "$build/gcc/Makefile" ]; then
    distcheck_status=0
    run_tests "$build/gcc" distcheck.log -j$((2 * jobs)) distcheck "TESTS=$unit_tests" \
        DISTCHECK_CONFIGURE_FLAGS='CC=clang CFLAGS=-O1 --enable-werror' || distcheck_status=$?
    await_tests "sanitizers, unit tests"
    before=$failed
    count "clang, unit tests" "$build/gcc/distcheck.log"
    if [ "$distcheck_status" != 0 ] && [ "$failed" = "$before" ]; then
        broken "make distcheck"
    fi
fi
await_tests "gcc, unit tests"
await_tests "sanitizers, unit tests"
await_tests "gcc, live tests beside builds"

if [ "$unit_tests" ]; then
    say "gcc: calm live tests, two at a time (1 minute)"
    start_tests "gcc, calm live tests" "$build/gcc" live-calm.log -j$((jobs < 2 ? 1 : 2)) check \
        "TESTS=$(list_live_tests calm)" LIVE_CALM=yes
    await_tests "gcc, calm live tests"
    say "gcc: the other live tests, one at a time (2 minutes)"
    start_tests "gcc, live tests alone" "$build/gcc" live-alone.log check "TESTS=$(list_live_tests alone)"
    await_tests "gcc, live tests alone"
fi

# Tests that were skipped, and those that others on this host disturbed.
cd "$build"
find gcc/tests sanitizers/tests '(' -name '*.trs' -o -name '*.log' ')' -exec awk '
    /^:test-result: SKIP/ { sub(/^:test-result: (SKIP SKIP: )?/, ""); print FILENAME ": " $0 }
    /^DISTURBED/ { print FILENAME ": " $0 }' {} + | sort | sed 's/\.\(trs\|log\): /: /'
summary
