/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/feeder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/pass.h"

#define FEEDERS_MAX 4u

/* Who did something for this share of the longest wait for it, did that. */
#define MOST_PERCENT 75u
#define HALF_PERCENT 50u

/* A run is unusual that is so many times as long as any before. */
#define TIMES_USUAL 5u

/* One that goes on waking others at more than this share of its usual rate, works as it always does. */
#define WORKS_PERCENT 10u

/* Fewer stacks do not tell what it was in most of the time. */
#define STACKS_LEAST 5u

/* Of the wake-ups that ended such waits before, the feeder's are at least this many. */
#define FED_PERCENT 10u

struct watched {
	struct feeder feeder;
	struct profiler *profiler;
	struct stall_span *spans;	/* when somebody waited for it; in order of time, apart */
	size_t span_count;
	uint64_t observed_ns;		/* outside of these */
	uint64_t run_start_ns, run_end_ns; /* its run so far; empty: it does not run */
	uint32_t stacks, end_stacks;	/* seen meanwhile; at the end of a process */
};

struct watch {
	struct watched watched[FEEDERS_MAX];
	size_t count;
	struct stackfacts *stackfacts;
	bool fuse;
};

/* Candidates. */

static bool within(const struct fed_wait *wait, const struct stall *stall)
{
	return wait->start_ns >= stall->start_ns && wait->end_ns <= stall->end_ns;
}

/* Whether @wait can say anything about who feeds it. */
static bool says(const struct fed_wait *wait, const struct stall *fuse)
{
	if (!wait->feeder)
		return false;
	if (fuse)
		return wait->class == WAIT_IO_FUSE && within(wait, fuse);
	if (wait->class == WAIT_IO_FUSE)
		return false;
	return wait->class == WAIT_CHILD ||
	       (wait->before.count && wait->fed * 100 >= wait->wakeups * FED_PERCENT && wait->fed);
}

static int by_lost(const void *left, const void *right)
{
	const struct feeder *a = left, *b = right;

	return (a->lost_ns < b->lost_ns) - (a->lost_ns > b->lost_ns);
}

/* The feeders that most time was lost to in all. Past the room for them the least are left out. */
static size_t candidates(const struct fed_wait *waits, size_t count, const struct stall *fuse,
			 struct feeder *feeders)
{
	struct feeder found[FEEDERS_MAX * 4] = { 0 };
	size_t used = 0, kept;

	for (size_t i = 0; i < count; i++) {
		struct feeder *feeder = found;
		size_t j = 0;

		if (!says(&waits[i], fuse))
			continue;
		while (j < used && found[j].thread != waits[i].feeder)
			j++;
		if (j < used)
			feeder = &found[j];
		else if (used < FEEDERS_MAX * 4)
			feeder = &found[used++];
		else
			for (j = 0; j < used; j++)
				feeder = found[j].lost_ns < feeder->lost_ns ? &found[j] : feeder;
		if (feeder->thread != waits[i].feeder)
			*feeder = (struct feeder){ .thread = waits[i].feeder };
		feeder->lost_ns += waits[i].end_ns - waits[i].start_ns;
	}
	qsort(found, used, sizeof(*found), by_lost);
	kept = used < FEEDERS_MAX ? used : FEEDERS_MAX;
	memcpy(feeders, found, kept * sizeof(*found));
	return kept;
}

static int victim_add(struct feeder *feeder, const struct fed_wait *wait)
{
	uint64_t ns = wait->end_ns - wait->start_ns;
	struct victim *victims, *victim = NULL;

	for (size_t i = 0; i < feeder->victim_count; i++)
		if (feeder->victims[i].thread == wait->thread)
			victim = &feeder->victims[i];
	if (!victim) {
		victims = reallocarray(feeder->victims, feeder->victim_count + 1, sizeof(*victims));
		if (!victims)
			return -ENOMEM;
		feeder->victims = victims;
		victim = &victims[feeder->victim_count++];
		*victim = (struct victim){ .thread = wait->thread };
	}
	victim->blocked_ns += ns;
	if (ns > victim->longest_ns) {
		victim->longest_ns = ns;
		victim->since_ns = wait->start_ns;
	}
	return 0;
}

static int by_blocked(const void *left, const void *right)
{
	const struct victim *a = left, *b = right;

	if (a->blocked_ns != b->blocked_ns)
		return a->blocked_ns < b->blocked_ns ? 1 : -1;
	return (a->thread->index > b->thread->index) - (a->thread->index < b->thread->index);
}

static int by_start(const void *left, const void *right)
{
	const struct long_wait *a = left, *b = right;

	return (a->start_ns > b->start_ns) - (a->start_ns < b->start_ns);
}

/* The times of @waits, which it sorts, as spans that do not touch. */
static int find_spans(struct watched *watched, struct long_wait *waits, size_t count)
{
	struct stall_span *last = NULL;

	watched->spans = calloc(count + 1, sizeof(*watched->spans));
	if (!watched->spans)
		return -ENOMEM;
	qsort(waits, count, sizeof(*waits), by_start);
	for (size_t i = 0; i < count; i++) {
		if (last && waits[i].start_ns <= last->end_ns) {
			if (waits[i].end_ns > last->end_ns)
				last->end_ns = waits[i].end_ns;
			continue;
		}
		last = &watched->spans[watched->span_count++];
		*last = (struct stall_span){ waits[i].start_ns, waits[i].end_ns };
	}
	return 0;
}

/* The worst stall that the waits for it make, and who is in it. */
static int prepare(struct watched *watched, const struct fed_wait *waits, size_t count,
		   const struct stall *fuse)
{
	struct long_wait *own = calloc(count + 1, sizeof(*own));
	struct feeder *feeder = &watched->feeder;
	size_t own_count = 0;
	int r;

	if (!own)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		if (waits[i].feeder == feeder->thread && says(&waits[i], fuse))
			own[own_count++] = (struct long_wait){
				.thread = waits[i].thread,
				.class = waits[i].class,
				.start_ns = waits[i].start_ns,
				.end_ns = waits[i].end_ns,
				.blocked_ns = waits[i].end_ns - waits[i].start_ns,
				.flags = waits[i].flags,
			};
	r = stall_find(own, own_count, &feeder->stall);
	if (!r)
		r = find_spans(watched, own, own_count);
	free(own);
	feeder->lost_ns = 0;
	for (size_t i = 0; i < count && !r; i++) {
		uint64_t ns = waits[i].end_ns - waits[i].start_ns;

		if (waits[i].feeder != feeder->thread || !says(&waits[i], fuse) ||
		    !within(&waits[i], &feeder->stall))
			continue;
		feeder->lost_ns += ns;
		feeder->classes |= UINT32_C(1) << waits[i].class;
		if (ns > feeder->longest.end_ns - feeder->longest.start_ns)
			feeder->longest = waits[i];
		r = victim_add(feeder, &waits[i]);
	}
	if (feeder->victim_count)
		qsort(feeder->victims, feeder->victim_count, sizeof(*feeder->victims), by_blocked);
	return r;
}

/* The second reading. */

static bool meanwhile(const struct feeder *feeder, uint64_t time_ns)
{
	return time_ns > feeder->longest.start_ns && time_ns < feeder->longest.end_ns;
}

static int stack_seen(struct watch *watch, struct watched *watched, const struct event *event)
{
	const struct stack_fact *fact;

	if (event->stack_id == STACK_NONE || !meanwhile(&watched->feeder, event->raw.time_ns))
		return 0;
	fact = stackfacts_get(watch->stackfacts, event->stack_id);
	if (!fact)
		return -ENOMEM;
	watched->stacks++;
	watched->end_stacks += !strcmp(fact->operation, "exit");
	return 0;
}

/* How much of a time somebody waited for it. */
static uint64_t waited_for(const struct watched *watched, uint64_t start_ns, uint64_t end_ns)
{
	size_t low = 0, high = watched->span_count;
	uint64_t ns = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (watched->spans[middle].end_ns <= start_ns)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < watched->span_count && watched->spans[low].start_ns < end_ns; low++) {
		const struct stall_span *span = &watched->spans[low];

		ns += (span->end_ns < end_ns ? span->end_ns : end_ns) -
		      (span->start_ns > start_ns ? span->start_ns : start_ns);
	}
	return ns;
}

static int woken(struct watch *watch, struct watched *watched, const struct event *event)
{
	const struct stack_fact *fact = stackfacts_get(watch->stackfacts, event->stack_id);
	struct feeder *feeder = &watched->feeder;
	uint64_t time_ns = event->raw.time_ns;

	if (!fact)
		return -ENOMEM;
	if (event->raw.waking.in_interrupt && !fact->own_softirq)
		return 0;
	feeder->usual_wakeups += !waited_for(watched, time_ns, time_ns + 1);
	feeder->wakeups += meanwhile(feeder, time_ns);
	return 0;
}

static int watch_event(void *context, const struct event *event)
{
	struct watch *watch = context;

	for (size_t i = 0; i < watch->count; i++) {
		struct watched *watched = &watch->watched[i];
		struct feeder *feeder = &watched->feeder;

		if (event->thread != feeder->thread)
			continue;
		if (profiler_event(watched->profiler, event))
			return -ENOMEM;
		if (event->raw.kind == FT_EVENT_SAMPLE || event->raw.kind == FT_EVENT_SWITCH) {
			if (stack_seen(watch, watched, event))
				return -ENOMEM;
		} else if (event->raw.kind == FT_EVENT_WAKING && woken(watch, watched, event)) {
			return -ENOMEM;
		}
	}
	return 0;
}

static uint64_t overlap(const struct fed_wait *wait, uint64_t start_ns, uint64_t end_ns)
{
	uint64_t from_ns = start_ns > wait->start_ns ? start_ns : wait->start_ns;
	uint64_t to_ns = end_ns < wait->end_ns ? end_ns : wait->end_ns;

	return to_ns > from_ns ? to_ns - from_ns : 0;
}

/* It waits for work, or the recording ends. */
static void run_end(struct watched *watched)
{
	uint64_t start_ns = watched->run_start_ns, end_ns = watched->run_end_ns;
	struct feeder *feeder = &watched->feeder;
	uint64_t ns = overlap(&feeder->longest, start_ns, end_ns);

	if (ns > feeder->run_ns)
		feeder->run_ns = ns;
	/* Part of it may be the last of what those who wait had got. */
	if (waited_for(watched, start_ns, end_ns) * 2 < end_ns - start_ns &&
	    end_ns - start_ns > feeder->usual_run_ns)
		feeder->usual_run_ns = end_ns - start_ns;
	watched->run_start_ns = watched->run_end_ns = 0;
}

static void run_extend(struct watched *watched, const struct interval *interval)
{
	if (!watched->run_end_ns)
		watched->run_start_ns = interval->start_ns;
	watched->run_end_ns = interval->end_ns;
}

static int feeder_interval(struct watch *watch, struct watched *watched,
			   const struct interval *interval)
{
	struct feeder *feeder = &watched->feeder;
	uint64_t ns = overlap(&feeder->longest, interval->start_ns, interval->end_ns);
	const struct stack_fact *fact;
	enum wait_class class;

	watched->observed_ns += interval->end_ns - interval->start_ns -
				waited_for(watched, interval->start_ns, interval->end_ns);
	feeder->state_ns[interval->state] += ns;
	if (interval->state == THREAD_RUNNING || interval->state == THREAD_RUNNABLE) {
		run_extend(watched, interval);
		return 0;
	}
	if (interval->state == THREAD_UNKNOWN)
		return 0;
	fact = stackfacts_get(watch->stackfacts, interval->stack_id);
	if (!fact)
		return -ENOMEM;
	class = stack_fact_reason(fact, interval->prev_state)->class;
	if (wait_class_idle(class))
		run_end(watched);
	if (ns > feeder->blocked_ns) {
		feeder->blocked_ns = ns;
		feeder->blocked_class = class;
		feeder->blocked_stack_id = interval->stack_id;
	}
	return 0;
}

static int watch_closed(void *context, const struct interval *interval)
{
	struct watch *watch = context;

	for (size_t i = 0; i < watch->count; i++)
		if (watch->watched[i].feeder.thread == interval->thread &&
		    feeder_interval(watch, &watch->watched[i], interval))
			return -ENOMEM;
	return 0;
}

static int read_again(struct watch *watch, struct source *source)
{
	const struct locks_options options = { 0 };
	struct pass *pass = NULL;
	int r = 0;

	for (size_t i = 0; i < watch->count && !r; i++) {
		struct watched *watched = &watch->watched[i];

		r = profiler_create(source_stacks(source), watched->feeder.thread,
				    watched->feeder.longest.start_ns,
				    watched->feeder.longest.end_ns, &watched->profiler);
	}
	if (!r)
		r = pass_create(source, watch->stackfacts, &options, &pass);
	if (!r)
		r = pass_run(pass, &(struct pass_watcher){ watch_event, watch_closed, watch });
	for (size_t i = 0; i < watch->count && !r; i++)
		r = profiler_tell(watch->watched[i].profiler, &watch->watched[i].feeder.profile);
	pass_destroy(pass);
	return r;
}

/* What it comes to. */

static bool at_least(uint64_t part, uint64_t whole, uint64_t percent)
{
	return whole && part * 100 >= whole * percent;
}

/* A thread that always works, and wakes others all the while, starves nobody who happens to wait for it. */
static bool stopped_feeding(const struct feeder *feeder)
{
	uint64_t span_ns = feeder->longest.end_ns - feeder->longest.start_ns;
	double usual = (double)feeder->usual_wakeups / (double)(feeder->usual_span_ns + 1);

	return feeder->usual_wakeups && feeder->run_ns / TIMES_USUAL >= feeder->usual_run_ns &&
	       (double)feeder->wakeups * 100 <= usual * (double)span_ns * WORKS_PERCENT;
}

static enum feeder_did what_it_did(const struct watched *watched, bool fuse)
{
	const struct feeder *feeder = &watched->feeder;
	uint64_t span_ns = feeder->longest.end_ns - feeder->longest.start_ns;
	uint64_t ran_ns = feeder->state_ns[THREAD_RUNNING] + feeder->state_ns[THREAD_RUNNABLE];
	bool ran = at_least(ran_ns, span_ns, MOST_PERCENT);

	if (watched->stacks >= STACKS_LEAST && !at_least(feeder->state_ns[THREAD_UNKNOWN], span_ns, HALF_PERCENT) &&
	    at_least(watched->end_stacks, watched->stacks, MOST_PERCENT))
		return FEEDER_ENDED;
	if (feeder->longest.class == WAIT_CHILD)
		return FEEDER_IDLED; /* that a child works, and waits for what it needs, is its purpose */
	if (at_least(feeder->blocked_ns, span_ns, HALF_PERCENT) &&
	    !wait_class_idle(feeder->blocked_class))
		return FEEDER_WAITED;
	if (ran && (fuse || (at_least(feeder->run_ns, span_ns, MOST_PERCENT) &&
			     stopped_feeding(feeder))))
		return FEEDER_RAN;
	return fuse ? FEEDER_SLEPT : FEEDER_IDLED;
}

static void conclude(struct watch *watch, const struct usual *usual, struct feeder *ret_feeder)
{
	const struct fed_wait *waits;
	size_t count = usual_fed_waits(usual, &waits);

	for (size_t i = 0; i < watch->count; i++) {
		struct feeder *feeder = &watch->watched[i].feeder;

		run_end(&watch->watched[i]);
		feeder->usual_span_ns = watch->watched[i].observed_ns;
		feeder->did = what_it_did(&watch->watched[i], watch->fuse);
		if (feeder->did == FEEDER_IDLED || feeder->lost_ns <= ret_feeder->lost_ns)
			continue;
		feeder->asked = usual_asks(usual, feeder->thread, waits, count);
		feeder_free(ret_feeder);
		*ret_feeder = *feeder;
		feeder->victims = NULL;
		feeder->profile = (struct profile){ 0 };
	}
}

int feeder_find(struct source *source, struct stackfacts *stackfacts, const struct usual *usual,
		const struct stall *fuse, struct feeder *ret_feeder)
{
	struct feeder feeders[FEEDERS_MAX] = { 0 };
	struct watch watch = { .stackfacts = stackfacts, .fuse = fuse };
	const struct fed_wait *waits;
	size_t count = usual_fed_waits(usual, &waits);
	int r = 0;

	*ret_feeder = (struct feeder){ .did = FEEDER_IDLED };
	watch.count = candidates(waits, count, fuse, feeders);
	for (size_t i = 0; i < watch.count; i++)
		watch.watched[i].feeder = feeders[i];
	for (size_t i = 0; i < watch.count && !r; i++)
		r = prepare(&watch.watched[i], waits, count, fuse);
	if (!r && watch.count)
		r = read_again(&watch, source);
	if (!r)
		conclude(&watch, usual, ret_feeder);
	for (size_t i = 0; i < watch.count; i++) {
		profiler_destroy(watch.watched[i].profiler);
		free(watch.watched[i].spans);
		feeder_free(&watch.watched[i].feeder);
	}
	return r;
}

void feeder_free(struct feeder *feeder)
{
	free(feeder->victims);
	profile_free(&feeder->profile);
	*feeder = (struct feeder){ .did = FEEDER_IDLED };
}

/* Against a stall of other waits. */

bool feeder_explains(const struct feeder *feeder, const struct stall *stall,
		     const struct long_wait *waits, size_t count)
{
	uint64_t span_ns = feeder->longest.end_ns - feeder->longest.start_ns;
	uint64_t cpu_ns = 0, other_ns = 0;
	bool apart;

	if (feeder->did == FEEDER_IDLED)
		return false;
	for (size_t i = 0; i < count; i++) {
		if (waits[i].start_ns < stall->start_ns || waits[i].end_ns > stall->end_ns)
			continue;
		if (waits[i].class == WAIT_CPU_RUNQUEUE || waits[i].class == WAIT_CPU_THROTTLED)
			cpu_ns += waits[i].blocked_ns;
		else
			other_ns += waits[i].blocked_ns;
	}
	apart = stall->start_ns >= feeder->stall.end_ns || stall->end_ns <= feeder->stall.start_ns;
	if (!stall->found)
		return true;
	if (!apart && (feeder->did == FEEDER_WAITED ||
		       at_least(feeder->state_ns[THREAD_RUNNABLE], span_ns, MOST_PERCENT)))
		return false;
	/* Who waits for what hurts, is believed first. */
	return other_ns ? feeder->lost_ns > 2 * other_ns : feeder->lost_ns > cpu_ns;
}
