/* SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/activity/stall.h"

#include <errno.h>
#include <stdlib.h>

#include "analyzer/timeline/timeline.h"
#include "analyzer/util/span.h"

#define SAME_STALL_GAP_NS 100000000u
#define SAME_CAUSE_PART	  10u /* of the shorter one of two stalls of one cause: the gap between them is shorter */

static int compare_start(const void *left, const void *right)
{
	const struct long_wait *a = left, *b = right;

	if (a->start_ns != b->start_ns)
		return a->start_ns < b->start_ns ? -1 : 1;
	return (a->end_ns > b->end_ns) - (a->end_ns < b->end_ns);
}

static int compare_time(const void *left, const void *right)
{
	uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;

	return (a > b) - (a < b);
}

/* The most of @count waits that were open at one time. *@ret_error: 0 or -ENOMEM. */
static uint32_t count_most_open(const struct long_wait *waits, size_t count, int *ret_error)
{
	uint64_t *starts = calloc(count, sizeof(*starts));
	uint64_t *ends = calloc(count, sizeof(*ends));
	uint32_t open = 0, max = 0;

	*ret_error = starts && ends ? 0 : -ENOMEM;
	if (*ret_error)
		goto out;
	for (size_t i = 0; i < count; i++) {
		starts[i] = waits[i].start_ns;
		ends[i] = waits[i].end_ns;
	}
	qsort(starts, count, sizeof(*starts), compare_time);
	qsort(ends, count, sizeof(*ends), compare_time);
	for (size_t start = 0, end = 0; start < count; start++) {
		open++;
		for (; end < count && ends[end] <= starts[start]; end++)
			open--;
		if (open > max)
			max = open;
	}
out:
	free(starts);
	free(ends);
	return max;
}

/* @wait ends last, as far as seen yet. Of waits that end at once those count whose end is sure. */
static void note_end(struct stall *stall, const struct long_wait *wait)
{
	bool is_later = wait->end_ns > stall->end_ns;
	bool lost = wait->flags & INTERVAL_END_LOST, doubtful = wait->flags & INTERVAL_DOUBTFUL;

	stall->end_lost = lost && (is_later || stall->end_lost);
	stall->end_doubtful = doubtful && (is_later || stall->end_doubtful);
	stall->end_ns = wait->end_ns;
}

/* Whether @wait is for the same as @last, which ended @stall, and comes so soon after it that what froze it had only
 * paused: a limit of CPU time lets go for a moment in each period. */
static bool resumes_stall(const struct stall *stall, const struct long_wait *last,
			  const struct long_wait *wait)
{
	uint64_t shorter_ns = earlier(stall->end_ns - stall->start_ns, wait->end_ns - wait->start_ns);

	return wait->class == last->class &&
	       (wait->start_ns - stall->end_ns) * SAME_CAUSE_PART < shorter_ns;
}

/* Number of waits, from the first of @waits, that make one stall. */
static size_t cluster_waits(const struct long_wait *waits, size_t count, uint64_t long_ns,
			    struct stall *ret_stall, uint64_t *ret_lost_ns)
{
	struct stall stall = { .found = true, .start_ns = waits[0].start_ns, .long_ns = long_ns };
	/* Where short waits count, a pause as long as they are is none of theirs. */
	uint64_t gap_ns = earlier(long_ns / 2, SAME_STALL_GAP_NS);
	const struct long_wait *last = waits;
	uint64_t lost_ns = 0;
	size_t i;

	for (i = 0; i < count; i++) {
		if (i && waits[i].start_ns > stall.end_ns + gap_ns &&
		    !resumes_stall(&stall, last, &waits[i]))
			break;
		if (waits[i].end_ns >= stall.end_ns) {
			note_end(&stall, &waits[i]);
			last = &waits[i];
		}
		lost_ns += waits[i].blocked_ns;
		stall.began_before |= !!(waits[i].flags & INTERVAL_BEGAN_BEFORE);
		stall.still_open |= !!(waits[i].flags & INTERVAL_STILL_OPEN);
	}
	*ret_stall = stall;
	*ret_lost_ns = lost_ns;
	return i;
}

static struct stall_span span_of(const struct stall *stall)
{
	return (struct stall_span){
		.start_ns = stall->start_ns,
		.end_ns = stall->end_ns,
		.threads_max = stall->threads_max,
		.began_before = stall->began_before,
		.still_open = stall->still_open,
		.end_lost = stall->end_lost,
		.end_doubtful = stall->end_doubtful,
	};
}

struct stall stall_of_span(const struct stall *among, const struct stall_span *span)
{
	return (struct stall){
		.found = true,
		.start_ns = span->start_ns,
		.end_ns = span->end_ns,
		.threads_max = span->threads_max,
		.began_before = span->began_before,
		.still_open = span->still_open,
		.end_lost = span->end_lost,
		.end_doubtful = span->end_doubtful,
		.long_ns = among->long_ns,
	};
}

/* Which stall is the worst one of those that end after @since_ns, and the others beside it. */
static int find_worst(const struct long_wait *sorted, size_t count, uint64_t long_ns,
		      const struct trigger_window *window, uint64_t since_ns,
		      struct stall *ret_stall)
{
	struct stall worst = { .found = false }, stall;
	struct stall_span spans[STALL_OTHERS_MAX + 1];
	uint64_t lost_ns;
	double worst_weight = 0, weight;
	uint32_t stalls = 0;
	size_t used, kept = 0;
	int r = 0;

	for (size_t i = 0; i < count; i += used) {
		used = cluster_waits(sorted + i, count - i, long_ns, &stall, &lost_ns);
		weight = (double)lost_ns *
			 trigger_nearness(window, stall.start_ns, stall.end_ns);
		bool is_worst = weight > worst_weight && stall.end_ns >= since_ns;
		if (is_worst || stalls < STALL_OTHERS_MAX + 1)
			stall.threads_max = count_most_open(sorted + i, used, &r);
		if (r)
			return r;
		if (stalls < STALL_OTHERS_MAX + 1)
			spans[stalls] = span_of(&stall);
		stalls++;
		if (!is_worst)
			continue;
		worst = stall;
		worst_weight = weight;
	}
	for (size_t i = 0; i < stalls && i < STALL_OTHERS_MAX + 1 && kept < STALL_OTHERS_MAX; i++)
		if (spans[i].start_ns != worst.start_ns)
			worst.other[kept++] = spans[i];
	worst.others = stalls ? stalls - 1 : 0;
	*ret_stall = worst;
	return 0;
}

/* It was there before the recording, and was so still when that ended. */
static bool fills_recording(const struct long_wait *wait)
{
	const unsigned int all_along = INTERVAL_BEGAN_BEFORE | INTERVAL_STILL_OPEN;

	return (wait->flags & all_along) == all_along;
}

/* The waits for a CPU, or all others; @standing: those that filled the whole recording, too.
 * Return: how many. */
static size_t select_waits(const struct long_wait *waits, size_t count, bool cpu, bool standing,
			   struct long_wait *ret_sorted)
{
	size_t taken = 0;

	for (size_t i = 0; i < count; i++)
		if (wait_class_cpu(waits[i].class) == cpu && (standing || !fills_recording(&waits[i])))
			ret_sorted[taken++] = waits[i];
	qsort(ret_sorted, taken, sizeof(*ret_sorted), compare_start);
	return taken;
}

int stall_find(const struct long_wait *waits, size_t count, uint64_t long_ns,
	       const struct trigger_window *window, struct stall *ret_stall)
{
	uint64_t since_ns = window->about_ns;
	struct long_wait *sorted = calloc(count + 1, sizeof(*sorted));
	int r = 0;

	*ret_stall = (struct stall){ .found = false };
	if (!sorted)
		return -ENOMEM;
	for (int apart = 0; apart < (since_ns ? 2 : 1); apart++) {
		for (int way = 0; way < 4 && !ret_stall->found && !r; way++) {
			size_t taken = select_waits(waits, count, way & 1, way & 2, sorted);

			r = find_worst(sorted, taken, long_ns, window, apart ? 0 : since_ns,
				       ret_stall);
			ret_stall->apart = ret_stall->found && apart;
		}
	}
	free(sorted);
	return r;
}

void stall_replace(struct stall *stall, const struct stall *worst)
{
	const struct stall_span span = span_of(stall);
	struct stall replaced = *worst;
	uint32_t from = 0, to = 0, known = stall->others;
	bool left = stall->found &&
		    (worst->start_ns >= stall->end_ns || worst->end_ns <= stall->start_ns);
	bool counts = left;

	if (known > STALL_OTHERS_MAX)
		known = STALL_OTHERS_MAX;
	while (to < STALL_OTHERS_MAX && (left || from < known)) {
		if (left && (from == known || span.start_ns < stall->other[from].start_ns)) {
			replaced.other[to++] = span;
			left = false;
		} else {
			replaced.other[to++] = stall->other[from++];
		}
	}
	replaced.others = stall->others + counts;
	if (stall->found && !counts && stall->threads_max > replaced.threads_max)
		replaced.threads_max = stall->threads_max;
	*stall = replaced;
}
