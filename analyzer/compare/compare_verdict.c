/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a comparison comes to, in sentences.
 */
#include "config.h"

#include "analyzer/compare/compare_private.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/util/human.h"

/* A recording this many times as long as the other is more likely to hold rare events. */
#define LENGTHS_APART 4u

/* Shares are doubtful where this much of the targets' thread time is unknown. */
#define UNKNOWN_PERCENT 10u

static int add_warning(struct comparison *comparison, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

static int add_warning(struct comparison *comparison, const char *format, ...)
{
	char **warnings = reallocarray(comparison->warnings, comparison->warning_count + 1,
				       sizeof(*warnings));
	va_list arguments;
	int length;

	if (!warnings)
		return -ENOMEM;
	comparison->warnings = warnings;
	va_start(arguments, format);
	length = vasprintf(&warnings[comparison->warning_count], format, arguments);
	va_end(arguments);
	if (length < 0)
		return -ENOMEM;
	comparison->warning_count++;
	return 0;
}

static const char *or_unknown(const char *text)
{
	return text && *text ? text : "not known";
}

static int warn_unequal(struct comparison *comparison, const char *what, const char *before,
			const char *after, const char *so)
{
	if (!strcmp(or_unknown(before), or_unknown(after)))
		return 0;
	return add_warning(comparison, "%s: %s before, %s after%s", what, or_unknown(before),
			   or_unknown(after), so);
}

/* Find the step of the governor that took the fewest stacks; "" where it took all. */
static const char *find_governor_step(const struct model *model)
{
	static const char step[] = "governor: ";
	const char *worst = "";

	for (size_t i = 0; i < model->coverage.note_count; i++) {
		const char *text = model->coverage.notes[i].text;

		if (strncmp(text, step, sizeof(step) - 1))
			continue;
		text += sizeof(step) - 1;
		if (!strncmp(text, "timing", 6))
			worst = "timing only";
		else if (!strncmp(text, "lazy", 4) && !*worst)
			worst = "lazy stacks";
	}
	return worst;
}

static int warn_governor(struct comparison *comparison)
{
	const char *before = find_governor_step(comparison->before),
		   *after = find_governor_step(comparison->after);

	if (!*before && !*after)
		return 0;
	return add_warning(
		comparison,
		"the recorder took fewer stacks for a while (before: %s, after: %s): waits then "
		"are in no class, so shares of classes may differ for that alone",
		*before ? before : "no", *after ? after : "no");
}

static int warn_losses(struct comparison *comparison, const struct model *model, const char *which)
{
	int r = 0;

	if (model->coverage.lost_events || model->coverage.gap_count)
		r = add_warning(comparison,
				"%s lost %s events: what happened then is in none of its figures",
				which,
				model->coverage.lost_events
					? human_count(model->coverage.lost_events).text
					: "an unknown number of");
	if (!r && !model->capture.complete)
		r = add_warning(comparison,
				"%s is damaged or cut short: only what could be read is compared",
				which);
	return r;
}

static int warn_unknown(struct comparison *comparison, const struct model *model, const char *which)
{
	const uint64_t whole_ns = compare_thread_time(model);

	if ((double)model->coverage.unknown_ns * 100 < (double)whole_ns * UNKNOWN_PERCENT ||
	    !model->coverage.unknown_ns)
		return 0;
	return add_warning(comparison,
			   "%s does not know what its target did for %s of its thread time", which,
			   human_share(model->coverage.unknown_ns, whole_ns).text);
}

static int warn_lengths(struct comparison *comparison)
{
	const uint64_t before_ns = comparison->before->capture.duration_ns;
	const uint64_t after_ns = comparison->after->capture.duration_ns;

	if (before_ns / LENGTHS_APART <= after_ns && after_ns / LENGTHS_APART <= before_ns)
		return 0;
	return add_warning(
		comparison,
		"the lengths differ, %s before and %s after: what is rare may be missing from the "
		"shorter one, and weighs more in it where it is not",
		human_duration(before_ns).text, human_duration(after_ns).text);
}

static const char *target_name(const struct model *model)
{
	return model->capture.target_count ? model->capture.target_comm : "the whole host";
}

int compare_verdict_warn(struct comparison *comparison)
{
	const struct model *before = comparison->before, *after = comparison->after;
	int r;

	r = warn_unequal(comparison, "target", target_name(before), target_name(after),
			 ": waits of different programs do not compare");
	if (!r)
		r = warn_unequal(comparison, "tier", before->capture.tier, after->capture.tier,
				 ": they did not record the same events");
	if (!r)
		r = warn_unequal(comparison, "kernel", before->capture.kernel,
				 after->capture.kernel,
				 ": its locks and the names of its functions may differ");
	if (!r)
		r = warn_unequal(comparison, "host", before->capture.host, after->capture.host, "");
	if (!r && before->coverage.cpus != after->coverage.cpus)
		r = add_warning(comparison, "CPUs: %" PRIu32 " before, %" PRIu32 " after",
				before->coverage.cpus, after->coverage.cpus);
	if (!r)
		r = warn_governor(comparison);
	if (!r)
		r = warn_losses(comparison, before, "the capture before");
	if (!r)
		r = warn_losses(comparison, after, "the capture after");
	if (!r)
		r = warn_unknown(comparison, before, "the capture before");
	if (!r)
		r = warn_unknown(comparison, after, "the capture after");
	return r ? r : warn_lengths(comparison);
}

/* "mmap-lock-convoy of resizer" */
static void say_finding_name(FILE *out, const struct compare_finding *row)
{
	/* A process that stopped the target, or took its CPU, is not the one that froze. */
	bool by = row->kind == FINDING_PROCESS_STOPPED || row->kind == FINDING_CPU_STARVED;

	fprintf(out, "%s", finding_kind_name(row->kind));
	if (*row->culprit)
		fprintf(out, " %s %s", by ? "by" : "of", row->culprit);
}

static void say_findings(FILE *out, const struct comparison *comparison)
{
	for (size_t i = 0; i < comparison->finding_count; i++) {
		const struct compare_finding *row = &comparison->findings[i];

		fprintf(out, "%s ", i ? "; the" : "The");
		say_finding_name(out, row);
		if (row->change == COMPARE_NEW)
			fprintf(out, " is new, with %s lost",
				human_duration(row->after->blocked_ns).text);
		else if (row->change == COMPARE_GONE)
			fprintf(out, " that was there before, with %s lost, is gone",
				human_duration(row->before->blocked_ns).text);
		else
			fprintf(out, " is still there%s, with %s lost before and %s after",
				row->change == COMPARE_GREW	? " and grew"
				: row->change == COMPARE_SHRANK ? " and shrank"
								: "",
				human_duration(row->before->blocked_ns).text,
				human_duration(row->after->blocked_ns).text);
	}
	if (comparison->finding_count)
		fputc('.', out);
}

/* Stalls are told apart from findings because a stall may have no finding. */
static void say_stalls(FILE *out, const struct comparison *comparison)
{
	const struct model *before = comparison->before, *after = comparison->after;
	bool before_froze = model_verdict(before) == VERDICT_FROZEN;
	bool after_froze = model_verdict(after) == VERDICT_FROZEN;

	if (before_froze && after_froze)
		fprintf(out, " Both froze: for %s before, for %s after.",
			human_duration(before->stall.end_ns - before->stall.start_ns).text,
			human_duration(after->stall.end_ns - after->stall.start_ns).text);
	else if (after_froze)
		fprintf(out, " Only the one after froze, for %s.",
			human_duration(after->stall.end_ns - after->stall.start_ns).text);
	else if (before_froze)
		fprintf(out, " After, nothing froze.");
	else
		fprintf(out, " Neither froze.");
	if (model_verdict(before) == VERDICT_NOT_SURE)
		fprintf(out, " Before, threads stood still together, perhaps for want of work.");
	if (model_verdict(after) == VERDICT_NOT_SURE)
		fprintf(out, " After, threads stood still together, perhaps for want of work.");
}

static struct human percent_text(compare_ppm share)
{
	struct human human;

	snprintf(human.text, sizeof(human.text), "%.*f %%",
		 !share		  ? 0
		 : share < 100000 ? 2
				  : 1,
		 (double)share / 10000);
	return human;
}

/* Waits of a class in any operation, because the call in which a thread meets a lock is chance. */
struct class_share {
	compare_ppm share;
	const char *operation; /* of all these waits; "" where there are several */
};

static struct class_share sum_class_share(const struct model *model, enum wait_class class)
{
	struct class_share sum = { .operation = NULL };
	uint64_t ns = 0;

	for (size_t i = 0; i < model->wait_group_count; i++) {
		const struct model_wait *wait = &model->wait_groups[i];

		if (wait->class != class || wait->idle)
			continue;
		ns += wait->blocked_ns + wait->runnable_ns;
		sum.operation = sum.operation ? "" : wait->operation;
	}
	sum.share = compare_share(ns, compare_thread_time(model));
	return sum;
}

static compare_ppm share_difference(const struct class_share *before,
				    const struct class_share *after)
{
	if (compare_change_of(before->share, after->share, COMPARE_LEAST_PPM) == COMPARE_SAME)
		return 0;
	return compare_difference(before->share, after->share);
}

static void say_waits(FILE *out, const struct comparison *comparison)
{
	struct class_share before = { 0 }, after = { 0 };
	enum wait_class most = WAIT_UNKNOWN;
	const char *operation = "";

	for (enum wait_class class = 0; class < WAIT_CLASSES; class ++) {
		struct class_share b = sum_class_share(comparison->before, class);
		struct class_share a = sum_class_share(comparison->after, class);

		if (share_difference(&b, &a) <= share_difference(&before, &after))
			continue;
		most = class;
		before = b;
		after = a;
	}
	if (!share_difference(&before, &after)) {
		fprintf(out, " Nothing that hurts differs by more than noise.");
		return;
	}
	if (!before.operation || !after.operation || !strcmp(before.operation, after.operation))
		operation = before.operation ? before.operation : after.operation;
	fprintf(out,
		" Of the waits that hurt %s%s%s differs most: %s of the thread time before, %s "
		"after.",
		wait_class_name(most), *operation ? " in " : "", operation,
		percent_text(before.share).text, percent_text(after.share).text);
}

static void say_no_verdict(FILE *out, const struct comparison *comparison)
{
	const char *before = comparison->before->no_verdict, *after = comparison->after->no_verdict;

	fprintf(out, "There is no verdict: ");
	if (before)
		fprintf(out, "before, %s%s", before, after ? "; " : ".");
	if (after)
		fprintf(out, "after, %s.", after);
}

int compare_verdict_write(struct comparison *comparison)
{
	size_t bytes = 0;
	FILE *out = open_memstream(&comparison->verdict, &bytes);
	bool failed;

	if (!out)
		return -ENOMEM;
	if (comparison->before->no_verdict || comparison->after->no_verdict) {
		say_no_verdict(out, comparison);
	} else {
		say_findings(out, comparison);
		say_stalls(out, comparison);
		say_waits(out, comparison);
	}
	failed = ferror(out);
	if (fclose(out) || failed)
		return -ENOMEM;
	/* Without a finding the first sentence begins with the space that separates it. */
	if (*comparison->verdict == ' ')
		memmove(comparison->verdict, comparison->verdict + 1, bytes);
	return 0;
}
