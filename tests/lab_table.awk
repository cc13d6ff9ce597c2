# The tables of doc/TRUTH.md, from what lab_verdict --fields says of each run: scenario, kind planted, verdict, culprit
# planted, culprit named, true time, reported time, grade, "right" or what was wrong; or scenario, "cannot".
BEGIN { FS = "\t" }

# add_to_list(LIST, WORD): each word once, in the order of coming
function add_to_list(list, word) {
    return list == "" ? word : index(", " list ",", ", " word ",") ? list : list ", " word
}

!($1 in runs) { order[++count] = $1; runs[$1] = 0 }
$2 == "cannot" { cannot[$1]++; next }
{
    runs[$1]++
    verdict = toupper($3)
    gsub("-", " ", verdict)
    planted[$1] = $2
    verdicts[$1] = add_to_list(verdicts[$1], verdict)
    culprits[$1] = add_to_list(culprits[$1], $5)
    grades[$1] = add_to_list(grades[$1], $8)
    truth_s[$1] += $6
    reported_s[$1] += $7
    if ($9 == "right") right[$1]++
    else wrong[$1] = add_to_list(wrong[$1], $9)
    if ($2 == "no-stall" && $3 == "frozen") alarms++
    if ($2 == "no-stall" && $3 == "not-sure") unsure++
    if ($2 == "no-stall") healthy++
    if ($9 ~ /FALSE ACCUSATION/) accusations++
}

# print_table(HEALTHY): of freezes, or of healthy loads
function print_table(is_healthy,    i, name, blamed) {
    for (i = 1; i <= count; i++) {
        name = order[i]
        if (runs[name] && (planted[name] == "no-stall") == is_healthy) {
            blamed = is_healthy ? "" : sprintf(" %.1f of %.1f s |", reported_s[name] / runs[name], truth_s[name] / runs[name])
            printf "| %s | %s | %s | %s |%s %d of %d | %s |\n", name, verdicts[name], culprits[name], grades[name],
                blamed, right[name], runs[name], wrong[name]
        }
        all_runs += is_healthy ? 0 : runs[name]
        all_right += is_healthy ? 0 : right[name]
    }
}

END {
    print "## Freezes\n"
    print "| scenario | verdict | culprit named | grade | blamed of true time, a run | right | what was wrong |"
    print "|---|---|---|---|---|---|---|"
    print_table(0)
    printf "\n%d of %d runs right; %d false accusations at strong or exact.\n", all_right, all_runs, accusations
    print "\n## Healthy loads\n"
    print "| scenario | verdict | named | grade | right | what was wrong |"
    print "|---|---|---|---|---|---|"
    print_table(1)
    printf "\n%d runs: %d false alarms (FROZEN), %d NOT SURE.\n", healthy, alarms, unsure
    for (i = 1; i <= count; i++)
        if (cannot[order[i]])
            printf "\nNot shown on that host: %s (%d).\n", order[i], cannot[order[i]]
}
