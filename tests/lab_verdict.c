/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Is a report the truth about a workload of the lab? Prints one row of its table.
 *
 *	lab_verdict REPORT TRUTH	exit status: 0 right, 1 wrong, 2 cannot read them
 *	lab_verdict --header
 *	lab_verdict --thinned REPORT TRUTH WHOLE_REPORT
 *	lab_verdict --fields REPORT TRUTH	the same, separated by tabs, for lab_table.awk
 *
 * Right is: the first finding has the kind, the culprit, the call and the bytes that
 * the truth has (workloads/truth.h), all its victims, and where its grade is exact or
 * strong their blocked time within 2 %. Where there is no finding's culprit to name, none is named.
 *
 * Where the truth has verdicts, right is: one of these, a culprit of the truth or, where that is allowed, none, and no
 * higher grade than the evidence can carry. Where it is FROZEN, half of the victims must be among those it names.
 *
 * --thinned: of a capture with events missing. Right is what the whole one said, or a lower
 * grade; never a wrong kind or culprit that is exact or strong.
 */
#include "config.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TOLERANCE_PERCENT 2.0

static int64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *text(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

/* The line of the truth, among others. */
static json_t *read_truth(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[8192];
	json_t *truth = NULL;

	while (file && !truth && fgets(line, sizeof(line), file)) {
		json_t *object = json_loads(line, 0, NULL);

		if (!strcmp(text(object, "event"), "truth"))
			truth = object;
		else
			json_decref(object);
	}
	if (file)
		fclose(file);
	return truth;
}

static bool kind_is_right(const json_t *truth, const char *kind)
{
	const json_t *expected;
	size_t i;

	json_array_foreach(json_object_get(truth, "kinds"), i,
			   expected) if (!strcmp(json_string_value(expected), kind)) return true;
	return false;
}

static bool culprit_is_right(const json_t *truth, const json_t *culprit)
{
	const json_t *culprits = json_object_get(truth, "culprits"), *expected;
	size_t i;

	if (!json_array_size(culprits))
		return !json_is_object(culprit);
	json_array_foreach(culprits, i, expected) if (number(expected, "tid") ==
						      number(culprit, "tid")) return true;
	return false;
}

/* What it says of the call behind it; nothing where no call is. */
static bool call_is_right(const json_t *truth, const json_t *allocation)
{
	if (!json_is_string(json_object_get(truth, "syscall")))
		return true;
	return !strcmp(text(truth, "syscall"), text(allocation, "syscall")) &&
	       number(truth, "bytes") == number(allocation, "bytes");
}

static bool is_victim(const json_t *finding, int64_t tid)
{
	const json_t *victim;
	size_t i;

	json_array_foreach(json_object_get(finding, "victims"), i,
			   victim) if (json_integer_value(victim) == tid) return true;
	return false;
}

static bool victims_are_right(const json_t *truth, const json_t *finding)
{
	const json_t *victim;
	size_t i;

	json_array_foreach(json_object_get(truth, "victims"), i,
			   victim) if (!is_victim(finding, number(victim, "tid"))) return false;
	return true;
}

/* Of all victims; who still waits waits until the end of the capture. */
static int64_t true_blocked_ns(const json_t *truth, const json_t *capture)
{
	int64_t end_ns = number(capture, "start_monotonic_ns") + number(capture, "duration_ns");
	int64_t blocked_ns = number(truth, "blocked_ns"), since_ns;
	const json_t *victim;
	size_t i;

	json_array_foreach(json_object_get(truth, "victims"), i, victim)
	{
		since_ns = number(victim, "since_ns");
		if (since_ns && since_ns < end_ns)
			blocked_ns += end_ns - since_ns;
	}
	return blocked_ns;
}

static void add(char *wrong, size_t bytes, const char *what, bool right)
{
	size_t length = strlen(wrong);

	if (!right)
		snprintf(wrong + length, bytes - length, "%s%s", length ? ", " : "", what);
}

/* "frozen|not-sure" has "frozen" */
static bool has_word(const char *words, const char *word)
{
	size_t length = strlen(word);

	for (const char *at = words; (at = strstr(at, word)); at += length)
		if ((at == words || at[-1] == '|') && (!at[length] || at[length] == '|'))
			return true;
	return false;
}

static const char *const grades[] = { "unknown", "plausible", "strong", "exact" };

static int rank_grade(const char *grade)
{
	for (int i = 0; i < 4; i++)
		if (!strcmp(grade, grades[i]))
			return i;
	return 0;
}

/* One who was to blame, or a thread of a process that was as a whole. */
static bool is_to_blame(const json_t *truth, const json_t *culprit)
{
	const json_t *culprits = json_object_get(truth, "culprits"), *expected;
	size_t i;

	json_array_foreach(culprits, i, expected) if (
		number(expected, "tid") == number(culprit, "tid") ||
		(json_is_true(json_object_get(expected, "process")) &&
		 number(expected, "tid") == number(culprit, "tgid"))) return true;
	return false;
}

static size_t count_victims(const json_t *truth, const json_t *finding)
{
	const json_t *victim;
	size_t i, count = 0;

	/* Which threads of a runtime stood still nobody can say whose tasks move between them. */
	json_array_foreach(json_object_get(truth, "victims"), i, victim) count +=
		is_victim(finding, number(victim, "tid")) ||
		json_is_true(json_object_get(victim, "process"));
	return count;
}

static void judge_verdict(const json_t *report, const json_t *truth, bool froze, char *wrong,
			  size_t bytes)
{
	const json_t *finding = json_array_get(json_object_get(report, "findings"), 0);
	const json_t *culprit = json_object_get(finding, "culprit");
	const char *verdict = text(report, "verdict"), *grade = text(finding, "grade");
	size_t victims = json_array_size(json_object_get(truth, "victims"));
	bool frozen = !strcmp(verdict, "frozen");
	/* Whom a report that is not sure names where nothing froze, it does not accuse. */
	bool accuses = frozen || !kind_is_right(truth, "no-stall") || rank_grade(grade) > 1;

	add(wrong, bytes, "verdict", has_word(text(truth, "verdicts"), verdict));
	if (!strcmp(verdict, "no-stall"))
		return;
	if (json_is_object(culprit) && accuses)
		add(wrong, bytes, rank_grade(grade) > 1 ? "FALSE ACCUSATION" : "culprit",
		    is_to_blame(truth, culprit));
	else if (accuses)
		add(wrong, bytes, "nobody named",
		    !frozen || json_is_true(json_object_get(truth, "unnamed")));
	add(wrong, bytes, "grade", rank_grade(grade) <= rank_grade(text(truth, "grade")));
	add(wrong, bytes, "victims", !frozen || count_victims(truth, finding) * 2 >= victims);
	add(wrong, bytes, "no freeze", froze);
}

#define FIELDS "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n"
#define ROW "%-24s %-19s %-19s %-15s %-15s %8s %8s %-10s %s\n"

static void judge_finding(const json_t *truth, const json_t *finding, bool healthy, double ratio,
			  char *wrong, size_t bytes)
{
	const json_t *culprit = json_object_get(finding, "culprit");
	bool sure = rank_grade(text(finding, "grade")) > 1;

	add(wrong, bytes, "kind", kind_is_right(truth, text(finding, "kind")));
	add(wrong, bytes, "culprit", healthy || culprit_is_right(truth, culprit));
	add(wrong, bytes, "call",
	    healthy || call_is_right(truth, json_object_get(finding, "allocation")));
	add(wrong, bytes, "victims", healthy || victims_are_right(truth, finding));
	add(wrong, bytes, "time",
	    healthy || !sure ||
		    (ratio >= 100 - TOLERANCE_PERCENT && ratio <= 100 + TOLERANCE_PERCENT));
	/* A freeze without a victim has failed to be one. */
	add(wrong, bytes, "no freeze", healthy || ratio > 0);
}

static int print_row(const json_t *report, const json_t *truth, bool fields)
{
	const json_t *finding = json_array_get(json_object_get(report, "findings"), 0);
	const json_t *culprit = json_object_get(finding, "culprit");
	const json_t *planted = json_array_get(json_object_get(truth, "culprits"), 0);
	int64_t blocked_ns = true_blocked_ns(truth, json_object_get(report, "capture"));
	bool healthy = kind_is_right(truth, "no-stall");
	const char *grade = text(finding, "grade");
	char blocked[32] = "-", percent[32] = "-", reported[32] = "-", wrong[128] = "";
	double ratio = 0;

	if (!healthy && blocked_ns) {
		ratio = 100.0 * (double)number(finding, "blocked_ns") / (double)blocked_ns;
		snprintf(blocked, sizeof(blocked), "%.2f s", (double)blocked_ns / 1e9);
		snprintf(percent, sizeof(percent), "%.1f %%", ratio);
	}
	if (number(finding, "blocked_ns"))
		snprintf(reported, sizeof(reported), "%.2f s",
			 (double)number(finding, "blocked_ns") / 1e9);
	if (json_is_string(json_object_get(truth, "verdicts")))
		judge_verdict(report, truth, healthy || blocked_ns, wrong, sizeof(wrong));
	else
		judge_finding(truth, finding, healthy, ratio, wrong, sizeof(wrong));
	printf(fields ? FIELDS : ROW, text(truth, "cause"),
	       json_string_value(json_array_get(json_object_get(truth, "kinds"), 0)),
	       fields ? text(report, "verdict") : text(finding, "kind"),
	       planted ? text(planted, "comm") : "-",
	       json_is_object(culprit) ? text(culprit, "comm") : "-", blocked,
	       fields ? reported : percent, grade, wrong[0] ? wrong : "right");
	return wrong[0] ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int rank(const json_t *finding)
{
	return rank_grade(text(finding, "grade"));
}

static int judge_thinned(const json_t *report, const json_t *truth, const json_t *whole)
{
	const json_t *finding = json_array_get(json_object_get(report, "findings"), 0);
	const json_t *before = json_array_get(json_object_get(whole, "findings"), 0);
	const json_t *culprit = json_object_get(finding, "culprit");
	bool same = !strcmp(text(finding, "kind"), text(before, "kind")) &&
		    number(culprit, "tid") ==
			    number(json_object_get(before, "culprit"), "tid");
	bool right = kind_is_right(truth, text(finding, "kind")) &&
		     (!json_is_object(culprit) || culprit_is_right(truth, culprit));

	if ((rank(finding) < 2 || right) && (same || rank(finding) < rank(before) || rank(finding) < 2))
		return EXIT_SUCCESS;
	printf("%s: %s, %s, %s; whole: %s, %s, %s\n", text(truth, "cause"), text(finding, "kind"),
	       json_is_object(culprit) ? text(culprit, "comm") : "-", text(finding, "grade"),
	       text(before, "kind"), text(json_object_get(before, "culprit"), "comm"),
	       text(before, "grade"));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	json_t *report, *truth, *whole = NULL;
	bool fields = argc == 4 && !strcmp(argv[1], "--fields");

	if (argc == 2 && !strcmp(argv[1], "--header")) {
		printf(ROW, "WORKLOAD", "PLANTED", "FIRST FINDING", "PLANTED CULPRIT", "CULPRIT",
		       "BLOCKED", "REPORTED", "GRADE", "VERDICT OR WHAT IS WRONG");
		return EXIT_SUCCESS;
	}
	if (argc == 5 && !strcmp(argv[1], "--thinned")) {
		whole = json_load_file(argv[4], 0, NULL);
		argv++;
	} else if (fields) {
		argv++;
	} else if (argc != 3) {
		fprintf(stderr, "Usage: lab_verdict REPORT TRUTH | --header\n"
				"       lab_verdict --fields REPORT TRUTH\n"
				"       lab_verdict --thinned REPORT TRUTH WHOLE_REPORT\n");
		return 2;
	}
	report = json_load_file(argv[1], 0, NULL);
	truth = read_truth(argv[2]);
	if (!report || !truth) {
		fprintf(stderr, "lab_verdict: %s is no %s.\n", report ? argv[2] : argv[1],
			report ? "truth" : "report");
		return 2;
	}
	return whole ? judge_thinned(report, truth, whole) : print_row(report, truth, fields);
}
