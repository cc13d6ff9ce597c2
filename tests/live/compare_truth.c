/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Compares a JSON report with what the workload said about itself.
 *
 *	compare_truth culprit REPORT TRUTH	the first finding is the resize
 *	compare_truth no-stall REPORT TRUTH	nothing froze, and the report says so
 *	compare_truth losses REPORT none|some	no event was lost, or it says how many and where
 *	compare_truth conservation REPORT	no nanosecond of any thread is missing
 *	compare_truth onset REPORT TRUTH	the freeze is there from its first moment on
 *	compare_truth freeze REPORT KIND FROM TO NS	the stall lies in this time, and lasts so long
 *
 * Prints each comparison; exit status 1 if one does not hold. For tests in shell:
 *
 *	compare_truth get FILE PATH		what a JSON file has at findings.0.kind; status 1: nothing
 *	compare_truth now			CLOCK_MONOTONIC, ns
 */
#include "config.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define TOLERANCE_PERCENT 2
#define STALLED_MAX	  1024
#define FREEZE_MIN_NS	  250000000 /* shorter, there is nothing to find: choose a larger table */
#define ONSET_NS \
	5000000 /* a worker's clock and its wait may be apart by as much, its time on a CPU and waiting for one apart */
#define TRIGGER_LATE_NS \
	1000000000 /* a trigger this long after the onset shows what history is for */
/* A freeze made to last so long may be shorter by as much: where the kernel leaves out how a thread comes to a
 * CPU that was idle, samples tell when, and they are 20 ms apart. */
#define FREEZE_OFF_NS 60000000

struct truth {
	bool resized;
	int64_t resizer_tid;
	int64_t start_ns, mapped_ns; /* the mmap call of the new table */
	int64_t bytes;
	int64_t stalled_ns; /* of operations that the mmap call held up */
	int64_t stalled[STALLED_MAX]; /* tids of them */
	int64_t stalled_since_ns[STALLED_MAX], stalled_for_ns[STALLED_MAX];
	int64_t stalled_on_cpu_ns[STALLED_MAX]; /* of that: running, and waiting for a CPU */
	size_t stalled_count;
	int64_t stalls; /* all; from the start of the first to the end of the last: */
	int64_t first_ns, last_ns;
};

static bool all_hold = true;

__attribute__((format(printf, 2, 3))) static void expect(bool holds, const char *format, ...)
{
	va_list args;

	printf("%s ", holds ? "ok    " : "NOT OK");
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	all_hold = all_hold && holds;
}

static void expect_text(const char *what, const char *expected, const char *got)
{
	expect(got && !strcmp(expected, got), "%s: expected %s, got %s", what, expected,
	       got ? got : "nothing");
}

static void expect_number(const char *what, int64_t expected, int64_t got)
{
	expect(expected == got, "%s: expected %jd, got %jd", what, (intmax_t)expected,
	       (intmax_t)got);
}

static void expect_between(const char *what, int64_t least, int64_t most, int64_t got)
{
	expect(got * 100 >= least * (100 - TOLERANCE_PERCENT) &&
		       got * 100 <= most * (100 + TOLERANCE_PERCENT),
	       "%s: expected %jd to %jd within %d %%, got %jd", what, (intmax_t)least,
	       (intmax_t)most, TOLERANCE_PERCENT, (intmax_t)got);
}

static void expect_near(const char *what, int64_t expected, int64_t got)
{
	expect_between(what, expected, expected, got);
}

static void die(const char *path, const char *what)
{
	fprintf(stderr, "compare_truth: %s: %s\n", path, what);
	exit(EXIT_FAILURE);
}

/* A missing or wrongly typed number is -1, which no comparison expects. */
static int64_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	return json_is_integer(value) ? json_integer_value(value) : -1;
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* Truth */

static void truth_add_resize(struct truth *truth, const json_t *line)
{
	truth->resized = true;
	truth->resizer_tid = number(line, "tid");
	truth->bytes = number(line, "bytes");
	truth->start_ns = number(line, "start_ns");
	truth->mapped_ns = number(line, "mapped_ns");
}

/* Another load can make an operation slow as well, before the mmap call or after it. */
static void truth_add_stall(struct truth *truth, const json_t *line)
{
	int64_t start_ns = number(line, "start_ns"), end_ns = number(line, "end_ns");

	if (!truth->stalls++ || start_ns < truth->first_ns)
		truth->first_ns = start_ns;
	if (end_ns > truth->last_ns)
		truth->last_ns = end_ns;
	if (start_ns >= truth->mapped_ns || end_ns <= truth->start_ns)
		return;
	if (truth->stalled_count == STALLED_MAX)
		die("truth", "too many stalls");
	truth->stalled_ns += end_ns - start_ns;
	truth->stalled_since_ns[truth->stalled_count] = start_ns;
	truth->stalled_for_ns[truth->stalled_count] = end_ns - start_ns;
	truth->stalled_on_cpu_ns[truth->stalled_count] = number(line, "on_cpu_ns");
	truth->stalled[truth->stalled_count++] = number(line, "tid");
}

static void truth_read_pass(FILE *file, const char *path, const char *event,
			    void (*add)(struct truth *truth, const json_t *line),
			    struct truth *truth)
{
	char buffer[4096];

	rewind(file);
	while (fgets(buffer, sizeof(buffer), file)) {
		json_t *line = json_loads(buffer, 0, NULL);
		const char *name = text(line, "event");

		if (!name)
			die(path, "a line is not an event");
		if (!strcmp(name, event))
			add(truth, line);
		json_decref(line);
	}
}

static struct truth truth_read(const char *path)
{
	struct truth truth = { 0 };
	FILE *file = fopen(path, "r");

	if (!file)
		die(path, "cannot be read");
	/* Stalls are said before the resize that caused them. */
	truth_read_pass(file, path, "resize", truth_add_resize, &truth);
	truth_read_pass(file, path, "stall", truth_add_stall, &truth);
	fclose(file);
	return truth;
}

/* Comparisons */

static bool stack_has(const json_t *stack, const char *function)
{
	const json_t *frame;
	size_t i;

	json_array_foreach(stack, i, frame)
	{
		const char *name = json_string_value(frame);

		if (name && !strncmp(name, function, strlen(function)))
			return true;
	}
	return false;
}

static bool list_has(const json_t *list, int64_t tid)
{
	const json_t *element;
	size_t i;

	json_array_foreach(list, i, element) if (json_integer_value(element) == tid) return true;
	return false;
}

static void compare_victims(const json_t *victims, const struct truth *truth)
{
	size_t missing = 0;

	for (size_t i = 0; i < truth->stalled_count; i++)
		missing += !list_has(victims, truth->stalled[i]);
	expect(!missing, "victims: %zu of the %zu stalled workers are missing", missing,
	       truth->stalled_count);
	expect(!list_has(victims, truth->resizer_tid), "the culprit is not its own victim");
}

static void compare_culprit(const json_t *report, const struct truth *truth)
{
	const json_t *finding = json_array_get(json_object_get(report, "findings"), 0);
	const json_t *culprit = json_object_get(finding, "culprit");
	const json_t *allocation = json_object_get(finding, "allocation");
	const json_t *stall = json_object_get(report, "stall");
	const json_t *stack = json_object_get(culprit, "stack");
	const char *grade = text(finding, "grade");
	int64_t populate_ns = truth->mapped_ns - truth->start_ns;

	expect(truth->resized && populate_ns > FREEZE_MIN_NS, "the workload froze for %.3f s",
	       (double)populate_ns / 1e9);
	expect_text("first finding", "mmap-lock-convoy", text(finding, "kind"));
	expect(grade && (!strcmp(grade, "strong") || !strcmp(grade, "exact")),
	       "grade is strong or exact: %s", grade ? grade : "nothing");
	expect_number("culprit tid", truth->resizer_tid, number(culprit, "tid"));
	expect_text("culprit comm", "resizer", text(culprit, "comm"));
	expect_text("lock class", "lock.mmap", text(json_object_get(finding, "lock"), "class"));
	expect_text("allocation syscall", "mmap", text(allocation, "syscall"));
	expect_number("allocation bytes", truth->bytes, number(allocation, "bytes"));
	expect(stack_has(stack, "__mm_populate") || stack_has(stack, "populate_vma_page_range"),
	       "kernel stack shows the populating function");
	expect(stack_has(json_object_get(culprit, "user_stack"), "table_grow"),
	       "user stack shows table_grow");
	expect_near("culprit hold_ns", populate_ns, number(culprit, "hold_ns"));
	expect_near("blocked_ns", truth->stalled_ns, number(finding, "blocked_ns"));
	expect_between("stall length", populate_ns, truth->last_ns - truth->first_ns,
		       number(stall, "end_ns") - number(stall, "start_ns"));
	compare_victims(json_object_get(finding, "victims"), truth);
}

static void compare_no_stall(const json_t *report, const struct truth *truth)
{
	const json_t *findings = json_object_get(report, "findings");

	expect(!truth->resized, "the workload did not resize");
	expect_number("stalls that the workload measured", 0, truth->stalls);
	expect(json_is_null(json_object_get(report, "stall")), "stall is null");
	expect_number("findings", 1, (int64_t)json_array_size(findings));
	expect_text("finding", "no-stall", text(json_array_get(findings, 0), "kind"));
}

/* Every thread of the target lives through the whole capture in the workloads here. */
static void compare_conservation(const json_t *report)
{
	const json_t *threads = json_object_get(report, "threads"), *thread;
	const json_t *capture = json_object_get(report, "capture");
	int64_t duration_ns = number(capture, "duration_ns");
	bool whole_host = !json_array_size(json_object_get(capture, "target"));
	size_t i, of_target = 0, wrong = 0;

	json_array_foreach(threads, i, thread)
	{
		bool in_target = !whole_host && json_is_true(json_object_get(thread, "target"));
		int64_t observed_ns = number(thread, "observed_ns");
		int64_t sum_ns = number(thread, "running_ns") + number(thread, "runnable_ns") +
				 number(thread, "blocked_ns") + number(thread, "unknown_ns");

		of_target += in_target;
		if (sum_ns == observed_ns && observed_ns >= 0 &&
		    (in_target ? observed_ns == duration_ns : observed_ns <= duration_ns))
			continue;
		wrong++;
		expect(false, "thread %jd %s: %jd ns told of %jd observed, the capture has %jd",
		       (intmax_t)number(thread, "tid"), text(thread, "comm"), (intmax_t)sum_ns,
		       (intmax_t)observed_ns, (intmax_t)duration_ns);
	}
	expect(of_target > 0 || whole_host, "threads of the target: %zu", of_target);
	expect(!wrong, "threads whose time is not told: %zu of %zu", wrong,
	       json_array_size(threads));
}

#define EVENTS_OF_A_LOAD 100000 /* the least that a load of context switches makes */

static void compare_losses(const json_t *report, const char *which)
{
	const json_t *coverage = json_object_get(report, "coverage");
	const json_t *gaps = json_object_get(coverage, "gaps"), *gap;
	int64_t events = number(json_object_get(report, "capture"), "events");
	int64_t lost = number(coverage, "lost_events");
	size_t i;

	if (!strcmp(which, "none")) {
		expect(events >= EVENTS_OF_A_LOAD, "events: %jd", (intmax_t)events);
		expect_number("lost events", 0, lost);
		expect_number("gaps", 0, (int64_t)json_array_size(gaps));
		return;
	}
	expect(lost > 0, "lost events: %jd", (intmax_t)lost);
	expect(json_array_size(gaps) > 0, "gaps: %zu", json_array_size(gaps));
	expect(number(coverage, "unknown_ns") >= 0, "unknown time is told");
	json_array_foreach(gaps, i, gap) if (number(gap, "cpu") < 0 ||
					     number(gap, "end_ns") <= number(gap, "start_ns"))
		expect(false, "gap %zu has a CPU, a start and a later end", i);
}

static void expect_within(const char *what, int64_t tolerance_ns, int64_t expected, int64_t got)
{
	int64_t off_ns = got > expected ? got - expected : expected - got;

	expect(off_ns <= tolerance_ns, "%s: %.3f ms off, %.3f allowed", what, (double)off_ns / 1e6,
	       (double)tolerance_ns / 1e6);
}

/* The worker's longest stall, which is the freeze: another load can stall it right before. SIZE_MAX: none. */
static size_t longest_stall(const struct truth *truth, int64_t tid)
{
	size_t longest = SIZE_MAX;

	for (size_t i = 0; i < truth->stalled_count; i++) {
		if (truth->stalled[i] == tid &&
		    (longest == SIZE_MAX ||
		     truth->stalled_for_ns[i] > truth->stalled_for_ns[longest]))
			longest = i;
	}
	return longest;
}

/*
 * Each worker's wait, on the clock of the truth, against what the worker said. Between the two it
 * may have run, or waited for a CPU: so much more the kernel itself, not the capture, allows for.
 */
static void compare_victims_since(const json_t *finding, int64_t start_ns,
				  const struct truth *truth)
{
	const json_t *victims = json_object_get(finding, "victims"), *victim;
	const json_t *since = json_object_get(finding, "victims_since_ns");
	size_t i;

	compare_victims(victims, truth);
	json_array_foreach(victims, i, victim)
	{
		int64_t tid = json_integer_value(victim), on_cpu_ns, off_ns;
		size_t stall = longest_stall(truth, tid);

		if (stall == SIZE_MAX) {
			expect(false, "worker %jd said that it stalled", (intmax_t)tid);
			continue;
		}
		on_cpu_ns = truth->stalled_on_cpu_ns[stall];
		off_ns = start_ns + json_integer_value(json_array_get(since, i)) -
			 truth->stalled_since_ns[stall];
		expect(off_ns >= -ONSET_NS && off_ns <= ONSET_NS + on_cpu_ns,
		       "begin of worker %jd's wait: %.3f ms after its own record, %.3f allowed, "
		       "%.3f of them on or waiting for a CPU",
		       (intmax_t)tid, (double)off_ns / 1e6, (double)(ONSET_NS + on_cpu_ns) / 1e6,
		       (double)on_cpu_ns / 1e6);
	}
}

static void compare_onset(const json_t *report, const struct truth *truth)
{
	const json_t *capture = json_object_get(report, "capture");
	const json_t *finding = json_array_get(json_object_get(report, "findings"), 0);
	const json_t *allocation = json_object_get(finding, "allocation");
	int64_t start_ns = number(capture, "start_monotonic_ns");
	int64_t trigger_ns = start_ns + number(json_object_get(capture, "trigger"), "at_ns");

	expect(truth->resized, "the workload froze for %.3f s",
	       (double)(truth->mapped_ns - truth->start_ns) / 1e9);
	expect(trigger_ns - truth->start_ns >= TRIGGER_LATE_NS && trigger_ns < truth->mapped_ns,
	       "the trigger came %.3f s after the onset, before the end",
	       (double)(trigger_ns - truth->start_ns) / 1e9);
	expect(start_ns > 0 && start_ns < truth->start_ns, "the capture begins %.3f s before it",
	       (double)(truth->start_ns - start_ns) / 1e9);
	expect_text("first finding", "mmap-lock-convoy", text(finding, "kind"));
	expect_number("culprit tid", truth->resizer_tid,
		      number(json_object_get(finding, "culprit"), "tid"));
	expect_number("allocation bytes", truth->bytes, number(allocation, "bytes"));
	expect_within("time of the call", ONSET_NS, truth->start_ns,
		      start_ns + number(allocation, "at_ns"));
	compare_victims_since(finding, start_ns, truth);
}

/* @from_ns, @to_ns: as a shell saw it, before it began to freeze something and after it ended. */
static void compare_freeze(const json_t *report, const char *kind, int64_t from_ns, int64_t to_ns,
			   int64_t least_ns)
{
	const json_t *finding = json_array_get(json_object_get(report, "findings"), 0);
	const json_t *stall = json_object_get(report, "stall");
	int64_t start_ns = number(json_object_get(report, "capture"), "start_monotonic_ns");
	int64_t stall_start_ns = start_ns + number(stall, "start_ns");
	int64_t stall_end_ns = start_ns + number(stall, "end_ns");

	expect_text("first finding", kind, text(finding, "kind"));
	expect(stall_start_ns >= from_ns, "the stall begins %.3f s after it could",
	       (double)(stall_start_ns - from_ns) / 1e9);
	expect(stall_end_ns <= to_ns, "the stall ends %.3f s before it must",
	       (double)(to_ns - stall_end_ns) / 1e9);
	expect(stall_end_ns - stall_start_ns >= least_ns - FREEZE_OFF_NS,
	       "the stall lasts %.3f s, made to last %.3f",
	       (double)(stall_end_ns - stall_start_ns) / 1e9, (double)least_ns / 1e9);
}

/* Return: an exit status. */
static int get(const char *file, const char *path)
{
	json_error_t error;
	json_t *root = json_load_file(file, JSON_DECODE_ANY, &error);
	const json_t *value = root;
	char *copy = strdup(path), *rest = copy, *key;

	if (!root || !copy)
		die(file, root ? "not enough memory" : error.text);
	while (value && (key = strsep(&rest, ".")))
		value = json_is_array(value) ? json_array_get(value, strtoul(key, NULL, 10))
					     : json_object_get(value, key);
	if (json_is_string(value))
		puts(json_string_value(value));
	else if (value)
		printf("%s\n", json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT));
	return value ? EXIT_SUCCESS : EXIT_FAILURE;
}

static int now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	printf("%jd\n", (intmax_t)now.tv_sec * 1000000000 + now.tv_nsec);
	return EXIT_SUCCESS;
}

static json_t *report_read(const char *path)
{
	json_error_t error;
	json_t *report = json_load_file(path, JSON_REJECT_DUPLICATES, &error);

	if (!report)
		die(path, error.text);
	expect_text("schema", "freezetrap.report/1", text(report, "schema"));
	return report;
}

static int usage(void)
{
	fputs("Usage: compare_truth culprit|no-stall|onset REPORT TRUTH\n"
	      "       compare_truth losses REPORT none|some\n"
	      "       compare_truth conservation REPORT\n"
	      "       compare_truth freeze REPORT KIND FROM TO NS\n"
	      "       compare_truth get FILE PATH\n"
	      "       compare_truth now\n",
	      stderr);
	return 2;
}

/* Those that compare with what a workload said. Return: whether @mode is one of them. */
static bool compare_with_truth(const char *mode, const json_t *report, const char *path)
{
	static const struct {
		const char *mode;
		void (*compare)(const json_t *report, const struct truth *truth);
	} modes[] = {
		{ "culprit", compare_culprit },
		{ "no-stall", compare_no_stall },
		{ "onset", compare_onset },
	};

	for (size_t i = 0; i < sizeof(modes) / sizeof(*modes); i++) {
		struct truth truth;

		if (strcmp(mode, modes[i].mode))
			continue;
		truth = truth_read(path);
		modes[i].compare(report, &truth);
		return true;
	}
	return false;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	json_t *report;

	if (argc == 2 && !strcmp(mode, "now"))
		return now();
	if (argc == 4 && !strcmp(mode, "get"))
		return get(argv[2], argv[3]);
	if (argc < 3)
		return usage();
	report = report_read(argv[2]);
	if (argc == 3 && !strcmp(mode, "conservation"))
		compare_conservation(report);
	else if (argc == 4 && !strcmp(mode, "losses"))
		compare_losses(report, argv[3]);
	else if (argc == 7 && !strcmp(mode, "freeze"))
		compare_freeze(report, argv[3], strtoll(argv[4], NULL, 10),
			       strtoll(argv[5], NULL, 10), strtoll(argv[6], NULL, 10));
	else if (argc != 4 || !compare_with_truth(mode, report, argv[3]))
		return usage();
	json_decref(report);
	return all_hold ? EXIT_SUCCESS : EXIT_FAILURE;
}
