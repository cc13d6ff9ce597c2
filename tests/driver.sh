#!/bin/sh
# Runs one test for make check, in place of automake's own test-driver. A program of unit tests counts as the
# tests that it is made of, so that "# PASS: 900" is the number of things that were proved. Whatever else a test is,
# it counts as one.
set -u
while [ $# -gt 0 ]; do
    case $1 in
    --test-name) name=$2 ;;
    --log-file) log=$2 ;;
    --trs-file) trs=$2 ;;
    --color-tests | --expect-failure | --enable-hard-errors) ;;
    --) shift && break ;;
    *) break ;;
    esac
    shift 2
done
trap 'rm -f "$log" "$trs"; exit 130' HUP INT PIPE TERM

start_s=$(date +%s)
"$@" >"$log" 2>&1
status=$?
took_s=$(($(date +%s) - start_s))

case $status in
0) result=PASS ;;
77) result=SKIP ;;
99) result=ERROR ;;
*) result=FAIL ;;
esac
echo "$result $name (exit status: $status, $took_s s)" >>"$log"

# A test that began and did not end has failed. "SKIP: reason" is a group that cannot run here.
awk -v result="$result" '
    function count(outcome, test) {
        print ":test-result: " outcome " " test
        counted++
        failed += outcome == "FAIL"
        running = ""
    }
    /^\[ RUN      \] / { if (running != "") count("FAIL", running); running = $4; next }
    /^\[       OK \] / { count("PASS", $4); next }
    /^\[  SKIPPED \] / && $4 == running { count("SKIP", $4); next }
    /^\[  FAILED  \] GROUP/ { count("FAIL", running != "" ? running : $0); next }
    /^\[  FAILED  \] / && $4 == running { count("FAIL", $4); next }
    /^SKIP: / { skips[++skipped] = $0 }
    END {
        if (running != "") count("FAIL", running)
        if (result == "SKIP" || counted)
            for (i = 1; i <= skipped; i++) count("SKIP", skips[i])
        if (!counted || (!failed && result ~ /FAIL|ERROR/)) print ":test-result: " result
        print ":global-test-result: " result
        print ":recheck: " (result ~ /FAIL|ERROR/ ? "yes" : "no")
        print ":copy-in-global-log: " (result == "PASS" ? "no" : "yes")
    }' "$log" >"$trs"

tests=$(grep -c '^:test-result: ' "$trs")
echo "$result: $name$([ "$tests" = 1 ] || echo ", $tests tests")$(sed -n 's/^DISTURBED.*/, disturbed/p' "$log" | uniq)"
