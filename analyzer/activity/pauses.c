/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/pauses.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analyzer/activity/wake_root.h"
#include "analyzer/util/array.h"
#include "analyzer/util/span.h"

/* With more pauses in that place that are a fifth as long, it is used to them. */
#define LIKE_MOST 2u
#define LIKE_PART 5u

/* Slices of one pause: a quarter of a slice is the most that it runs between two, and none is much shorter than another;
 * that one is longer may be want of a CPU. */
#define BETWEEN_PART	4u
#define SHORTER_PERCENT 70u
#define LONGER_TIMES	4u /* nor do they grow faster than who backs off lets them */
#define SLICE_LEAST_NS	500000u
#define SLICES_ALIKE	14u /* tenths: slices of another length are another way of polling, ... */
#define SLICES_OTHER	3u  /* ... from so many in a row on */

/* More than that of time in which nothing is known ends a pause; it goes on if it begins anew so soon after. */
#define UNKNOWN_MOST_NS 20000000u
#define GOES_ON_NS	100000000u

/* A place where less than a tenth of a thread's other waits are, is not where it waits as a rule. */
#define NOVEL_PART     10u
#define KNOWN_LEAST    5u
#define PLACES	       16u
#define CANDIDATES_MAX 256u

struct place {
	enum wait_class class;
	uint32_t operation_id;
};

struct place_count {
	struct place place;
	uint64_t waits;
};

/* One pause, before it is known whether it is unusual. */
struct run {
	bool open;
	struct pause pause;
	struct pause tail, before; /* the last slices, if they are alike and longer; and the pause without them */
	struct place place;
	uint64_t last_ns; /* length of the last slice */
	uint64_t ran_ns; /* since */
};

struct scan {
	const struct observations *observations;
	uint64_t long_ns;
	struct thread *thread;
	struct run run;
	struct thread_pace pace;
	struct place_count places[PLACES];
	size_t place_count;
	uint64_t known_waits; /* those in places */
	struct run *found;
	size_t found_count, found_room;
};

void pauses_free(struct pauses *pauses)
{
	free(pauses->list);
	per_thread_free(&pauses->paces);
	*pauses = (struct pauses){ 0 };
}

static bool is_same_place(const struct place *a, const struct place *b)
{
	return a->class == b->class && a->operation_id == b->operation_id;
}

static bool is_known(const struct place *place)
{
	return place->operation_id || place->class != WAIT_UNKNOWN;
}

static int find_place(const struct scan *scan, const struct history_interval *interval,
		      struct place *ret_place)
{
	const struct stack_info *info =
		stack_infos_get(scan->observations->stack_infos, interval->stack_id);

	if (!info)
		return -ENOMEM;
	*ret_place = (struct place){ (enum wait_class)interval->class, info->operation_id };
	return 0;
}

static uint64_t count_waits(const struct history_interval *interval)
{
	return interval->merged ? interval->merged : 1;
}

static void count_place(struct scan *scan, const struct place *place, uint64_t waits)
{
	size_t i = 0;

	if (!is_known(place))
		return;
	scan->known_waits += waits;
	while (i < scan->place_count && !is_same_place(&scan->places[i].place, place))
		i++;
	if (i == PLACES)
		return;
	scan->place_count += i == scan->place_count;
	scan->places[i].place = *place;
	scan->places[i].waits += waits;
}

static int close_run(struct scan *scan)
{
	struct run *run = &scan->run;

	if (!run->open)
		return 0;
	run->open = false;
	if (run->pause.end_ns - run->pause.start_ns < scan->long_ns ||
	    scan->found_count == CANDIDATES_MAX)
		return 0;
	if (array_grow(scan->found, scan->found_count, scan->found_room))
		return -ENOMEM;
	scan->found[scan->found_count++] = *run;
	return 0;
}

/* Whether a timer ended the last slice. Where no stack tells, sleeps of one length in a row are timed; @ns: of the
 * next one. */
static bool is_timed(const struct scan *scan, uint64_t ns)
{
	const struct history_interval *last = &scan->run.pause.last;
	enum wake_end end;

	if (last->direction == DIRECTION_SLEEPS)
		return true;
	end = wake_root_end(scan->observations->history, scan->observations->stack_infos, last);
	return end == WAKE_TIMER ||
	       (end == WAKE_OUTSIDE && last->waker_stack_id == STACK_NONE &&
		ns * 10 <= scan->run.last_ns * 11 && ns * 11 >= scan->run.last_ns * 10);
}

/* Whether @interval goes on with what the thread has been at: polling, or waiting with a time limit. */
static bool is_slice(const struct scan *scan, const struct history_interval *interval,
		     const struct place *place)
{
	const struct run *run = &scan->run;
	uint64_t ns = interval->end_ns - interval->start_ns;

	if (!run->open || interval->merged || ns < SLICE_LEAST_NS)
		return false;
	if (is_known(place) && is_known(&run->place) && !is_same_place(place, &run->place))
		return false;
	if (run->ran_ns > ns / BETWEEN_PART)
		return false;
	return (interval->flags & INTERVAL_STILL_OPEN ||
		ns * 100 >= run->pause.slice_ns * SHORTER_PERCENT) &&
	       ns <= run->last_ns * LONGER_TIMES && is_timed(scan, ns);
}

static void extend_pause(struct pause *pause, const struct history_interval *interval)
{
	pause->end_ns = interval->end_ns;
	pause->sleeps++;
	pause->slice_ns = earlier(pause->slice_ns, interval->end_ns - interval->start_ns);
	pause->flags |= interval->flags;
	pause->last = *interval;
}

static struct pause begin_pause(const struct scan *scan, const struct history_interval *interval)
{
	return (struct pause){
		.thread = scan->thread,
		.class = (enum wait_class)interval->class,
		.direction = interval->direction,
		.stack_id = interval->stack_id,
		.start_ns = interval->start_ns,
		.end_ns = interval->end_ns,
		.sleeps = 1,
		.slice_ns = interval->end_ns - interval->start_ns,
		.flags = interval->flags,
		.last = *interval,
	};
}

static void begin_run(struct scan *scan, const struct pause *pause, const struct place *place)
{
	scan->run = (struct run){ .open = true, .place = *place, .pause = *pause };
}

static bool is_alike(uint64_t a_ns, uint64_t b_ns)
{
	return a_ns * SLICES_ALIKE >= b_ns * 10 && b_ns * SLICES_ALIKE >= a_ns * 10;
}

/* Who rested, and polls now, may do both in one call: several slices of one length that is longer are another pause. */
static int extend_run(struct scan *scan, const struct history_interval *interval,
		      const struct place *place)
{
	struct run *run = &scan->run;
	uint64_t ns = interval->end_ns - interval->start_ns;
	int r;

	if (!is_known(&run->place) && is_known(place)) {
		run->place = *place;
		run->pause.class = (enum wait_class)interval->class;
		run->pause.direction = interval->direction;
		run->pause.stack_id = interval->stack_id;
	}
	if (ns <= run->pause.slice_ns || is_alike(ns, run->pause.slice_ns)) {
		run->tail.sleeps = 0;
	} else if (run->tail.sleeps && is_alike(ns, run->tail.slice_ns)) {
		extend_pause(&run->tail, interval);
	} else {
		run->before = run->pause;
		run->tail = begin_pause(scan, interval);
	}
	if (run->tail.sleeps == SLICES_OTHER) {
		struct pause tail = run->tail;
		struct place same = run->place;

		run->pause = run->before;
		r = close_run(scan);
		begin_run(scan, &tail, &same);
		return r;
	}
	extend_pause(&run->pause, interval);
	return 0;
}

static int add_wait(struct scan *scan, const struct history_interval *interval)
{
	struct place place;
	int r = find_place(scan, interval, &place);

	if (r)
		return r;
	scan->pace.waits += count_waits(interval);
	count_place(scan, &place, count_waits(interval));
	if (!wait_direction_idle(interval->direction) || interval->merged)
		return close_run(scan);
	if (is_slice(scan, interval, &place)) {
		r = extend_run(scan, interval, &place);
	} else {
		struct pause pause = begin_pause(scan, interval);

		r = close_run(scan);
		begin_run(scan, &pause, &place);
	}
	scan->run.last_ns = interval->end_ns - interval->start_ns;
	scan->run.ran_ns = 0;
	return r;
}

static int add_interval(struct scan *scan, const struct history_interval *interval)
{
	uint64_t ns = interval->end_ns - interval->start_ns;

	if (interval->state == THREAD_UNKNOWN)
		return ns > UNKNOWN_MOST_NS ? close_run(scan) : 0;
	scan->pace.observed_ns += ns;
	if (interval->state == THREAD_BLOCKED)
		return add_wait(scan, interval);
	if (interval->state == THREAD_RUNNING)
		scan->run.ran_ns += ns;
	return 0;
}

/* Whether the two are the like of each other, for a thread that may be used to them. */
static bool is_like(const struct run *run, const struct run *other)
{
	uint64_t ns = run->pause.end_ns - run->pause.start_ns;
	uint64_t a = run->pause.slice_ns, b = other->pause.slice_ns;

	if (!is_same_place(&run->place, &other->place) ||
	    (other->pause.end_ns - other->pause.start_ns) * LIKE_PART < ns)
		return false;
	if ((run->pause.sleeps > 1) != (other->pause.sleeps > 1))
		return false;
	if (run->pause.sleeps > 1 &&
	    (run->pause.start_ns < other->pause.start_ns
		     ? other->pause.start_ns < run->pause.end_ns + GOES_ON_NS
		     : run->pause.start_ns < other->pause.end_ns + GOES_ON_NS))
		return false; /* it is the same one */
	return run->pause.sleeps == 1 || is_alike(a, b);
}

static size_t count_like(const struct scan *scan, const struct run *run)
{
	size_t count = 0;

	for (size_t i = 0; i < scan->found_count; i++)
		count += &scan->found[i] != run && is_like(run, &scan->found[i]);
	return count;
}

static bool is_novel(const struct scan *scan, const struct run *run)
{
	uint64_t own = run->pause.sleeps, in_place = 0;

	for (size_t i = 0; i < scan->place_count; i++)
		if (is_same_place(&scan->places[i].place, &run->place))
			in_place = scan->places[i].waits;
	if (!is_known(&run->place) || scan->known_waits < own + KNOWN_LEAST)
		return false;
	in_place -= earlier(own, in_place);
	return in_place * NOVEL_PART < scan->known_waits - own;
}

/* What the thread polls at when the recording starts or ends, it may always poll at. */
static bool is_unbounded(const struct run *run)
{
	const unsigned int all_along = INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN;
	unsigned int flags = run->pause.flags;

	if ((flags & all_along) == all_along)
		return true;
	/* Where nothing tells what it did, it may have done many things. */
	return run->pause.sleeps > 1 && (flags & all_along || !is_known(&run->place));
}

static uint64_t expect_waits(const struct thread_pace *pace, uint64_t pause_ns, uint64_t sleeps,
			     uint64_t span_ns)
{
	uint64_t outside_ns = pace->observed_ns - earlier(pause_ns, pace->observed_ns);
	uint64_t waits = pace->waits - earlier(sleeps, pace->waits);

	return outside_ns ? (uint64_t)((double)waits / (double)outside_ns * (double)span_ns) : 0;
}

static int keep_unusual(struct scan *scan, struct pauses *pauses)
{
	for (size_t i = 0; i < scan->found_count; i++) {
		struct run *run = &scan->found[i];
		struct pause *pause = &run->pause;
		uint64_t ns = pause->end_ns - pause->start_ns;

		pause->expected = expect_waits(&scan->pace, ns, pause->sleeps, ns);
		pause->novel = is_novel(scan, run);
		/* Who polls at other times, too, does so as a rule. */
		if (is_unbounded(run) || !pause->expected ||
		    count_like(scan, run) > (pause->sleeps > 1 ? 0 : LIKE_MOST))
			continue;
		if (array_grow(pauses->list, pauses->count, pauses->room))
			return -ENOMEM;
		pauses->list[pauses->count++] = *pause;
	}
	return 0;
}

static int scan_thread(struct scan *scan, struct pauses *pauses)
{
	const struct history_interval *intervals;
	size_t count = history_intervals(scan->observations->history, scan->thread, &intervals);
	struct thread_pace *pace;
	int r = 0;

	for (size_t i = 0; i < count && !r; i++)
		r = add_interval(scan, &intervals[i]);
	if (!r)
		r = close_run(scan);
	if (!r && scan->pace.waits) {
		pace = per_thread_get(&pauses->paces, scan->thread);
		if (!pace)
			return -ENOMEM;
		*pace = scan->pace;
	}
	return r ? r : keep_unusual(scan, pauses);
}

int pauses_find(const struct observations *observations, uint64_t long_ns,
		struct pauses *ret_pauses)
{
	const struct threads *threads = source_threads(observations->source);
	struct run *found = NULL;
	size_t found_room = 0;
	int r = 0;

	*ret_pauses = (struct pauses){ .paces.entry_bytes = sizeof(struct thread_pace) };
	for (size_t i = 0; i < threads_count(threads) && !r; i++) {
		struct scan scan = { .observations = observations,
				     .long_ns = long_ns,
				     .thread = threads_at(threads, i),
				     .found = found,
				     .found_room = found_room };

		if (scan.thread->idle_task || scan.thread->silent)
			continue;
		r = scan_thread(&scan, ret_pauses);
		found = scan.found;
		found_room = scan.found_room;
	}
	free(found);
	return r;
}

uint64_t pauses_expected(const struct pauses *pauses, const struct thread *thread,
			 uint64_t span_ns)
{
	const struct thread_pace *pace = per_thread_find(&pauses->paces, thread);

	return pace ? expect_waits(pace, 0, 0, span_ns) : 0;
}
