#!/bin/bash
# Install, build and run every test, in each way we build:
#   gcc         optimised, every test, live tests included
#   sanitizers  address and undefined-behaviour sanitizers, unit tests
#   clang       from a release tarball (make distcheck), unit tests
# The last line counts the tests of all runs: "N passed, N failed".
set -eu
source_dir=$(cd "$(dirname "$0")" && pwd)
jobs=$(nproc)
passed=0 failed=0 skipped=0

say() { printf '\n== %s\n' "$*"; }

# step LOG COMMAND...: returns the command's status; shows why it failed.
step() {
    local log=$PWD/$1 status=0
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

# count LOG: adds up the summaries that automake printed.
count() {
    local summary
    summary=$(awk '/^# (PASS|XFAIL): /{ p += $3 } /^# SKIP: /{ s += $3 }
                   /^# (FAIL|XPASS|ERROR): /{ f += $3 } END { print p + 0, f + 0, s + 0 }' "$1")
    read -r p f s <<<"$summary"
    passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
    echo "$p passed, $f failed, $s skipped"
    if [ "$p$f$s" = 000 ]; then
        broken "Running tests"
    fi
}

# run_tests LOG MAKE-ARGUMENTS...: count them, show those that failed or were skipped.
run_tests() {
    local log=$1 status=0 before=$failed
    shift
    step "$log" make "$@" || status=$?
    count "$log"
    if [ "$status" != 0 ] && [ "$failed" = "$before" ]; then
        broken "make $1"
    fi
    find . -name '*.log' -path '*tests*' -exec awk '/^SKIP[: ]/ { print FILENAME ": " $0 }' {} +
    if [ "$status" != 0 ]; then
        show_failures
    fi
}

# What each test that failed has said.
show_failures() {
    local result
    find . -name '*.trs' -exec grep -lE '^:test-result: (FAIL|ERROR|XPASS)' {} + |
        while read -r result; do
            printf -- '-- %s\n' "${result%.trs}"
            tail -n 60 "${result%.trs}.log"
        done
}

# configured NAME OPTIONS...: enter build/NAME, configured once.
configured() {
    local name=$1
    shift
    mkdir -p "$source_dir/build/$name"
    cd "$source_dir/build/$name"
    [ -f Makefile ] || step configure.out "$source_dir/configure" --quiet "$@" || {
        rm -f Makefile
        return 1
    }
}

summary() {
    cd "$source_dir"
    printf '\n%d passed, %d failed' "$passed" "$failed"
    [ "$skipped" = 0 ] || printf ', %d skipped' "$skipped"
    echo
    [ "$failed" = 0 ]
}

stop() {
    broken "$1"
    summary
    exit 1
}

say "Installing what is missing (./autogen.sh --install-deps tests)"
"$source_dir/autogen.sh" --install-deps tests || stop "installing"
cd "$source_dir"
mkdir -p build
step build/autogen.log ./autogen.sh || stop "autogen.sh"

say "gcc: every test"
if configured gcc CC=gcc --enable-werror && step make.log make -j"$jobs"; then
    unit_tests=$(make -s print-unit-tests)
    run_tests check.log check
else
    broken "the gcc build"
    unit_tests=
fi

say "sanitizers: unit tests"
if configured sanitizers CC=gcc --enable-werror --enable-sanitizers && step make.log make -j"$jobs"; then
    run_tests check.log -j"$jobs" check "TESTS=$unit_tests"
else
    broken "the sanitizer build"
fi

say "clang, from a release tarball: unit tests"
if configured clang CC=clang --enable-werror; then
    run_tests distcheck.log -j"$jobs" distcheck "TESTS=$unit_tests" \
        DISTCHECK_CONFIGURE_FLAGS='CC=clang --enable-werror'
else
    broken "the clang build"
fi

summary
