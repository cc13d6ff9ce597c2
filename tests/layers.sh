#!/bin/sh
# Does every file of the product include only what stands below it? The tables are the house: a folder
# answers one question, and uses the folders after its colon, its own files, and the headers at the top of
# its program that are named here. Exit status 1, with a line for each include that runs upward, for each
# private header of another folder, and for each folder that the tables do not have.
set -u
cd "${srcdir:-.}" || exit 1

# folder: what it may include. "program" stands for main.c, options and analysis.
tables='
capture:
analyzer/util:
analyzer/trace: util capture
analyzer/timeline: trace util capture
analyzer/model: timeline trace util capture
analyzer/locks: timeline trace util capture
analyzer/activity: locks timeline trace util model capture
analyzer/blame: activity locks timeline trace util model capture
analyzer/detect: blame activity locks timeline trace util model capture
analyzer/explain: blame activity locks timeline trace util model capture
analyzer/compare: model util trace capture
analyzer/report: explain compare model timeline trace util capture
analyzer/program: report compare explain detect blame activity locks timeline trace util model capture
recorder/base:
recorder/symbols: base capture
recorder/buffer: base capture
recorder/proc: symbols buffer base capture
recorder/perf: symbols buffer base capture
recorder/record: perf buffer proc symbols base capture
recorder/write: record perf buffer symbols proc base capture
recorder/trigger: record proc base capture
recorder/arm: write trigger record perf proc symbols buffer base capture
recorder/cli: arm write trigger record perf proc symbols buffer base capture
'

grep -n '^#include "' capture/*.[ch] analyzer/*.[ch] analyzer/*/*.[ch] recorder/*/*.[ch] |
    awk -v tables="$tables" '
    # The folder of a file as the tables have it.
    function folder_of(path,    parts, count) {
        count = split(path, parts, "/")
        if (parts[1] == "capture") return "capture"
        if (count == 3) return parts[1] "/" parts[2]
        if (parts[2] ~ /^model\./) return parts[1] "/model"
        return parts[1] "/program"
    }
    BEGIN {
        count = split(tables, rows, "\n")
        for (i = 1; i <= count; i++) {
            if (split(rows[i], row, ":") < 2) continue
            known[row[1]] = 1
            program = row[1]
            sub(/\/.*/, "", program)
            names = split(row[2], below, " ")
            for (j = 1; j <= names; j++)
                may[row[1], below[j] == "capture" ? "capture" : program "/" below[j]] = 1
        }
    }
    {
        split($0, part, ":")
        from = part[1]
        match($0, /"[^"]*"/)
        to = substr($0, RSTART + 1, RLENGTH - 2)
        if (to == "config.h" || to ~ /\.inc$/) next # made by the build
        here = folder_of(from)
        there = folder_of(to)
        if (!(here in known)) { print from ": the tables do not have " here; wrong = 1 }
        if (here == there) next
        if (to ~ /_private\.h$/) { print from ": " to " is private to " there; wrong = 1 }
        else if (!((here, there) in may)) { print from ": " to " is not below " here; wrong = 1 }
    }
    END {
        if (!NR) { print "no includes to look at"; wrong = 1 }
        exit wrong
    }'
