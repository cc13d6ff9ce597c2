/* SPDX-License-Identifier: Apache-2.0 */
#include "config.h"

#include "analyzer/explain/wait_select.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

#include "analyzer/detect/finding.h"
#include "analyzer/util/human.h"
#include "analyzer/locks/replay.h"

#define SAME_TID_MAX 16 /* threads that had the tid one after the other; the latest count */

/* A moment as a report prints it is cut to this. */
#define PRINTED_NS 1000000u

/* A wait that hurts is preferred to one that does not and is up to so many times as long. */
#define HURTS_TIMES 100u

/* The way of choosing, and what would have been near. */
struct wish {
	bool at_time;
	uint64_t from_ns, to_ns; /* clock of the events */
	bool of_finding; /* it told of a wait at that time, */
	uint64_t told_ns;
	const struct model_culprit *culprit; /* for this one; NULL: it was asked for itself */
	bool has_before, has_after;
	struct deed_wait before, after; /* the nearest waits beside that time */
};

struct search {
	int32_t tid;
	struct wish wish;
	struct deeds *deeds[SAME_TID_MAX];
	size_t count;
	const struct lock_tracker *locks;
};

static int say(char **ret_message, int error, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

static int say(char **ret_message, int error, const char *format, ...)
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

static uint64_t rank_by_time(struct wish *wish, const struct deed_wait *wait)
{
	if (wait->end_ns <= wish->from_ns) {
		if (!wish->has_before || wait->end_ns > wish->before.end_ns)
			wish->before = *wait;
		wish->has_before = true;
		return 0;
	}
	if (wait->start_ns >= wish->to_ns) {
		if (!wish->has_after || wait->start_ns < wish->after.start_ns)
			wish->after = *wait;
		wish->has_after = true;
		return 0;
	}
	return wait->waited_ns;
}

static bool is_told(const struct wish *wish, const struct deed_wait *wait)
{
	return wish->of_finding && wait->start_ns <= wish->told_ns && wait->end_ns > wish->told_ns;
}

static uint64_t rank_of(void *context, const struct deed_wait *wait)
{
	struct wish *wish = context;

	if (wish->at_time)
		return rank_by_time(wish, wait);
	if (is_told(wish, wait))
		return UINT64_MAX;
	if (wait_class_idle(wait->class))
		return wait->waited_ns;
	return wait->waited_ns < UINT64_MAX / HURTS_TIMES ? wait->waited_ns * HURTS_TIMES
							  : UINT64_MAX;
}

static int search_event(void *context, const struct event *event)
{
	struct search *search = context;
	int r = 0;

	for (size_t i = 0; i < search->count && !r; i++)
		r = deeds_event(search->deeds[i], event);
	return r;
}

static int search_closed(void *context, const struct interval *interval)
{
	struct search *search = context;
	int r = 0;

	for (size_t i = 0; i < search->count && !r; i++)
		r = deeds_closed(search->deeds[i], search->locks, interval);
	return r;
}

static void search_charged(void *context, const struct thread *waiter, struct thread *owner,
			   uint64_t start_ns, uint64_t end_ns, enum grade grade)
{
	const struct deed_piece piece = { owner, start_ns, end_ns, grade };
	struct search *search = context;

	for (size_t i = 0; i < search->count; i++)
		deeds_charged(search->deeds[i], waiter, &piece);
}

static bool is_searched(void *context, const struct thread *waiter)
{
	const struct search *search = context;

	return waiter->tid == search->tid;
}

static int search_read(struct search *search, struct source *source, struct stack_infos *stackfacts,
		       const struct futex_locks *futexes)
{
	const struct lock_tracker_options options = { 0, UINT64_MAX, NULL, NULL, futexes };
	struct replay *pass = NULL;
	int r;

	r = replay_create(source, stackfacts, &options, &pass);
	if (r)
		return r;
	search->locks = replay_locks(pass);
	lock_tracker_watch(replay_locks(pass),
			   &(struct ownership_watcher){ .charged = search_charged,
							.context = search,
							.wants = is_searched });
	r = replay_run(pass, &(struct replay_watcher){ search_event, search_closed, search });
	replay_destroy(pass);
	return r;
}

/* The best wait of all threads that had the tid. Return: 0, -ENOENT (none), -ENOMEM. */
static int search_tell(struct search *search, uint64_t *ret_running_ns, uint64_t *ret_unknown_ns,
		       struct wait_selection *ret_chosen)
{
	struct wait_selection chosen = { .choice = EXPLAIN_BY_TIME };
	uint64_t best = 0;
	int r = 0;

	*ret_running_ns = *ret_unknown_ns = 0;
	for (size_t i = 0; i < search->count && !r; i++) {
		struct deeds_story story = { 0 };
		uint64_t rank;

		r = deeds_tell(search->deeds[i], &story);
		cpu_profile_free(&story.profile);
		chosen.waits_seen += story.waits_seen;
		*ret_running_ns += story.state_ns[THREAD_RUNNING];
		*ret_unknown_ns += story.state_ns[THREAD_UNKNOWN];
		rank = story.wait_count ? rank_of(&search->wish, &story.waits[0]) : 0;
		if (r || rank <= best)
			continue;
		best = rank;
		chosen.wait = story.waits[0];
	}
	if (r)
		return r;
	if (!best)
		return -ENOENT;
	chosen.culprit = search->wish.culprit;
	if (!search->wish.at_time)
		chosen.choice = chosen.culprit			       ? EXPLAIN_OF_VICTIM
				: is_told(&search->wish, &chosen.wait) ? EXPLAIN_OF_FINDING
				: wait_class_idle(chosen.wait.class)   ? EXPLAIN_LONGEST
								       : EXPLAIN_LONGEST_HURTING;
	*ret_chosen = chosen;
	return 0;
}

static int search_begin(struct search *search, struct source *source,
			struct stack_infos *stackfacts, const struct wait_spec *moment)
{
	const struct threads *threads = source_threads(source);
	int r = 0;

	search->tid = moment->tid;
	for (size_t i = threads_count(threads); i-- > 0 && search->count < SAME_TID_MAX && !r;) {
		struct thread *thread = threads_at(threads, i);
		struct deeds_options options = { thread, search->wish.from_ns, search->wish.to_ns,
						 rank_of, &search->wish };

		if (thread->tid != moment->tid || thread->idle_task)
			continue;
		r = deeds_create(source_stacks(source), stackfacts, &options,
				 &search->deeds[search->count]);
		search->count += !r;
	}
	return r;
}

static int no_thread(const struct model *model, const struct wait_spec *moment, char **ret_message)
{
	return say(ret_message, -ESRCH,
		   "%s: there is no thread %" PRId32 " in it.\n"
		   "  analyze --threads lists the %zu that are.",
		   model->capture.path, moment->tid, model->thread_count);
}

static int no_such_time(const struct model *model, int error, char **ret_message)
{
	if (error == -ENODATA)
		return say(ret_message, -ENOENT,
			   "%s: its time of day is not known.\n"
			   "  Say how far into the capture you mean, in seconds: TID:2.5.",
			   model->capture.path);
	return say(
		ret_message, -ENOENT,
		"%s: that time is not in the capture.\n"
		"  It begins at %s and is %s long; say a time of day in it, or seconds since then.",
		model->capture.path, finding_moment(model, 0).text,
		human_duration(model->capture.duration_ns).text);
}

struct near {
	char text[160];
};

static struct near near_text(const struct model *model, const struct deed_wait *wait, bool there,
			     const char *which)
{
	const uint64_t start_ns = model->capture.start_ns;
	uint64_t at_ns = wait->start_ns > start_ns ? wait->start_ns - start_ns : 0;
	struct near near = { "" };

	if (there)
		snprintf(near.text, sizeof(near.text),
			 "\n  The nearest %s: %" PRIu64 ".%09" PRIu64 " s, for %s (%s).", which,
			 at_ns / 1000000000, at_ns % 1000000000,
			 human_duration(wait->waited_ns).text, wait_class_name(wait->class));
	return near;
}

static int no_wait(const struct search *search, const struct model *model,
		   const struct wait_spec *moment, uint64_t running_ns, uint64_t unknown_ns,
		   char **ret_message)
{
	const struct wish *wish = &search->wish;
	const char *was = running_ns   ? "it ran"
			  : unknown_ns ? "what it did then is not known"
				       : "it was not there";

	if (!wish->at_time)
		return say(ret_message, -ENOENT,
			   "%s: thread %" PRId32 " did not wait in it, as far as its events tell.\n"
			   "  analyze --threads says what it did.",
			   model->capture.path, moment->tid);
	return say(ret_message, -ENOENT,
		   "%s: thread %" PRId32 " did not wait at that time: %s.%s%s", model->capture.path,
		   moment->tid, was,
		   near_text(model, &wish->before, wish->has_before, "wait before begins at").text,
		   near_text(model, &wish->after, wish->has_after, "wait after begins at").text);
}

/* The victim of @finding to look at when @tid is asked for; -1: none. */
static ssize_t victim_for(const struct model_finding *finding, int32_t tid, bool *ret_culprit)
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

/* One who is part of a finding is asked for because of it. */
static void wish_of_finding(const struct model *model, struct wait_spec *moment, struct wish *wish)
{
	for (size_t i = 0; i < model->finding_count; i++) {
		const struct model_finding *finding = &model->findings[i];
		bool is_culprit;
		ssize_t victim = victim_for(finding, moment->tid, &is_culprit);

		if (victim < 0 || finding->victims_since_ns[victim] > model->capture.duration_ns)
			continue;
		wish->of_finding = true;
		wish->told_ns = model->capture.start_ns + finding->victims_since_ns[victim];
		wish->culprit = is_culprit ? &finding->culprit : NULL;
		moment->tid = finding->victims[victim];
		return;
	}
}

static int wish_make(const struct model *model, struct wait_spec *moment, struct wish *ret_wish)
{
	uint64_t at_ns;
	int r;

	*ret_wish = (struct wish){ .to_ns = UINT64_MAX };
	if (!moment->has_time) {
		wish_of_finding(model, moment, ret_wish);
		return 0;
	}
	r = wait_spec_since_start(moment, model->capture.start_realtime_ns,
				  model->capture.utc_offset_s, model->capture.duration_ns, &at_ns);
	if (r)
		return r;
	ret_wish->at_time = true;
	ret_wish->from_ns = model->capture.start_ns + at_ns;
	ret_wish->to_ns = ret_wish->from_ns + PRINTED_NS;
	return 0;
}

int wait_select_find(struct source *source, struct stack_infos *stackfacts,
		     const struct model *model, const struct wait_spec *asked,
		     struct wait_selection *ret_chosen, char **ret_message)
{
	struct wait_spec wanted = *asked, *moment = &wanted;
	struct search search = { .count = 0 };
	uint64_t running_ns, unknown_ns;
	int r;

	r = wish_make(model, moment, &search.wish);
	if (r)
		return no_such_time(model, r, ret_message);
	r = search_begin(&search, source, stackfacts, moment);
	if (r)
		goto out;
	if (!search.count) {
		r = no_thread(model, moment, ret_message);
		goto out;
	}
	r = search_read(&search, source, stackfacts, model->futexes);
	if (r)
		goto out;
	r = search_tell(&search, &running_ns, &unknown_ns, ret_chosen);
	if (r == -ENOENT)
		r = no_wait(&search, model, moment, running_ns, unknown_ns, ret_message);
out:
	for (size_t i = 0; i < search.count; i++)
		deeds_destroy(search.deeds[i]);
	return r;
}
