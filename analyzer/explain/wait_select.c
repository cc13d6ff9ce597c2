/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/explain/wait_select.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/types.h>

#include "analyzer/activity/observations.h"
#include "analyzer/model.h"
#include "analyzer/util/human.h"

#define SAME_TID_MAX 16 /* threads that had the tid one after the other; the latest count */

/* A report cuts the times that it prints to this. */
#define PRINTED_NS 1000000u

/* A wait that hurts is preferred to one that does not and is up to so many times as long. */
#define HURTS_TIMES 100u

/* Which wait is preferred, and which waits are near where there is none. */
struct wait_preference {
	bool by_time;
	uint64_t from_ns, to_ns; /* clock of the events */
	bool of_finding; /* the finding's victim waited at this time, */
	uint64_t victim_ns;
	const struct model_culprit
		*culprit; /* because of this culprit; NULL: the victim itself was asked for */
	bool has_before, has_after;
	struct thread_wait before, after; /* the nearest waits before from_ns, behind to_ns */
};

/* What all threads that had the tid did. */
struct wait_search {
	struct wait_preference preference;
	size_t threads;
	uint64_t running_ns, unknown_ns;
	uint64_t best_rank;
	struct wait_selection best;
};

static int format_message(char **ret_message, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int format_message(char **ret_message, int error, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vasprintf(ret_message, format, arguments);
	va_end(arguments);
	if (length < 0)
		*ret_message = NULL;
	return length < 0 ? -ENOMEM : error;
}

static uint64_t rank_by_time(struct wait_preference *preference, const struct thread_wait *wait)
{
	if (wait->end_ns <= preference->from_ns) {
		if (!preference->has_before || wait->end_ns > preference->before.end_ns)
			preference->before = *wait;
		preference->has_before = true;
		return 0;
	}
	if (wait->start_ns >= preference->to_ns) {
		if (!preference->has_after || wait->start_ns < preference->after.start_ns)
			preference->after = *wait;
		preference->has_after = true;
		return 0;
	}
	return wait->waited_ns;
}

static bool is_of_finding(const struct wait_preference *preference, const struct thread_wait *wait)
{
	return preference->of_finding && wait->start_ns <= preference->victim_ns &&
	       wait->end_ns > preference->victim_ns;
}

static uint64_t rank_wait(void *context, const struct thread_wait *wait)
{
	struct wait_preference *preference = context;

	if (preference->by_time)
		return rank_by_time(preference, wait);
	if (is_of_finding(preference, wait))
		return UINT64_MAX;
	if (wait_direction_idle(wait->direction))
		return wait->waited_ns;
	return wait->waited_ns < UINT64_MAX / HURTS_TIMES ? wait->waited_ns * HURTS_TIMES
							  : UINT64_MAX;
}

static int search_thread(const struct observations *observations, struct thread *thread,
			 struct wait_search *search)
{
	const struct thread_waits_query query = { .thread = thread,
						  .start_ns = search->preference.from_ns,
						  .end_ns = search->preference.to_ns,
						  .rank = rank_wait,
						  .context = &search->preference };
	struct thread_waits found;
	uint64_t rank = 0;

	if (thread_waits_find(observations->history, source_stacks(observations->source),
			      observations->stack_infos, &query, &found))
		return -ENOMEM;
	cpu_profile_free(&found.profile);
	search->threads++;
	search->best.waits_seen += found.waits_seen;
	search->running_ns += found.state_ns[THREAD_RUNNING];
	search->unknown_ns += found.state_ns[THREAD_UNKNOWN];
	if (found.wait_count)
		rank = rank_wait(&search->preference, &found.waits[0]);
	if (rank > search->best_rank) {
		search->best_rank = rank;
		search->best.wait = found.waits[0];
	}
	return 0;
}

/* All threads that had the tid, the latest first. */
static int search_threads(const struct observations *observations, int32_t tid,
			  struct wait_search *search)
{
	const struct threads *threads = source_threads(observations->source);
	int r = 0;

	for (size_t i = threads_count(threads); i-- > 0 && search->threads < SAME_TID_MAX && !r;) {
		struct thread *thread = threads_at(threads, i);

		if (thread->tid == tid && !thread->idle_task)
			r = search_thread(observations, thread, search);
	}
	return r;
}

static enum explain_choice name_choice(const struct wait_search *search)
{
	const struct wait_preference *preference = &search->preference;

	if (preference->by_time)
		return EXPLAIN_BY_TIME;
	if (preference->culprit)
		return EXPLAIN_OF_VICTIM;
	if (is_of_finding(preference, &search->best.wait))
		return EXPLAIN_OF_FINDING;
	return wait_direction_idle(search->best.wait.direction) ? EXPLAIN_LONGEST
								: EXPLAIN_LONGEST_HURTING;
}

static int report_no_thread(const struct model *model, int32_t tid, char **ret_message)
{
	return format_message(ret_message, -ESRCH,
			      "%s: there is no thread %" PRId32 " in it.\n"
			      "  analyze --threads lists the %zu that are.",
			      model->capture.path, tid, model->thread_count);
}

static int report_no_such_time(const struct model *model, int error, char **ret_message)
{
	if (error == -ENODATA)
		return format_message(
			ret_message, -ENOENT,
			"%s: its time of day is not known.\n"
			"  Say how far into the capture you mean, in seconds: TID:2.5.",
			model->capture.path);
	return format_message(
		ret_message, -ENOENT,
		"%s: that time is not in the capture.\n"
		"  It begins at %s and is %s long; say a time of day in it, or seconds since then.",
		model->capture.path, model_time_text(model, 0).text,
		human_duration(model->capture.duration_ns).text);
}

struct nearest_text {
	char text[160];
};

static struct nearest_text describe_nearest(const struct model *model,
					    const struct thread_wait *wait, bool exists,
					    const char *which)
{
	const uint64_t start_ns = model->capture.start_ns;
	uint64_t at_ns = wait->start_ns > start_ns ? wait->start_ns - start_ns : 0;
	struct nearest_text nearest = { "" };

	if (exists)
		snprintf(nearest.text, sizeof(nearest.text),
			 "\n  The nearest %s: %" PRIu64 ".%09" PRIu64 " s, for %s (%s).", which,
			 at_ns / 1000000000, at_ns % 1000000000,
			 human_duration(wait->waited_ns).text, wait_class_name(wait->class));
	return nearest;
}

static int report_no_wait(const struct wait_search *search, const struct model *model, int32_t tid,
			  char **ret_message)
{
	const struct wait_preference *preference = &search->preference;
	const char *did = search->running_ns   ? "it ran"
			  : search->unknown_ns ? "what it did then is not known"
					       : "it was not there";

	if (!preference->by_time)
		return format_message(ret_message, -ENOENT,
				      "%s: thread %" PRId32
				      " did not wait in it, as far as its events tell.\n"
				      "  analyze --threads says what it did.",
				      model->capture.path, tid);
	return format_message(ret_message, -ENOENT,
			      "%s: thread %" PRId32 " did not wait at that time: %s.%s%s",
			      model->capture.path, tid, did,
			      describe_nearest(model, &preference->before, preference->has_before,
					       "wait before begins at")
				      .text,
			      describe_nearest(model, &preference->after, preference->has_after,
					       "wait after begins at")
				      .text);
}

/* The victim of @finding to look at when @tid is asked for; -1: none. */
static ssize_t find_victim(const struct model_finding *finding, int32_t tid, bool *ret_culprit)
{
	*ret_culprit = false;
	if (!finding->victims_since_ns)
		return -1;
	for (size_t i = 0; i < finding->victim_count; i++)
		if (finding->victims[i] == tid)
			return (ssize_t)i;
	*ret_culprit = finding->has_culprit && finding->culprit.tid == tid;
	return *ret_culprit && finding->victim_count ? 0 : -1;
}

/* Whoever is part of a finding is asked for because of it. */
static void prefer_finding(const struct model *model, int32_t *tid,
			   struct wait_preference *preference)
{
	for (size_t i = 0; i < model->finding_count; i++) {
		const struct model_finding *finding = &model->findings[i];
		bool is_culprit;
		ssize_t victim = find_victim(finding, *tid, &is_culprit);

		if (victim < 0 || finding->victims_since_ns[victim] > model->capture.duration_ns)
			continue;
		preference->of_finding = true;
		preference->victim_ns = model->capture.start_ns + finding->victims_since_ns[victim];
		preference->culprit = is_culprit ? &finding->culprit : NULL;
		*tid = finding->victims[victim];
		return;
	}
}

/* *@tid: the thread to look at in the end. Return: as wait_spec_since_start(). */
static int make_preference(const struct model *model, const struct wait_spec *spec, int32_t *tid,
			   struct wait_preference *ret_preference)
{
	struct wait_preference preference = { .to_ns = UINT64_MAX };
	uint64_t at_ns;
	int r;

	if (spec->has_time) {
		r = wait_spec_since_start(spec, model->capture.start_realtime_ns,
					  model->capture.utc_offset_s, model->capture.duration_ns,
					  &at_ns);
		if (r)
			return r;
		preference.by_time = true;
		preference.from_ns = model->capture.start_ns + at_ns;
		preference.to_ns = preference.from_ns + PRINTED_NS;
	} else {
		prefer_finding(model, tid, &preference);
	}
	*ret_preference = preference;
	return 0;
}

/* The wait was selected in the whole history: take it from a finer one, where there is one. */
static int refine_wait(const struct observations *observations, struct thread_wait *wait)
{
	const struct thread_waits_query query = { .thread = wait->thread,
						  .start_ns = wait->start_ns,
						  .end_ns = wait->end_ns };
	struct thread_waits found;

	if (!observations->span_history)
		return 0;
	if (thread_waits_find_finest(observations, &query, &found))
		return -ENOMEM;
	cpu_profile_free(&found.profile);
	if (found.wait_count)
		*wait = found.waits[0];
	return 0;
}

int wait_select_find(const struct observations *observations, const struct model *model,
		     const struct wait_spec *spec, struct wait_selection *ret_selection,
		     char **ret_message)
{
	struct wait_search search = { .threads = 0 };
	int32_t tid = spec->tid;
	int r;

	r = make_preference(model, spec, &tid, &search.preference);
	if (r)
		return report_no_such_time(model, r, ret_message);
	r = search_threads(observations, tid, &search);
	if (r)
		return r;
	if (!search.threads)
		return report_no_thread(model, tid, ret_message);
	if (!search.best_rank)
		return report_no_wait(&search, model, tid, ret_message);
	search.best.choice = name_choice(&search);
	search.best.culprit = search.preference.culprit;
	*ret_selection = search.best;
	return refine_wait(observations, &ret_selection->wait);
}
